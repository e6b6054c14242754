"""The program as a process: its exit statuses, signals, deadline, command line, termination message and log."""

import json
import re
import signal
import time

import pytest

from processes import AT_ONCE
from sandbox import ACCOUNT
from world import MEBIBYTE, NAMESPACE, PREFIX, RECORD, RECORDED_PATH, STORE_SECRET, assert_no_success_in

REQUIRED = [
    "APP_WORKING_NAMESPACE", "APP_ABS_CONTAINER_NAME", "APP_ABS_SECRET_NAME", "APP_BLOB_PREFIX",
    "APP_BACKUP_ETCD_ENDPOINTS", "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING",
    "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS", "APP_CLEANER_EXPIRATION_BLOB_TIME"]


# Signals


@pytest.fixture
def slow(empty_world, start_etcd):
    """A run of some twenty blocks, one after the other."""
    cluster = start_etcd()
    cluster.fill(20, value_size=MEBIBYTE)
    empty_world.back_up(cluster)
    empty_world.env |= {"APP_BACKUP_BLOCK_SIZE": "1MiB", "APP_BACKUP_BLOCKS_IN_FLIGHT": "1"}
    return empty_world


def test_J13_SIGTERM_before_the_commit_ends_the_run_within_a_second_and_is_told_as_a_stop(slow):
    took: list[float] = []
    while not took or min(took) > 1:
        assert len(took) < 10, took  # each may have been held up by what else this machine does, but not all of them
        slow.hold("PutBlock", skip=1)
        program = slow.start()
        slow.wait_for_held("PutBlock")
        sent = time.monotonic()
        run = program.ended_by(signal.SIGTERM)
        took.append(time.monotonic() - sent)
        slow.assert_nothing_happened(run, 143)
        assert "stopped by a signal" in run.log and "Did etcd restart" not in run.log and "proxy" not in run.log, run


def test_SIGTERM_while_etcd_does_not_answer_ends_the_run_at_once(world, etcd):
    etcd.first.pause()
    program = world.start()
    world.wait_for_request("GetSecret")
    run = program.ended_by(signal.SIGTERM)
    etcd.first.resume()
    world.assert_nothing_happened(run, 143)


def test_SIGTERM_during_the_commit_finishes_it_and_records(world):
    world.hold("PutBlockList")
    program = world.start()
    world.wait_for_held("PutBlockList")
    program.send(signal.SIGTERM)
    time.sleep(0.5)  # the program sees it before the answer, which makes no difference
    world.release()
    run = program.wait()
    path = world.recorded_path
    assert run.status == 0 and path, run
    world.assert_whole(path)


def test_the_deadline_ends_a_run_that_makes_progress(slow):
    slow.fault("PutBlock", "delay", milliseconds=700)
    run = slow.run(APP_BACKUP_TIMEOUT="3s")
    slow.assert_nothing_happened(run, 1)
    assert "APP_BACKUP_TIMEOUT" in run.log, run
    assert 2.5 < run.seconds < 3 + AT_ONCE, run


# Configuration


def test_every_mistake_is_reported_at_once_before_anything_is_contacted(world):
    mistakes = {
        "APP_WORKING_NAMESPACE": "Not A Namespace",
        "APP_ABS_CONTAINER_NAME": "No",
        "APP_BACKUP_ETCD_ENDPOINTS": "ftp://etcd",
        "APP_CLEANER_EXPIRATION_BLOB_TIME": "three days",
        "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": "-1",
        "APP_BACKUP_TIMEOUT": "0s",
        "APP_LOGGER_LEVEL": "loud",
    }
    run = world.run(**mistakes)
    assert run.status == 78, run
    for name, value in mistakes.items():
        assert name in run.log and value in run.log, f"{name}={value} is not reported\n{run}"
    assert world.requests() == []


def test_every_missing_variable_is_named(world):
    # Whoever names no record may do without Kubernetes, so without its variables.
    missing = [name for name in REQUIRED if name != "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING"]
    run = world.run(**dict.fromkeys(missing))
    assert run.status == 78, run
    for name in missing:
        assert name in run.log, f"{name} is not named\n{run}"


@pytest.mark.parametrize("secret, words", [
    (None, [STORE_SECRET, NAMESPACE]),
    ({"storage-account": ACCOUNT}, [STORE_SECRET, "storage-key"]),
    ({"storage-key": "AAAA"}, [STORE_SECRET, "storage-account"]),
    ({"storage-account": ACCOUNT, "storage-key": "not base64!"}, [STORE_SECRET, "storage-key", "base64"]),
], ids=["absent", "without key", "without account", "not base64"])
def test_an_unusable_store_secret_is_explained(world, secret, words):
    if secret is None:
        world.env["APP_ABS_SECRET_NAME"] = words[0] = "nobody-made-this"
    else:
        world.sandbox.put_secret(NAMESPACE, STORE_SECRET, secret)
    run = world.run()
    world.assert_nothing_happened(run, 78)
    for word in words:
        assert word in run.log, f"{word!r} is not said\n{run}"
    assert "not base64!" not in run.log, run


def test_what_editors_leave_behind_in_secrets_is_trimmed(world):
    world.sandbox.put_secret(NAMESPACE, STORE_SECRET, {
        "storage-account": f"{world.sandbox.account}\n", "storage-key": f" {world.sandbox.account_key}\r\n"})
    world.assert_success(world.run())


def test_a_service_account_that_may_not_read_secrets_is_told_which_verb_it_lacks(world):
    world.allow({"configmaps": ["get", "patch", "create"]})
    run = world.run()
    world.assert_nothing_happened(run, 78)
    for word in ("get", "secrets", STORE_SECRET):
        assert word in run.log, run


def test_an_unknown_token_is_explained(world):
    kubeconfig = world.sandbox.kubeconfig(
        world.folder / "other", token="nobody's", namespace=NAMESPACE)
    run = world.run(APP_KUBECONFIG_PATH=kubeconfig)
    world.assert_nothing_happened(run, 78)
    assert "nobody's" not in run.log, run


def test_one_trailing_slash_is_dropped(world):
    path = world.assert_success(
        world.run(APP_BLOB_PREFIX=f"{PREFIX}/", APP_ABS_CONTAINER_NAME="etcd-backups/"))
    world.assert_whole(path)


# Command line


def test_help_documents_every_variable_and_exit_status(world):
    run = world.run("--help")
    assert run.status == 0, run
    for name in [*world.env, "APP_BACKUP_TIMEOUT", "APP_ABS_CA_FILE", "APP_LOGGER_FORMAT"]:
        assert name in run.text, f"{name} is not documented"
    for status in ("0", "1", "2", "64", "78", "143"):
        assert re.search(rf"^\s*{status}\s", run.text, re.MULTILINE), f"{status} is not documented"


def test_version_is_one_line(world):
    run = world.run("--version")
    assert run.status == 0 and len(run.text.splitlines()) == 1, run


@pytest.mark.parametrize("argument", ["--nonsense", "nonsense"])
def test_a_wrong_command_line_is_64(world, argument):
    assert world.run(argument).status == 64


# What it says


def test_the_log_is_json_one_event_a_stage(world):
    run = world.run()
    world.assert_success(run)
    assert 4 <= len(run.events) <= 12, run
    for event in run.events:
        assert {"time", "level", "msg"} <= event.keys(), event


def test_text_is_there_for_people(world):
    run = world.run(APP_LOGGER_FORMAT="text")
    world.assert_success(run)
    assert not run.log.startswith("{"), run


def test_C3_the_termination_message_of_a_success_names_the_blob(world, tmp_path):
    message = tmp_path / "termination-log"
    message.touch()
    run = world.run(APP_TERMINATION_MESSAGE_PATH=str(message))
    path = world.assert_success(run)
    assert path in message.read_text(), message.read_text()
    assert len(message.read_text().splitlines()) == 1
    json.loads(message.read_text())


def test_the_termination_message_of_a_failure_names_cause_and_hint(world, etcd, tmp_path):
    message = tmp_path / "termination-log"
    message.touch()
    etcd.first.kill()
    run = world.run(APP_TERMINATION_MESSAGE_PATH=str(message))
    world.assert_nothing_happened(run, 1)
    result = json.loads(message.read_text())
    assert str(etcd.first.client_port) in json.dumps(result), result


def test_a_termination_message_that_is_not_there_is_not_made(world, tmp_path):
    message = tmp_path / "termination-log"
    world.assert_success(world.run(APP_TERMINATION_MESSAGE_PATH=str(message)))
    assert not message.exists()


@pytest.mark.parametrize("service, operation", [
    ("kubernetes", "GetSecret"), ("blob", "ListBlobs"), ("blob", "PutBlock"), ("blob", "PutBlockList"),
    ("blob", "HeadBlob"), ("blob", "GetBlockList")])
def test_C4_a_run_that_fails_before_the_record_never_sounds_like_success(world, service, operation):
    world.sandbox.put_configmap(NAMESPACE, RECORD, {RECORDED_PATH: "old"})
    world.fault(operation, "status", service=service, status=403)
    run = world.run()
    assert run.status == 78 and world.recorded_path == "old", run
    assert [event["level"] for event in run.events][-1] == "error", run
    assert_no_success_in(run)


@pytest.mark.parametrize("service, operation, path, said", [
    ("kubernetes", "PatchConfigMap", None, "backup stored, but not recorded"),
    ("blob", "ListBlobs", "maxresults=1000", "backup stored and recorded, but retention failed")])
def test_C4_a_run_that_fails_after_its_backup_is_stored_says_what_is_missing(world, service, operation, path, said):
    world.sandbox.put_configmap(NAMESPACE, RECORD, {RECORDED_PATH: "old"})
    world.fault(operation, "status", service=service, path=path, status=403)
    run = world.run()
    assert run.status == 2, run
    last = run.events[-1]
    assert (last["level"], last["msg"]) == ("error", said), run
    assert "run finished" not in run.log and "success" not in run.log, run
