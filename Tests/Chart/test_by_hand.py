"""The commands of the documents, run as they stand there: in bash, with the real helm and kubectl."""

import base64
import json
import os
import re
import subprocess

import pytest

from admission import with_defaults_of_a_pod
from api_server import Cluster
from documentation import Document
from installation import OPERATOR, Installation
from processes import ROOT
from sandbox import Sandbox

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a pod its user and its root file system")

OPERATIONS = Document("docs/operations.md")
BACK_UP, LAST_SUCCESS, LAST_RUNS = OPERATIONS.blocks("## Run one by hand")
[IN_THE_CLUSTER] = OPERATIONS.blocks("## check, list and verify in the cluster")
OWN_KEY, CHARTS_KEY = OPERATIONS.blocks("## Rotate keys and certificates")
[INSTALL] = Document("README.md").blocks("## Install")
[VALUES] = re.findall(r"^```yaml\n(.*?)^```", Document("README.md").chapter("## Install"), re.MULTILINE | re.DOTALL)
[INSTALL_WITH_KEY] = Document("chart/README.md").blocks("## Install")
[DELETE_OLD_SCHEDULE] = Document("docs/upgrade-from-kyma.md").blocks("## With the chart")


@pytest.fixture
def installation(helm4, etcd, tmp_path):
    with (
        Sandbox(state=tmp_path / "sandbox") as sandbox,
        Installation(helm4, sandbox, etcd, tmp_path, release="etcd-backup") as installation,
    ):
        yield installation


@pytest.fixture
def cluster(installation):
    """The API server of that installation, where pods take their time to start."""
    installation.plane.starts_once_its_log_was_refused = True
    return installation.plane


# The stand-in of the API server has no schemas, and knows JSON only where kubectl would rather send protobuf.
KUBECTL = """#!/bin/sh
kubectl="{folder}/kubectl {access}"
case "$*" in
  *--dry-run*) exec $kubectl "$@" ;;
  "create job "* | "create secret "*)
    $kubectl "$@" --dry-run=client --output=json | $kubectl create --validate=false --filename=- ;;
  "replace --filename=-") exec $kubectl "$@" --validate=false ;;
  *) exec $kubectl "$@" ;;
esac
"""
HELM = """#!/bin/sh
exec {folder}/helm "$@" {helms_access} --disable-openapi-validation
"""
DOCKER = """#!/bin/sh
echo "$@" >>"$HOME/docker"
"""


class Shell:
    """A workstation with helm, kubectl and the project's folder."""

    def __init__(self, helm, cluster, folder, token=None):
        access, helms_access = f"--server={cluster.url}", f"--kube-apiserver {cluster.url}"
        if token:
            access += f" --certificate-authority={cluster.pki / 'ca.crt'} --token={token}"
            helms_access += f" --kube-ca-file {cluster.pki / 'ca.crt'} --kube-token {token}"
        self.folder = folder / "workstation"
        tools = self.folder / "bin"
        tools.mkdir(parents=True)
        for name, script in {"kubectl": KUBECTL, "helm": HELM, "docker": DOCKER}.items():
            tool = tools / name
            tool.write_text(script.format(folder=helm.program.parent, access=access, helms_access=helms_access))
            tool.chmod(0o755)
        (self.folder / "chart").symlink_to(ROOT / "chart")
        self.environment = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(self.folder), "GIT_DIR": str(ROOT / ".git")}

    def __call__(self, block):
        """Runs a block; gives back what it printed."""
        done = subprocess.run(
            ["bash", "-ec", "set -o pipefail\n" + block], env=self.environment, cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture
def shell(cluster, helm4, tmp_path):
    return Shell(helm4, cluster, tmp_path, OPERATOR)


def jobs_of(cluster):
    return [item for (plural, _, _), item in cluster.objects.items() if plural == "jobs"]


def test_a_run_is_followed_to_its_end_and_is_one_of_the_cron_jobs(shell, cluster, installation):
    printed = shell(BACK_UP)
    assert "waiting to start: ContainerCreating" in printed
    assert installation.recorded_path in printed and '"msg":"run finished"' in printed, printed
    [job] = jobs_of(cluster)
    [owner] = job["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("CronJob", "etcd-backup", True)
    assert job["spec"]["template"]["spec"] == with_defaults_of_a_pod(installation.objects.pod, "")


def test_a_run_that_fails_is_followed_to_its_end_as_well(shell, installation):
    installation.allow([])
    assert "is not allowed" in shell(BACK_UP)


def test_a_check_in_the_cluster_takes_two_lines_belongs_to_no_job_and_takes_no_backup(shell, cluster, installation):
    assert len(IN_THE_CLUSTER.splitlines()) == 2
    printed = shell(IN_THE_CLUSTER)
    assert "waiting to start: ContainerCreating" in printed
    assert re.search("^pass  ", printed, re.MULTILINE) and not re.search("^fail  ", printed, re.MULTILINE), printed
    [pod] = [body for method, plural, body in cluster.writes if (method, plural) == ("POST", "pods")]
    template = installation.objects.job["template"]
    assert "ownerReferences" not in pod["metadata"]
    assert pod["metadata"]["annotations"].items() >= template["metadata"]["annotations"].items()
    assert pod["metadata"]["labels"].items() >= template["metadata"]["labels"].items()
    [container] = pod["spec"]["containers"]
    assert container.pop("args") == ["check"]
    assert {**pod["spec"], "dnsPolicy": None} == {**installation.objects.pod, "dnsPolicy": None}
    assert jobs_of(cluster) == [] and installation.record is None
    assert not [key for key in cluster.objects if key[0] == "pods"], "the pod is deleted"


@pytest.mark.parametrize("command", ["list", "verify --all", "retention"])
def test_any_command_runs_in_the_cluster_in_the_place_of_check(shell, installation, command):
    shell(BACK_UP)
    block = IN_THE_CLUSTER.replace("-- check\n", f"-- {command}\n")
    assert block != IN_THE_CLUSTER
    assert installation.recorded_path.rpartition("/")[2] in shell(block)


def test_the_last_success_and_the_ends_of_the_last_runs_are_shown(shell, installation):
    shell(BACK_UP)
    assert json.loads(shell(LAST_SUCCESS)) == installation.record
    assert json.loads(shell(LAST_RUNS))["path"] == installation.recorded_path


def test_the_notes_of_an_installation_say_the_same_as_the_documents(cluster, helm4, installation, tmp_path):
    values = tmp_path / "values.yaml"  # which the installation has rendered
    done = helm4.run(
        "install", "etcd-backup", ROOT / "chart", "--namespace", "kyma-system", "--values", values,
        "--kube-apiserver", cluster.url, "--dry-run=client",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    commands = re.findall(r"^  (\S.*)\n", done.stdout.partition("\nNOTES:\n")[2], re.MULTILINE)
    assert commands == (BACK_UP + LAST_SUCCESS).splitlines()


# Installing and changing


@pytest.fixture
def empty(helm4, tmp_path):
    """A namespace without anything, and a workstation beside it."""
    with Cluster() as cluster:
        shell = Shell(helm4, cluster, tmp_path)
        (shell.folder / "FILE").write_text("bmV3IGtleQ==\n")
        yield cluster, shell


def stored_key(cluster, secret):
    return base64.b64decode(cluster.objects[("secrets", "kyma-system", secret)]["data"]["storage-key"]).decode().strip()


def test_the_install_of_the_readme_takes_five_lines_and_its_values(empty):
    cluster, shell = empty
    assert len(INSTALL.splitlines()) == 5
    (shell.folder / "my-values.yaml").write_text(VALUES)
    shell(INSTALL)
    build, push = (shell.folder / "docker").read_text().splitlines()
    dockerfile = (ROOT / "Dockerfile").read_text()
    for argument in re.findall(r"--build-arg (\w+)=", build):
        assert f"\nARG {argument}\n" in dockerfile
    assert re.fullmatch(r"build --tag (\S+) .* --build-arg REVISION=[0-9a-f]{40} \.", build)[1] == push.removeprefix("push ")
    [container] = cluster.objects[("cronjobs", "kyma-system", "etcd-backup")]["spec"]["jobTemplate"]["spec"]["template"][
        "spec"]["containers"]  # fmt: skip
    assert container["image"] == push.removeprefix("push ")
    environment = {each["name"]: each.get("value") for each in container["env"]}
    assert environment["APP_ABS_SECRET_NAME"] == "my-storage-account"
    assert stored_key(cluster, "my-storage-account") == "bmV3IGtleQ=="
    assert ("jobs", "kyma-system", "etcd-backup-first") in cluster.objects


def test_the_install_of_the_charts_readme_makes_the_secret(empty):
    cluster, shell = empty
    shell(INSTALL_WITH_KEY.replace("=ACCOUNT ", "=account ").replace("=KEY ", "=b2xkIGtleQ== "))
    assert stored_key(cluster, "etcd-backup-abs") == "b2xkIGtleQ=="
    shell(CHARTS_KEY)
    assert stored_key(cluster, "etcd-backup-abs") == "bmV3IGtleQ=="


def test_a_key_in_a_secret_of_ones_own_is_replaced(empty):
    cluster, shell = empty
    cluster.store(("secrets", "kyma-system", "my-storage-account"), {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "my-storage-account"}, "data": {}})  # fmt: skip
    shell(OWN_KEY)
    assert stored_key(cluster, "my-storage-account") == "bmV3IGtleQ=="


def test_the_old_schedule_is_deleted_by_its_name(empty):
    cluster, shell = empty
    key = ("cronjobs", "kyma-system", "service-catalog-etcd-stateful-backup")
    cluster.store(key, {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": key[2]}})
    shell(DELETE_OLD_SCHEDULE)
    assert key not in cluster.objects
