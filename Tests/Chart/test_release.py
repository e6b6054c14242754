"""A release's life: what install, upgrade and uninstall do to the objects, with the real helm."""

import pytest
import yaml

import schemas
from api_server import Cluster
from control_plane import without_nulls
from helm import CHART, ENABLED, NEUTRAL, instance, merged, parent

RECORD = ("configmaps", "kyma-system", "sc-recorded-etcd-backup-data")
CRON_JOB = ("cronjobs", "kyma-system", "backup-etcd-backup")
PATH = {"abs-backup-file-path-from-last-success": "etcd-backups/service-catalog/01ARZ3NDEKTSV4RRFFQ69G5FAV"}


@pytest.fixture
def cluster():
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def release(helm, cluster, tmp_path):
    """Runs one helm command on the release `backup` of the cluster, and gives back what it printed."""

    def run(verb, changes=None, name="backup", expect=0):
        values = tmp_path / "release-values.yaml"
        values.write_text(yaml.safe_dump(merged(ENABLED, changes or {})))
        chart = [CHART, "--values", values, "--disable-openapi-validation"] if verb != "uninstall" else []
        cache = tmp_path / "discovery"
        result = helm.run(
            verb, name, *chart, "--namespace", "kyma-system", "--kube-apiserver", cluster.url, HELM_CACHE_HOME=cache
        )
        assert result.returncode == expect, result.stderr
        return result.stdout + result.stderr

    return run


def test_install_creates_every_object_and_the_notes_say_how_to_go_on(release, cluster):
    printed = release("install")
    assert CRON_JOB in cluster.objects and RECORD not in cluster.objects
    assert "kubectl create job --namespace kyma-system --from=cronjob/backup-etcd-backup" in printed
    assert "kubectl get configmap --namespace kyma-system sc-recorded-etcd-backup-data" in printed
    assert "Restore:" in printed


def test_install_of_a_disabled_chart_creates_nothing_and_says_how_to_switch_it_on(release, cluster):
    off = {"global": {"etcdBackup": {"enabled": False, "containerName": ""}}}
    store = {"backupOperator": {"abs": {"storageAccount": "", "storageKey": ""}}}
    printed = release("install", {**off, "etcd-operator": store})
    assert {plural for plural, _, name in cluster.objects if not name.startswith("sh.helm.release")} == set()
    assert "  enabled=true\n  abs.account  " in printed


def test_switching_backups_off_keeps_the_record(release, cluster):
    release("install")
    cluster.objects[RECORD] = {"metadata": {"name": RECORD[2]}, "data": PATH}
    off = {"global": {"etcdBackup": {"enabled": False, "containerName": ""}}}
    release("upgrade", {**off, "etcd-operator": {"backupOperator": {"abs": {"storageAccount": "", "storageKey": ""}}}})
    assert cluster.objects[RECORD]["data"] == PATH and CRON_JOB not in cluster.objects


def test_a_record_that_the_predecessor_left_is_used_as_it_is(release, cluster):
    left = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": RECORD[2]}, "data": {**PATH, "other": "kept"}}
    cluster.objects[RECORD] = left
    release("install")
    release("upgrade", {"backupApp": {"suspend": True}})
    release("uninstall")
    assert cluster.objects[RECORD] is left and left["data"] == {**PATH, "other": "kept"}


def test_a_secret_that_the_predecessor_left_stops_the_install_and_can_be_used_as_existing(release, cluster):
    name = "etcd-backup-abs-credentials"
    left = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": {"storage-key": "YTJWNQ=="}}
    cluster.objects[("secrets", "kyma-system", name)] = left
    assert name in release("install", expect=1)
    existing = {"global": {"etcdBackup": {"existingSecret": name}}}
    store = {"backupOperator": {"abs": {"storageAccount": "", "storageKey": ""}}}
    release("install", {**existing, "etcd-operator": store})
    assert cluster.objects[("secrets", "kyma-system", name)] is left


def test_a_wrong_value_stops_the_install_before_anything_is_created(release, cluster):
    assert "containerName is empty" in release("install", {"global": {"etcdBackup": {"containerName": ""}}}, expect=1)
    assert cluster.objects == {}


def test_a_job_made_by_hand_from_the_cron_job_is_its_template_unchanged(release, helm, cluster, tmp_path):
    release("install")
    command = ["create", "job", "--namespace=kyma-system", "--from=cronjob/backup-etcd-backup", "by-hand"]
    options = [f"--server={cluster.url}", f"--cache-dir={tmp_path / 'cache'}", "--dry-run=client", "--output=yaml"]
    result = helm.kubectl(*command, *options)
    assert result.returncode == 0, result.stderr
    job = yaml.safe_load(result.stdout)
    template = cluster.objects[CRON_JOB]["spec"]["jobTemplate"]
    del job["spec"]["template"]["metadata"]["creationTimestamp"]  # kubectl prints it as null
    assert job["spec"] == template["spec"]
    assert template["metadata"]["labels"].items() <= job["metadata"]["labels"].items()
    schemas.validate(without_nulls(job))


OTHER = {"global": {"etcdBackup": {"secretName": "other"}}}
APART = {"backupApp": {"configMapName": "other-record", "blobPrefix": "other"}}


def test_d13_a_second_release_on_the_same_record_is_refused_with_a_remedy(release, cluster):
    release("install")
    printed = release("install", merged(OTHER, {"backupApp": {"blobPrefix": "b"}}), name="second", expect=1)
    assert 'backupApp.configMapName is "sc-recorded-etcd-backup-data", where CronJob backup-etcd-backup records' in printed
    assert "set a name of this release's own, or remove or suspend CronJob backup-etcd-backup" in printed
    assert "backupApp.blobPrefix makes" not in printed
    assert ("cronjobs", "kyma-system", "second-etcd-backup") not in cluster.objects


@pytest.mark.parametrize("prefix, container", [("service-catalog/", "etcd-backups"), (" service-catalog", "etcd-backups/")])
def test_d13_a_second_release_on_the_same_prefix_is_refused_with_a_remedy(release, prefix, container):
    release("install")
    own = {"backupApp": {"configMapName": "b", "blobPrefix": prefix}}
    printed = release(
        "install", merged(merged(OTHER, own), {"global": {"etcdBackup": {"containerName": container}}}),
        name="second", expect=1,
    )  # fmt: skip
    assert 'backupApp.blobPrefix makes "etcd-backups/service-catalog", where CronJob backup-etcd-backup stores' in printed
    assert "set a prefix of this cluster's own" in printed and "configMapName" not in printed


def test_d13_an_upgrade_onto_anothers_record_is_refused_as_an_install_is(release):
    release("install")
    release("install", merged(OTHER, APART), name="second")
    release("upgrade", merged(OTHER, APART), name="second")
    assert "where CronJob backup-etcd-backup records" in release("upgrade", OTHER, name="second", expect=1)


def test_d13_the_same_prefix_of_another_account_is_another_place(release):
    release("install")
    account = {"etcd-operator": {"backupOperator": {"abs": {"storageAccount": "another"}}}}
    release("install", merged(merged(OTHER, account), {"backupApp": {"configMapName": "b"}}), name="second")


def test_d13_a_schedule_that_is_suspended_or_of_the_same_release_stands_in_no_ones_way(release, cluster):
    release("install", {"backupApp": {"suspend": True}})
    release("install", OTHER, name="second")
    release("upgrade", merged(OTHER, {"fullnameOverride": "renamed"}), name="second")
    assert ("cronjobs", "kyma-system", "second-etcd-backup") not in cluster.objects


@pytest.fixture
def upgrade(helm4, cluster, tmp_path):
    """`helm upgrade --install` of any chart with these values alone, as the release `core`; returns what it printed."""

    def run(values, chart=CHART, expect=0):
        file = tmp_path / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        done = helm4.run(
            "upgrade", "--install", "core", chart, "--values", file, "--namespace", "kyma-system", "--disable-openapi-validation",
            "--kube-apiserver", cluster.url, HELM_CACHE_HOME=tmp_path / "discovery")
        assert done.returncode == expect, done.stderr
        return done.stdout + done.stderr

    return run


def test_d13_two_instances_of_one_parent_live_side_by_side_but_not_in_one_place(upgrade, cluster, tmp_path):
    chart = parent(tmp_path / "core")
    both = {"orders": instance("orders"), "customers": instance("customers")}
    for _ in range(2):
        upgrade(both, chart)
    assert {name for plural, _, name in cluster.objects if plural == "cronjobs"} == {"core-orders", "core-customers"}
    printed = upgrade(merged(both, {"orders": {"abs": {"prefix": "customers"}}}), chart, expect=1)
    assert 'abs.prefix makes "etcd-backups/customers", where CronJob core-customers stores its backups' in printed


def test_d13_a_release_whose_objects_get_another_name_does_not_stand_in_its_own_way(upgrade, cluster):
    upgrade(NEUTRAL)
    upgrade({**NEUTRAL, "nameOverride": "saver"})
    assert {name for plural, _, name in cluster.objects if plural == "cronjobs"} == {"core-saver"}
