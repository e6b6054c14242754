"""The chart's objects put where the API server would have them, for one etcd and one sandbox."""

import base64
import re

from kubelet import Node
from processes import ROOT

NAMESPACE = "kyma-system"
CONTAINER = "etcd-backups"
TOKEN = "token-of-the-service-account"
CREDENTIALS_SECRET = "etcd-root"
RECORD = "sc-recorded-etcd-backup-data"
PROGRAM = ROOT / ".build" / "release" / "etcd-backup"
ENTRYPOINT = re.search(r'ENTRYPOINT \["(.+)"\]', (ROOT / "Dockerfile").read_text())[1]


class Installation:
    """What `helm install` would have done, with values for these servers; and the pod, ready to run."""

    container = CONTAINER

    def __init__(self, helm, sandbox, etcd, folder, release="backup"):
        self.sandbox = sandbox
        self.node = Node(sandbox.kubernetes_url, sandbox.ca_file, folder)
        self.objects = objects = helm.render(self._values(sandbox, etcd), release=release)
        sandbox.create_container(CONTAINER)

        # Of etcd's owner.
        sandbox.put_secret(NAMESPACE, objects.environment["APP_BACKUP_CLIENT_TLS_SECRET"], etcd.tls.secret())
        if etcd.user:
            username, password = etcd.user
            sandbox.put_secret(NAMESPACE, CREDENTIALS_SECRET, {"username": username, "password": password})

        # Of the chart.
        secret = objects.one("Secret")
        values = {key: base64.b64decode(value) for key, value in secret["data"].items()}
        sandbox.put_secret(NAMESPACE, secret["metadata"]["name"], values)
        self.allow(objects.one("Role")["rules"])

    def _values(self, sandbox, etcd):
        store = {"storageAccount": sandbox.account, "storageKey": sandbox.account_key, "endpoint": sandbox.blob_url}
        return {
            "global": {"etcdBackup": {"containerName": CONTAINER}},
            "etcd-operator": {"backupOperator": {"abs": store}},
            "etcd": {
                "endpoints": [etcd.endpoints],
                "credentialsSecretName": CREDENTIALS_SECRET if etcd.user else "",
            },
        }

    def allow(self, rules):
        """Lets the pod's account do what these rules of a Role say, and nothing else."""
        [subject] = self.objects.one("RoleBinding")["subjects"]
        assert subject["name"] == self.objects.pod["serviceAccountName"]
        user = f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
        fields = ("resources", "resourceNames", "verbs")
        rules = [{"namespace": NAMESPACE, **{key: rule[key] for key in fields if key in rule}} for rule in rules]
        self.sandbox.grant(TOKEN, user, rules)

    def run(self, pod=None):
        """Runs the CronJob's pod, or another one of the same image and service account."""
        account = self.objects.one("ServiceAccount")
        return self.node.run(pod or self.objects.pod, NAMESPACE, PROGRAM, ENTRYPOINT, TOKEN, account)

    @property
    def record(self):
        return self.sandbox.configmap(NAMESPACE, RECORD)

    @property
    def recorded_path(self):
        return self.record["abs-backup-file-path-from-last-success"]

    def asked(self):
        """What the pod did at the API server: (verb, resource, name)."""
        verbs = {"GET": "get", "PATCH": "patch", "POST": "create", "DELETE": "delete", "PUT": "update"}
        for each in self.sandbox.requests():
            if each["service"] == "kubernetes":
                resource, _, name = each["target"].partition("?")[0].partition(f"/{NAMESPACE}/")[2].partition("/")
                yield verbs[each["method"]], resource, name
