"""Access to the store that ends, lacks something or is away for a while, at every moment of a run."""

import time

import pytest

from identities import CLIENT, ISSUER, SUBJECT, TENANT, Identities
from sandbox import ACCOUNT_KEY
from test_authorization import KEEP_ONE, check, put, use_sas
from test_folders import folder
from test_secrets import assert_no_secret_in
from test_tokens import exchanges, use
from world import CONTAINER, MEBIBYTE, TOKEN

OTHER_KEY = "b3RoZXIga2V5IG9mIHRoZSBhY2NvdW50LCA2NCBieXRlcyBhcyBBenVyZSBtYWtlcyB0aGVtIHRvIGJlLi4uLi4uLi4="
BLOCKS = {"APP_BACKUP_BLOCK_SIZE": "1MiB", "APP_BACKUP_BLOCKS_IN_FLIGHT": "6"}


@pytest.fixture
def identities(world, tmp_path):
    identities = Identities(world.sandbox, tmp_path, CONTAINER)
    use(world, identities, "workload-identity")
    return identities


@pytest.fixture
def eight_blocks(etcd):
    etcd.fill(8, value_size=MEBIBYTE)


def statuses(world, operation: str) -> list[int]:
    return [request["status"] for request in world.requests(operation) if request.get("status")]


# Tokens that end


@pytest.mark.parametrize("operation, service", [("PutBlockList", "blob"), ("PatchConfigMap", "kubernetes")])
def test_A38_a_token_that_ends_at_the_record_is_replaced_for_retention(world, identities, operation, service):
    world.assert_success(world.run())
    time.sleep(1.1)  # ages count whole seconds
    world.hold(operation, service=service)
    program = world.start(**KEEP_ONE)
    world.wait_for_held(operation)
    identities.set(generation=1)
    world.release()
    run = program.wait()
    asked, refused = exchanges(world), [each for each in world.requests() if each.get("status") == 401]
    path = world.assert_success(run)
    assert len(asked) == 2 and len(refused) == 1, run
    assert world.blob_names == [path.split("/", 1)[1]], "retention went on"


def test_A38_a_token_that_ends_between_two_blocks_is_replaced(world, identities, eight_blocks):
    world.hold("PutBlock", skip=3)
    program = world.start(**BLOCKS)
    world.wait_for_held("PutBlock")
    identities.set(generation=1)
    world.release()
    run = program.wait()
    asked = exchanges(world)
    world.assert_whole(world.assert_success(run))
    assert len(asked) == 2, run


def test_A38_tokens_that_have_ended_before_they_come_are_refused_before_the_snapshot(world, identities):
    identities.set(lifetime=-60, announcedLifetime=3600)
    run = world.run()
    asked = exchanges(world)
    world.assert_nothing_happened(run, 78)
    assert len(asked) == 2 and statuses(world, "PutBlock") == [], run
    assert run.events[-1]["stage"] == "container" and "Lifetime validation failed" in run.log, run


def test_A39_six_blocks_that_are_refused_at_once_cost_one_exchange_and_are_all_sent_again(world, identities, eight_blocks):
    world.hold("PutBlock")
    program = world.start(**BLOCKS)
    world.wait_for_held("PutBlock", 6)
    identities.set(generation=1)
    world.release()
    run = program.wait()
    asked, blocks = exchanges(world), statuses(world, "PutBlock")
    world.assert_whole(world.assert_success(run))
    assert len(asked) == 2 and blocks.count(401) == 6, run
    assert "tried again" not in run.log, "a replaced token is no failure"


def test_A39_two_storms_are_ridden_out(world, identities, eight_blocks):
    world.hold("PutBlock")
    program = world.start(**BLOCKS)
    world.wait_for_held("PutBlock", 6)
    identities.set(generation=1)
    world.hold("PutBlockList", message="another one, which lets go of the first")
    world.wait_for_held("PutBlockList")
    identities.set(generation=2)
    world.release()
    run = program.wait()
    asked, refused = exchanges(world), [each["operation"] for each in world.requests() if each.get("status") == 401]
    world.assert_whole(world.assert_success(run))
    assert len(asked) == 3 and refused.count("PutBlock") == 6 and refused.count("PutBlockList") == 1, run


@pytest.mark.parametrize("operation", ["PutBlock", "PutBlockList"])
def test_A39_a_second_refusal_in_a_row_is_final(world, identities, operation):
    world.fault(operation, "status", status=401, code="InvalidAuthenticationInfo")
    run = world.run()
    asked, refused = exchanges(world), statuses(world, operation)
    world.assert_nothing_happened(run, 78)
    assert len(asked) == 2 and refused == [401, 401] and run.events[-1].get("hint"), run


# What is missing is told by `check`, before a run meets it


@pytest.mark.parametrize("kind", ["workload-identity", "service-principal", "managed-identity"])
def test_A37_check_tells_whose_token_it_is_and_until_when(world, tmp_path, kind):
    identities = Identities(world.sandbox, tmp_path, CONTAINER)
    secrets = use(world, identities, kind)
    if kind == "managed-identity":
        del world.env["AZURE_CLIENT_ID"]
    world.assert_success(world.run())
    run, findings = check(world)
    assert run.status == 0, run.text
    detail = findings["credential pass"]["detail"]
    assert CLIENT in detail and f"object object-of-{CLIENT}" in detail and ", until 20" in detail, detail
    assert (SUBJECT in detail) == (kind == "workload-identity"), detail
    assert (TENANT in detail) == (kind != "managed-identity"), detail
    assert_no_secret_in(run.log + run.text, secrets)


def test_A37_check_tells_until_when_a_certificate_holds(world, identities):
    use(world, identities, "service-principal")
    put(world, {"storage-account": world.sandbox.account, "client-certificate": identities.certificate(days=90)})
    world.assert_success(world.run())
    run, findings = check(world)
    assert run.status == 0 and "with a certificate until 20" in findings["secret pass"]["detail"], run.text


def test_A37_check_tells_that_a_key_is_used(world):
    world.assert_success(world.run())
    run, findings = check(world)
    assert run.status == 0 and "an account key" in findings["secret pass"]["detail"], run.text
    assert_no_secret_in(run.log + run.text, [ACCOUNT_KEY])


@pytest.mark.parametrize("lacking, failed", [
    ("delete", ["deleting"]), ("write", ["writing"]), ("read", ["container"])])
def test_A40_check_tells_a_role_that_lacks_before_a_run_meets_it(world, identities, lacking, failed):
    world.assert_success(world.run())
    identities.set(roles=[role for role in ("read", "write", "delete") if role != lacking])
    run, findings = check(world)
    assert run.status == 78 and [name.split()[0] for name in findings if name.endswith("fail")] == failed, run.text
    [finding] = [findings[f"{name} fail"] for name in failed]
    assert "Storage Blob Data Contributor" in finding["remedy"] and CLIENT in finding["remedy"], finding
    assert {name.split()[0] for name in findings if name.endswith("pass")} >= {"credential"}, run.text


# The authority


@pytest.mark.parametrize("operation, path", [("PutBlock", None), ("PutBlockList", None), ("ListBlobs", "maxresults=1000")],
                         ids=["block", "commit", "retention"])
def test_A41_an_authority_that_is_away_in_mid_run_delays_it(world, identities, operation, path):
    world.hold(operation, path=path)
    program = world.start()
    world.wait_for_held(operation)
    identities.set(generation=1)
    world.fault("IssueToken", "status", service="identity", status=503, times=2)
    run = program.wait()
    asked = exchanges(world)
    world.assert_whole(world.assert_success(run))
    assert len(asked) == 4 and run.log.count("tried again") == 2, run


@pytest.mark.parametrize("operation, path, status, stage", [
    ("ListBlobs", "maxresults=1", 1, "container"), ("PutBlock", None, 1, "snapshot"), ("PutBlockList", None, 1, "commit"),
    ("ListBlobs", "maxresults=1000", 2, "retention")], ids=["probe", "block", "commit", "retention"])
def test_A41_an_authority_that_stays_away_ends_the_run_and_no_backup_is_lost(
        world, identities, operation, path, status, stage):
    before = world.assert_success(world.run())
    world.hold(operation, path=path)
    program = world.start()
    world.wait_for_held(operation)
    identities.set(generation=1)
    # More than a run waits for.
    world.fault("IssueToken", "status", service="identity", status=503, retryAfter="3600")
    run = program.wait()
    world.faults([])
    assert run.status == status and run.events[-1]["stage"] == stage, run
    assert "no token for the workload identity" in run.log and "503" in run.log, run
    recorded = world.recorded_path
    world.assert_whole(recorded)
    assert (recorded == before) == (status == 1), run


def test_A42_a_token_for_somebody_else_is_refused(world, identities):
    identities.set(audience="https://vault.azure.net")
    run = world.run()
    asked = exchanges(world)
    world.assert_nothing_happened(run, 78)
    assert len(asked) == 2 and "Audience validation failed" in run.log, run


@pytest.mark.parametrize("claims", [{"nbf": 3600}, {"exp": -3600}], ids=["not yet", "no more"])
def test_A42_a_federated_token_of_another_clock_is_refused_with_the_clock_as_a_cause(world, identities, claims):
    identities.write_token(**{name: int(time.time()) + seconds for name, seconds in claims.items()})
    run = world.run()
    world.assert_nothing_happened(run, 78)
    assert "AADSTS700024" in run.log and "clock" in run.log, run


@pytest.mark.long
def test_A42_a_federated_token_for_somebody_else_is_refused_with_both_audiences(world, identities):
    identities.write_token(aud=["api://other"])
    run = world.run(APP_BACKUP_TIMEOUT="90s")
    world.assert_nothing_happened(run, 78)
    assert all(word in run.log for word in ("AADSTS700212", "api://other", "api://AzureADTokenExchange")), run


@pytest.mark.long
def test_A42_a_federated_token_of_another_cluster_is_refused_with_its_issuer(world, identities):
    identities.write_token(iss="https://oidc.other.example/")
    run = world.run(APP_BACKUP_TIMEOUT="90s")
    world.assert_nothing_happened(run, 78)
    assert all(word in run.log for word in ("AADSTS700211", "https://oidc.other.example/")) and ISSUER not in run.log, run


# Keys that are rotated


def rotate(world, stored: bool = True) -> None:
    """The store takes the other key only, which is stored or not."""
    if stored:
        put(world, {"storage-account": world.sandbox.account, "storage-key": OTHER_KEY})
    world.sandbox.set_account_keys(OTHER_KEY)
    world._connect()


@pytest.mark.parametrize("operation, path", [
    ("PutBlock", None), ("PutBlockList", None), ("HeadBlob", None), ("GetBlockList", None), ("ListBlobs", "maxresults=1000"),
    ("DeleteBlob", None)], ids=["block", "commit", "head", "blocks", "listing", "deletion"])
def test_A43_an_account_key_that_is_rotated_during_a_run_is_read_again(world, operation, path):
    world.assert_success(world.run())
    time.sleep(1.1)  # ages count whole seconds
    world.hold(operation, path=path)
    program = world.start(APP_LOGGER_LEVEL="trace", **KEEP_ONE)
    world.wait_for_held(operation)
    rotate(world)
    world.release()
    run = program.wait()
    read = world.requests("GetSecret")
    new = world.assert_success(run)
    assert len(read) == 2 and world.blob_names == [new.split("/", 1)[1]], run
    world.assert_whole(new)
    assert_no_secret_in(run.log, [ACCOUNT_KEY, OTHER_KEY, TOKEN])


def test_A43_six_blocks_that_are_refused_for_the_old_key_are_all_sent_again(world, eight_blocks):
    world.hold("PutBlock")
    program = world.start(**BLOCKS)
    world.wait_for_held("PutBlock", 6)
    rotate(world)
    world.release()
    run = program.wait()
    read = world.requests("GetSecret")
    world.assert_whole(world.assert_success(run))
    assert len(read) == 2, run


def test_A43_a_rotated_key_that_was_not_stored_ends_the_run_with_what_to_do(world):
    world.hold("PutBlock")
    program = world.start()
    world.wait_for_held("PutBlock")
    rotate(world, stored=False)
    world.release()
    run = program.wait()
    world.assert_nothing_happened(run, 78)
    assert "AuthenticationFailed" in run.log and run.events[-1].get("hint"), run


def test_A43_a_second_rotation_in_one_run_is_final_and_told(world, eight_blocks):
    world.hold("PutBlock")
    program = world.start(**BLOCKS)
    world.wait_for_held("PutBlock")
    rotate(world)
    world.hold("PutBlockList", message="another one, which lets go of the first")
    world.wait_for_held("PutBlockList")
    world.sandbox.set_account_keys(ACCOUNT_KEY)
    put(world, {"storage-account": world.sandbox.account, "storage-key": ACCOUNT_KEY})
    world._connect()
    world.release()
    run = program.wait()
    world.assert_nothing_happened(run, 78)


def test_A43_a_sas_of_a_rotated_key_is_read_again(world):
    use_sas(world, "container", ends=30 * 86_400)
    world.hold("PutBlock")
    program = world.start()
    world.wait_for_held("PutBlock")
    world.sandbox.set_account_keys(OTHER_KEY)
    world._connect()
    use_sas(world, "container", ends=30 * 86_400)
    world.release()
    run = program.wait()
    world.assert_whole(world.assert_success(run))


def test_A43_a_mounted_key_that_is_replaced_during_a_run_is_read_again(world, tmp_path):
    mount = tmp_path / "store"
    world.env["APP_ABS_SECRET_DIRECTORY"] = folder(
        mount, {"storage-account": world.sandbox.account, "storage-key": ACCOUNT_KEY})
    del world.env["APP_ABS_SECRET_NAME"]
    world.hold("PutBlock")
    program = world.start()
    world.wait_for_held("PutBlock")
    replace(mount, {"storage-account": world.sandbox.account, "storage-key": OTHER_KEY})
    world.sandbox.set_account_keys(OTHER_KEY)
    world._connect()
    world.release()
    run = program.wait()
    world.assert_whole(world.assert_success(run))


def replace(mount, values: dict[str, str]) -> None:
    """As kubelet does: a new folder, and a link that is moved to it at once."""
    old = (mount / "..data").readlink()
    new = mount / "..2026_11_29"
    new.mkdir()
    for name, value in values.items():
        (new / name).write_text(value)
    (mount / "..data_tmp").symlink_to(new.name)
    (mount / "..data_tmp").rename(mount / "..data")
    for file in (mount / old).iterdir():
        file.unlink()
    (mount / old).rmdir()
