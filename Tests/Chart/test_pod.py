"""What helm renders is what runs: the CronJob's pod, taken as it is, against a real etcd and the sandbox."""

import os

import pytest

from installation import CREDENTIALS_SECRET, NAMESPACE, TLS_SECRET, Installation
from sandbox import Sandbox

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a pod its user and its root file system")


@pytest.fixture
def installation(helm, etcd, tmp_path):
    with Sandbox(state=tmp_path / "sandbox") as sandbox, Installation(helm, sandbox, etcd, tmp_path) as installation:
        yield installation


def granted(rules):
    """Every single permission of a Role's rules: (verb, resource, name); no name where the rule has none."""
    return {
        (verb, resource, name)
        for rule in rules
        for verb in rule["verbs"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [None])
    }


def without(rules, permission):
    """The rules with one verb on one named object taken away."""
    return [
        {"resources": [resource], "verbs": [verb], **({"resourceNames": [name]} if name else {})}
        for verb, resource, name in granted(rules) - {permission}
    ]


RECORD = "backup-etcd-backup-record"
PERMISSIONS = [
    ("get", "secrets", "backup-etcd-backup-abs"),
    ("get", "secrets", TLS_SECRET),
    ("get", "secrets", CREDENTIALS_SECRET),
    ("get", "configmaps", RECORD),
    ("patch", "configmaps", RECORD),
    ("create", "configmaps", None),
]


def test_the_pod_as_rendered_stores_and_records_a_backup(installation, etcd):
    outcome = installation.run()
    assert outcome.status == 0, outcome.log
    path = installation.recorded_path
    container, _, name = path.partition("/")
    blob = installation.sandbox.blob_service_client().get_blob_client(container, name)
    assert blob.get_blob_properties().size == outcome.message["bytes"]
    assert outcome.message["result"] == "success" and outcome.message["path"] == path


def test_the_role_allows_exactly_what_the_pod_does(installation):
    assert installation.run().status == 0
    asked = {(verb, resource, name or None) for verb, resource, name in installation.asked()}
    asked.add(("patch", "configmaps", f"{RECORD}-history-broke"))  # where the history of etcd broke
    assert asked == granted(installation.objects.one("Role")["rules"])
    assert asked - set(PERMISSIONS) == {("patch", "configmaps", f"{RECORD}-history-broke")}


@pytest.mark.parametrize("permission", PERMISSIONS, ids=lambda each: " ".join(filter(None, each)))
def test_a_pod_without_one_permission_fails_and_names_it(installation, permission):
    verb, resource, name = permission
    name = name or RECORD
    if verb != "create":  # which is wanted only where there is no record yet
        installation.sandbox.put_configmap(NAMESPACE, RECORD, {})
    installation.allow(without(installation.objects.one("Role")["rules"], permission))
    outcome = installation.run()
    assert f"{verb} {resource}/{name} in namespace {NAMESPACE} is not allowed" in outcome.log
    assert f"{verb} {resource}/{name}" in outcome.message["cause"]
    [rule] = [each for each in installation.objects.job["podFailurePolicy"]["rules"] if "onExitCodes" in each]
    assert outcome.status in rule["onExitCodes"]["values"], "retrying cannot help, so the Job must not make one"


def test_a_pod_with_folders_in_place_of_all_secrets_reads_none_through_the_api(helm4, etcd, tmp_path):
    """From the CSI driver, from a mounted Secret and from any other volume: one of each."""
    store, user = {"storage-account": "", "storage-key": ""}, dict(zip(("username", "password"), etcd.user, strict=True))
    changes = {
        "abs": {"account": "", "accountKey": "", "secretDirectory": {"secretProviderClass": "store"}},
        "etcd": {"tlsSecretName": "", "tlsDirectory": {"secretName": TLS_SECRET}, "credentialsSecretName": "",
                 "credentialsDirectory": {"volume": {"projected": {"sources": [{"secret": {"name": "user"}}]}}}},
    }
    with (
        Sandbox(state=tmp_path / "sandbox") as sandbox,
        Installation(helm4, sandbox, etcd, tmp_path, changes=changes) as installation,
    ):
        store |= {"storage-account": sandbox.account, "storage-key": sandbox.account_key}
        installation.node.provider_classes["store"] = store
        sandbox.put_secret(NAMESPACE, "user", user)
        outcome = installation.run()
        assert outcome.status == 0, outcome.log
        assert {resource for _, resource, _ in installation.asked()} == {"configmaps"}
        assert {rule["resources"][0] for rule in installation.objects.one("Role")["rules"]} == {"configmaps"}


def test_the_stand_in_for_the_kubelet_enforces_what_the_pod_says(installation):
    pod = installation.objects.pod
    script = (
        "id -u; id -G; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status; touch /x;"
        " echo end >/dev/termination-log"
    )
    pod["containers"][0]["command"] = ["/bin/sh", "-c", script]
    outcome = installation.run(pod)
    lines = [line.replace("\t", " ") for line in outcome.log.splitlines()]
    assert lines[:2] == ["65532", "65532"]
    assert lines[2:5] == ["CapEff: 0000000000000000", "CapBnd: 0000000000000000", "NoNewPrivs: 1"]
    assert [line.partition(": ")[2].rpartition(": ")[2] for line in lines[5:]] == ["Read-only file system"]
    assert outcome.termination_message == "end\n"


def test_J6_a_pod_that_does_not_ask_for_the_token_has_no_credentials(installation):
    """The chart's ServiceAccount gives it to nobody, so the pod itself must ask."""
    assert installation.objects.one("ServiceAccount")["automountServiceAccountToken"] is False
    pod = installation.objects.pod
    del pod["automountServiceAccountToken"]
    outcome = installation.run(pod)
    assert outcome.status != 0 and "Does the pod mount its service account" in outcome.log, outcome
