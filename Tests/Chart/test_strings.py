"""Every string stays a string, whatever it looks like (H1): YAML of any version would take these for something else."""

import functools
import re
from collections.abc import Callable

import pytest
import yaml

import schemas
import values_table
from helm import CHART, ENABLED, NEUTRAL, Failure, Objects, merged, nested

LOOK_ALIKES = ["12345", "1e3", "true", "null", "~", "0x1f", "0x1F", "1_000", "0o17", "012", "0b1", "1.5", "yes", "on", "n",
               ".inf", "-", "2001-01-01", "12:30:45", "", "#", "a: b", "[", "*a", "&a", "!a", "%", "`", "'", '"']  # fmt: skip
TYPES: dict[type, Callable] = {
    str: lambda given: given, list: lambda given: [given], dict: lambda given: {"example.com/x": given}}
FOLDERS = ["abs.secretDirectory", "etcd.tlsDirectory", "etcd.credentialsDirectory"]
# Values that are structures of Kubernetes' own: a string at one place in each.
STRUCTURES = {
    "imagePullSecrets": lambda given: [{"name": given}],
    "tolerations": lambda given: [{"key": given, "value": given}],
    "affinity": lambda given: {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "k", "operator": "In", "values": [given]}]}]}}},
    "extraEnv": lambda given: [{"name": "X", "value": given}],
    "envFrom": lambda given: [{"prefix": given, "configMapRef": {"name": given}}],
    "extraVolumes": lambda given: [{"name": given, "hostPath": {"path": given}}],
    "extraVolumeMounts": lambda given: [{"name": given, "mountPath": given}],
    "initContainers": lambda given: [{"name": given or "x", "image": given}],
    "extraObjects": lambda given: [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
        "name": "a", "namespace": "a", "labels": {"k": given}}, "data": {"k": given}}],
    "topologySpreadConstraints": lambda given: [{"maxSkew": 1, "topologyKey": given, "whenUnsatisfiable": "DoNotSchedule"}],
    "dnsConfig": lambda given: {"nameservers": [given]},
    "hostAliases": lambda given: [{"ip": given, "hostnames": [given]}],
    **{f"{folder}.volume": lambda given: {"hostPath": {"path": given}} for folder in FOLDERS},
    "networkPolicy.extraEgress": lambda given: [{"to": [{"podSelector": {"matchLabels": {"k": given}}}]}],
    "resources": lambda given: {"limits": {"memory": given}},
    "podSecurityContext": lambda given: {"seLinuxOptions": {"level": given}},
    "securityContext": lambda given: {"seLinuxOptions": {"level": given}},
}  # fmt: skip
SWITCHES = ["backupApp.spool", "networkPolicy", "prometheusRule", "grafanaDashboard"]
EVERYTHING = functools.reduce(merged, [nested(f"{switch}.enabled", True) for switch in SWITCHES], ENABLED)
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())


class Loader(yaml.SafeLoader):
    """YAML read as badly as any reader may: what one of 1.1, 1.2 and Go's library takes for a number is none here."""


for first, pattern in [
    ("-+0123456789.", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    ("-+0", r"[-+]?0[ob][0-9_]+$"),
    ("yYnN", r"[yYnN]$"),
]:
    Loader.add_implicit_resolver("!look-alike", re.compile(pattern), list(first))
Loader.add_constructor("!look-alike", lambda loader, node: float("nan"))


def default(name):
    return functools.reduce(lambda values, key: values[key], name.split("."), DEFAULTS)


def given(name, text):
    if name in STRUCTURES:
        return STRUCTURES[name](text)
    return TYPES[type(default(name))](text)


STRINGS = [name for name, _, _ in values_table.rows() if name != "networkPolicy.apiServerPorts"
           and (name in STRUCTURES or isinstance(default(name), tuple(TYPES)))]  # fmt: skip


def check(manifest):
    """Every object as badly as YAML can be read, against the schemas of Kubernetes."""
    objects = Objects(each for each in yaml.load_all(manifest, Loader) if each)
    for each in objects:
        if each["kind"] == "PrometheusRule":  # not Kubernetes' own
            strings = [*each["metadata"].values(), *each["metadata"]["labels"].items()]
            assert all(isinstance(value, str) for item in strings if isinstance(item, tuple) for value in item)
            assert isinstance(each["metadata"]["name"], str) and isinstance(each["metadata"]["namespace"], str)
        else:
            schemas.validate(each)
    return objects


# Values of so few texts that none of these is one.
NEVER = {
    "etcd.transport", "backupApp.cronJobSchedule", "backupApp.timeout", "backupApp.spool.sizeLimit",
    "backupApp.logger.level", "backupApp.logger.format", "backupApp.image.pullPolicy", "etcd.endpoints",
    "backupApp.cleaner.expirationBlobTime", "backupApp.cleaner.historyExpiration", "prometheusRule.maxAge",
    "global.etcdBackup.absAuthentication", "backupApp.encryption.recipients", "backupApp.timeZone", "dnsPolicy",
    "abs.authorityHost", *(f"{folder}.path" for folder in FOLDERS),
}  # fmt: skip
# Where a value wants others: those of today's names, with a credential that takes it.
EMPTY = {"abs": {"account": "", "accountKey": ""}}
KINDS = {"sasToken": "sas", "connectionString": "connection-string", "tenantId": "service-principal",
         "clientId": "service-principal", "clientSecret": "service-principal", "clientCertificate": "service-principal"}
OWN_SECRET = nested("etcd-operator.backupOperator.abs", {"storageAccount": "", "storageKey": ""})


def base_of(value):
    """Values beside which this one is accepted."""
    if not value.startswith(("abs.", "etcd.tlsDirectory", "etcd.credentialsDirectory")):
        return merged(EVERYTHING, OWN_SECRET if value.endswith("existingSecret") else {})
    base = merged(EVERYTHING, merged(OWN_SECRET, {**NEUTRAL, "global": {"etcdBackup": {"enabled": False, "containerName": ""}}}))
    name = value.partition(".")[2]
    if kind := KINDS.get(name):
        identity = {"tenantId": "t", "clientId": "c", "clientSecret": "" if name == "clientCertificate" else "s"}
        own = {"account": "store" if kind != "connection-string" else "", "accountKey": ""}
        base = merged(base, {"abs": {"authentication": kind, **own, **(identity if kind == "service-principal" else {})}})
    elif value.startswith("abs.secretDirectory") or value == "abs.existingSecret":
        base = merged(base, EMPTY)
    elif value.startswith("etcd.tlsDirectory"):
        base = merged(base, {"etcd": {"tlsSecretName": ""}})
    return base


# Two, of which most values take one, and every fourteenth of the others, another one for each value.
SOME = [(value, ["12345", "", *LOOK_ALIKES[1 + number % 14::14]]) for number, value in enumerate(STRINGS)]
ALL = [pytest.param(value, LOOK_ALIKES, marks=pytest.mark.long, id=f"{value}-all") for value in STRINGS]


@pytest.mark.parametrize("value, texts", [*(pytest.param(*each, id=each[0]) for each in SOME), *ALL])
def test_h1_a_string_that_looks_like_something_else_stays_a_string(helm4, value, texts):
    """Where the chart refuses one as a value of this kind, nothing is rendered that could be wrong."""
    accepted = 0
    base = base_of(value)
    for text in texts:
        try:
            manifest = helm4.template(merged(base, nested(value, given(value, text))))
        except Failure as refusal:
            assert "YAML parse" not in str(refusal) and "unmarshal" not in str(refusal), (text, refusal)
            continue
        check(manifest)
        accepted += 1
    assert accepted or value in NEVER, "every one was refused"


@pytest.mark.parametrize("text", ["12345", "1e3", "true", "null", "0x1f", "1.5", "on", "y"])
def test_h1_release_namespace_and_names_may_look_like_numbers(helm, text):
    namespace = text.replace(".", "-")
    manifest = helm.template(merged(EVERYTHING, {"fullnameOverride": text}), release=text, namespace=namespace)
    objects = check(manifest)
    for each in objects:
        assert each["metadata"]["namespace"] == namespace
        assert each["metadata"]["labels"]["app.kubernetes.io/instance"] == text
    assert objects.one("CronJob")["metadata"]["name"] == text
    assert objects.pod["serviceAccountName"] == text


def test_h1_the_reader_of_this_test_takes_each_for_something_else_where_it_is_not_quoted():
    for text in ["12345", "1e3", "true", "null", "~", "0x1F", "1_000", "0o17", "0b1", "1.5", "y", ".inf"]:
        assert not isinstance(yaml.load(text, Loader), str), text
