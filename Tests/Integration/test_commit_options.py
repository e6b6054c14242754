"""Access tier and immutability: asked for in the commit, kept by the store, and named where an account has none."""

import datetime
import time

import pytest
from azure.core.exceptions import ResourceExistsError

from blob_request import commit, put_block, refused
from identities import ROLES, Identities
from world import CONTAINER, NAMESPACE, STORE_SECRET

HOUR = 3600
TIER, IMMUTABILITY = "APP_ABS_ACCESS_TIER", "APP_ABS_IMMUTABILITY"
NO_WORM = "the container etcd-backups has no version-level immutability"


def protectable(world):
    """A world whose container takes policies of single blobs."""
    world.sandbox.set_policy(CONTAINER, versionLevelImmutability=True)
    return world


def only_backup(world) -> dict:
    [backup] = world.run("list", "--output", "json").json["backups"]
    return backup


# What a backup gets


@pytest.mark.parametrize("tier", ["hot", "cool", "COLD"])
def test_a_backup_has_its_tier_from_the_commit_on(world, tier):
    path = world.assert_success(world.run(APP_ABS_ACCESS_TIER=tier))
    world.assert_whole(path)
    assert world.properties(path).blob_tier == tier.capitalize() == only_backup(world)["tier"]


@pytest.mark.parametrize("mode", ["unlocked", "locked"])
def test_no_one_can_delete_a_backup_before_retention_may(world, mode):
    path = world.assert_success(protectable(world).run(APP_ABS_IMMUTABILITY=mode))
    properties = world.properties(path)
    until = properties.immutability_policy.expiry_time
    written = datetime.datetime.fromisoformat(properties.metadata["time"])
    assert until - written == datetime.timedelta(hours=72), "the world's expiration"
    assert properties.immutability_policy.policy_mode == mode == properties.metadata["immutability"]
    told = until.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert properties.metadata["immutableuntil"] == told == only_backup(world)["immutableUntil"]
    assert world.record["backup-immutable-until-from-last-success"] == told
    with pytest.raises(ResourceExistsError, match="BlobImmutableDueToPolicy"):
        world.container.delete_blob(path.split("/", 1)[1])


def test_both_are_off_by_default(world):
    path = world.assert_success(protectable(world).run())
    properties = world.properties(path)
    assert properties.immutability_policy.policy_mode is None and properties.blob_tier_inferred
    assert not {"immutability", "immutableuntil"} & set(properties.metadata)
    assert world.record["backup-immutable-until-from-last-success"] == ""
    asked = {request["operation"] for request in world.requests()}
    assert not {"GetAccountInformation", "GetContainer"} & asked


def test_both_go_with_an_encoded_backup_and_a_spool(world, tmp_path):
    (tmp_path / "spool").mkdir()
    path = world.assert_success(protectable(world).run(
        APP_ABS_ACCESS_TIER="cool", APP_ABS_IMMUTABILITY="unlocked", APP_BACKUP_COMPRESSION="zstd",
        APP_BACKUP_SPOOL_DIRECTORY=str(tmp_path / "spool")))
    properties = world.properties(path)
    assert (properties.blob_tier, properties.immutability_policy.policy_mode) == ("Cool", "unlocked")
    assert world.run("verify").status == 0


def test_a_lost_response_to_such_a_commit_is_no_failure(world):
    world.fault("PutBlockList", "lost-answer", times=1)
    path = world.assert_success(protectable(world).run(APP_ABS_IMMUTABILITY="locked", APP_ABS_ACCESS_TIER="cool"))
    assert world.properties(path).immutability_policy.policy_mode == "locked"


# What retention makes of it


def test_a_backup_that_is_immutable_longer_than_its_age_stays_with_a_line_and_the_run_succeeds(world):
    first = world.assert_success(protectable(world).run(APP_ABS_IMMUTABILITY="unlocked"))
    time.sleep(1.1)  # ages count whole seconds
    run = world.run(APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS="1", APP_CLEANER_EXPIRATION_BLOB_TIME="0s")
    second = world.assert_success(run)
    assert set(world.blob_names) == {path.split("/", 1)[1] for path in (first, second)}
    assert "backups stay that are immutable still" in run.log and not world.requests("DeleteBlob"), run
    listed = world.run(
        "list", "--output", "json", APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS="1", APP_CLEANER_EXPIRATION_BLOB_TIME="0s")
    [old] = [backup for backup in listed.json["backups"] if backup["path"] == first]
    assert (old["retention"], old["deletedAfter"]) == ("after", old["immutableUntil"]), old


def test_what_a_longer_policy_of_the_container_protects_stays_with_a_line_and_the_run_succeeds(world):
    old = world.plant_backups(3, hours_old=100)
    world.sandbox.set_policy(CONTAINER, immutable=True)
    run = world.run(APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS="1")
    world.assert_success(run)
    assert set(old) < set(world.blob_names) and "backups stay that the store protects" in run.log, run


# What an account does not support


def assert_refused(world, run, *words: str) -> None:
    world.assert_nothing_happened(run, status=78)
    assert all(word in run.log for word in words), run


@pytest.mark.parametrize("traits, env, words", [
    ({"kind": "BlockBlobStorage"}, {TIER: "cool"}, "is a premium account, which has no access tiers"),
    ({"hierarchical": True}, {IMMUTABILITY: "unlocked"}, "hierarchical namespace"),
    ({}, {IMMUTABILITY: "locked"}, NO_WORM),
])
def test_what_can_be_known_is_known_before_the_snapshot(world, traits, env, words):
    world.sandbox.set_account(**traits)
    run = world.run(**env)
    [variable] = env
    assert_refused(world, run, words, variable)
    assert not world.requests("PutBlock"), "the snapshot was begun"
    checked = world.run("check", "--output", "json", **env)
    [failure] = [finding for finding in checked.json["checks"] if finding["outcome"] == "fail"]
    assert checked.status == 78 and words in failure["detail"] and variable in failure["remedy"], failure


@pytest.mark.parametrize("traits, env, words", [
    ({"kind": "BlockBlobStorage"}, {TIER: "cool"}, "UnsupportedHeader"),
    ({"hierarchical": True}, {IMMUTABILITY: "unlocked"}, "FeatureNotYetSupportedForHierarchicalNamespaceAccounts"),
    ({}, {IMMUTABILITY: "unlocked"}, "SandboxVersionLevelImmutabilityDisabled"),
])
def test_a_commit_that_is_refused_names_the_feature_and_the_variable(world, traits, env, words):
    """A SAS for the container may ask for nothing but its blobs, so only the commit shows it."""
    world.sandbox.put_secret(NAMESPACE, STORE_SECRET, {
        "storage-account": world.sandbox.account, "sas-token": world.sandbox.sas(permission="rwdli")})
    world.sandbox.set_account(**traits)
    # What an account is, a SAS may ask: but not every store tells it.
    world.fault("GetAccountInformation", "status", status=403, code="AuthorizationPermissionMismatch")
    run = world.run(APP_ABS_AUTHENTICATION="sas", **env)
    [variable] = env
    assert_refused(world, run, words, variable, '"stage":"commit"')


@pytest.mark.parametrize("status, code, variable", [
    (400, "BlobAccessTierNotSupportedForAccountType", TIER), (409, "ImmutabilityOfVersionsIsOff", IMMUTABILITY),
    (403, "AuthorizationPermissionMismatch", IMMUTABILITY),
])
def test_every_way_in_which_azure_refuses_an_option_is_told(world, status, code, variable):
    world.fault("PutBlockList", "status", status=status, code=code)
    assert_refused(protectable(world), world.run(APP_ABS_ACCESS_TIER="cool", APP_ABS_IMMUTABILITY="unlocked"), code, variable)


def test_a_refusal_with_another_cause_is_not_blamed_on_an_option(world):
    world.fault("PutBlockList", "status", status=403, code="AuthorizationFailure")
    run = protectable(world).run(APP_ABS_ACCESS_TIER="cool", APP_ABS_IMMUTABILITY="unlocked")
    assert_refused(world, run, "AuthorizationFailure")
    assert TIER not in run.log and IMMUTABILITY not in run.log, run


def test_a_sas_without_the_permission_is_refused_before_the_store_is_asked(world):
    world.sandbox.put_secret(NAMESPACE, STORE_SECRET, {
        "storage-account": world.sandbox.account, "sas-token": world.sandbox.sas()})
    run = world.run(APP_ABS_AUTHENTICATION="sas", APP_ABS_IMMUTABILITY="unlocked")
    assert not world.requests("ListBlobs"), run
    assert_refused(world, run, "set immutability policy (i)", IMMUTABILITY)


def test_a_role_without_the_data_action_is_named(world, tmp_path):
    identities = Identities(world.sandbox, tmp_path, CONTAINER)
    world.sandbox.put_secret(NAMESPACE, STORE_SECRET, {"storage-account": world.sandbox.account})
    world.env |= identities.environment("workload-identity")
    assert_refused(
        protectable(world), world.run(APP_ABS_IMMUTABILITY="unlocked"), "immutableStorage/runAsSuperUser", IMMUTABILITY)
    identities.set(roles=[*ROLES, "runAsSuperUser"])
    world.assert_success(world.run(APP_ABS_IMMUTABILITY="unlocked"))


# Settings that cannot work


@pytest.mark.parametrize("env, words", [
    ({TIER: "archive"}, "without hours of waiting"), ({TIER: "warm"}, "hot, cool or cold"),
    ({TIER: "cold", "APP_ABS_API_VERSION": "2020-10-02"}, "2021-12-02"), ({IMMUTABILITY: "on"}, "off, unlocked or locked"),
    ({IMMUTABILITY: "locked", "APP_ABS_API_VERSION": "2019-07-07"}, "2020-06-12"),
    ({IMMUTABILITY: "locked", "APP_CLEANER_EXPIRATION_BLOB_TIME": "30m"}, "APP_CLEANER_EXPIRATION_BLOB_TIME"),
])
def test_a_setting_that_cannot_work_is_refused_at_the_start(world, env, words):
    run = world.run(**env)
    assert run.status == 78 and words in run.log and world.requests() == [], run


def test_check_tells_what_both_cost(world):
    world.assert_success(protectable(world).run())
    run = world.run("check", APP_ABS_ACCESS_TIER="cold", APP_ABS_IMMUTABILITY="locked")
    assert run.status == 0, run.text
    assert "bills for 90 days" in run.text and "can shorten that, and all of it is billed" in run.text, run.text


# The sandbox, with Microsoft's client


def http_date(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(time.time() + seconds, datetime.UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def test_the_sandbox_tells_of_account_and_container_as_the_service_does(world):
    world.sandbox.set_account(kind="BlockBlobStorage", hierarchical=True)
    told = world.container.get_account_information()
    assert (told["account_kind"], told["is_hns_enabled"]) == ("BlockBlobStorage", True)
    assert protectable(world).container.get_container_properties().immutable_storage_with_versioning_enabled


@pytest.mark.parametrize("headers, status, code", [
    ({"x-ms-immutability-policy-mode": "Locked"}, 400, "MissingRequiredHeader"),
    ({"x-ms-immutability-policy-until-date": "later"}, 400, "MissingRequiredHeader"),
    ({"x-ms-immutability-policy-until-date": "later", "x-ms-immutability-policy-mode": "Locked"}, 400, "InvalidHeaderValue"),
    ({"x-ms-immutability-policy-until-date": http_date(-60), "x-ms-immutability-policy-mode": "Locked"}, 400,
     "InvalidHeaderValue"),
    ({"x-ms-immutability-policy-until-date": http_date(HOUR), "x-ms-immutability-policy-mode": "Firm"}, 400,
     "InvalidHeaderValue"),
    ({"x-ms-access-tier": "Cold", "x-ms-version": "2021-10-04"}, 400, "InvalidHeaderValue"),
    ({"x-ms-immutability-policy-until-date": http_date(HOUR), "x-ms-immutability-policy-mode": "Locked",
      "x-ms-version": "2020-04-08"}, 400, "UnsupportedHeader"),
])
def test_the_sandbox_is_as_strict_as_the_service(world, headers, status, code):
    blob = f"/{CONTAINER}/one"
    assert put_block(protectable(world).sandbox, blob).status == 201
    assert refused(commit(world.sandbox, blob, headers=headers), status, code)
