"""The CronJob as it is by default goes on for ever: nothing stops its schedule, and nothing piles up."""

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
