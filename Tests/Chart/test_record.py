"""No way to install, upgrade, roll back or remove the chart empties the record of a run, or turns it back (C7)."""

import shlex
import shutil

import pytest
import yaml

from api_server import Cluster
from documentation import Document
from helm import CHART, ENABLED, merged
from processes import ROOT

RECORD = ("configmaps", "kyma-system", "sc-recorded-etcd-backup-data")
CRON_JOB = ("cronjobs", "kyma-system", "backup-etcd-backup")
PATH = "abs-backup-file-path-from-last-success"
CHANGES = {"commonLabels": {"team": "storage"}, "backupApp": {"cronJobSchedule": "@hourly"}}

# How helm can be told to write: each with a plain change of values.
UPGRADES = {
    "3": [[], ["--force"], ["--reset-values"], ["--reuse-values"], ["--take-ownership"], ["--force", "--atomic"]],
    "4": [
        [], ["--force-replace", "--server-side=false"], ["--server-side=true"], ["--server-side=false"],
        ["--server-side=true", "--force-conflicts"], ["--reuse-values"], ["--take-ownership"],
    ],
}  # fmt: skip
ROLLBACKS = {
    "3": [[], ["--force"]],
    "4": [[], ["--force-replace", "--server-side=false"], ["--server-side=true", "--force-conflicts"]],
}


class World:
    """A cluster, the chart as it is and as 1.0.0 had it, and the runs between the operator's commands."""

    def __init__(self, helm, cluster, folder):
        self.helm, self.cluster, self.folder = helm, cluster, folder
        self.runs = 0
        self.former = folder / "former"
        shutil.copytree(CHART, self.former)
        shutil.copy(ROOT / "Tests/Chart/former_configmap.tpl", self.former / "templates" / "configmap.yaml")

    def run(self):
        """A run records its backup, as the program does: a merge patch, or a POST where there is nothing to patch."""
        self.runs += 1
        data = {PATH: f"etcd-backups/service-catalog/{self.runs}"}
        place = "/api/v1/namespaces/kyma-system/configmaps"
        headers = {"Content-Type": "application/merge-patch+json", "User-Agent": "etcd-backup/1"}
        if RECORD in self.cluster.objects:
            self.cluster.respond("PATCH", f"{place}/{RECORD[2]}", {}, headers, {"data": data})
        else:
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": RECORD[2]}, "data": data}
            self.cluster.respond("POST", place, {}, headers, body)

    def values(self, changes):
        file = self.folder / "values.yaml"
        file.write_text(yaml.safe_dump(merged(ENABLED, changes or {})))
        return ["--values", file]

    def do(self, verb, *options, chart=CHART, changes=None, expect=0):
        """One command of helm on the release `backup`."""
        more = []
        if verb in ("install", "upgrade"):
            more = [chart, *self.values(changes), "--disable-openapi-validation"]
        done = self.helm.run(
            verb, "backup", *more, *options, "--namespace", "kyma-system", "--kube-apiserver", self.cluster.url,
            HELM_CACHE_HOME=self.folder / "cache",
        )  # fmt: skip
        assert expect is None or done.returncode == expect, done.stderr
        return done

    def apply(self, *options, chart=CHART, changes=None, **environment):
        """`helm template | kubectl apply`, as GitOps tools do it too."""
        manifest = self.folder / "manifest.yaml"
        manifest.write_text(self.helm.template(merged(ENABLED, changes or {}), chart=chart))
        done = self.helm.kubectl(
            "apply", "--namespace=kyma-system", f"--server={self.cluster.url}", f"--filename={manifest}",
            f"--cache-dir={self.folder / 'kube'}", "--validate=false", *options, **environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def record(self):
        return self.cluster.objects.get(RECORD, {}).get("data")

    @property
    def is_whole(self):
        """The record says what the last run wrote."""
        return self.record == {PATH: f"etcd-backups/service-catalog/{self.runs}"}


@pytest.fixture
def world(helm, tmp_path):
    with Cluster() as cluster:
        yield World(helm, cluster, tmp_path)


def ways(table):
    return pytest.mark.parametrize("way", range(max(map(len, table.values()))))


@pytest.fixture
def options(world, request, way):
    """The command line of one way, where this helm has as many."""
    table = request.node.get_closest_marker("options").args[0][world.helm.major]
    if way >= len(table):
        pytest.skip("the other helm has one way more")
    return table[way]


@pytest.mark.parametrize("chart", ["now", "former"])
@ways(UPGRADES)
@pytest.mark.options(UPGRADES)
def test_c7_every_kind_of_upgrade_leaves_the_record(world, options, chart):
    """The former chart's release owns the ConfigMap; it stays for whichever way the new chart comes."""
    world.do("install", chart=CHART if chart == "now" else world.former)
    world.run()
    world.do("upgrade", *options, changes=CHANGES)
    assert world.is_whole
    world.run()
    world.do("upgrade", *options)
    assert world.is_whole


@ways(ROLLBACKS)
@pytest.mark.options(ROLLBACKS)
def test_c7_a_rollback_does_not_turn_the_record_back(world, options):
    world.do("install")
    world.run()
    world.do("upgrade", changes=CHANGES)
    world.run()
    world.do("rollback", "1", *options)
    assert world.is_whole


@ways(ROLLBACKS)
@pytest.mark.options(ROLLBACKS)
def test_c7_a_rollback_to_the_former_chart_leaves_the_record_too(world, options):
    world.do("install", chart=world.former)
    world.run()
    world.do("upgrade")
    world.run()
    assert "sc-recorded-etcd-backup-data" in world.do("rollback", "1", *options, expect=1).stderr
    assert world.is_whole
    world.do("upgrade", chart=world.former)  # what the README says instead
    assert world.is_whole


def test_c7_uninstall_keeps_the_record_and_a_new_release_goes_on_with_it(world):
    world.do("install")
    world.run()
    world.do("uninstall")
    assert world.is_whole and CRON_JOB not in world.cluster.objects
    world.do("install")
    assert world.is_whole
    world.run()
    assert world.is_whole


def test_c7_uninstall_of_a_release_that_the_former_chart_began_keeps_the_record(world):
    world.do("install", chart=world.former)
    world.run()
    world.do("upgrade")
    world.do("uninstall")
    assert world.is_whole


APPLIES = {
    "client": [],
    "client, pruning by label": ["--prune", "--selector=app.kubernetes.io/instance=backup"],
    "client, pruning all": ["--prune", "--all"],
    "server": ["--server-side"],
    "server, by force": ["--server-side", "--force-conflicts"],
}


@pytest.mark.parametrize("how", APPLIES)
def test_c7_an_apply_of_the_manifest_leaves_the_record(world, how):
    kinds = ["core/v1/ConfigMap", "core/v1/Secret", "batch/v1/CronJob"] if "pruning" in how else []
    flags = [*APPLIES[how], *(f"--prune-allowlist={kind}" for kind in kinds)]
    world.apply(*flags)
    world.run()
    world.apply(*flags)
    assert world.is_whole
    world.run()
    world.apply(*flags, changes=CHANGES)
    assert world.is_whole and world.cluster.objects[CRON_JOB]["spec"]["schedule"] == "@hourly"


def test_c7_an_apply_set_that_prunes_leaves_the_record(world):
    flags = ["--server-side", "--prune", "--applyset=configmaps/everything"]
    world.apply(*flags, KUBECTL_APPLYSET="true")
    world.run()
    world.apply(*flags, changes=CHANGES, KUBECTL_APPLYSET="true")
    assert world.is_whole


def test_c7_nothing_that_is_rendered_is_the_record(helm):
    everything = yaml.safe_load((CHART / "ci" / "everything-values.yaml").read_text())
    names = [each["metadata"]["name"] for each in yaml.safe_load_all(helm.template(everything))
             if each["kind"] == "ConfigMap"]  # fmt: skip
    assert sorted(names) == ["backup-more", "etcd-saver-dashboard", "etcd-saver-text"]


[DISOWN] = Document("chart/README.md").blocks("## What it installs")
PRUNING = {
    "by label": (["--prune", "--selector=app.kubernetes.io/instance=backup", "--prune-allowlist=core/v1/ConfigMap"], ""),
    "an apply set": (["--server-side", "--prune", "--applyset=configmaps/everything"], "true"),
}


@pytest.mark.parametrize("how", PRUNING)
@pytest.mark.parametrize("is_disowned", [True, False])
def test_c7_pruning_keeps_a_record_that_an_earlier_manifest_owned_where_the_readme_was_followed(
    world, how, is_disowned
):
    flags, sets = PRUNING[how]
    world.apply(*flags, chart=world.former, KUBECTL_APPLYSET=sets)
    world.run()
    for line in DISOWN.splitlines() if is_disowned else []:
        done = world.helm.kubectl(*shlex.split(line)[1:], f"--server={world.cluster.url}")
        assert done.returncode == 0, done.stderr
    world.apply(*flags, KUBECTL_APPLYSET=sets)
    assert world.is_whole is is_disowned
