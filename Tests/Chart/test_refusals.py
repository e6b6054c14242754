"""Each wrong value stops the installation, with a message that says what to set."""

import functools

import pytest

import values_table
from helm import ENABLED, Failure, merged, nested

ACCOUNT = "etcd-operator.backupOperator.abs.storageAccount"
KEY = "etcd-operator.backupOperator.abs.storageKey"
CONTAINER = "global.etcdBackup.containerName"


@pytest.mark.parametrize("value", [ACCOUNT, KEY, CONTAINER])
def test_what_belongs_to_a_backup_is_refused_while_backups_are_off(helm4, value):
    message = helm4.refusal(nested(value, "abc"))
    assert f"{value} is set, but backups are off: set global.etcdBackup.enabled to true" in message


@pytest.mark.parametrize("value", [ACCOUNT, KEY, CONTAINER])
def test_what_a_backup_needs_is_demanded_while_backups_are_on(helm4, value):
    message = helm4.refusal(merged(ENABLED, nested(value, "")))
    assert f"{value} is empty: set it to" in message
    assert message.count("is empty") == 1


def test_everything_that_is_missing_is_said_at_once(helm):
    message = helm.refusal({"global": {"etcdBackup": {"enabled": True}}})
    assert all(f"{value} is empty" in message for value in (ACCOUNT, KEY, CONTAINER))


def test_an_existing_secret_beside_account_and_key_is_refused(helm4):
    message = helm4.refusal(merged(ENABLED, nested("global.etcdBackup.existingSecret", "vault")))
    assert 'existingSecret is "vault"' in message and "leave" in message


def test_an_existing_secret_still_needs_a_container(helm4):
    message = helm4.refusal({"global": {"etcdBackup": {"enabled": True, "existingSecret": "vault"}}})
    assert f"{CONTAINER} is empty" in message and ACCOUNT not in message


def test_a_key_that_is_not_base64_is_refused_without_showing_it(helm4):
    message = helm4.refusal(merged(ENABLED, nested(KEY, "se_cret")))
    assert f"{KEY} is not base64" in message and "se_cret" not in message


@pytest.mark.parametrize("timeout", ["", "30", "3d", "m", "1h 30m", "--5m", "1.h.", "30 m", "5M"])
def test_a_timeout_that_go_would_not_parse_is_refused(helm4, timeout):
    message = helm4.refusal(merged(ENABLED, nested("backupApp.timeout", timeout)))
    assert f'backupApp.timeout is "{timeout}", which is no Go duration: write it like 30m' in message


@pytest.mark.parametrize("value", ["backupApp.timeout", "prometheusRule.maxAge"])
def test_a_time_of_zero_is_refused(helm4, value):
    changes = merged(nested("prometheusRule.enabled", True), nested(value, "0s"))
    assert f'{value} is "0s": it must be longer than zero' in helm4.refusal(merged(ENABLED, changes))


@pytest.mark.parametrize("value", ["backupApp.timeout", "backupApp.cleaner.historyExpiration"])
@pytest.mark.parametrize("given, reason", [("-5m", "must not be negative"), ("2562048h", "must be shorter than")])
def test_a_time_before_now_or_after_centuries_is_refused(helm4, value, given, reason):
    assert f'{value} is "{given}": it {reason}' in helm4.refusal(merged(ENABLED, nested(value, given)))


def test_an_expiration_in_days_is_refused(helm4):
    message = helm4.refusal(merged(ENABLED, nested("backupApp.cleaner.expirationBlobTime", "3d")))
    assert 'backupApp.cleaner.expirationBlobTime is "3d", which is no Go duration' in message


def test_a_plain_endpoint_of_a_secure_etcd_is_refused(helm4):
    message = helm4.refusal(merged(ENABLED, nested("etcd.endpoints", ["http://a:2379"])))
    assert "etcd.endpoints has http://a:2379, but etcd.secure is true" in message


@pytest.mark.parametrize("given", ["AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUG", "age1short", "ssh-ed25519 AAAA"])
def test_what_is_no_recipient_is_refused_without_showing_it(helm4, given):
    message = helm4.refusal(merged(ENABLED, nested("backupApp.encryption.recipients", [f"age1{'q' * 58}", given])))
    assert "backupApp.encryption.recipients[1] is no recipient of age" in message and given not in message


@pytest.mark.parametrize("value", ["commonLabels", "podLabels"])
@pytest.mark.parametrize("label", ["name", "instance", "component"])
def test_h3_a_label_that_finds_the_pods_cannot_be_replaced(helm4, value, label):
    message = helm4.refusal(merged(ENABLED, {value: {f"app.kubernetes.io/{label}": "other"}}))
    assert f"{value} has app.kubernetes.io/{label}, by which the pods of this release are found: leave it out" in message


def test_h3_a_variable_given_twice_is_refused(helm4):
    extra = [{"name": "HTTPS_PROXY", "value": "http://a"}, {"name": "HTTPS_PROXY", "value": "http://b"}]
    assert "extraEnv has HTTPS_PROXY twice: leave one" in helm4.refusal(merged(ENABLED, {"extraEnv": extra}))


def test_extra_environment_cannot_contradict_a_value(helm4):
    extra = [{"name": "APP_BLOB_PREFIX", "value": "other"}]
    message = helm4.refusal(merged(ENABLED, {"extraEnv": extra}))
    assert "extraEnv has APP_BLOB_PREFIX, which the chart sets already" in message


@pytest.mark.parametrize(
    "value, given",
    [
        ("global.etcdBackup.enabled", "yes"),
        ("global.etcdBackup.containerName", 5),
        ("global.etcdBackup.absAuthentication", "guess"),
        ("etcd-operator.backupOperator.abs.storageKey", 5),
        ("abs.accessTier", "archive"), ("abs.immutability", "on"),
        ("etcd-operator.backupOperator.abs.allowHttp", "on"),
        ("etcd.secure", "true"),
        ("etcd.endpoints", "https://a:2379"),
        ("etcd.endpoints", [2379]),
        ("etcd.transport", "http2"),
        ("backupApp.cronJobSchedule", 30),
        ("backupApp.suspend", "no"),
        ("backupApp.startingDeadlineSeconds", 5),
        ("backupApp.backoffLimit", -1),
        ("backupApp.cleaner.leaveMinNewestBackupBlobs", "three"),
        ("backupApp.blockSize", 8388608),
        ("backupApp.blocksInFlight", 32),
        ("backupApp.blocksInFlight", 1.5),
        ("abs.authentication", "guess"),
        ("abs.secretDirectory.volume", "hostPath"),
        ("dnsPolicy", "Fast"),
        ("extraVolumes", [{"hostPath": {"path": "/"}}]),
        ("extraObjects", [5]),
        ("backupApp.logger.level", "verbose"),
        ("backupApp.logger.format", "xml"),
        ("backupApp.image.pullPolicy", "Sometimes"),
        ("imagePullSecrets", ["registry"]),
        ("nodeSelector", ["a"]),
        ("extraEnv", [{"value": "nameless"}]),
        ("networkPolicy.apiServerPorts", [70000]),
        ("prometheusRule.enabled", 1),
        ("grafanaDashboard.labels", ["a"]),
        ("podLabels", {"team": 5}),
        ("podSecurityContext", "restricted"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_name(helm, value, given):
    message = helm.refusal(merged(ENABLED, nested(value, given)))
    assert "values don't meet the specifications of the schema" in message
    assert value in message or "/" + value.replace(".", "/") in message


@pytest.mark.parametrize(
    "value, given, reason",
    [
        ("backupApp.compression", "gzip", "use zstd, zstd:1 to zstd:6, off"),
        ("backupApp.image.digest", "sha256:123", "write it as sha256: and 64 hexadecimal digits"),
        ("backupApp.encryption.identitySecretName", "Not_A_Name", "use lower-case letters, digits and hyphens"),
        ("global.etcdBackup.secretName", "Not_A_Name", "no name of a Kubernetes object"),
        ("runtimeClassName", "g visor", "no name of a Kubernetes object"),
        ("serviceAccount.name", "-", "no name of a Kubernetes object"),
        ("backupApp.spool.sizeLimit", "2G", "write it like 512Mi or 2Gi"),
    ],
)
def test_a_text_that_kubernetes_or_the_program_would_refuse_is_refused_in_words(helm4, value, given, reason):
    message = helm4.refusal(merged(ENABLED, nested(value, given)))
    assert f'{value} is "{given}"' in message and reason in message and "pattern" not in message


@pytest.mark.parametrize("labels, reason", [
    ({"team": "no blanks here"}, 'has team with the value "no blanks here": use at most 63 letters, digits'),
    ({"Team/x": "a"}, 'has the label "Team/x": a label is at most 63 letters, digits')])
@pytest.mark.parametrize("value", ["commonLabels", "grafanaDashboard.labels"])
def test_a_label_that_kubernetes_would_refuse_is_refused_in_words(helm4, value, labels, reason):
    assert f"{value} {reason}" in helm4.refusal(merged(ENABLED, nested(value, labels)))


@pytest.mark.parametrize(
    "place",
    ["", "abs", "abs.secretDirectory", "rbac", "serviceAccount", "global.etcdBackup", "etcd-operator.backupOperator.abs",
     "backupApp", "backupApp.cleaner",
     "backupApp.logger", "backupApp.image", "resources", "networkPolicy", "prometheusRule", "grafanaDashboard"],
)  # fmt: skip
def test_an_unknown_key_is_refused_by_name(helm, place):
    message = helm.refusal(merged(ENABLED, nested(f"{place}.enabeld".lstrip("."), True)))
    assert "enabeld" in message and "not allowed" in message


SWITCHES = ["backupApp.spool", "networkPolicy", "prometheusRule", "grafanaDashboard"]
EVERYTHING = functools.reduce(merged, [nested(f"{switch}.enabled", True) for switch in SWITCHES], ENABLED)
VALUES = [name for name, _, _ in values_table.rows()]
GROUPS = sorted({name.rsplit(".", level)[0] for name in VALUES for level in range(1, 1 + name.count("."))})


@pytest.mark.sampled(5)
@pytest.mark.parametrize("value", VALUES + GROUPS)
def test_null_is_refused_by_name_unless_it_means_the_default(helm, value):
    """A null takes the key away. Numbers would become 0 then, and with a starting deadline of 0 no run ever starts."""
    try:
        rendered = helm.template(merged(EVERYTHING, nested(value, None)))
    except Failure as refusal:
        key = value.rpartition(".")[2]
        assert "values don't meet the specifications of the schema" in str(refusal)
        assert f"{key} is required" in str(refusal) or f"missing property '{key}'" in str(refusal)
    else:
        if "ecurityContext" not in value:  # null takes that away, as its documentation says
            assert rendered == helm.template(EVERYTHING)
