"""Retention deletes expired backups of ours, and nothing else, and only after a recorded success."""

import time

import pytest

from world import CONTAINER, PLANTED_SIZE, PREFIX, ulid, ulid_at

OLD = 100  # hours; the world's expiration is 72h


def backup(number: int) -> str:
    return f"{PREFIX}/{ulid(number)}"


def plant_backups(world, count: int) -> list[str]:
    """That many expired backups, oldest first."""
    return world.plant_backups(count, hours_old=OLD)


def run_keeping(world, count: int):
    return world.run(APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS=str(count))


def assert_left(world, run, names: list[str]) -> None:
    """The run succeeded, and beside its own backup exactly `names` are there."""
    path = world.assert_success(run)
    assert world.blob_names == sorted([path.split("/", 1)[1], *names]), run


def test_expired_backups_go_and_the_newest_stay(world):
    old = plant_backups(world, 5)
    assert_left(world, run_keeping(world, 3), old[2:])


def test_young_backups_stay_whatever_their_number(world):
    young = world.plant_backups(5, hours_old=1)
    assert_left(world, run_keeping(world, 1), young)


def test_the_age_counts_from_the_expiration_to_the_second(world):
    times = [time.time() - 72 * 3600 + seconds for seconds in (-60, 60, 120)]
    names = [f"{PREFIX}/{ulid_at(when)}" for when in times]
    world.sandbox.plant_blobs(CONTAINER, [
        (name, PLANTED_SIZE, int(when)) for name, when in zip(names, times, strict=True)])
    assert_left(world, run_keeping(world, 1), names[1:])


def test_D3_D17_the_order_is_what_the_runs_wrote_and_not_last_modified(world):
    times = [time.time() - (OLD - hour) * 3600 for hour in range(4)]
    names = [f"{PREFIX}/{ulid_at(when)}" for when in times]
    world.sandbox.plant_blobs(CONTAINER, [
        (name, PLANTED_SIZE, int(when)) for name, when in zip(names, reversed(times), strict=True)])
    assert_left(world, run_keeping(world, 2), names[2:])


def test_D17_a_backup_that_was_touched_since_stays(world):
    when = time.time() - 1000 * 3600
    touched = f"{PREFIX}/{ulid_at(when)}"
    world.sandbox.plant_blobs(CONTAINER, [(touched, PLANTED_SIZE, int(when) + OLD * 3600)])
    old = plant_backups(world, 2)
    assert_left(world, run_keeping(world, 1), [touched, old[1]])


def test_D18_the_earlier_of_both_clocks_decides(world):
    old = plant_backups(world, 3)
    world.faults([{"match": {"operation": "ListBlobs"}, "action": {"kind": "date", "seconds": -2 * 86_400}}])
    assert_left(world, run_keeping(world, 1), old)


def test_D1_a_failed_backup_deletes_nothing(world):
    old = plant_backups(world, 3)
    world.fault("PutBlockList", "status", status=403, code="AuthorizationFailure")
    world.assert_nothing_happened(run_keeping(world, 1), 78, blobs=old)


def test_D1_D6_a_backup_that_is_not_recorded_deletes_nothing(world):
    old = plant_backups(world, 3)
    world.allow({"secrets": ["get"], "configmaps": ["get"]})
    run = run_keeping(world, 1)
    assert run.status == 2, run
    assert set(old) < set(world.blob_names)


def test_D2_empty_and_foreign_blobs_are_neither_counted_nor_deleted(world):
    foreign = [
        f"{PREFIX}/notes.txt", f"{PREFIX}/deeper/{ulid(1)}", f"{PREFIX}/{ulid(2)}.tmp",
        f"{PREFIX}/{ulid(3)[:-1]}", PREFIX]
    world.plant(*foreign, hours_old=OLD)
    empty = world.plant(backup(90), backup(91), hours_old=OLD, size=0)  # the predecessor left such
    old = plant_backups(world, 3)
    assert_left(world, run_keeping(world, 2), [*old[1:], *empty, *foreign])


def test_D4_a_prefix_that_only_begins_alike_is_not_ours(world):
    neighbours = world.plant(
        *[f"{PREFIX}-2/{ulid(n)}" for n in range(3)], *[f"{PREFIX}2/{ulid(n)}" for n in range(3)],
        hours_old=OLD)
    old = plant_backups(world, 2)
    assert_left(world, run_keeping(world, 1), [old[1], *neighbours])


def test_D5_D7_the_recorded_backup_stays_even_when_none_need_stay(world):
    plant_backups(world, 2)
    run = world.run(
        APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS="0", APP_CLEANER_EXPIRATION_BLOB_TIME="0s")
    assert_left(world, run, [])


def test_D8_all_pages_are_followed_over_empty_ones(world):
    old = plant_backups(world, 4)
    world.fault("ListBlobs", "empty-page", path="maxresults=1000", times=2)
    assert_left(world, run_keeping(world, 1), old[3:])


@pytest.mark.parametrize("fault", [
    {"kind": "status", "status": 403, "code": "AuthorizationFailure"},
    {"kind": "cut", "afterBytes": 700},
], ids=["refused", "cut"])
def test_D8_a_listing_that_fails_half_way_deletes_nothing(world, fault):
    old = plant_backups(world, 4)
    listing = {"operation": "ListBlobs", "path": "maxresults=1000"}
    world.faults([
        {"match": listing, "times": 1, "action": {"kind": "empty-page"}},
        {"match": listing, "action": fault}])
    run = world.run(APP_BACKUP_TIMEOUT="6s")
    assert run.status == 2, run
    assert world.recorded_path in run.log, run
    world.faults([])
    assert set(old) < set(world.blob_names)
    world.assert_whole(world.recorded_path)


def test_D9_a_backup_kept_by_policy_is_no_error(world):
    old = plant_backups(world, 3)
    world.sandbox.set_policy(CONTAINER, immutable=True)
    assert_left(world, run_keeping(world, 1), old)


def test_D14_a_backup_under_a_legal_hold_is_no_error(world):
    old = plant_backups(world, 3)
    world.fault("DeleteBlob", "status", status=409, code="BlobImmutableDueToLegalHold")
    assert_left(world, run_keeping(world, 1), old)


def test_a_backup_that_is_already_gone_is_no_error(world):
    old = plant_backups(world, 3)
    world.fault("DeleteBlob", "status", path=old[1], status=404, code="BlobNotFound")
    assert_left(world, run_keeping(world, 1), old[1:])


def test_a_failed_delete_is_reported_after_the_rest_was_tried(world):
    old = plant_backups(world, 3)
    refusal = "AuthorizationPermissionMismatch"
    world.fault("DeleteBlob", "status", path=old[0], status=403, code=refusal)
    run = run_keeping(world, 1)
    assert run.status == 2, run
    assert old[0] in run.log and refusal in run.log, run
    assert world.blob_names == sorted([world.recorded_path.split("/", 1)[1], old[0], old[2]])


def test_D10_however_wrong_the_stores_clock_the_newest_stay(world):
    old = plant_backups(world, 4)
    world.faults([{"match": {"service": "blob"}, "action": {"kind": "date", "seconds": 400 * 86_400}}])
    run = run_keeping(world, 3)
    assert_left(world, run, old[1:])


@pytest.mark.parametrize("count", [12_000, pytest.param(100_000, marks=pytest.mark.large)])
def test_D8_many_pages_of_blobs_take_no_more_memory(world, count):
    few = run_keeping(world, 10)
    assert few.status == 0, few
    plant_backups(world, count)
    many = run_keeping(world, 10)
    assert many.status == 0, many
    assert len(world.requests("ListBlobs")) > count // 5000
    assert many.peak_bytes < few.peak_bytes + (4 << 20), f"{few.peak_bytes} → {many.peak_bytes}"
