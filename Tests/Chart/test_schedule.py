"""The CronJob as it is by default goes on for ever: nothing stops its schedule, and nothing piles up. A schedule that
Kubernetes would refuse is refused, and that of a fleet is spread over the hour.
"""

import collections
import hashlib
import re

import pytest

from helm import ENABLED, merged, nested

CONTROLLER_PERIOD = 10  # seconds between two looks of Kubernetes at a CronJob
MISSED_STARTS = 100  # with more of them in sight Kubernetes starts nothing any more


def test_J1_missed_starts_never_add_up_to_what_stops_a_schedule(helm):
    schedule = helm.render().one("CronJob")["spec"]
    seconds = schedule["startingDeadlineSeconds"]
    assert seconds == 600
    assert CONTROLLER_PERIOD < seconds <= MISSED_STARTS * 60, "even if it starts every minute"


def test_J1_a_run_that_hangs_blocks_the_next_ones_no_longer_than_its_deadline(helm):
    objects = helm.render()
    assert objects.one("CronJob")["spec"]["concurrencyPolicy"] == "Forbid"
    assert objects.job["activeDeadlineSeconds"] == 30 * 60 + 180


def test_J2_finished_jobs_and_their_pods_go(helm):
    objects = helm.render()
    schedule, job = objects.one("CronJob")["spec"], objects.job
    assert job["ttlSecondsAfterFinished"] == 3 * 24 * 3600
    kept = schedule["successfulJobsHistoryLimit"] + schedule["failedJobsHistoryLimit"]
    assert kept * (1 + job["backoffLimit"]) <= 12, "pods at any time"


GOOD = ["*/30 * * * *", "0 3 1,15 * ?", "5/10 0-6/2 * JAN-mar sun", "59 23 31 12 6", "@hourly", "@every 90m", " 0 0 * * 0 ",
        "0  0 * * *", "08 09 * * *", "*/61 * * * *"]  # fmt: skip
BAD = {
    "60 * * * *": '"60" is no minute: use numbers from 0 to 59',
    "* 24 * * *": '"24" is no hour',
    "* * 0 * *": '"0" is no day of the month: use numbers from 1 to 31',
    "* * * 13 *": '"13" is no month',
    "* * * * 7": '"7" is no day of the week: use numbers from 0 to 6',
    "* * * mon *": '"mon" is no month',
    "30-10 * * * *": '"30-10" is no minute',
    "*/0 * * * *": '"*/0" is no minute',
    "1,,2 * * * *": '"" is no minute',
    "-5 * * * *": '"-5" is no minute',
    "H/60 * * * *": '"H/60" is no minute: use numbers from 0 to 59, a range, * or */n, or H or H/n with n from 1 to 59',
    "0 H * * *": '"H" is no hour',
    "* * *": "cron wants five fields",
    "* * * * * *": "cron wants five fields",
    "@reboot": "use cron's five fields, or one of @yearly",
    "TZ=UTC 0 * * * *": "set backupApp.timeZone instead",
}


def test_a_schedule_that_kubernetes_takes_is_given_to_it_as_it_is(helm4):
    for schedule in GOOD:
        given = helm4.render(nested("backupApp.cronJobSchedule", schedule)).one("CronJob")["spec"]["schedule"]
        assert given == schedule


def test_a_schedule_that_kubernetes_would_refuse_is_refused(helm4):
    for schedule, reason in BAD.items():
        message = helm4.refusal(merged(ENABLED, nested("backupApp.cronJobSchedule", schedule)))
        assert f'backupApp.cronJobSchedule is "{schedule}"' in message and reason in message


@pytest.mark.parametrize("zone, is_right", [
    ("Europe/Warsaw", True), ("Etc/UTC", True), ("Asia/Kolkata", True), ("Europe/Warsa", False), ("Local", False),
    ("UTC+1", False), ("", False), ("Europe/War saw", False)])
def test_a_time_zone_that_nobody_knows_is_refused(helm4, zone, is_right):
    changes = nested("backupApp.timeZone", zone)
    if is_right:
        assert helm4.render(changes).one("CronJob")["spec"]["timeZone"] == zone
    else:
        assert "timeZone" in helm4.refusal(merged(ENABLED, changes))


# A fleet


def schedule_of(helm, release, given, **options):
    return helm.render(nested("backupApp.cronJobSchedule", given), release=release, **options).one("CronJob")["spec"]["schedule"]


def minute_of(namespace, name):
    """What the chart computes."""
    digits = re.sub("[a-f]", "", hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest())
    return int(f"1{digits[:9]}")


def test_h_is_a_minute_of_the_release_that_no_upgrade_changes(helm):
    for release in ("one", "two"):
        number = minute_of("kyma-system", f"{release}-etcd-backup")
        assert schedule_of(helm, release, "H * * * *") == f"{number % 60} * * * *"
        assert schedule_of(helm, release, "H/15 2 * * 1-5") == f"{number % 15}-59/15 2 * * 1-5"
    assert schedule_of(helm, "one", "H * * * *", namespace="a") != schedule_of(helm, "one", "H * * * *", namespace="b")


def test_the_releases_of_a_fleet_spread_over_the_hour():
    """5,000 clusters, all with the same release, in namespaces that differ by a number."""
    starts = collections.Counter(minute_of(f"cluster-{number}", "etcd-backup") % 60 for number in range(5000))
    assert len(starts) == 60 and max(starts.values()) < 1.5 * 5000 / 60 and min(starts.values()) > 0.6 * 5000 / 60
