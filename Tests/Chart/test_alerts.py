"""The alerts, evaluated by the real promtool over series such as kube-state-metrics exposes.

One sample a minute. Time starts at 0, when the CronJob is created; its runs start every half hour and
take a minute, unless the story says otherwise.
"""

import itertools
import subprocess

import pytest
import yaml

from processes import ROOT

PROMTOOL = ROOT / ".build" / "promtool" / "promtool"
MINUTE, DAY = 60, 86400
CRON_JOB = 'namespace="kyma-system",cronjob="backup-etcd-backup"'

TOO_OLD, NEVER, MISSING, SUSPENDED, FAILED, BROKE = (
    f"EtcdBackup{name}" for name in ("TooOld", "NeverSucceeded", "Missing", "Suspended", "Failed", "HistoryBroke")
)


@pytest.fixture(scope="session", autouse=True)
def unpacked():
    subprocess.run([ROOT / ".ci" / "promtool"], check=True)  # does nothing when it is there


@pytest.fixture
def rules(helm4, tmp_path):
    """The rendered rules as a file of Prometheus' own format."""
    groups = helm4.render({"prometheusRule": {"enabled": True}}).one("PrometheusRule")["spec"]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(groups))
    return file


def steps(values):
    """A series in promtool's notation: each (minutes, value) holds that long; None is no sample."""
    return " ".join(f"_x{count}" if value is None else f"{value}+0x{count - 1}" for count, value in values if count)


class Story:
    """What kube-state-metrics tells from minute 0 to the end, and how often Prometheus evaluates the rules."""

    def __init__(self, minutes, evaluated_every="1m"):
        self.minutes = minutes
        self.evaluated_every = evaluated_every
        self.instance = "kube-state-metrics"
        self.series = {}

    def at(self, instance):
        """From here on, another instance of kube-state-metrics tells."""
        self.instance = instance
        return self

    def add(self, metric, labels, values):
        self.series[f'{metric}{{{labels},instance="{self.instance}"}}'] = steps(values)

    def cron_job(self, first=0, last=None):
        """The CronJob exists from minute `first` to minute `last`."""
        present = (last or self.minutes) - first
        self.add("kube_cronjob_created", CRON_JOB, [(first, None), (present, first * MINUTE)])
        return self

    def suspended(self, spans):
        self.add("kube_cronjob_spec_suspend", CRON_JOB, spans)
        return self

    def successes(self, minutes):
        """Runs that ended well at these minutes: the series appears with the first one."""
        ends = [*minutes, self.minutes]
        spans = [(start, start, end) for start, end in itertools.pairwise(ends)]
        values = [(ends[0], None), *((end - start, at * MINUTE) for at, start, end in spans)]
        self.add("kube_cronjob_status_last_successful_time", CRON_JOB, values)
        return self

    def config_map(self, name, first, last=None):
        """A ConfigMap that exists from minute `first` to minute `last`."""
        present = (last or self.minutes) - first
        labels = f'namespace="kyma-system",configmap="{name}"'
        self.add("kube_configmap_created", labels, [(first, None), (present, first * MINUTE)])
        return self

    def failed_job(self, name, started, ended, gone=None, owner="backup-etcd-backup"):
        """A Job whose last try failed; it is kept until minute `gone`."""
        job = f'namespace="kyma-system",job_name="{name}"'
        gone = gone or self.minutes
        self.add("kube_job_created", job, [(started, None), (gone - started, started * MINUTE)])
        owned = f'{job},owner_kind="CronJob",owner_name="{owner}"'
        self.add("kube_job_owner", owned, [(started, None), (gone - started, 1)])
        failed = [(started, None), (ended - started, 0), (gone - ended, 1)]
        self.add("kube_job_failed", f'{job},condition="true"', failed)
        self.add("kube_job_failed", f'{job},condition="false"', [(started, None), (gone - started, 0)])
        return self


def every_half_hour(first, last):
    return list(range(first, last, 30))


@pytest.fixture
def promtool(rules, tmp_path):
    """Evaluates the rules over a story; fails unless each expression gives its samples at its minute."""

    def test(story, expressions):
        content = {
            "rule_files": [str(rules)],
            "evaluation_interval": story.evaluated_every,
            "tests": [
                {
                    "interval": "1m",
                    "input_series": [{"series": name, "values": values} for name, values in story.series.items()],
                    "promql_expr_test": expressions,
                }
            ],
        }
        file = tmp_path / "test.yaml"
        file.write_text(yaml.safe_dump(content))
        result = subprocess.run([PROMTOOL, "test", "rules", file], capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr

    return test


@pytest.fixture
def firing(promtool):
    """Asserts that at a minute of a story exactly these alerts fire, each once."""

    def check(story, alerts, at):
        expression = 'count by (alertname) (ALERTS{alertstate="firing"})'
        samples = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in alerts]
        promtool(story, [{"expr": expression, "eval_time": f"{at}m", "exp_samples": samples}])

    return check


@pytest.fixture
def silent(promtool):
    """Asserts that no alert ever fires in a story."""

    def check(story):
        expression = f'max_over_time(ALERTS{{alertstate="firing"}}[{story.minutes}m])'
        promtool(story, [{"expr": expression, "eval_time": f"{story.minutes - 1}m", "exp_samples": []}])

    return check


def test_the_rules_are_valid(rules):
    result = subprocess.run([PROMTOOL, "check", "rules", "--lint-fatal", rules], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_healthy_for_a_month_is_silent(silent):
    month = 30 * DAY // MINUTE
    story = Story(month, evaluated_every="5m").cron_job().suspended([(month, 0)]).successes(every_half_hour(31, month))
    silent(story)


def test_a_run_that_failed_and_was_made_good_by_the_next_fires_briefly(firing):
    story = Story(4 * 60).cron_job().suspended([(240, 0)]).successes([31, 61, 121, 151, 181, 211])
    story.failed_job("run-90", started=90, ended=95)
    firing(story, [], at=99)
    firing(story, [FAILED], at=101)
    firing(story, [], at=122)


def test_never_ran_fires_after_two_hours_and_ten_minutes(firing):
    story = Story(6 * 60).cron_job().suspended([(360, 0)])
    firing(story, [], at=120)
    firing(story, [], at=130)
    firing(story, [NEVER], at=131)
    firing(story, [NEVER], at=359)


def test_every_run_of_a_new_cron_job_failing_fires(firing):
    story = Story(4 * 60).cron_job().suspended([(240, 0)])
    for start in every_half_hour(30, 240):
        story.failed_job(f"run-{start}", started=start, ended=start + 3)
    firing(story, [], at=33)
    firing(story, [FAILED], at=38)
    firing(story, [FAILED, NEVER], at=200)


def test_ran_once_and_stopped_fires_when_the_success_is_too_old(firing):
    story = Story(6 * 60).cron_job().suspended([(360, 0)]).successes([31])
    firing(story, [], at=31 + 130)
    firing(story, [TOO_OLD], at=31 + 131)
    firing(story, [TOO_OLD], at=359)


def test_too_old_ends_with_the_next_success(firing):
    story = Story(6 * 60).cron_job().suspended([(360, 0)]).successes([31, 300])
    firing(story, [TOO_OLD], at=299)
    firing(story, [], at=300)


def test_failing_after_a_success_fires_for_the_failure_first_and_the_age_later(firing):
    story = Story(6 * 60).cron_job().suspended([(360, 0)]).successes([31])
    for start in every_half_hour(60, 360):
        story.failed_job(f"run-{start}", started=start, ended=start + 2)
    firing(story, [], at=66)
    firing(story, [FAILED], at=67)
    firing(story, [FAILED, TOO_OLD], at=200)


def test_an_old_failure_that_kubernetes_still_keeps_is_silent(firing):
    story = Story(DAY // MINUTE).cron_job().suspended([(1440, 0)]).successes(every_half_hour(61, 1440))
    story.failed_job("run-30", started=30, ended=31)
    firing(story, [], at=120)
    firing(story, [], at=1439)


def test_a_failed_job_of_another_cron_job_is_silent(firing):
    story = Story(4 * 60).cron_job().suspended([(240, 0)]).successes(every_half_hour(31, 240))
    story.failed_job("other-90", started=90, ended=91, owner="other")
    firing(story, [], at=110)


def test_a_pod_that_failed_and_was_tried_again_is_silent(firing):
    """Only a Job that failed as a whole counts: its series stays 0 while it tries again."""
    story = Story(4 * 60).cron_job().suspended([(240, 0)]).successes(every_half_hour(31, 240))
    story.failed_job("run-90", started=90, ended=240)
    firing(story, [], at=119)


def test_suspended_fires_after_an_hour(firing):
    story = Story(4 * 60).cron_job().suspended([(31, 0), (209, 1)]).successes([31])
    firing(story, [], at=90)
    firing(story, [SUSPENDED], at=91)
    firing(story, [SUSPENDED, TOO_OLD], at=200)


def test_suspended_for_a_short_maintenance_is_silent(firing):
    story = Story(4 * 60).cron_job().successes(every_half_hour(31, 240)).suspended([(40, 0), (50, 1), (150, 0)])
    firing(story, [], at=89)
    firing(story, [], at=239)


def test_a_deleted_cron_job_fires_after_a_quarter_of_an_hour(firing):
    story = Story(4 * 60).cron_job(last=60).suspended([(60, 0), (180, None)])
    firing(story, [], at=60)
    firing(story, [MISSING], at=60 + 5 + 16)  # a series without samples is gone after five minutes


def test_a_cron_job_that_never_existed_fires(firing):
    firing(Story(60), [MISSING], at=16)


def healthy(minutes):
    story = Story(minutes).cron_job().suspended([(minutes, 0)]).successes(every_half_hour(31, minutes))
    return story.config_map("sc-recorded-etcd-backup-data", 31)


def test_d16_a_history_that_broke_fires_though_every_run_succeeds_until_a_person_has_seen_to_it(firing):
    story = healthy(DAY // MINUTE).config_map("sc-recorded-etcd-backup-data-history-broke", 121, last=1000)
    firing(story, [], at=121)
    firing(story, [BROKE], at=123)
    firing(story, [BROKE], at=999)
    firing(story, [], at=1000 + 6)  # a series without samples is gone after five minutes


def test_d16_the_history_of_another_release_is_silent(firing):
    firing(healthy(4 * 60).config_map("other-history-broke", 121), [], at=200)


def test_a_restart_of_kube_state_metrics_is_silent(silent):
    """Ten minutes without any sample, then the same facts from another instance."""
    story = Story(4 * 60).at("old").cron_job(last=100).suspended([(100, 0), (140, None)])
    story.add("kube_cronjob_status_last_successful_time", CRON_JOB, [(31, None), (69, 31 * MINUTE)])
    story.at("new").add("kube_cronjob_created", CRON_JOB, [(110, None), (130, 0)])
    successes = [(110, None), (30, 31 * MINUTE), (100, 140 * MINUTE)]
    story.add("kube_cronjob_status_last_successful_time", CRON_JOB, successes)
    silent(story)


def test_two_instances_of_kube_state_metrics_are_one_alert(firing):
    story = Story(6 * 60)
    for instance in ("first", "second"):
        story.at(instance).cron_job().suspended([(360, 0)]).successes([31])
    firing(story, [TOO_OLD], at=300)


def test_the_age_that_alerts_is_the_value(helm4):
    rules = helm4.render({"prometheusRule": {"enabled": True, "maxAge": "26h"}}).one("PrometheusRule")
    alerts = {rule["alert"]: rule for rule in rules["spec"]["groups"][0]["rules"]}
    assert alerts[TOO_OLD]["expr"].endswith("> 93600")
    assert "> 93600" in alerts[NEVER]["expr"]


def test_every_alert_says_what_it_is_and_how_severe(helm4):
    [group] = helm4.render({"prometheusRule": {"enabled": True}}).one("PrometheusRule")["spec"]["groups"]
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"].endswith(".")
        assert "backup-etcd-backup in kyma-system" in rule["annotations"]["description"]
        assert rule["for"]
