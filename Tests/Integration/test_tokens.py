"""A run whose requests are authorised with tokens of Microsoft Entra ID, or of the machine it runs on."""

import contextlib
import socket
import socketserver
import threading
import time
from urllib.parse import urlsplit

import pytest

from identities import AUDIENCE, CLIENT, ISSUER, SECRET, SUBJECT, TENANT, Identities
from test_secrets import assert_no_secret_in
from world import CONTAINER, NAMESPACE, STORE_SECRET, TOKEN

KINDS = ["workload-identity", "service-principal", "managed-identity"]
KEEP_ONE = {"APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": "1", "APP_CLEANER_EXPIRATION_BLOB_TIME": "0s"}


@pytest.fixture
def identities(world, tmp_path):
    return Identities(world.sandbox, tmp_path, CONTAINER)


def use(world, identities, kind: str) -> list[str]:
    """From now on runs ask for tokens; returns what they may never show."""
    secret = {"storage-account": world.sandbox.account}
    if kind == "service-principal":
        secret["client-secret"] = SECRET
    world.sandbox.put_secret(NAMESPACE, STORE_SECRET, secret)
    world.env |= identities.environment(kind)
    return [TOKEN, SECRET, identities.token_file.read_text().strip()]


def exchanges(world) -> list[dict]:
    return world.requests("IssueToken")


@pytest.mark.parametrize("kind", KINDS)
def test_A10_a_token_takes_a_backup_lists_verifies_and_downloads_it_and_deletes_the_one_before(
        world, identities, tmp_path, kind):
    secrets = use(world, identities, kind)
    first = world.assert_success(world.run(APP_LOGGER_LEVEL="trace"))
    time.sleep(1.1)  # ages count whole seconds
    second_run = world.run(APP_LOGGER_LEVEL="trace", **KEEP_ONE)
    assert len(exchanges(world)) == 1, "one token serves a run"
    second = world.assert_success(second_run)
    assert world.blob_names == [second.split("/", 1)[1]] and first != second, second_run
    listed, verified = world.run("list", "--output", "json"), world.run("verify", second)
    downloaded = world.run("download", second, "--file", str(tmp_path / "backup.db"))
    assert [run.status for run in (listed, verified, downloaded)] == [0, 0, 0], f"{listed}\n{verified}\n{downloaded}"
    assert (tmp_path / "backup.db").read_bytes() == world.assert_whole(second)
    checked = world.run("check", "--output", "json")
    assert checked.status == 0 and CLIENT in checked.text, checked.text
    for run in (second_run, listed, verified, downloaded, checked):
        assert_no_secret_in(run.log + run.text, secrets)


@pytest.mark.parametrize("operation, path", [
    ("ListBlobs", "maxresults=1"), ("PutBlock", None), ("PutBlockList", None), ("HeadBlob", None), ("GetBlockList", None),
    ("ListBlobs", "maxresults=1000"), ("DeleteBlob", None)],
    ids=["probe", "block", "commit", "head", "blocks", "listing", "deletion"])
def test_A13_a_token_that_the_store_finds_expired_is_replaced_at_every_moment_of_a_run(world, identities, operation, path):
    use(world, identities, "workload-identity")
    world.assert_success(world.run())
    time.sleep(1.1)  # ages count whole seconds
    identities.set(lifetime=6, announcedLifetime=3600)
    world.hold(operation, path=path, times=1)
    program = world.start(**KEEP_ONE)
    world.wait_for_held(operation)
    time.sleep(6.1)  # the token ends while the request is on its way
    world.release()
    run = program.wait()
    asked = len(exchanges(world))
    refused = [request["operation"] for request in world.requests() if request.get("status") == 401]
    world.assert_whole(world.assert_success(run))
    assert operation in refused and asked >= 2, f"{refused}\n{run}"


def test_A12_tokens_of_seconds_are_renewed_all_through_a_run(world, identities):
    use(world, identities, "workload-identity")
    identities.set(lifetime=6)
    world.faults([
        {"match": {"operation": operation}, "times": 1, "action": {"kind": "delay", "milliseconds": 2500}}
        for operation in ("PutBlock", "PutBlockList", "HeadBlob", "GetBlockList")])
    run = world.run()
    asked = exchanges(world)
    world.assert_whole(world.assert_success(run))
    assert len(asked) >= 2, run


def test_A14_an_authority_that_is_away_for_a_while_delays_a_run(world, identities):
    use(world, identities, "workload-identity")
    world.fault("IssueToken", "status", service="identity", status=503, times=2)
    world.assert_success(world.run())


def test_A14_an_authority_that_stays_away_ends_a_run_before_its_snapshot(world, identities):
    use(world, identities, "workload-identity")
    world.fault("IssueToken", "status", service="identity", status=503)
    run = world.run(APP_BACKUP_TIMEOUT="8s")
    world.faults([])
    world.assert_nothing_happened(run, 1)
    assert "no token for the workload identity" in run.log or "503" in run.log, run


@pytest.mark.parametrize("kind, env, words", [
    ("workload-identity", {"AZURE_CLIENT_ID": "other"}, ["AADSTS700016", "AZURE_CLIENT_ID"]),
    ("service-principal", {"AZURE_TENANT_ID": "other"}, ["AADSTS90002", "AZURE_TENANT_ID"]),
    ("managed-identity", {"AZURE_CLIENT_ID": "other"}, ["Identity not found", "node pool"]),
    ("workload-identity", {"AZURE_FEDERATED_TOKEN_FILE": "/nowhere"}, ["/nowhere", "azure.workload.identity/use"]),
], ids=["client", "tenant", "machine", "file"])
def test_A15_a_wrong_identity_is_refused_with_cause_and_remedy(world, identities, kind, env, words):
    use(world, identities, kind)
    run = world.run(**env)
    world.assert_nothing_happened(run, 78)
    assert run.events[-1]["stage"] == "container" and all(word in run.log for word in words), run


def test_A15_a_wrong_client_secret_is_refused_and_not_shown(world, identities):
    use(world, identities, "service-principal")
    world.sandbox.put_secret(NAMESPACE, STORE_SECRET, {
        "storage-account": world.sandbox.account, "client-secret": "not~the-right-one"})
    run = world.run(APP_LOGGER_LEVEL="trace")
    world.assert_nothing_happened(run, 78)
    assert "AADSTS7000215" in run.log and "not its id" in run.log and "not~the-right-one" not in run.log, run


def test_A15_an_expired_federated_token_is_read_again_once_and_then_refused(world, identities):
    use(world, identities, "workload-identity")
    identities.write_token(exp=1000)
    run = world.run()
    asked = exchanges(world)
    world.assert_nothing_happened(run, 78)
    assert "AADSTS700024" in run.log and "clock" in run.log and len(asked) == 2, run


def test_A15_a_federated_credential_that_does_not_match_is_told_with_what_it_must_say(world, identities):
    use(world, identities, "workload-identity")
    identities.set(federated={"subject": "system:serviceaccount:other:etcd-backup"})
    run = world.run(APP_BACKUP_TIMEOUT="90s")
    asked = exchanges(world)
    world.assert_nothing_happened(run, 78)
    assert all(word in run.log for word in ("AADSTS700213", ISSUER, SUBJECT, AUDIENCE)), run
    assert len(asked) == 6, "a fresh credential may need a minute to spread"


@pytest.mark.parametrize("roles, status, stage", [
    ([], 78, "container"), (["read"], 78, "snapshot"), (["read", "write"], 2, "retention")])
def test_A16_a_role_that_lacks_is_told(world, identities, roles, status, stage):
    use(world, identities, "workload-identity")
    world.assert_success(world.run())
    time.sleep(1.1)  # ages count whole seconds
    identities.set(roles=roles)
    run = world.run(**KEEP_ONE)
    assert run.status == status and run.events[-1]["stage"] == stage, run
    assert "Storage Blob Data Contributor" in run.log and CLIENT in run.log and "30 minutes" in run.log, run


def test_A16_a_token_of_another_tenant_than_the_account_s_is_told_with_both(world, identities):
    use(world, identities, "workload-identity")
    identities.set(accountTenant="11111111-0000-4000-8000-00000000000c")
    run = world.run()
    world.assert_nothing_happened(run, 78)
    assert "which is 11111111-0000-4000-8000-00000000000c" in run.log and TENANT in run.log, run


@pytest.mark.parametrize("kind, env, words", [
    ("workload-identity", {"AZURE_TENANT_ID": None}, ["AZURE_TENANT_ID is required"]),
    ("workload-identity", {"AZURE_AUTHORITY_HOST": "http://login.example"}, ["AZURE_AUTHORITY_HOST", "https"]),
    ("workload-identity", {
        "APP_ABS_ENDPOINT": "https://a1b.blob.core.windows.net", "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us"},
     ["AZURE_AUTHORITY_HOST", "Azure's public cloud"]),
    ("workload-identity", {"APP_ABS_ENDPOINT": None, "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us"},
     ["AZURE_AUTHORITY_HOST", "Azure's public cloud"]),
], ids=["tenant", "http", "cloud", "cloud without endpoint"])
def test_A18_a_configuration_that_cannot_work_is_refused_before_anything_is_asked(world, identities, kind, env, words):
    use(world, identities, kind)
    run = world.run(**env)
    asked = world.requests()
    world.assert_nothing_happened(run, 78)
    assert all(word in run.log for word in words) and asked == [], run


def test_A18_a_token_is_not_sent_unencrypted_to_another_machine(world, identities):
    use(world, identities, "workload-identity")
    run = world.run(APP_ABS_ENDPOINT="http://store.example", APP_ABS_ALLOW_HTTP="on")
    world.assert_nothing_happened(run, 78)
    assert "a token would travel readable" in run.log, run


def test_A19_imds_is_never_asked_through_a_proxy(world, identities):
    use(world, identities, "managed-identity")
    world.assert_success(world.run(http_proxy="http://127.0.0.1:9", no_proxy=None))


class Tunnel(socketserver.ThreadingTCPServer):
    """A proxy that remembers where it was asked to lead."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), TunnelHandler)
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class TunnelHandler(socketserver.StreamRequestHandler):
    server: Tunnel

    def handle(self):
        method, target, _ = self.rfile.readline().decode().split()
        while self.rfile.readline().strip():
            pass
        assert method == "CONNECT"
        self.server.asked.append(target)
        host, port = target.split(":")
        with socket.create_connection((host, int(port))) as other:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=relay, args=(other, self.connection))
            back.start()
            relay(self.connection, other)
            back.join()


def relay(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def test_A19_authority_and_store_are_asked_through_a_proxy_and_nothing_else_is(world, identities):
    use(world, identities, "workload-identity")
    with Tunnel() as proxy:
        run = world.run(https_proxy=f"http://127.0.0.1:{proxy.server_address[1]}")
        world.assert_success(run)
        asked = set(proxy.asked)
        proxy.shutdown()
    assert asked == {urlsplit(url).netloc for url in (world.sandbox.identity_url, world.sandbox.blob_tls_url)}, run
