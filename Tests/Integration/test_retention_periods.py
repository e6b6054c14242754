"""The newest backups of days, weeks and months stay, in a real run, and every command says why."""

import datetime
import time

from world import CONTAINER, PLANTED_SIZE, PREFIX, ulid_at

DAY = 86_400
KEEP = {
    "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": "1", "APP_CLEANER_EXPIRATION_BLOB_TIME": "1h",
    "APP_CLEANER_KEEP_DAILY": "3", "APP_CLEANER_KEEP_MONTHLY": "2"}


def plant(world, times: list[float]) -> list[str]:
    """Backups of the running history of this record, written at these times."""
    record = world.record
    names = []
    for when in times:
        name = f"{PREFIX}/{ulid_at(when)}"
        world.container.get_blob_client(name).upload_blob(bytes(PLANTED_SIZE), metadata={
            "lineage": record["backup-lineage"], "history": record["backup-history"],
            "time": datetime.datetime.fromtimestamp(int(when), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")})
        world.sandbox.age_blob(CONTAINER, name, time.time() - when)
        names.append(name)
    return names


def test_the_newest_of_each_day_and_month_stays_and_the_rest_goes(world):
    world.assert_success(world.run())
    noon = time.time() // DAY * DAY - DAY / 2  # yesterday, UTC
    days = plant(world, [noon - DAY * age for age in (3, 2, 1, 0)])
    second = plant(world, [noon - 60])
    long_ago = plant(world, [noon - 400 * DAY, noon - 400 * DAY + 60])
    listed = {backup["name"]: backup for backup in world.run("list", "--output", "json", **KEEP).json["backups"]}
    shown = world.run("retention", "--output", "json", **KEEP).json
    path = world.assert_success(world.run(**KEEP))
    left = set(world.blob_names)
    # Today, with the run's own backup, yesterday and the day before: three days; this month and an earlier one.
    assert {days[3], days[2], path.split("/", 1)[1]} <= left
    assert not left & {second[0], long_ago[0], days[0]}, left
    going = {f"{PREFIX}/{backup['name']}" for backup in shown["goes"]}
    staying = {f"{PREFIX}/{backup['name']}": backup["reason"] for backup in shown["stays"]}
    assert not going & left and going | set(staying) == {f"{PREFIX}/{name}" for name in listed}
    assert staying[days[3]] == "newest of its day" == listed[days[3].split("/")[1]]["reason"]
    assert listed[second[0].split("/")[1]]["reason"] == "expired, and nothing else keeps it"
