"""`etcd-backup download`: the whole backup under its name, or nothing at all and the reason."""

import json
import os
import signal
import stat
import time
from pathlib import Path

import pytest

from processes import AT_ONCE, wait_until
from stored import DAMAGES, OLD, OTHER, damaged, flipped, put, sha256, with_a_broken_page
from volumes import Volumes
from world import CONTAINER, MEBIBYTE, NAMESPACE, PREFIX, RECORD, RECORDED_PATH, World

NEEDED = ["APP_KUBECONFIG_PATH", "APP_WORKING_NAMESPACE", "APP_ABS_CONTAINER_NAME", "APP_ABS_SECRET_NAME",
          "APP_ABS_ENDPOINT", "APP_BLOB_PREFIX"]


@pytest.fixture
def stored(stored_backup):
    """A recorded backup of some 6 MiB, read back in ranges of 1 MiB; etcd is gone."""
    stored_backup.env |= {"APP_BACKUP_BLOCK_SIZE": "1MiB", "APP_BACKUP_BLOCKS_IN_FLIGHT": "3"}
    return stored_backup


@pytest.fixture
def folder(tmp_path):
    """Where downloads go: nothing else may ever be in it."""
    path = tmp_path / "target"
    path.mkdir()
    return path


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def nameless(program) -> tuple[int, int]:
    """Size and mode of the file without a name that the process has open; zeros where it has none."""
    for descriptor in Path(f"/proc/{program.pid}/fd").iterdir():
        try:
            if os.readlink(descriptor).endswith(" (deleted)"):
                found = descriptor.stat()
                return found.st_size, stat.S_IMODE(found.st_mode)
        except FileNotFoundError:
            pass  # closed since
    return 0, 0


def begun_download(world: World, file, *options: str):
    """A download whose first range has arrived and whose others wait for `release`."""
    world.hold("GetBlob", skip=1)
    program = world.start("download", "--file", str(file), *options, APP_BACKUP_BLOCKS_IN_FLIGHT="1")
    world.wait_for_held("GetBlob")
    return program


def assert_downloaded(world: World, run, file) -> None:
    assert run.status == 0, run
    world.faults([])
    assert file.read_bytes() == world.download(world.recorded_path), run
    assert names(file.parent) == [file.name], run


def assert_nothing_there(run, folder, status: int, *words: str) -> None:
    assert run.status == status, run
    assert names(folder) == [], run
    assert run.text == "", "a failed download prints no result"
    assert "verified" not in run.log, f"sounds like success\n{run}"
    for word in words:
        assert word in run.log, f"{word!r} is not said\n{run}"


# What is downloaded


def test_the_recorded_backup_is_the_default(stored, folder):
    run = stored.run("download", "--file", str(folder / "backup.db"))
    assert_downloaded(stored, run, folder / "backup.db")
    assert len(stored.requests("GetBlob")) >= 5, "it is read in ranges"
    assert stored.recorded_path in run.text and sha256(stored.download(stored.recorded_path)) in run.text


def test_it_restores(world, etcd, folder):
    world.assert_success(world.run())
    contents = etcd.contents()
    run = world.run("download", "--file", str(folder / "backup.db"))
    assert run.status == 0, run
    with etcd.restore(folder / "backup.db", world.folder / "restored") as restored:
        assert contents.differences(restored.contents()) == []


@pytest.mark.parametrize("form", ["{name}", "{prefix}/{name}", "{container}/{prefix}/{name}"])
def test_a_backup_may_be_named_in_three_ways(stored, folder, form):
    whole = stored.download(stored.recorded_path)
    put(stored, whole, OLD)
    named = form.format(name=OLD, prefix=PREFIX, container=CONTAINER)
    run = stored.run("download", named, "--file", str(folder / "b"))
    assert run.status == 0 and f"{CONTAINER}/{PREFIX}/{OLD}" in run.text, run
    assert (folder / "b").read_bytes() == whole


def test_a_backup_may_be_the_latest_the_oldest_or_the_recorded_one(world, folder):
    first = world.assert_success(world.run())
    time.sleep(1.1)  # runs write whole seconds
    newest = world.assert_success(world.run())
    put(world, world.download(first), OLD)  # of no lineage, so of another history
    world.sandbox.put_configmap(NAMESPACE, RECORD, world.record | {RECORDED_PATH: first})
    for word, path in {"latest": newest, "oldest": first, "recorded": first}.items():
        for command in (["verify", word], ["download", word, "--file", str(folder / "b"), "--force"]):
            run = world.run(*command, "-o", "name")
            assert (run.status, run.text) == (0, f"{path}\n"), run


def test_without_a_record_the_latest_goes_on_only_if_there_is_one_history(stored, folder):
    none = {"APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING": None}
    put(stored, b"no snapshot", OTHER)
    for word in ("latest", "oldest"):
        run = stored.run("verify", word, "-o", "name", **none)
        assert run.text == f"{stored.recorded_path}\n", run
    other = put(stored, stored.download(stored.recorded_path), OLD)
    for word in ("latest", "oldest"):
        run = stored.run("download", word, "--file", str(folder / "b"), **none)
        assert_nothing_there(run, folder, 78, other, stored.recorded_path, "Name one of the two")


def test_the_latest_of_none_says_where_it_looked(stored, folder):
    run = stored.run("download", "latest", "--file", str(folder / "b"), APP_BLOB_PREFIX="elsewhere")
    assert_nothing_there(run, folder, 1, CONTAINER, "elsewhere/", stored.sandbox.account, "APP_BLOB_PREFIX")


def test_a_path_may_lead_to_another_container_and_prefix(stored, folder):
    whole = stored.download(stored.recorded_path)
    stored.service.create_container("older-backups")
    path = put(stored, whole, OLD, prefix="a/b", container="older-backups")
    run = stored.run("download", path, "--file", str(folder / "b"))
    assert run.status == 0 and (folder / "b").read_bytes() == whole, run


def test_it_needs_no_variable_that_it_does_not_use(stored, folder):
    name = stored.recorded_path.rsplit("/", 1)[1]
    others = {variable: None for variable in stored.env if variable not in NEEDED}
    run = stored.run("download", name, "--file", str(folder / "b"), **others)
    assert_downloaded(stored, run, folder / "b")
    run = stored.run("download", "--file", str(folder / "c"), **others)
    assert run.status == 78 and "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING" in run.log, run


def test_the_result_is_there_as_json(stored, folder):
    run = stored.run("download", "--file", str(folder / "b"), "--output", "json")
    data = (folder / "b").read_bytes()
    metadata = stored.properties(stored.recorded_path).metadata
    assert run.json["path"] == stored.recorded_path and run.json["file"] == str(folder / "b")
    assert run.json["bytes"] == len(data) and run.json["sha256"] == sha256(data)
    assert run.json["revision"] == int(metadata["revision"])
    assert run.json["etcdVersion"] == metadata["etcdversion"]


def test_nobody_else_may_read_the_file(stored, folder):
    stored.run("download", "--file", str(folder / "b"))
    assert stat.S_IMODE((folder / "b").stat().st_mode) == 0o600


def test_nothing_recorded_is_said(stored, folder):
    stored.sandbox.put_configmap(NAMESPACE, RECORD, {"other": "x"})
    run = stored.run("download", "--file", str(folder / "b"))
    assert_nothing_there(run, folder, 1, RECORD, "etcd-backup list")


def test_a_record_that_names_no_backup_is_said(stored, folder):
    stored.sandbox.put_configmap(NAMESPACE, RECORD, {RECORDED_PATH: "nonsense"})
    run = stored.run("download", "--file", str(folder / "b"))
    assert_nothing_there(run, folder, 1, RECORD, "nonsense")


def test_a_backup_that_is_not_there_is_said(stored, folder):
    run = stored.run("download", OTHER, "--file", str(folder / "b"))
    assert_nothing_there(run, folder, 1, OTHER, "etcd-backup list")


def test_a_container_that_is_not_there_is_said(stored, folder):
    run = stored.run("download", f"nowhere/{PREFIX}/{OTHER}", "--file", str(folder / "b"))
    assert_nothing_there(run, folder, 78, "nowhere")


@pytest.mark.parametrize("arguments", [
    [], ["--file", ""], ["-o", "json"], ["--file", "-", "--force"], ["--file", "-", "-o", "json"],
    ["--file", "b", "not-a-name"], ["--file", "b", f"{OLD}x"], ["--file", "b", OLD, OTHER]], ids=" ".join)
def test_a_wrong_command_line_is_64_and_asks_nobody(stored, arguments):
    run = stored.run("download", *arguments)
    assert run.status == 64 and stored.requests() == [], run


# The file


def test_a_file_that_exists_is_left_alone_without_force(stored, folder):
    (folder / "b").write_text("mine")
    run = stored.run("download", "--file", str(folder / "b"))
    assert run.status == 78 and "--force" in run.log, run
    assert (folder / "b").read_text() == "mine" and names(folder) == ["b"]
    assert stored.requests("HeadBlob") == [], "that is known before the store is asked"
    assert_downloaded(stored, stored.run("download", "--file", str(folder / "b"), "--force"), folder / "b")


def test_a_file_that_appears_meanwhile_is_left_alone(stored, folder):
    stored.hold("GetBlob")
    program = stored.start("download", "--file", str(folder / "b"))
    stored.wait_for_held("GetBlob")
    (folder / "b").write_text("mine")
    stored.release()
    run = program.wait()
    assert run.status == 78, run
    assert (folder / "b").read_text() == "mine" and names(folder) == ["b"]


def test_force_leaves_the_old_file_until_the_new_one_is_verified(stored, folder):
    (folder / "b").write_text("mine")
    path = put(stored, flipped(stored.download(stored.recorded_path), 100_000))
    run = stored.run("download", path, "--file", str(folder / "b"), "--force")
    assert run.status == 1 and (folder / "b").read_text() == "mine" and names(folder) == ["b"], run


@pytest.mark.parametrize("target, words", [
    ("", ["is not a file"]), ("missing/b", ["No such file", "Create the folder"]), ("missing/", ["No such file"]),
    ("n" * 300, ["File name too long", "Choose a name"])])
@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "force"])
def test_a_target_that_cannot_be_is_said(stored, folder, target, words, force):
    run = stored.run("download", "--file", f"{folder}/{target}", *force)
    assert_nothing_there(run, folder, 78, *words)


def test_a_device_is_not_replaced(stored, folder):
    os.mkfifo(folder / "pipe")
    run = stored.run("download", "--file", str(folder / "pipe"), "--force")
    assert run.status == 78 and stat.S_ISFIFO((folder / "pipe").stat().st_mode), run


def test_a_name_alone_is_a_file_of_the_working_folder(stored):
    program = stored.start("download", "--file", "b")
    run = program.wait()
    assert_downloaded(stored, run, program.working_directory / "b")


# Faults


@pytest.mark.sampled(2)
@pytest.mark.parametrize("fault", [
    {"kind": "status", "status": 503, "code": "ServerBusy"},
    {"kind": "status", "status": 500, "code": "OperationTimedOut"},
    {"kind": "status", "status": 429, "code": "TooManyRequests"},
    {"kind": "reset", "afterBytes": 0},
    {"kind": "lost-answer"},
    {"kind": "cut", "afterBytes": 0},
    {"kind": "cut", "afterBytes": 300_000},
    {"kind": "cut", "afterBytes": 1_048_575},
    {"kind": "delay", "milliseconds": 300},
], ids=lambda fault: "-".join(str(value) for value in fault.values()))
@pytest.mark.parametrize("operation", ["HeadBlob", "GetBlob"])
def test_U1_a_transient_failure_is_retried(stored, folder, operation, fault):
    stored.faults([{"match": {"operation": operation}, "skip": 0, "times": 2, "action": fault}])
    assert_downloaded(stored, stored.run("download", "--file", str(folder / "b")), folder / "b")


def test_U1_a_range_goes_on_where_it_broke_off(stored, folder):
    stored.fault("GetBlob", "cut", afterBytes=400_000)  # every answer, for ever
    run = stored.run("download", "--file", str(folder / "b"))
    assert_downloaded(stored, run, folder / "b")
    size = (folder / "b").stat().st_size
    assert len(stored.requests("GetBlob")) <= size // 400_000 + 7, "nothing is read twice"


def test_U1_a_store_that_stays_busy_is_given_up_on(stored, folder):
    stored.fault("GetBlob", "status", status=503, code="ServerBusy", retryAfter="2")
    run = stored.run("download", "--file", str(folder / "b"), APP_BACKUP_TIMEOUT="5s")
    assert_nothing_there(run, folder, 1, "APP_BACKUP_TIMEOUT")
    assert run.seconds < 5 + AT_ONCE, run


@pytest.mark.parametrize("status, code, exit_status, words", [
    (403, "AuthorizationFailure", 78, ["firewall"]),
    (404, "BlobNotFound", 1, ["BlobNotFound"]),
    (409, "BlobArchived", 1, ["archive tier"]),
    (412, "ConditionNotMet", 1, ["change the blob"]),
])
def test_U2_a_refusal_in_the_middle_is_final(stored, folder, status, code, exit_status, words):
    stored.fault("GetBlob", "status", status=status, code=code, skip=2)
    run = stored.run("download", "--file", str(folder / "b"))
    assert_nothing_there(run, folder, exit_status, code, *words)
    assert "tried again" not in run.log, run


def test_J3_a_bit_flipped_on_the_way_is_found_out(stored, folder):
    stored.fault("GetBlob", "damage", skip=3, times=1)
    run = stored.run("download", "--file", str(folder / "b"))
    assert_nothing_there(run, folder, 1, "damaged", "SHA-256")


def test_J3_a_blob_that_is_replaced_meanwhile_is_never_mixed(stored, folder):
    whole = stored.download(stored.recorded_path)
    path = put(stored, whole)
    stored.hold("GetBlob", skip=1)
    program = stored.start("download", path, "--file", str(folder / "b"))
    stored.wait_for_held("GetBlob")
    put(stored, flipped(whole, len(whole) - 40))
    stored.release()
    assert_nothing_there(program.wait(), folder, 1, "ConditionNotMet")


@pytest.mark.parametrize("kind", DAMAGES)
def test_J3_J4_a_damaged_blob_never_becomes_a_file(stored, folder, kind):
    data, word = damaged(kind, stored.download(stored.recorded_path))
    path = put(stored, data)
    run = stored.run("download", path, "--file", str(folder / "b"))
    assert_nothing_there(run, folder, 1, path, "damaged", word, "Never restore it")


def test_S8_a_broken_page_under_a_right_sha256_never_becomes_a_file(stored, folder):
    path = put(stored, with_a_broken_page(stored.download(stored.recorded_path)))
    run = stored.run("download", path, "--file", str(folder / "b"))
    assert_nothing_there(run, folder, 1, path, "the database is unsound: page", "APP_BACKUP_PAGE_CHECK=off")
    run = stored.run("download", path, "--file", str(folder / "b"), APP_BACKUP_PAGE_CHECK="off")
    assert run.status == 0 and (folder / "b").read_bytes() == stored.download(path), run


def test_J3_a_whole_snapshot_under_another_ones_name_is_found_out(stored, folder):
    path = put(stored, stored.download(stored.recorded_path), sha256="0" * 64)
    run = stored.run("download", path, "--file", str(folder / "b"))
    assert_nothing_there(run, folder, 1, "metadata", "0" * 64)


def test_U11_metadata_may_be_missing_but_the_bytes_are_verified_all_the_same(stored, folder):
    path = put(stored, stored.download(stored.recorded_path))
    assert stored.run("download", path, "--file", str(folder / "b")).status == 0


def test_an_archived_blob_comes_with_the_command_that_brings_it_back(stored, folder):
    container, name = stored.recorded_path.split("/", 1)
    stored.service.get_blob_client(container, name).set_standard_blob_tier("Archive")
    run = stored.run("download", "--file", str(folder / "b"))
    assert_nothing_there(run, folder, 1, "archive tier", "az storage blob set-tier", name, "--tier Hot")


# Disk


@pytest.fixture
def small_disk(tmp_path):
    """A volume of 8 MiB, which the backup of some 6 MiB just fits into."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a volume")
    with Volumes(tmp_path / "volumes") as volumes:
        yield volumes.make("small", megabytes=8)


def test_R2_J5_room_is_checked_before_anything_is_downloaded(stored, small_disk):
    (small_disk / "other").write_bytes(bytes(4 * MEBIBYTE))
    run = stored.run("download", "--file", str(small_disk / "b"))
    assert run.status == 1 and "MiB are needed" in run.log and "4.0 MiB are free" in run.log, run
    assert names(small_disk) == ["other"] and stored.requests("GetBlob") == []
    (small_disk / "other").unlink()
    assert_downloaded(stored, stored.run("download", "--file", str(small_disk / "b")), small_disk / "b")


def test_R2_J5_a_disk_that_fills_meanwhile_is_said_and_left_clean(stored, small_disk):
    program = begun_download(stored, small_disk / "b")
    wait_until(lambda: nameless(program)[0], "a partial file")
    (small_disk / "other").write_bytes(bytes(4 * MEBIBYTE))
    stored.release()
    run = program.wait()
    assert run.status == 1 and "No space left" in run.log and "Make room" in run.log, run
    assert names(small_disk) == ["other"], run


def test_P1_a_killed_download_leaves_nothing(stored, small_disk):
    program = begun_download(stored, small_disk / "b")
    wait_until(lambda: nameless(program)[0] >= MEBIBYTE, "a partial file")
    assert nameless(program)[1] == 0o600, "others may not read it"
    assert names(small_disk) == [], "it has no name"
    program.kill()
    assert names(small_disk) == []
    stored.release()
    assert_downloaded(stored, stored.run("download", "--file", str(small_disk / "b")), small_disk / "b")


# Where the file system cannot make files without a name


@pytest.fixture
def named(stored, failing_calls):
    stored.env |= {"LD_PRELOAD": str(failing_calls), "FAILING_CALL": "O_TMPFILE", "FAILING_FROM": "1",
                   "FAILING_COUNT": "1000"}
    return stored


def test_P1_what_a_killed_download_left_under_a_name_takes_no_room_from_the_next(named, small_disk):
    program = begun_download(named, small_disk / "b")
    wait_until(lambda: any(p.stat().st_size >= MEBIBYTE for p in small_disk.iterdir()), "a partial file")
    program.kill()
    assert names(small_disk) == [".b.partial"]
    assert stat.S_IMODE((small_disk / ".b.partial").stat().st_mode) == 0o600
    named.release()
    assert_downloaded(named, named.run("download", "--file", str(small_disk / "b")), small_disk / "b")


@pytest.mark.parametrize("options", [[], ["--force"]])
def test_two_downloads_to_one_file_with_a_name_do_not_meet(named, folder, options):
    first = begun_download(named, folder / "b", *options)
    wait_until(lambda: names(folder) == [".b.partial"], "a partial file")
    second = named.run("download", "--file", str(folder / "b"), *options)
    named.release()
    assert second.status == 1 and "another process" in second.log, second
    assert_downloaded(named, first.wait(), folder / "b")


# Interruption


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_U12_an_interrupted_download_leaves_nothing(stored, folder, number):
    program = begun_download(stored, folder / "b")
    wait_until(lambda: nameless(program)[0], "a partial file")
    assert names(folder) == [], "nothing under any name"
    run = program.ended_by(number)
    assert_nothing_there(run, folder, 143)


def test_P1_what_appears_during_a_download_is_left_alone(stored, folder):
    first = begun_download(stored, folder / "b")
    wait_until(lambda: nameless(first)[0], "a partial file")
    first.send(signal.SIGSTOP)
    stored.release()
    assert_downloaded(stored, stored.run("download", "--file", str(folder / "b")), folder / "b")
    (folder / "b").write_text("somebody's")
    first.send(signal.SIGCONT)
    run = first.wait()
    assert run.status == 78 and "was created by another program during the download" in run.log, run
    assert "Move that file away or name another one" in run.log, run
    assert names(folder) == ["b"] and (folder / "b").read_text() == "somebody's"


@pytest.mark.parametrize("options", [[], ["--force"]])
def test_P1_a_folder_that_cannot_be_written_to_disk_is_said_and_that_the_file_is_there(
        stored, folder, failing_calls, options):
    if options:
        (folder / "b").write_text("old")
    run = stored.run("download", "--file", str(folder / "b"), *options, LD_PRELOAD=str(failing_calls),
                     FAILING_CALL="fsync", FAILING_FROM="2", FAILING_COUNT="1")
    assert run.status == 1 and "b is there, complete and verified" in run.log and "pass --force" in run.log, run
    assert (folder / "b").read_bytes() == stored.download(stored.recorded_path) and names(folder) == ["b"]


def test_P1_a_file_that_cannot_be_written_to_disk_is_not_there(stored, folder, failing_calls):
    run = stored.run("download", "--file", str(folder / "b"), LD_PRELOAD=str(failing_calls), FAILING_CALL="fsync",
                     FAILING_FROM="1", FAILING_COUNT="1")
    assert_nothing_there(run, folder, 1, "cannot write to disk")



# Standard output


def test_the_bytes_go_to_standard_output_and_nothing_else(stored):
    run = stored.run("download", "--file", "-")
    assert run.status == 0 and run.output == stored.download(stored.recorded_path), run


@pytest.mark.parametrize("kind", ["empty", "half", "a flipped bit in the middle"])
def test_J3_on_standard_output_the_exit_status_tells(stored, kind):
    data, word = damaged(kind, stored.download(stored.recorded_path))
    run = stored.run("download", put(stored, data), "--file", "-")
    assert run.status == 1 and word in run.log and "verified" not in run.log, run


def test_a_reader_that_goes_away_ends_the_download(stored, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    program = stored.start("download", "--file", "-", output=tmp_path / "pipe")
    with open(tmp_path / "pipe", "rb") as pipe:
        pipe.read(100_000)
    run = program.wait()
    assert run.status == 1 and "the reader of standard output is gone" in run.log, run


def test_a_reader_that_does_not_read_cannot_hold_up_SIGTERM(stored, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    program = stored.start("download", "--file", "-", output=tmp_path / "pipe")
    with open(tmp_path / "pipe", "rb") as pipe:
        pipe.read(1)
        program.wait_for_log("download started")
        time.sleep(0.5)  # then it waits for the pipe; a signal before would end it as well
        run = program.ended_by(signal.SIGTERM)
        assert run.status == 143, run


# What Kubernetes sees


def test_the_termination_message_tells_the_outcome(stored, folder, tmp_path):
    message = tmp_path / "termination-log"
    message.touch()
    stored.env["APP_TERMINATION_MESSAGE_PATH"] = str(message)
    stored.run("download", "--file", str(folder / "b"))
    assert json.loads(message.read_text())["path"] == stored.recorded_path
    stored.run("download", "--file", str(folder / "b"))
    failure = json.loads(message.read_text())
    assert failure["result"] == "failure" and failure["status"] == 78 and "exists" in failure["cause"]
