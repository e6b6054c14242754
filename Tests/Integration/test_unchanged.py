"""APP_BACKUP_SKIP_UNCHANGED: a run takes no backup where nothing was written since the recorded one; any doubt means one."""

import json

import pytest

from etcd import Release
from world import CONTAINER, NAMESPACE, RECORD, RECORDED_PATH

SKIP = {"APP_BACKUP_SKIP_UNCHANGED": "on"}
UNCHANGED = "backup-unchanged-time"
TIME = "backup-time-from-last-success"
RELEASES = [release for release in Release.all() if release.version >= "3.4"]


@pytest.fixture(params=["gateway", "grpc"])
def quiet(request, empty_world, start_etcd):
    """A world with one recorded backup of a cluster to which no one writes."""
    cluster = start_etcd()
    cluster.fill(50, leases=1)
    empty_world.back_up(cluster)
    empty_world.cluster = cluster
    empty_world.env |= {**SKIP, "APP_BACKUP_ETCD_TRANSPORT": request.param}
    empty_world.assert_success(empty_world.run())
    return empty_world


def assert_skips(world) -> None:
    before, blobs = world.record, world.blob_names
    message = world.folder / "termination-message"
    message.touch()
    run = world.run(APP_TERMINATION_MESSAGE_PATH=str(message))
    assert run.status == 0 and "nothing was written since the recorded one" in run.log, run
    assert world.blob_names == blobs and not world.requests("PutBlock"), run
    after = world.record
    assert after.pop(UNCHANGED) and before.pop(UNCHANGED) is not None and after == before, run
    told = json.loads(message.read_text())
    assert (told["result"], told["unchanged"], told["path"]) == ("success", True, world.recorded_path), told


def assert_takes(world, reason: str = "another backup is needed", **env):
    before, blobs = world.recorded_path, world.blob_names
    run = world.run(**env)
    path = world.assert_success(run)
    assert path != before and len(world.blob_names) == len(blobs) + 1 and reason in run.log, run
    assert world.record[UNCHANGED] == ""
    world.assert_whole(path)
    return run


def test_a_quiet_cluster_costs_no_backup(quiet):
    for _ in range(3):
        assert_skips(quiet)
    served = quiet.cluster.first.snapshots_served()
    assert_skips(quiet)
    assert quiet.cluster.first.snapshots_served() == served


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_every_release_that_tells_its_applied_index(empty_world, start_etcd, release):
    empty_world.back_up(start_etcd(release))
    empty_world.env |= SKIP
    empty_world.assert_success(empty_world.run())
    assert_skips(empty_world)


def test_etcd_3_3_does_not_tell_its_applied_index_so_every_run_takes_a_backup(empty_world, start_etcd):
    [old] = [release for release in Release.all() if release.version.startswith("3.3")]
    empty_world.back_up(start_etcd(old))
    empty_world.env |= SKIP
    empty_world.assert_success(empty_world.run())
    assert_takes(empty_world, "does not tell its applied index")


def test_a_quiet_cluster_of_three(empty_world, three):
    empty_world.env |= SKIP
    empty_world.assert_success(empty_world.run())
    assert_skips(empty_world)
    three.put("one", "more")
    assert_takes(empty_world)
    assert_skips(empty_world)


# What is data


WRITES = {
    "put": [["put", "new", "value"]],
    "put-of-the-same-value": [["put", "same", "value"], ["put", "same", "value"]],
    "delete": [["del", "/registry/items/", "--prefix"]],
    "lease-grant": [["lease", "grant", "3600"]],
    "user": [["user", "add", "reader:secret"]],
    "role": [["role", "add", "reader"]],
    "compaction": [["compaction", "2"]],
    "alarm-disarm": [["alarm", "disarm"]],
    "member-add": [["member", "add", "m9", "--peer-urls=http://127.0.0.1:1"]],
}


@pytest.mark.parametrize("commands", WRITES.values(), ids=WRITES)
def test_each_write_causes_a_backup(quiet, commands):
    for command in commands:
        quiet.cluster.etcdctl(*command)
    if "member" in commands[0]:
        # A member that never comes leaves two of one: no quorum, which is a doubt as well.
        run = quiet.run()
        assert run.status == 0 and "nothing was written" not in run.log, run
        return
    assert_takes(quiet)
    assert_skips(quiet)


def test_a_lease_that_is_revoked_or_ends_causes_a_backup(quiet):
    lease = quiet.cluster.etcdctl("lease", "grant", "3600").split()[1]
    assert_takes(quiet)
    quiet.cluster.etcdctl("lease", "revoke", lease)
    assert_takes(quiet)
    assert_skips(quiet)


def test_an_alarm_causes_a_backup(quiet):
    quiet.cluster.alarm("NOSPACE")
    assert_takes(quiet)
    assert_skips(quiet)


def test_a_restart_causes_a_backup(quiet):
    quiet.cluster.first.kill()
    quiet.cluster.first.restart()
    assert_takes(quiet)
    assert_skips(quiet)


def test_a_wiped_and_a_restored_cluster_cause_a_backup(quiet, start_etcd, tmp_path):
    file = tmp_path / "snapshot.db"
    file.write_bytes(quiet.download(quiet.recorded_path))
    with quiet.cluster.restore(file, tmp_path / "restored") as restored:
        quiet.back_up(restored)
        assert_takes(quiet)
        assert_skips(quiet)
    quiet.back_up(start_etcd())
    assert_takes(quiet)
    assert_skips(quiet)


@pytest.mark.parametrize("command", [["user", "list"], ["role", "list"], ["alarm", "list"]], ids=" ".join)
def test_what_etcd_reads_through_its_log_causes_a_backup_as_well(quiet, command):
    """No harm is done: an entry is a doubt, whatever is in it."""
    quiet.cluster.etcdctl(*command)
    assert_takes(quiet)
    assert_skips(quiet)


# What is no data


@pytest.mark.parametrize("command", [
    ["get", "/registry/", "--prefix", "--keys-only"], ["endpoint", "status"], ["endpoint", "hashkv"], ["member", "list"],
    ["lease", "list"]], ids=" ".join)
def test_a_read_is_no_change(quiet, command):
    quiet.cluster.etcdctl(*command)
    assert_skips(quiet)


def test_a_lease_that_is_kept_alive_is_no_change(quiet):
    lease = quiet.cluster.etcdctl("lease", "grant", "3600").split()[1]
    assert_takes(quiet)
    quiet.cluster.etcdctl("lease", "keep-alive", "--once", lease)
    assert_skips(quiet)


# What leaves a doubt


def test_a_backup_that_is_gone_or_was_replaced_is_taken_again(quiet):
    blob = quiet.container.get_blob_client(quiet.recorded_path.split("/", 1)[1])
    metadata, content = blob.get_blob_properties().metadata, blob.download_blob().readall()
    blob.delete_blob()
    run = quiet.run()
    assert quiet.assert_success(run) and "the recorded backup is not there" in run.log, run
    blob = quiet.container.get_blob_client(quiet.recorded_path.split("/", 1)[1])
    blob.upload_blob(content + bytes(512), overwrite=True, metadata=metadata)
    assert_takes(quiet, "not as it was recorded")


def test_without_a_record_or_with_another_one_a_backup_is_taken(quiet):
    quiet.sandbox.put_configmap(NAMESPACE, RECORD, quiet.record | {"backup-histories": "nonsense"})
    assert_takes(quiet)
    quiet.sandbox.put_configmap(NAMESPACE, RECORD, quiet.record | {"backup-etcd-revision-from-last-success": "1"})
    assert_takes(quiet)
    quiet.sandbox.remove_configmap(NAMESPACE, RECORD)
    run = quiet.run()
    quiet.assert_success(run)
    assert "no backup is recorded" in run.log, run


@pytest.mark.parametrize("env, reason", [
    ({"APP_BACKUP_COMPRESSION": "zstd"}, "not encoded as it would be now"),
    ({"APP_ABS_ACCESS_TIER": "cool"}, "the tier or the immutability"),
    ({"APP_ABS_IMMUTABILITY": "unlocked"}, "the tier or the immutability"),
    ({"APP_BLOB_PREFIX": "other"}, "under another prefix"),
])
def test_a_backup_that_would_be_another_now_is_taken(quiet, env, reason):
    quiet.sandbox.set_policy(CONTAINER, versionLevelImmutability=True)
    run = quiet.run(**env)
    assert run.status == 0 and reason in run.log, run
    assert "nothing was written" in quiet.run(**env).log


def test_a_backup_whose_pages_were_not_checked_is_no_reason_to_skip(empty_world, start_etcd):
    empty_world.back_up(start_etcd())
    empty_world.env |= SKIP | {"APP_BACKUP_PAGE_CHECK": "off"}
    empty_world.assert_success(empty_world.run())
    assert_takes(empty_world, "were not found sound")


def test_a_record_that_cannot_be_written_means_a_backup(quiet):
    quiet.fault("PatchConfigMap", "status", service="kubernetes", status=422, times=1)
    assert_takes(quiet)


def test_a_password_makes_every_run_take_a_backup_and_check_says_so(empty_world, start_etcd):
    cluster = start_etcd()
    cluster.enable_authentication("secret")
    empty_world.back_up(cluster)
    empty_world.env |= SKIP
    empty_world.assert_success(empty_world.run())
    assert_takes(empty_world)
    checked = empty_world.run("check")
    assert checked.status == 0 and "an entry in etcd's log" in checked.text, checked.text


def test_it_needs_a_record(empty_world, start_etcd):
    empty_world.back_up(start_etcd())
    run = empty_world.run(
        **SKIP, APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING=None, APP_ABS_SECRET_NAME=None, APP_WORKING_NAMESPACE=None,
        APP_KUBECONFIG_PATH=None, AZURE_STORAGE_ACCOUNT=empty_world.sandbox.account,
        AZURE_STORAGE_KEY=empty_world.sandbox.account_key)
    assert run.status == 78 and "APP_BACKUP_SKIP_UNCHANGED" in run.log, run


def test_it_is_off_by_default(world):
    world.assert_success(world.run())
    first = world.recorded_path
    world.assert_success(world.run())
    assert world.recorded_path != first and world.record[UNCHANGED] == "" and RECORDED_PATH in world.record
