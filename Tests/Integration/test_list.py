"""`etcd-backup list`: what is stored, newest first, and what retention will make of it."""

import re
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from stored import OLD, OTHER, put
from world import CONTAINER, MEBIBYTE, NAMESPACE, PLANTED_SIZE, PREFIX, RECORD, RECORDED_PATH


def plant(world, count: int, hours_old: float, hours_apart: float = 1) -> list[str]:
    """Backups of earlier days; returns their names, newest first."""
    return [name.rsplit("/", 1)[1] for name in reversed(world.plant_backups(count, hours_old, hours_apart))]


def listed(run) -> list[str]:
    assert run.status == 0, run
    return [backup["name"] for backup in run.json["backups"]]


def fates(run) -> dict[str, str]:
    return {backup["name"]: backup.get("retention") for backup in run.json["backups"]}


def test_every_figure_is_the_stores(world):
    path = world.assert_success(world.run())
    properties = world.properties(path)
    run = world.run("list", "--output", "json")
    assert run.status == 0, run
    assert run.json["recordedPath"] == path
    backup = run.json["backups"][0]
    assert backup["path"] == path and backup["name"] == path.rsplit("/", 1)[1] and backup["recorded"] is True
    assert backup["bytes"] == properties.size and backup["tier"] == "Hot"
    assert datetime.fromisoformat(backup["time"]) == properties.last_modified
    metadata = properties.metadata
    assert (backup["etcdVersion"], backup["revision"], backup["sha256"]) == (
        metadata["etcdversion"], int(metadata["revision"]), metadata["sha256"])


def test_people_get_a_table(world):
    path = world.assert_success(world.run())
    old = plant(world, 2, hours_old=100)
    run = world.run("list")
    header, *rows = run.text.splitlines()
    assert header.split("  ")[0] == "NAME" and len(rows) == 3, run.text
    metadata = world.properties(path).metadata
    for word in (path.rsplit("/", 1)[1], "KiB", metadata["etcdversion"], metadata["sha256"][:12], " recorded "):
        assert word in rows[0], f"{word!r} is not in {rows[0]}"
    assert [row.split()[0] for row in rows[1:]] == old
    assert all(len(line) <= 220 for line in run.text.splitlines())


def test_D17_the_newest_come_first_whatever_their_last_modified(world):
    world.sandbox.plant_blobs(CONTAINER, [
        (f"{PREFIX}/{OTHER}", PLANTED_SIZE, int(time.time()) - 7200), (f"{PREFIX}/{OLD}", PLANTED_SIZE, int(time.time()) - 3600)])
    run = world.run("list", "--output", "json")
    assert listed(run) == [OTHER, OLD]
    assert {backup["reason"] for backup in run.json["backups"]} == {"its times disagree by more than a day"}


def test_D4_neighbours_and_strangers_are_left_out(world):
    names = plant(world, 2, hours_old=1)
    for stranger in (f"{PREFIX}-2/{OLD}", f"{PREFIX}/old/{OLD}", f"{PREFIX}/notes.txt", f"{PREFIX}/{OLD}.db", OLD):
        world.container.upload_blob(stranger, bytes(PLANTED_SIZE))
    run = world.run("list", "--output", "json")
    assert listed(run) == names
    assert '"blobs":3' in run.log, f"three strangers under the prefix are not mentioned\n{run}"


def test_D2_what_no_snapshot_can_be_is_marked(world):
    put(world, b"", OLD)
    put(world, bytes(20_001), OTHER)
    run = world.run("list", "--output", "json")
    assert set(fates(run).values()) == {"ignored"}, run.text
    assert "no snapshot has 20001 bytes" in world.run("list").text


def test_an_archived_backup_is_marked(world):
    path = world.assert_success(world.run())
    world.service.get_blob_client(*path.split("/", 1)).set_standard_blob_tier("Archive")
    assert world.run("list", "--output", "json").json["backups"][0]["tier"] == "Archive"
    assert "archived" in world.run("list").text


# What retention will do


@pytest.mark.parametrize("keep, hours", [("3", "72h"), ("1", "72h"), ("0", "30m"), ("5", "1h"), ("3", "0s")])
def test_what_the_next_run_deletes_is_foretold(world, keep, hours):
    world.env |= {"APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": keep, "APP_CLEANER_EXPIRATION_BLOB_TIME": hours}
    world.assert_success(world.run())
    time.sleep(1.1)  # the store's dates have whole seconds
    plant(world, 6, hours_old=2, hours_apart=20)
    foretold = {name for name, fate in fates(world.run("list", "--output", "json")).items() if fate == "next-run"}
    before = set(world.blob_names)
    world.assert_success(world.run())
    deleted = {name.rsplit("/", 1)[1] for name in before - set(world.blob_names)}
    assert deleted == foretold


def test_when_the_others_go_is_told(world):
    names = plant(world, 5, hours_old=1, hours_apart=10)
    run = world.run("list", "--output", "json")
    assert [fates(run)[name] for name in names] == ["kept", "kept", "kept", "after", "after"]
    for backup in run.json["backups"][3:]:
        gone = datetime.fromisoformat(backup["deletedAfter"]) - datetime.fromisoformat(backup["time"])
        assert gone.total_seconds() == 72 * 3600
    assert "deleted after 20" in world.run("list").text


def test_runs_that_do_not_check_the_pages_delete_nothing(world):
    names = plant(world, 5, hours_old=100)
    run = world.run("list", "--output", "json", APP_BACKUP_PAGE_CHECK="off")
    assert fates(run) == dict.fromkeys(names, "kept")
    world.assert_success(world.run(APP_BACKUP_PAGE_CHECK="off"))
    assert {f"{PREFIX}/{name}" for name in names} < set(world.blob_names)


def test_without_the_variables_of_retention_and_record_that_is_left_out(world):
    world.assert_success(world.run())
    run = world.run("list", "--output", "json", **{name: None for name in world.env if "CLEANER" in name or
                    "ETCD" in name or "CONFIG_MAP" in name})
    backup = run.json["backups"][0]
    assert run.json["recordedPath"] is None and backup["recorded"] is False and "retention" not in backup, run


# What may be odd


def test_no_backup_at_all_is_no_error(world):
    run = world.run("list", "--output", "json")
    place = {"account": world.sandbox.account, "container": CONTAINER, "prefix": PREFIX}
    assert run.status == 0 and run.json == {**place, "recordedPath": None, "backups": []}


@pytest.mark.parametrize("form", ["table", "name"])
def test_an_empty_list_says_where_it_looked(world, form):
    run = world.run("list", "--output", form)
    said = run.text if form == "table" else run.log
    assert f"account {world.sandbox.account}, container {CONTAINER}, under the prefix {PREFIX}/" in said, run
    assert run.status == 0 and (run.text == "") == (form == "name"), run
    plant(world, 2, hours_old=5)
    run = world.run("list", "--since", "1h", "--output", form)
    said = run.text if form == "table" else run.log
    assert run.status == 0 and "No backups since" in said and "2 older" in said, run


def test_a_recorded_backup_that_is_gone_is_said(world):
    world.sandbox.put_configmap(NAMESPACE, RECORD, {RECORDED_PATH: f"{CONTAINER}/{PREFIX}/{OLD}"})
    run = world.run("list")
    assert run.status == 0 and "the recorded backup is not there" in run.log, run


def test_a_record_that_names_no_backup_hides_none(world):
    names = plant(world, 2, hours_old=1)
    world.sandbox.put_configmap(NAMESPACE, RECORD, {RECORDED_PATH: "nonsense"})
    run = world.run("list", "--output", "json")
    assert listed(run) == names and run.json["recordedPath"] is None
    assert "the record cannot be used" in run.log and "nonsense" in run.log, run


def test_D8_listing_goes_on_over_pages_and_faults(world):
    names = plant(world, 2500, hours_old=1, hours_apart=0.01)
    world.faults([{"match": {"operation": "ListBlobs"}, "skip": 1, "times": 2,
                   "action": {"kind": "status", "status": 503, "code": "ServerBusy"}}])
    assert listed(world.run("list", "--output", "json")) == names


def test_D8_a_list_that_cannot_be_read_to_its_end_is_no_list(world):
    plant(world, 1500, hours_old=1, hours_apart=0.01)
    world.fault("ListBlobs", "status", status=403, code="AuthorizationFailure", skip=1)
    run = world.run("list", "--output", "json")
    assert run.status == 78 and run.text == "", run


def test_R1_memory_is_bounded_for_tens_of_thousands(world):
    plant(world, 20_000, hours_old=1, hours_apart=0.001)
    run = world.run("list", "--output", "json")
    assert len(listed(run)) == 20_000
    assert run.peak_bytes <= 64 * MEBIBYTE, f"{run.peak_bytes / MEBIBYTE:.1f} MiB"


def test_nothing_is_changed(world):
    world.assert_success(world.run())
    before = (world.blob_names, world.record)
    world.run("list")
    assert (world.blob_names, world.record) == before
    assert {request["method"] for request in world.requests()} == {"GET"}


@pytest.mark.parametrize("arguments", [
    ["--all"], [OLD], ["--limit", "0"], ["--limit", "-1"], ["--since", "yesterday"], ["--since", "-1h"],
    ["--since", "2026-11-31"], ["--local", "-o", "json"], ["--local", "-o", "name"]], ids=" ".join)
def test_a_wrong_command_line_is_64(world, arguments):
    assert world.run("list", *arguments).status == 64


# What is shown


def test_limit_shows_the_newest_and_foretells_as_the_whole_list_does(world):
    names = plant(world, 6, hours_old=2, hours_apart=20)
    whole, cut = (world.run("list", "-o", "json", *limit) for limit in ([], ["--limit", "4"]))
    assert listed(cut) == names[:4]
    assert fates(cut) == {name: fates(whole)[name] for name in names[:4]}
    assert len(world.run("list", "--limit", "1").text.splitlines()) == 2
    assert listed(world.run("list", "-o", "json", "--limit", "7")) == names


def test_since_takes_a_duration_or_a_time(world):
    names = plant(world, 4, hours_old=1, hours_apart=2)
    begin = datetime.fromtimestamp(time.time() - 4 * 3600, timezone(timedelta(hours=5, minutes=30)))
    for since, count in [("4h", 2), ("0s", 0), ("1000h", 4), (begin.isoformat(timespec="seconds"), 2),
                         (begin.isoformat(timespec="milliseconds"), 2), ("2001-01-01T00:00:00Z", 4)]:
        assert listed(world.run("list", "-o", "json", "--since", since)) == names[:count], since
    assert listed(world.run("list", "-o", "json", "--since", "6h", "--limit", "2")) == names[:2]


def test_the_age_is_told(world):
    plant(world, 1, hours_old=0.5)
    plant(world, 3, hours_old=5, hours_apart=30)
    rows = world.run("list").text.splitlines()
    assert [row.split()[2] for row in rows[1:]] == ["30m", "5h", "35h", "2d"]
    ages = [backup["ageSeconds"] for backup in world.run("list", "-o", "json").json["backups"]]
    assert all(abs(age - hours * 3600) < 60 for age, hours in zip(ages, [0.5, 5, 35, 65], strict=True)), ages


@pytest.mark.parametrize("zone, offset", [
    ("CET-1", "+01:00"), ("NST3:30", "-03:30"), ("<+1245>-12:45", "+12:45"), ("UTC", "+00:00"), ("Nowhere/City", "+00:00")])
def test_local_shows_every_time_of_the_table_in_the_terminals_zone(world, zone, offset):
    """A zone without data, such as any in the image, is UTC."""
    plant(world, 5, hours_old=1, hours_apart=10)
    utc, local = (world.run("list", *options, TZ=zone) for options in ([], ["--local"]))
    assert "TIME (LOCAL)" in local.text and local.status == 0, local
    times = re.findall(r"\d{4}-\d\d-\d\dT\S+", local.text)
    assert len(times) == 7 and all(time.endswith(offset) for time in times), local.text
    in_utc = re.findall(r"\d{4}-\d\d-\d\dT\S+", utc.text)
    assert [datetime.fromisoformat(time) for time in times] == [datetime.fromisoformat(time) for time in in_utc]


def test_times_are_in_utc(world):
    world.assert_success(world.run())
    run = world.run("list", "--output", "json", TZ="America/New_York")
    told = datetime.fromisoformat(run.json["backups"][0]["time"])
    assert abs((datetime.now(UTC) - told).total_seconds()) < 60
