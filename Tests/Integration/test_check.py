"""`etcd-backup check`: everything a run needs, asked for without changing anything."""

import json
import re
import signal
import socket
from pathlib import Path

import pytest

from certificates import TLS, Authority
from etcd import Release
from processes import AT_ONCE, wait_until
from world import CONTAINER, NAMESPACE, RECORD, RECORDED_PATH, STORE_SECRET, TOKEN

SOON = 10  # seconds for all its attempts at one server


def outcomes(run) -> dict[str, set[str]]:
    """Outcomes by the first word of their subject."""
    found: dict[str, set[str]] = {}
    for check in run.json["checks"]:
        found.setdefault(check["subject"].split()[0], set()).add(check["outcome"])
    return found


def only(run, outcome: str) -> dict:
    """The one finding with this outcome."""
    findings = [check for check in run.json["checks"] if check["outcome"] == outcome]
    assert len(findings) == 1, f"{len(findings)} × {outcome}\n{run.text}\n{run}"
    return findings[0]


def assert_fails(run, status: int, subject: str, *words: str) -> None:
    assert run.status == status and run.json["outcome"] == "fail", f"{run}\n{run.text}"
    finding = only(run, "fail")
    assert finding["subject"].startswith(subject), finding
    for word in words:
        assert word in finding["detail"] + finding.get("remedy", ""), f"{word!r} is not said: {finding}"


def assert_warns(run, subject: str, *words: str) -> None:
    assert run.status == 0 and run.json["outcome"] == "warn", f"{run}\n{run.text}"
    finding = only(run, "warn")
    assert finding["subject"].startswith(subject), finding
    for word in words:
        assert word in finding["detail"] + finding.get("remedy", ""), f"{word!r} is not said: {finding}"


def check(world, **env):
    return world.run("check", "--output", "json", **env)


def revoke(world, **verbs: list[str]) -> None:
    world.sandbox.revoke(TOKEN)
    world.allow(verbs)


@pytest.fixture
def recorded(world):
    """A world with one recorded backup: nothing to complain about."""
    world.assert_success(world.run())
    return world


# Nothing is wrong


def test_all_is_well(recorded, etcd):
    run = check(recorded)
    assert run.status == 0 and run.json["outcome"] == "pass", run.text
    assert outcomes(run) == {subject: {"pass"} for subject in (
        "configuration", "kubernetes", "secret", "record", "etcd", "container", "clock", "listing", "writing",
        "reading", "deleting", "recorded",
        "retention")}
    details = " ".join(finding["detail"] for finding in run.json["checks"])
    for word in ("3.4.23", "leader", f"revision {etcd.first.status()['header']['revision']}", recorded.recorded_path):
        assert word in details, f"{word!r} is not told\n{details}"


def test_people_get_one_line_each(recorded):
    run = recorded.run("check")
    lines = run.text.splitlines()
    assert run.status == 0 and len(lines) >= 10 and all(line.startswith("pass  ") for line in lines), run.text


def test_nothing_is_changed(recorded):
    before = (recorded.blob_names, recorded.record)
    assert check(recorded).status == 0
    assert (recorded.blob_names, recorded.record) == before
    written = {request["operation"] for request in recorded.requests()
               if request["method"] not in ("GET", "HEAD")}
    assert written <= {"PutBlock", "DeleteBlob", "ReviewAccess"}, written
    uncommitted = [b.name for b in recorded.container.list_blobs(include=["uncommittedblobs"])]
    assert uncommitted == recorded.blob_names, "not even an uncommitted blob is left"


def test_the_first_run_of_all_is_only_warned(world):
    assert_warns(check(world), "record", "no backup is recorded yet")
    assert "does not exist yet, and may be created" in world.run("check").text


@pytest.mark.parametrize("transport", ["gateway", "grpc", "auto"])
@pytest.mark.parametrize("release", Release.all(), ids=lambda release: release.version)
def test_every_release_is_understood(empty_world, start_etcd, release, transport):
    cluster = start_etcd(release)
    empty_world.back_up(cluster)
    run = check(empty_world, APP_BACKUP_ETCD_TRANSPORT=transport)
    assert run.status == 0, run.text
    assert any(release.version in finding["detail"] for finding in run.json["checks"]), run.text
    if release.version == "3.5.1":
        assert "Upgrade to 3.5.3" in run.text, "a release that corrupts data is named"


def test_a_page_check_that_is_off_is_a_warning(recorded):
    assert_warns(check(recorded, APP_BACKUP_PAGE_CHECK="off"), "page check", "APP_BACKUP_PAGE_CHECK=on")


def test_the_spools_folder_must_be_usable(recorded, tmp_path):
    run = check(recorded, APP_BACKUP_SPOOL_DIRECTORY=str(tmp_path))
    assert run.json["outcome"] == "pass" and f"spool {tmp_path}" in run.text
    assert_fails(check(recorded, APP_BACKUP_SPOOL_DIRECTORY=str(tmp_path / "missing")), 78, "spool", "missing")


# Configuration and Kubernetes


def test_C8_a_misspelt_variable_is_a_warning_with_the_nearest_name(recorded):
    assert_warns(check(recorded, APP_BACKUP_PAGE_CHEK="off"), "configuration", "APP_BACKUP_PAGE_CHECK")
    run = recorded.run(APP_BACKUP_PAGE_CHEK="off")
    assert run.status == 0 and "APP_BACKUP_PAGE_CHECK" in run.log, run


def test_X8_plain_http_to_another_machine_is_refused_unless_it_is_meant(world):
    elsewhere = {"APP_ABS_ENDPOINT": f"http://store.invalid/{world.sandbox.account}", "http_proxy": world.sandbox.blob_url}
    run = check(world, **elsewhere)
    assert_fails(run, 78, "configuration", "APP_ABS_ALLOW_HTTP=on")
    assert world.requests() == []
    run = check(world, **elsewhere, APP_ABS_ALLOW_HTTP="on")
    assert any(f["outcome"] == "warn" and "not encrypted" in f["detail"] for f in run.json["checks"]), run.text


def test_every_mistake_in_the_configuration_is_a_line_and_nobody_is_asked(world):
    run = check(world, APP_BACKUP_ETCD_ENDPOINTS="ftp://x", APP_BLOB_PREFIX=None, APP_BACKUP_TIMEOUT="soon")
    assert run.status == 78 and world.requests() == [], run
    assert [f["detail"].split()[0].rstrip(":") for f in run.json["checks"]] == [
        "APP_BACKUP_ETCD_ENDPOINTS", "APP_BLOB_PREFIX", "APP_BACKUP_TIMEOUT"]
    assert {f["outcome"] for f in run.json["checks"]} == {"fail"}


def test_an_unknown_token_is_said(world):
    kubeconfig = world.sandbox.kubeconfig(world.folder / "other", token="nobody's", namespace=NAMESPACE)
    assert_fails(check(world, APP_KUBECONFIG_PATH=kubeconfig), 78, "kubernetes", "401")


def test_an_API_server_that_is_gone_is_said_soon(world):
    path = Path(world.env["APP_KUBECONFIG_PATH"])
    config = json.loads(path.read_text())
    # Bound, so that nobody else listens there.
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{nobody.getsockname()[1]}"
        path.write_text(json.dumps(config))
        run = check(world)
    assert_fails(run, 1, "kubernetes", "Is the server running")
    assert run.seconds < SOON + AT_ONCE


@pytest.mark.parametrize("verb", ["get", "patch"])
def test_a_missing_permission_on_the_record_is_named(recorded, verb):
    revoke(recorded, secrets=["get"], configmaps=[v for v in ("get", "patch") if v != verb])
    assert_fails(check(recorded), 78, "record", f"Allow {verb} on configmaps/{RECORD}")


def test_update_will_do_in_place_of_patch(recorded):
    revoke(recorded, secrets=["get"], configmaps=["get", "update"])
    assert check(recorded).json["outcome"] == "pass"


def test_a_missing_permission_to_create_the_record_is_named(world):
    revoke(world, secrets=["get"], configmaps=["get", "patch"])
    run = check(world)
    assert run.status == 78 and "allow create on configmaps" in run.text, run.text


def test_a_missing_permission_on_secrets_is_named(recorded):
    revoke(recorded, configmaps=["get", "patch"])
    assert_fails(check(recorded), 78, "secret", f"Allow get on secrets/{STORE_SECRET}")


def test_an_unusable_secret_does_not_hide_what_else_is_wrong(recorded, etcd):
    recorded.sandbox.put_secret(NAMESPACE, STORE_SECRET, {"storage-account": "x"})
    etcd.first.kill()
    run = check(recorded)
    assert run.status == 1, run.text
    failed = {f["subject"].split()[0] for f in run.json["checks"] if f["outcome"] == "fail"}
    assert failed == {"secret", "etcd"}, run.text


def test_no_secret_is_ever_shown(recorded):
    recorded.sandbox.put_secret(NAMESPACE, STORE_SECRET, {
        "storage-account": recorded.sandbox.account, "storage-key": "c2VjcmV0IGtleSBvZiBub2JvZHk="})
    run = check(recorded)
    assert_fails(run, 78, "container", "AuthenticationFailed", "storage-key")
    passed = [f["detail"] for f in run.json["checks"] if f["outcome"] == "pass"]
    assert not any("opens" in detail for detail in passed), f"C8: {passed}"
    assert "c2VjcmV0" not in run.text + run.log


# etcd


def test_one_member_down_is_a_warning_and_all_down_a_failure(empty_world, start_etcd):
    cluster = start_etcd(size=3)
    empty_world.back_up(cluster)
    empty_world.sandbox.put_configmap(NAMESPACE, RECORD, {})
    gone = cluster.followers[0]
    gone.kill()
    run = check(empty_world)
    assert run.status == 0 and outcomes(run)["etcd"] == {"pass", "warn"}, run.text
    assert any(f["outcome"] == "warn" and str(gone.client_port) in f["subject"] for f in run.json["checks"])
    for member in cluster.members:
        member.kill()
    run = check(empty_world)
    assert run.status == 1 and outcomes(run)["etcd"] == {"fail"}, run.text


def test_M5_a_lost_quorum_is_a_warning(empty_world, start_etcd):
    cluster = start_etcd(size=3)
    empty_world.back_up(cluster)
    for member in cluster.followers:
        member.kill()
    cluster.wait_for_no_leader()
    run = check(empty_world)
    assert run.status == 0, run.text
    assert "up to date" in run.text and "outcome\":\"warn" in run.text, run.text


def test_M4_alarms(recorded, etcd):
    etcd.alarm("NOSPACE")
    assert_warns(check(recorded), "etcd", "out of space", "disarm")
    etcd.alarm("CORRUPT")
    run = check(recorded)
    assert run.status == 1 and only(run, "fail")["subject"] == "etcd cluster", run.text
    assert "corrupt" in only(run, "fail")["detail"]


def test_M3_a_learner_is_a_warning(empty_world, start_etcd):
    cluster = start_etcd()
    learner = cluster.add_learner()
    empty_world.back_up(cluster)
    empty_world.assert_success(empty_world.run())
    run = check(empty_world)
    assert run.status == 0, run.text
    learners = [f for f in run.json["checks"] if str(learner.client_port) in f["subject"]]
    assert {f["outcome"] for f in learners} == {"warn"} and "learner" in learners[0]["detail"]


def test_endpoints_of_two_clusters_are_a_failure(recorded, etcd, start_etcd):
    other = start_etcd()
    run = check(recorded, APP_BACKUP_ETCD_ENDPOINTS=f"{etcd.endpoints},{other.endpoints}")
    assert_fails(run, 78, "etcd cluster", "different etcd clusters")


@pytest.mark.parametrize("transport", ["gateway", "grpc"])
def test_a_user_without_the_root_role_is_found_out(empty_world, start_etcd, transport):
    cluster = start_etcd()
    cluster.enable_authentication("secret-of-root", others={"reader": "secret-of-reader"})
    empty_world.back_up(cluster)
    empty_world.assert_success(empty_world.run())
    env = {"APP_BACKUP_ETCD_TRANSPORT": transport}
    assert check(empty_world, **env).json["outcome"] == "pass"
    empty_world.use_credentials("reader", "secret-of-reader")
    assert_fails(check(empty_world, **env), 78, "etcd http", "root role")
    empty_world.use_credentials("root", "wrong")
    run = check(empty_world, **env)
    assert_fails(run, 78, "etcd http", "username and password")
    assert "secret-of" not in run.text + run.log


def test_a_certificate_that_etcd_does_not_take_is_found_out(empty_world, start_etcd, tmp_path):
    cluster = start_etcd(tls=TLS.make(tmp_path / "tls"))
    empty_world.back_up(cluster)
    empty_world.assert_success(empty_world.run())
    assert check(empty_world).json["outcome"] == "pass"
    empty_world.sandbox.put_secret(
        NAMESPACE, empty_world.env["APP_BACKUP_CLIENT_TLS_SECRET"],
        TLS.make(tmp_path / "other", signer=Authority("somebody else")).secret())
    run = check(empty_world)
    assert run.status == 78 and outcomes(run)["etcd"] == {"fail"}, run.text


def test_no_gateway_is_named(recorded, start_etcd):
    cluster = start_etcd(flags=("--enable-grpc-gateway=false",))
    run = check(recorded, APP_BACKUP_ETCD_ENDPOINTS=cluster.endpoints)
    assert_fails(run, 78, "etcd http", "gateway")
    assert check(recorded, APP_BACKUP_ETCD_ENDPOINTS=cluster.endpoints, APP_BACKUP_ETCD_TRANSPORT="grpc").status == 0


def test_the_snapshot_that_was_begun_is_let_go_of(empty_world, start_etcd):
    """A read transaction that stayed open would make etcd's file grow, and defragmenting wait."""
    cluster = start_etcd()
    cluster.fill(40, value_size=1 << 20)  # more than the sockets between hold
    empty_world.back_up(cluster)
    assert check(empty_world).status == 0
    wait_until(lambda: cluster.first.snapshots_served() == 1, "the end of etcd's read")


# The store


def test_a_missing_container_is_said(recorded):
    assert_fails(check(recorded, APP_ABS_CONTAINER_NAME="nobody-made-this"), 78, "container", "Create the container")


@pytest.mark.parametrize("operation, path, subject", [
    ("PutBlock", None, "writing"), ("DeleteBlob", None, "deleting"), ("HeadBlob", "/check-", "reading"),
    ("ListBlobs", None, "container")])
def test_C8_what_may_not_be_done_with_the_container_is_found_out(recorded, operation, path, subject):
    recorded.fault(operation, "status", path=path, status=403, code="AuthorizationPermissionMismatch")
    assert_fails(check(recorded), 78, subject, "allow reading, writing")


def test_a_policy_is_mentioned(recorded):
    recorded.sandbox.set_policy(CONTAINER, immutable=True)
    run = check(recorded)
    assert run.status == 0 and "policy" in run.text, run.text


@pytest.mark.parametrize("seconds, words", [(-300, "ahead of"), (300, "behind")])
def test_U10_a_clock_that_drifts_is_a_warning(recorded, seconds, words):
    recorded.fault("ListBlobs", "date", seconds=seconds)
    assert_warns(check(recorded), "clock", words, "15 minutes")


def test_C8_a_recorded_backup_that_is_gone_is_a_failure(recorded):
    recorded.container.delete_blob(recorded.recorded_path.split("/", 1)[1])
    assert_fails(check(recorded), 1, "recorded backup", "is not there", "etcd-backup list")


def test_C8_a_recorded_backup_in_the_archive_is_a_failure(recorded):
    recorded.service.get_blob_client(*recorded.recorded_path.split("/", 1)).set_standard_blob_tier("Archive")
    assert_fails(check(recorded), 1, "recorded backup", "archive tier", "lifecycle")


def test_C8_a_record_that_names_no_backup_is_a_failure(world):
    world.sandbox.put_configmap(NAMESPACE, RECORD, {RECORDED_PATH: "nonsense"})
    assert_fails(check(world), 1, "record", "nonsense")


def test_D5_retention_that_keeps_one_backup_only_is_a_warning(recorded):
    run = check(recorded, APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS="0", APP_CLEANER_EXPIRATION_BLOB_TIME="1s")
    assert_warns(run, "retention", "only the newest backup is sure to stay")
    assert_warns(check(recorded, APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS="1"), "retention")


def test_what_the_next_run_deletes_is_told(recorded):
    recorded.plant_backups(3, hours_old=1000)
    run = check(recorded, APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS="2")
    assert "4 stored, the next run deletes 1" in run.text, run.text
    run = check(recorded, APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS="2", APP_BACKUP_PAGE_CHECK="off")
    assert "4 stored, the next run deletes 0" in run.text, run.text


# The process


def test_U1_a_store_that_stumbles_is_asked_again(recorded):
    recorded.faults([{"match": {"service": "blob"}, "skip": 0, "times": 2, "action": {"kind": "reset", "afterBytes": 0}}])
    assert check(recorded).json["outcome"] == "pass"


def test_a_store_that_is_down_is_said_soon(recorded):
    recorded.faults([{"match": {"service": "blob"}, "action": {"kind": "status", "status": 503, "code": "ServerBusy"}}])
    run = check(recorded)
    assert_fails(run, 1, "container", "503")
    assert run.seconds < SOON + AT_ONCE


def test_SIGTERM_ends_it_at_once(recorded, etcd):
    etcd.first.pause()
    program = recorded.start("check")
    recorded.wait_for_request("GetSecret")
    run = program.ended_by(signal.SIGTERM)
    assert run.status == 143, run
    etcd.first.resume()


@pytest.mark.parametrize("arguments", [["--output", "x"], ["now"]], ids=" ".join)
def test_a_wrong_command_line_is_64(world, arguments):
    run = world.run("check", *arguments)
    assert run.status == 64 and world.requests() == [], run


def test_help_names_every_command_for_people_and_their_statuses(world):
    overview = world.run("--help").text
    commands = ["backup", "check", "list", "retention", "download", "verify", "inspect", "version"]
    assert re.findall(r"^  ([a-z]+) ", overview.partition("SUBCOMMANDS:")[2], re.MULTILINE) == commands, overview
    for command in commands:
        text = world.run(command, "--help").text
        assert "EXIT STATUS:" in text and "\n0 " in text and "\n64 " in text, text
        assert ("\n78 " in text) == (command not in ("inspect", "version")), text  # these take no configuration


def test_backup_is_what_happens_without_a_command(world):
    path = world.assert_success(world.run("backup"))
    world.assert_whole(path)
