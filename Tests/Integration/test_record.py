"""The record names a backup that restores, always; when it cannot be written, the log names it."""

import random
import signal
import time

import pytest

from world import CONTAINER, NAMESPACE, PATH, PREFIX, RECORD, RECORDED_PATH

# What the Role of the predecessor's chart allows.
PREDECESSORS_ROLE = {"secrets": ["get"], "configmaps": ["get", "create", "update"]}


@pytest.mark.parametrize("role", [None, PREDECESSORS_ROLE], ids=["our-role", "predecessors-role"])
def test_C1_the_record_is_created_when_absent(world, role):
    world.allow(role)
    assert world.record == {}
    world.assert_success(world.run())


@pytest.mark.parametrize("status", [409, 429, 500, 503, 504])
def test_C1_a_record_that_fails_for_a_moment_is_tried_again(world, status):
    world.sandbox.put_configmap(NAMESPACE, RECORD, {RECORDED_PATH: "old"})
    world.fault("PatchConfigMap", "status", service="kubernetes", status=status, times=2)
    world.assert_success(world.run())


@pytest.mark.parametrize("fault", [
    {"kind": "reset", "afterBytes": 0}, {"kind": "lost-answer"}], ids=["reset", "lost-answer"])
def test_C1_a_record_whose_connection_breaks_is_tried_again(world, fault):
    world.sandbox.put_configmap(NAMESPACE, RECORD, {RECORDED_PATH: "old"})
    world.faults([{"match": {"operation": "PatchConfigMap"}, "times": 2, "action": fault}])
    world.assert_success(world.run())


def assert_stored_but_not_recorded(world, run):
    assert run.status == 2, run
    assert world.recorded_path == "old", run
    path = PATH.search(run.log)
    assert path, f"the log does not name the backup\n{run}"
    world.assert_whole(path[0])


def test_C1_a_forbidden_record_is_told_with_the_path(world):
    world.sandbox.put_configmap(NAMESPACE, RECORD, {RECORDED_PATH: "old"})
    world.allow({"secrets": ["get"], "configmaps": ["get"]})
    run = world.run()
    assert_stored_but_not_recorded(world, run)
    assert f"Allow patch on configmaps/{RECORD}" in run.log, run


def test_C1_an_immutable_record_is_told_with_the_path(world):
    world.sandbox.put_configmap(NAMESPACE, RECORD, {RECORDED_PATH: "old"})
    world.fault("PatchConfigMap", "status", service="kubernetes", status=422)
    assert_stored_but_not_recorded(world, world.run())


def test_C1_a_record_that_keeps_failing_is_told_with_the_path(world):
    world.sandbox.put_configmap(NAMESPACE, RECORD, {RECORDED_PATH: "old"})
    world.fault("PatchConfigMap", "status", service="kubernetes", status=503)
    assert_stored_but_not_recorded(world, world.run(APP_BACKUP_TIMEOUT="10s"))


def test_C5_the_record_does_not_grow(world):
    world.assert_success(world.run())
    first = world.record
    for _ in range(3):
        world.assert_success(world.run())
    assert world.record.keys() == first.keys()


def test_C6_other_keys_are_not_touched(world):
    world.sandbox.put_configmap(NAMESPACE, RECORD, {"owner": "somebody", RECORDED_PATH: "old"})
    world.assert_success(world.run())
    assert world.record["owner"] == "somebody"


def test_C6_the_predecessors_role_is_enough_and_nothing_else_is_touched(world):
    world.allow(PREDECESSORS_ROLE)
    world.sandbox.put_configmap(
        NAMESPACE, RECORD, {"owner": "somebody", RECORDED_PATH: "old"},
        metadata={"labels": {"team": "a"}}, binaryData={"icon": "AP8/"})
    world.assert_success(world.run())
    assert world.record["owner"] == "somebody"
    assert world.sandbox.configmap(NAMESPACE, RECORD, "metadata")["labels"] == {"team": "a"}
    assert world.sandbox.configmap(NAMESPACE, RECORD, "binaryData") == {"icon": "AP8/"}


def test_C6_under_the_predecessors_role_a_change_of_somebody_else_is_not_undone(world):
    world.allow(PREDECESSORS_ROLE)
    world.sandbox.put_configmap(NAMESPACE, RECORD, {"owner": "somebody"})
    world.hold("UpdateConfigMap", service="kubernetes")
    program = world.start()
    world.wait_for_held("UpdateConfigMap")
    world.sandbox.put_configmap(
        NAMESPACE, RECORD, {"owner": "somebody else"}, metadata={"resourceVersion": "2"})
    world.release()
    world.assert_success(program.wait())
    assert world.record["owner"] == "somebody else"
    assert [request["status"] for request in world.requests("UpdateConfigMap")] == [409, 200]


def test_the_record_tells_size_hash_and_revision(world, etcd):
    revision = etcd.contents().revision
    path = world.assert_success(world.run())
    values = world.record.values()
    properties = world.properties(path)
    for expected in (str(properties.size), properties.metadata["sha256"], str(revision)):
        assert expected in values, f"{expected} is not in {world.record}"


@pytest.mark.parametrize("check", ["on", "off"])
def test_S8_blob_and_record_tell_what_the_check_of_the_pages_found(world, etcd, tmp_path, check):
    path = world.assert_success(world.run(APP_BACKUP_PAGE_CHECK=check))
    (tmp_path / "backup.db").write_bytes(world.download(path))
    _, revision, records, _ = etcd.snapshot_status(tmp_path / "backup.db").split(", ")
    metadata = world.properties(path).metadata
    assert metadata["revision"] == revision
    found = {name: metadata.get(name, "") for name in ("quorum", "pagecheck", "pagesize", "records", "keyrecords")}
    recorded = {
        "quorum": world.record["backup-quorum-from-last-success"],
        "pagecheck": world.record["backup-page-check-from-last-success"],
        "pagesize": world.record["backup-page-size-bytes-from-last-success"],
        "records": world.record["backup-records-from-last-success"],
        "keyrecords": world.record["backup-key-records-from-last-success"],
    }
    assert found == recorded
    if check == "off":
        assert found == {"quorum": "yes", "pagecheck": "off", "pagesize": "", "records": "", "keyrecords": ""}
    else:
        assert (found["pagecheck"], found["pagesize"], found["records"]) == ("sound", "4096", records)
        assert 0 < int(found["keyrecords"]) < int(records)


def test_C2_U12_thirty_kills_at_random_moments_leave_a_record_that_restores(world, etcd):
    world.assert_success(world.run())
    duration = world.run().seconds
    seen = {}
    for _ in range(30):
        etcd.put("/counter", str(random.random()))
        program = world.start()
        time.sleep(random.uniform(0, 1.1 * duration))
        program.send(signal.SIGKILL)
        program.wait()
        path = world.recorded_path
        if path not in seen:
            seen[path] = world.assert_whole(path)
    for name in world.blob_names:
        world.assert_whole(f"{CONTAINER}/{name}")  # nothing half is visible, recorded or not
        assert name.startswith(f"{PREFIX}/")
    contents = etcd.contents()
    path = world.assert_success(world.run())
    world.assert_restores(path, etcd, contents)
