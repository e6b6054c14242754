"""`etcd-backup verify`: whole or not, read from the store and from nowhere else."""

import json
import signal
import time

import pytest

from stored import DAMAGES, OLD, OTHER, damaged, put, sha256, with_a_broken_page
from world import CONTAINER, NAMESPACE, PREFIX, RECORD, RECORDED_PATH, TOKEN

VERIFIED_PATH = "backup-last-verified-path"
VERIFIED_TIME = "backup-last-verified-time"


@pytest.fixture
def stored(stored_backup):
    """A recorded backup of some 6 MiB, read back in ranges of 1 MiB; etcd is gone."""
    stored_backup.env |= {"APP_BACKUP_BLOCK_SIZE": "1MiB", "APP_BACKUP_BLOCKS_IN_FLIGHT": "3"}
    return stored_backup


def whole(stored) -> bytes:
    return stored.download(stored.recorded_path)


def assert_not_verified(run, *words: str) -> None:
    assert run.status == 1, run
    assert '"msg":"backup verified"' not in run.log and "whole  " not in run.text, run
    for word in words:
        assert word in run.log and word in run.text, f"{word!r} is not said\n{run}\n{run.text}"


def test_the_recorded_backup_is_the_default(stored):
    run = stored.run("verify")
    assert run.status == 0 and stored.recorded_path in run.text and sha256(whole(stored)) in run.text, run
    assert sum(request["bytesOut"] for request in stored.requests("GetBlob")) >= len(whole(stored))
    assert {request["method"] for request in stored.requests()} == {"GET", "HEAD"}, "nothing is changed"


def test_the_result_is_there_as_json(stored):
    run = stored.run("verify", "--output", "json")
    backup = run.json["backups"][0]
    assert (run.json["total"], run.json["whole"]) == (1, 1)
    assert backup["path"] == stored.recorded_path and backup["whole"] is True
    assert backup["bytes"] == len(whole(stored)) and backup["sha256"] == sha256(whole(stored))


def test_no_disk_is_used(stored):
    program = stored.start("verify")
    assert program.wait().status == 0
    assert list(program.working_directory.iterdir()) == []


@pytest.mark.parametrize("form", ["{name}", "{prefix}/{name}", "{container}/{prefix}/{name}"])
def test_a_backup_may_be_named_in_three_ways(stored, form):
    path = put(stored, whole(stored), OLD)
    run = stored.run("verify", form.format(name=OLD, prefix=PREFIX, container=CONTAINER))
    assert run.status == 0 and path in run.text, run


@pytest.mark.parametrize("kind", DAMAGES)
def test_U11_damage_is_found_in_the_bytes_whatever_the_metadata_say(stored, kind):
    data, word = damaged(kind, whole(stored))
    path = put(stored, data, sha256=sha256(data))
    assert_not_verified(stored.run("verify", path), path, "damaged", word)


def test_S8_a_broken_page_is_found_under_a_right_sha256(stored):
    path = put(stored, with_a_broken_page(whole(stored)))
    assert_not_verified(stored.run("verify", path), path, "the database is unsound: page")
    run = stored.run("verify", path, APP_BACKUP_PAGE_CHECK="off")
    assert run.status == 0 and "pages off" in run.text, run


def test_U7_content_that_is_not_what_the_metadata_say_is_found_out(stored):
    path = put(stored, whole(stored), sha256="0" * 64)
    assert_not_verified(stored.run("verify", path), "metadata")


def test_a_backup_that_is_gone_is_not_whole(stored):
    assert_not_verified(stored.run("verify", OTHER), OTHER)


def test_an_archived_backup_is_not_verified(stored):
    path = put(stored, whole(stored))
    stored.service.get_blob_client(*path.split("/", 1)).set_standard_blob_tier("Archive")
    run = stored.run("verify", path)
    assert_not_verified(run, "archive tier")
    assert "set-tier" in run.log, run


@pytest.mark.parametrize("fault", [
    {"kind": "status", "status": 503, "code": "ServerBusy"}, {"kind": "reset", "afterBytes": 0},
    {"kind": "cut", "afterBytes": 300_000},
], ids=lambda fault: fault["kind"])
def test_U1_a_transient_failure_is_retried(stored, fault):
    stored.faults([{"match": {"operation": "GetBlob"}, "skip": 1, "times": 2, "action": fault}])
    assert stored.run("verify").status == 0


# All of them


def test_all_are_verified_and_each_is_told(stored):
    good = put(stored, whole(stored), OLD)
    bad = put(stored, damaged("a flipped bit in the middle", whole(stored))[0], OTHER)
    run = stored.run("verify", "--all")
    assert run.status == 1, run
    lines = {line.split()[1]: line.split()[0] for line in run.text.splitlines()[:-1]}
    assert lines == {stored.recorded_path: "whole", good: "whole", bad: "FAILED"}
    assert run.text.splitlines()[-1] == "2 of 3 backups are whole"
    run = stored.run("verify", "--all", "--output", "json")
    assert (run.json["total"], run.json["whole"]) == (3, 2)


def test_all_whole_is_success(stored):
    put(stored, whole(stored), OLD)
    assert stored.run("verify", "--all").status == 0


def test_J4_an_empty_blob_under_a_backups_name_is_not_passed_over(stored):
    put(stored, b"", OLD)
    assert stored.run("verify", "--all").status == 1


def test_none_at_all_is_not_success(empty_world):
    run = empty_world.run("verify", "--all")
    assert run.status == 1 and "0 of 0" in run.text, run


# What is noted


def test_record_notes_it_beside_the_last_success(stored):
    before = stored.record
    run = stored.run("verify", "--record")
    assert run.status == 0, run
    record = stored.record
    assert record.pop(VERIFIED_PATH) == stored.recorded_path
    told = time.strptime(record.pop(VERIFIED_TIME), "%Y-%m-%dT%H:%M:%SZ")
    assert 0 <= time.mktime(time.gmtime()) - time.mktime(told) < 60
    assert record == before, "C6: the other keys are untouched"


def test_without_record_nothing_is_noted(stored):
    stored.run("verify")
    assert VERIFIED_PATH not in stored.record and stored.requests("PatchConfigMap") == []


def test_a_damaged_backup_is_never_noted(stored):
    path = put(stored, whole(stored)[:-1])
    assert stored.run("verify", path, "--record").status == 1
    assert VERIFIED_PATH not in stored.record


def test_of_all_the_newest_whole_one_is_noted(stored):
    newest = stored.recorded_path
    time.sleep(1.1)  # the store's dates have whole seconds
    put(stored, b"", OTHER)
    stored.sandbox.age_blob(CONTAINER, newest.split("/", 1)[1], 10)
    assert stored.run("verify", "--all", "--record").status == 1
    assert stored.record[VERIFIED_PATH] == newest


def test_what_ends_the_reading_of_older_ones_does_not_undo_the_note(stored):
    newest = stored.recorded_path
    time.sleep(1.1)  # the store's dates have whole seconds
    put(stored, whole(stored), OTHER)
    stored.sandbox.age_blob(CONTAINER, f"{PREFIX}/{OTHER}", 10)
    stored.hold("HeadBlob", skip=1)
    run = stored.run("verify", "--all", "--record", APP_BACKUP_TIMEOUT="10s")
    assert run.status == 1 and "deadline" in run.log, run
    assert stored.record[VERIFIED_PATH] == newest


def test_a_record_that_names_no_backup_keeps_none_from_being_verified(stored):
    stored.sandbox.put_configmap(NAMESPACE, RECORD, {RECORDED_PATH: "nonsense"})
    run = stored.run("verify", "--all")
    assert run.status == 0 and "the record cannot be used" in run.log, run


def test_where_none_is_named_nothing_is_printed(stored):
    stored.sandbox.put_configmap(NAMESPACE, RECORD, {})
    run = stored.run("verify", "--output", "json")
    assert run.status == 1 and run.text == "", run


def test_C1_a_note_that_fails_is_told_by_the_status(stored):
    stored.sandbox.revoke(TOKEN)
    stored.allow({"secrets": ["get"], "configmaps": ["get"]})
    run = stored.run("verify", "--record")
    assert run.status == 2 and "patch" in run.log and '"exit.status":2' in run.log, run


def test_the_next_backup_leaves_the_note_alone(stored, start_etcd):
    stored.run("verify", "--record")
    noted = stored.record[VERIFIED_PATH]
    cluster = start_etcd()
    stored.back_up(cluster)
    stored.assert_success(stored.run())
    assert stored.record[VERIFIED_PATH] == noted != stored.recorded_path


# The process


def test_it_needs_no_etcd_and_no_retention(stored):
    others = [name for name in stored.env if "ETCD" in name or "CLEANER" in name]
    assert stored.run("verify", **dict.fromkeys(others)).status == 0
    run = stored.run("verify", APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING=None)
    assert run.status == 78 and "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING" in run.log, run


@pytest.mark.parametrize("arguments", [["--all", OLD], ["x"], ["--output", "x"], ["--force"]], ids=" ".join)
def test_a_wrong_command_line_is_64(stored, arguments):
    run = stored.run("verify", *arguments)
    assert run.status == 64 and stored.requests() == [], run


def test_a_wrong_key_is_78(stored):
    stored.fault("HeadBlob", "status", status=403, code="AuthenticationFailed")
    for arguments in ([], ["--all"]):
        run = stored.run("verify", *arguments)
        assert run.status == 78 and "storage-key" in run.log, run


def test_SIGTERM_ends_it_at_once(stored):
    stored.hold("GetBlob")
    program = stored.start("verify", "--all")
    stored.wait_for_held("GetBlob")
    run = program.ended_by(signal.SIGTERM)
    assert run.status == 143, run


def test_the_termination_message_tells_the_outcome(stored, tmp_path):
    message = tmp_path / "termination-log"
    message.touch()
    stored.env["APP_TERMINATION_MESSAGE_PATH"] = str(message)
    stored.run("verify")
    assert json.loads(message.read_text())["path"] == stored.recorded_path
    put(stored, b"", OTHER)
    stored.run("verify", "--all")
    assert json.loads(message.read_text())["result"] == "failure"
