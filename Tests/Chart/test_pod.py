"""What helm renders is what runs: the CronJob's pod, taken as it is, against a real etcd and the sandbox."""

import base64
import copy
import os
import re

import pytest

from certificates import TLS
from etcd import Cluster
from helm import PROJECT
from kubelet import Node
from sandbox import Sandbox

NAMESPACE = "kyma-system"
CONTAINER = "etcd-backups"
TOKEN = "token-of-the-service-account"
RECORD = "sc-recorded-etcd-backup-data"
PROGRAM = PROJECT / ".build" / "release" / "etcd-backup"
ENTRYPOINT = re.search(r'ENTRYPOINT \["(.+)"\]', (PROJECT / "Dockerfile").read_text())[1]
ROOT_PASSWORD = "not easily guessed"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a pod its user and its root file system")


@pytest.fixture(scope="module")
def etcd(tmp_path_factory):
    """One member with TLS, client certificates and authentication, so that every Secret counts."""
    folder = tmp_path_factory.mktemp("etcd")
    tls = TLS.make(folder / "tls", client_name=None)
    with Cluster(folder / "data", tls=tls) as cluster:
        cluster.fill(300)
        cluster.enable_authentication(ROOT_PASSWORD)
        yield cluster


class Installation:
    """The rendered objects, put where the API server would have them, and their pod, ready to run."""

    def __init__(self, objects, sandbox, folder):
        self.objects = objects
        self.sandbox = sandbox
        self.node = Node(sandbox.kubernetes_url, sandbox.ca_file, folder)
        secret = objects.one("Secret")
        values = {key: base64.b64decode(value) for key, value in secret["data"].items()}
        sandbox.put_secret(NAMESPACE, secret["metadata"]["name"], values)
        sandbox.put_configmap(NAMESPACE, objects.one("ConfigMap")["metadata"]["name"], {})
        self.allow(objects.one("Role")["rules"])

    def allow(self, rules):
        """Lets the pod's account do what these rules of a Role say."""
        [subject] = self.objects.one("RoleBinding")["subjects"]
        assert subject["name"] == self.objects.pod["serviceAccountName"]
        self.sandbox.grant(
            TOKEN,
            f"system:serviceaccount:{subject['namespace']}:{subject['name']}",
            [
                {key: rule[key] for key in ("resources", "resourceNames", "verbs")} | {"namespace": NAMESPACE}
                for rule in rules
            ],
        )

    def run(self):
        return self.node.run(self.objects.pod, NAMESPACE, PROGRAM, ENTRYPOINT, TOKEN)

    @property
    def record(self):
        return self.sandbox.configmap(NAMESPACE, RECORD)

    def asked(self):
        """What the pod did at the API server: (verb, resource, name)."""
        verbs = {"GET": "get", "PATCH": "patch", "POST": "create", "DELETE": "delete", "PUT": "update"}
        for each in self.sandbox.requests():
            if each["service"] == "kubernetes":
                resource, _, name = each["target"].partition("?")[0].partition(f"/{NAMESPACE}/")[2].partition("/")
                yield verbs[each["method"]], resource, name


@pytest.fixture
def installation(helm, etcd, tmp_path):
    with Sandbox(state=tmp_path / "sandbox") as sandbox:
        sandbox.create_container(CONTAINER)
        objects = helm.render(
            {
                "global": {"etcdBackup": {"containerName": CONTAINER}},
                "etcd-operator": {
                    "backupOperator": {
                        "abs": {
                            "storageAccount": sandbox.account,
                            "storageKey": sandbox.account_key,
                            "endpoint": sandbox.blob_url,
                        }
                    }
                },
                "etcd": {"endpoints": [etcd.endpoints], "credentialsSecretName": "etcd-root"},
            }
        )
        environment = objects.environment
        sandbox.put_secret(NAMESPACE, environment["APP_BACKUP_CLIENT_TLS_SECRET"], etcd.tls.secret())
        sandbox.put_secret(NAMESPACE, "etcd-root", {"username": "root", "password": ROOT_PASSWORD})
        yield Installation(objects, sandbox, tmp_path)


def granted(rules):
    """Every single permission of a Role's rules: (verb, resource, name)."""
    return {
        (verb, resource, name)
        for rule in rules
        for verb in rule["verbs"]
        for resource in rule["resources"]
        for name in rule["resourceNames"]
    }


def without(rules, permission):
    """The rules with one verb on one named object taken away."""
    return [
        {"resources": [resource], "resourceNames": [name], "verbs": [verb]}
        for verb, resource, name in sorted(granted(rules) - {permission})
    ]


PERMISSIONS = [
    ("get", "secrets", "etcd-backup-abs-credentials"),
    ("get", "secrets", "service-catalog-etcd-stateful-etcd-client-tls"),
    ("get", "secrets", "etcd-root"),
    ("get", "configmaps", RECORD),
    ("patch", "configmaps", RECORD),
]


def test_the_pod_as_rendered_stores_and_records_a_backup(installation, etcd):
    outcome = installation.run()
    assert outcome.status == 0, outcome.log
    path = installation.record["abs-backup-file-path-from-last-success"]
    container, _, name = path.partition("/")
    blob = installation.sandbox.blob_service_client().get_blob_client(container, name)
    assert blob.get_blob_properties().size == outcome.message["bytes"]
    assert outcome.message["result"] == "success" and outcome.message["path"] == path


def test_the_role_allows_exactly_what_the_pod_does(installation):
    assert installation.run().status == 0
    assert set(installation.asked()) == granted(installation.objects.one("Role")["rules"]) == set(PERMISSIONS)


@pytest.mark.parametrize("permission", PERMISSIONS, ids=" ".join)
def test_a_pod_without_one_permission_fails_and_names_it(installation, permission):
    verb, resource, name = permission
    rules = copy.deepcopy(installation.objects.one("Role")["rules"])
    installation.allow(without(rules, permission))
    outcome = installation.run()
    assert f"{verb} {resource}/{name} in namespace {NAMESPACE} is not allowed" in outcome.log
    assert f"{verb} {resource}/{name}" in outcome.message["cause"]
    [rule] = [each for each in installation.objects.job["podFailurePolicy"]["rules"] if "onExitCodes" in each]
    assert outcome.status in rule["onExitCodes"]["values"], "another try cannot help, so the Job must not make one"


def test_the_stand_in_for_the_kubelet_enforces_what_the_pod_says(helm4, tmp_path):
    authority = tmp_path / "ca.crt"
    authority.write_text("")
    pod = helm4.render().pod
    script = "id -u; id -G; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status; touch /x; echo end >/dev/termination-log"
    pod["containers"][0]["args"] = ["-c", script]
    outcome = Node("https://127.0.0.1:1", authority, tmp_path).run(pod, NAMESPACE, "/bin/sh", ENTRYPOINT, TOKEN)
    lines = [line.replace("\t", " ") for line in outcome.log.splitlines()]
    assert lines[:2] == ["65532", "65532"]
    assert lines[2:5] == ["CapEff: 0000000000000000", "CapBnd: 0000000000000000", "NoNewPrivs: 1"]
    assert [line.partition(": ")[2].rpartition(": ")[2] for line in lines[5:]] == ["Read-only file system"]
    assert outcome.termination_message == "end\n"
