"""How a run gets into the storage account: shared access signatures and connection strings, made by Microsoft's library."""

import json
import re
import time

import pytest

from sandbox import ACCOUNT_KEY
from test_secrets import assert_no_secret_in
from world import NAMESPACE, STORE_SECRET, TOKEN

KINDS = ["account", "container", "delegated"]
DAY = 86_400
KEEP_ONE = {"APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": "1", "APP_CLEANER_EXPIRATION_BLOB_TIME": "0s"}
DELEGATED = {"account": "an account SAS", "container": "a container SAS", "delegated": "a user delegation SAS"}


def use_sas(world, kind="container", **options) -> str:
    """From now on the Secret holds a SAS in place of the key; returns the SAS."""
    options.setdefault("ends", 30 * DAY)
    sas = world.sandbox.sas(kind, **options)
    put(world, {"storage-account": world.sandbox.account, "sas-token": sas})
    world.env["APP_ABS_AUTHENTICATION"] = "sas"
    return sas


def put(world, data: dict[str, str]) -> None:
    world.sandbox.put_secret(NAMESPACE, STORE_SECRET, data)


def secrets_of(sas: str) -> list[str]:
    signature = re.search("sig=([^&]*)", sas).group(1)
    return [signature, signature.replace("%2B", "+").replace("%2F", "/").replace("%3D", "="), TOKEN]


def use_connection_string(world, text: str) -> None:
    put(world, {"connection-string": text})
    world.env["APP_ABS_AUTHENTICATION"] = "connection-string"
    del world.env["APP_ABS_ENDPOINT"]


def connection_string(world, *, sas: str | None = None) -> str:
    credential = f"SharedAccessSignature={sas}" if sas else f"AccountKey={world.sandbox.account_key}"
    return f"BlobEndpoint={world.sandbox.blob_url};AccountName={world.sandbox.account};{credential}"


def check(world):
    """The run, and what it found by the first word of the subject and the outcome."""
    run = world.run("check", "--output", "json")
    return run, {f["subject"].split()[0] + " " + f["outcome"]: f for f in run.json["checks"]}


# Everything that a key can do


@pytest.mark.parametrize("kind", KINDS)
def test_A3_a_sas_takes_a_backup_lists_verifies_and_downloads_it_and_deletes_the_one_before(world, tmp_path, kind):
    sas = use_sas(world, kind)
    first = world.assert_success(world.run(APP_LOGGER_LEVEL="trace"))
    time.sleep(1.1)  # ages count whole seconds
    second_run = world.run(APP_LOGGER_LEVEL="trace", **KEEP_ONE)
    second = world.assert_success(second_run)
    assert world.blob_names == [second.split("/", 1)[1]] and first != second, second_run
    listed, verified = world.run("list", "--output", "json"), world.run("verify", second)
    downloaded = world.run("download", second, "--file", str(tmp_path / "backup.db"))
    assert [run.status for run in (listed, verified, downloaded)] == [0, 0, 0], f"{listed}\n{verified}\n{downloaded}"
    assert (tmp_path / "backup.db").read_bytes() == world.assert_whole(second)
    for run in (second_run, listed, verified, downloaded):
        assert_no_secret_in(run.log + run.text, secrets_of(sas))


@pytest.mark.parametrize("kind", KINDS)
def test_A7_check_says_which_sas_it_is_until_when_and_that_everything_is_allowed(world, kind):
    sas = use_sas(world, kind, ends=30 * DAY)
    world.assert_success(world.run())
    run, findings = check(world)
    assert run.status == 0, run.text
    detail = findings["secret pass"]["detail"]
    assert DELEGATED[kind] in detail and "permissions rwdl" in detail and "until 20" in detail, detail
    assert {f"{subject} pass" for subject in ("container", "listing", "reading", "writing", "deleting")} <= set(findings)
    assert_no_secret_in(run.log + run.text, secrets_of(sas))


@pytest.mark.parametrize("has_sas", [False, True], ids=["key", "sas"])
def test_A5_a_connection_string_is_all_that_a_run_needs(world, has_sas):
    sas = world.sandbox.sas("account", ends=30 * DAY) if has_sas else None
    use_connection_string(world, connection_string(world, sas=sas))
    run = world.run(APP_LOGGER_LEVEL="trace")
    world.assert_whole(world.assert_success(run))
    assert_no_secret_in(run.log, [ACCOUNT_KEY])


def test_A5_a_connection_string_of_another_endpoint_than_the_configured_one_is_refused(world):
    endpoint = world.env["APP_ABS_ENDPOINT"]
    use_connection_string(world, connection_string(world).replace("127.0.0.1", "localhost"))
    run = world.run(APP_ABS_ENDPOINT=endpoint)
    world.assert_nothing_happened(run, 78)
    assert "localhost" in run.log and "Remove APP_ABS_ENDPOINT" in run.log, run


def test_A5_a_connection_string_may_not_send_the_database_unencrypted_to_another_machine(world):
    use_connection_string(world, f"BlobEndpoint=http://store.example/;AccountName=acct1;AccountKey={ACCOUNT_KEY}")
    run = world.run()
    world.assert_nothing_happened(run, 78)
    assert "not encrypted" in run.log and "APP_ABS_ALLOW_HTTP" in run.log, run


# Refused before etcd is asked for anything


@pytest.mark.parametrize("kind, options, words", [
    ("container", {"ends": -60}, ["expired at", "Create a new SAS"]),
    ("delegated", {"key_ends": -60}, ["a user delegation SAS that expired at"]),
    ("container", {"permission": "rdl"}, ["lacks write (w)", "sp=rwdl"]),
    ("account", {"permission": "rwd"}, ["lacks list (l)"]),
    ("container", {"permission": "wl"}, ["lacks read (r)"]),
    ("account", {"resource_types": "o"}, ["without containers (c)"]),
    ("blob", {}, ["a single blob"]),
    ("container", {"protocol": "https"}, ["https only"]),
    ("container", {"user_delegation_oid": "u"}, ["together with other credentials"]),
], ids=["expired", "expired delegation key", "no write", "no list", "no read", "no containers", "blob", "https", "user"])
def test_A2_a_sas_that_cannot_serve_is_refused_before_anything_is_asked_of_the_store(world, kind, options, words):
    sas = use_sas(world, kind, **options)
    run = world.run(APP_LOGGER_LEVEL="trace")
    asked = {request["service"] for request in world.requests()}
    assert asked == {"kubernetes"}, "the store was asked"
    world.assert_nothing_happened(run, 78)
    assert all(word in run.log for word in ["sas-token of", *words]), run
    checked, _ = check(world)
    assert checked.status == 78 and all(word in checked.text for word in words), checked.text
    assert_no_secret_in(run.log + checked.text, secrets_of(sas))


@pytest.mark.parametrize("text, words", [
    (ACCOUNT_KEY, ["is an account key", "storage-key"]),
    (f"AccountName=a;AccountKey={ACCOUNT_KEY}", ["is a connection string", "APP_ABS_AUTHENTICATION=connection-string"]),
    ("sv=2022-11-02&sr=c", ["is not a shared access signature", "Copy the SAS again"]),
])
def test_A2_what_stands_in_sas_token_by_mistake_is_recognised_and_not_shown(world, text, words):
    use_sas(world)
    put(world, {"storage-account": world.sandbox.account, "sas-token": text})
    run = world.run()
    world.assert_nothing_happened(run, 78)
    assert all(word in run.log for word in words) and ACCOUNT_KEY[:20] not in run.log, run


# Refused by the store


def altered(sas: str) -> str:
    letter = re.search("sig=(.)", sas).group(1)
    return sas.replace(f"sig={letter}", "sig=" + ("B" if letter == "A" else "A"))


@pytest.mark.parametrize("change, words", [
    (altered, ["AuthenticationFailed", "Copy the SAS again"]),
    (lambda sas: sas.replace("sp=rwdl", "sp=rwdlt"), ["AuthenticationFailed", "Copy the SAS again"]),
], ids=["signature", "permissions"])
def test_A4_an_altered_sas_is_refused_by_the_store_and_explained(world, change, words):
    sas = change(use_sas(world))
    put(world, {"storage-account": world.sandbox.account, "sas-token": sas})
    run = world.run(APP_LOGGER_LEVEL="trace")
    world.assert_nothing_happened(run, 78)
    assert run.events[-1]["stage"] == "container", run
    assert all(word in run.log for word in words) and "storage-key" not in run.log, run
    assert_no_secret_in(run.log, secrets_of(sas))


@pytest.mark.parametrize("options, words", [
    ({"starts": 3000}, ["Signature not valid in the specified time frame", "Wait until"]),
    ({"ip": "10.1.2.3"}, ["AuthorizationSourceIPMismatch", "sip"]),
    ({"container": "others"}, ["AuthenticationFailed", "Copy the SAS again"]),
], ids=["not yet", "address", "another container"])
def test_A4_a_sas_that_does_not_hold_here_is_refused_by_the_store_and_explained(world, options, words):
    use_sas(world, **options)
    run = world.run()
    world.assert_nothing_happened(run, 78)
    assert all(word in run.log for word in words), run


def test_A4_a_sas_that_expires_during_the_run_ends_it_with_the_cause(world):
    world.hold("PutBlock")
    ends = 10
    begun = time.monotonic()
    use_sas(world, ends=ends)
    program = world.start()
    world.wait_for_held("PutBlock")
    time.sleep(max(0.0, begun + ends + 1.1 - time.monotonic()))  # times count whole seconds
    world.release()
    run = program.wait()
    world.assert_nothing_happened(run, 78)
    assert "credential is limited" in run.log and "Create a new SAS: this one expired at" in run.log, run


def test_A8_a_sas_that_may_not_delete_takes_backups_is_warned_of_and_fails_in_retention(world):
    use_sas(world, permission="rwl")
    first = world.run()
    path = world.assert_success(first)
    warning = [event for event in first.events if event["msg"] == "credential is limited"]
    assert len(warning) == 1 and "(d)" in warning[0]["error"] and "rwdl" in warning[0]["hint"], first
    checked, findings = check(world)
    assert checked.status == 78 and "does not allow deletion" in findings["secret warn"]["detail"], checked.text
    assert "Delete Blob needs it" in json.dumps(findings["deleting fail"]), checked.text
    time.sleep(1.1)  # ages count whole seconds
    run = world.run(**KEEP_ONE)
    assert run.status == 2 and run.events[-1]["stage"] == "retention", run
    assert "delete (d)" in run.log, run
    assert path.split("/", 1)[1] in world.blob_names, "what could not be deleted is still there"


@pytest.mark.parametrize("ends, words", [
    (1200, "perhaps before the run ends"), (6 * DAY, "in less than 7 days"), (8 * DAY, None)])
def test_A9_a_sas_that_ends_soon_is_a_warning(world, ends, words):
    use_sas(world, ends=ends)
    run = world.run()
    world.assert_success(run)
    warnings = [event["error"] for event in run.events if event["msg"] == "credential is limited"]
    assert len(warnings) == (1 if words else 0) and all(words in warning for warning in warnings), run
    checked, findings = check(world)
    assert checked.status == 0 and ("secret warn" in findings) == bool(words), checked.text


def test_A3_without_a_kind_the_key_is_used(world):
    assert "APP_ABS_AUTHENTICATION" not in world.env
    world.assert_success(world.run())


def test_A2_an_unknown_kind_is_refused_with_the_known_ones(world):
    run = world.run(APP_ABS_AUTHENTICATION="anonymous")
    world.assert_nothing_happened(run, 78)
    assert "shared-key, sas, connection-string" in run.log, run
