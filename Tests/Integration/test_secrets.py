"""Secrets stay secret: not in a log at any level, not in the process list, not in a file; and nothing is on disk. They
may change between runs, and the token of the API server during one."""

import base64
import json
import os
import re
from pathlib import Path

import pytest

from certificates import TLS
from world import MEBIBYTE, NAMESPACE, RECORD, STORE_SECRET, TOKEN

PASSWORD = "pw-that-nobody-may-see"
SIGNATURE = re.compile(r"SharedKey [a-z0-9]+:|sig=|Bearer [A-Za-z0-9]|BEGIN [A-Z ]*PRIVATE KEY")


@pytest.fixture
def secretive(empty_world, start_etcd, tmp_path):
    """A world in which everything that can be secret is: TLS keys, etcd password, bearer token, account key."""
    cluster = start_etcd(tls=TLS.make(tmp_path / "tls", client_name=None))
    cluster.fill(6, value_size=MEBIBYTE)
    cluster.enable_authentication(PASSWORD)
    empty_world.back_up(cluster)
    empty_world.sandbox.put_configmap(NAMESPACE, RECORD, {})
    empty_world.secrets = [
        PASSWORD, TOKEN, empty_world.sandbox.account_key, *key_lines(cluster.tls.client.key)]
    return empty_world


def key_lines(pem: str) -> list[str]:
    return [line for line in pem.splitlines() if "-----" not in line]


def assert_no_secret_in(text: str, secrets: list[str]) -> None:
    for secret in secrets:
        assert secret not in text
    assert not SIGNATURE.search(text), SIGNATURE.search(text)


@pytest.mark.parametrize("level", ["trace", "debug", "info"])
def test_a_good_run_logs_no_secret(secretive, level):
    run = secretive.run(APP_LOGGER_LEVEL=level)
    secretive.assert_success(run)
    assert_no_secret_in(run.log, secretive.secrets)


@pytest.mark.parametrize("operation, service", [
    ("GetSecret", "kubernetes"), ("PutBlock", "blob"), ("PutBlockList", "blob"),
    ("PatchConfigMap", "kubernetes"), ("ListBlobs", "blob")])
def test_a_refused_run_logs_no_secret(secretive, operation, service):
    secretive.fault(operation, "status", service=service, status=403)
    run = secretive.run(APP_LOGGER_LEVEL="trace")
    assert run.status in (2, 78), run
    assert_no_secret_in(run.log, secretive.secrets)


def test_a_cut_run_logs_no_secret(secretive):
    secretive.fault("PutBlock", "reset", afterBytes=1000)
    run = secretive.run(APP_LOGGER_LEVEL="trace", APP_BACKUP_TIMEOUT="5s")
    assert run.status == 1, run
    assert_no_secret_in(run.log, secretive.secrets)


@pytest.mark.parametrize("account", [
    "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={key};EndpointSuffix=core.windows.net",
    "https://acct.blob.core.windows.net/?sig={key}",
    "{key}",
], ids=["connection string", "SAS", "key"])
@pytest.mark.parametrize("arguments", [[], ["check"]], ids=["backup", "check"])
def test_what_stands_in_storage_account_by_mistake_is_not_shown(world, tmp_path, account, arguments):
    message = tmp_path / "termination-log"
    message.touch()
    key = world.sandbox.account_key
    world.sandbox.put_secret(NAMESPACE, STORE_SECRET, {"storage-account": account.format(key=key), "storage-key": key})
    run = world.run(*arguments, APP_TERMINATION_MESSAGE_PATH=str(message))
    assert run.status == 78 and "storage-account" in run.log + run.text, run
    assert_no_secret_in(run.log + run.text + message.read_text(), [key, key[:20]])


def test_a_running_process_shows_no_secret_and_holds_no_file(secretive, tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    secretive.hold("PutBlock", skip=1)
    program = secretive.start(
        TMPDIR=str(temporary), APP_BACKUP_BLOCK_SIZE="1MiB", APP_BACKUP_BLOCKS_IN_FLIGHT="1")
    secretive.wait_for_held("PutBlock")
    process = f"/proc/{program.pid}"
    for name in ("cmdline", "environ"):
        with open(f"{process}/{name}", "rb") as file:
            assert_no_secret_in(file.read().decode(errors="replace"), secretive.secrets)
    open_files = {os.readlink(f"{process}/fd/{number}") for number in os.listdir(f"{process}/fd")}
    strange = {
        name for name in open_files
        if not name.startswith(("socket:", "pipe:", "anon_inode:", "/dev/null"))
    } - {str(program.log), str(program.output_file)}
    assert strange == set(), strange
    secretive.release()
    run = program.wait()
    secretive.assert_success(run)
    assert list(program.working_directory.iterdir()) == []
    assert list(temporary.iterdir()) == []


# Rotation


def test_U9_a_storage_key_that_was_rotated_is_taken_from_the_secret_by_the_next_run(world):
    path = world.assert_success(world.run())
    new = base64.b64encode(b"another key of the account").decode()
    world.rotate_storage_key(new)
    run = world.run()
    world.assert_nothing_happened(run, 78, blobs=[path.split("/", 1)[1]], path=path)
    assert "AuthenticationFailed" in run.log and "storage-key" in run.log, run
    world.sandbox.put_secret(NAMESPACE, STORE_SECRET, {"storage-account": world.sandbox.account, "storage-key": new})
    assert world.assert_success(world.run()) != path


def test_U9_a_token_that_is_replaced_during_a_run_is_read_again(secretive, tmp_path):
    token, kubeconfig = tmp_path / "token", tmp_path / "kubeconfig-with-a-token-file"
    token.write_text(TOKEN)
    config = json.loads(Path(secretive.env["APP_KUBECONFIG_PATH"]).read_text())
    config["users"][0]["user"] = {"tokenFile": str(token)}
    kubeconfig.write_text(json.dumps(config))
    secretive.hold("PutBlock")
    program = secretive.start(APP_KUBECONFIG_PATH=str(kubeconfig))
    secretive.wait_for_held("PutBlock")
    token.write_text("token-of-the-next-hour")
    secretive.allow(token="token-of-the-next-hour")
    secretive.sandbox.revoke(TOKEN)
    secretive.release()
    run = program.wait()
    secretive.assert_success(run)
    assert "token-of-the-next-hour" not in run.log
    assert 401 in [request.get("status") for request in secretive.requests()], "the old one was refused"


def test_J13_a_signature_that_does_not_match_is_no_firewall_whatever_code_the_store_has_for_it(world):
    """Azurite's refusal of a wrong key, word for word."""
    words = ("Server failed to authenticate the request. Make sure the value of Authorization header is formed "
             "correctly including the signature.")
    world.faults([{"match": {"service": "blob"}, "action": {
        "kind": "status", "status": 403, "code": "AuthorizationFailure", "message": words}}])
    run = world.run()
    world.faults([])
    world.assert_nothing_happened(run, 78)
    assert "storage-key" in run.log and "rotated" in run.log and "firewall" not in run.log, run
