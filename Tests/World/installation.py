"""The chart's objects put where the API server would have them, for one etcd and one sandbox."""

import base64
import contextlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from admission import generated
from control_plane import ControlPlane
from etcd import Cluster
from helm import Helm
from pods import Image, Node
from processes import ROOT, wait_until
from program import BINARY
from sandbox import Sandbox

NAMESPACE = "kyma-system"
CONTAINER = "etcd-backups"
TOKEN = "token-of-the-service-account"
OPERATOR = "token-of-the-operator"
CREDENTIALS_SECRET = "etcd-root"
RECORD = "sc-recorded-etcd-backup-data"
ENTRYPOINT = re.search(r'ENTRYPOINT \["(.+)"\]', (ROOT / "Dockerfile").read_text())[1]


@dataclass(frozen=True)
class Outcome:
    """How a pod's one container ended."""

    status: int
    log: str
    termination_message: str

    @property
    def message(self) -> dict:
        return json.loads(self.termination_message)


class Installation:
    """What `helm install` would have done, with values for these servers. Within a `with` block pods run."""

    container = CONTAINER

    def __init__(self, helm: Helm, sandbox: Sandbox, etcd: Cluster, folder: Path, release: str = "backup"):
        self.sandbox = sandbox
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
        sandbox.grant(OPERATOR, "operator", [{"namespace": NAMESPACE, "resources": ["*"], "verbs": ["*"]}])

        image = Image({Path(ENTRYPOINT).name: BINARY}, entrypoint=[ENTRYPOINT], user=65532)
        self.node = Node(folder / "node", {objects.container["image"]: image}, {}, sandbox)
        self.node.tokens[objects.pod["serviceAccountName"]] = TOKEN
        self.plane = ControlPlane(self.node, enforce="restricted")

    def __enter__(self) -> "Installation":
        with contextlib.ExitStack() as running:
            running.enter_context(self.node)
            running.enter_context(self.plane)
            self._running = running.pop_all()
        for kind, plural in (("CronJob", "cronjobs"), ("ServiceAccount", "serviceaccounts")):
            self.plane.put(plural, self.objects.one(kind))
        return self

    def __exit__(self, *failure) -> None:
        self._running.__exit__(*failure)

    def _values(self, sandbox: Sandbox, etcd: Cluster) -> dict:
        store = {"storageAccount": sandbox.account, "storageKey": sandbox.account_key, "endpoint": sandbox.blob_url}
        return {
            "global": {"etcdBackup": {"containerName": CONTAINER}},
            "etcd-operator": {"backupOperator": {"abs": store}},
            "etcd": {
                "endpoints": [etcd.endpoints],
                "credentialsSecretName": CREDENTIALS_SECRET if etcd.user else "",
            },
        }

    def allow(self, rules: list[dict]) -> None:
        """Lets the pod's account do what these rules of a Role say, and nothing else."""
        [subject] = self.objects.one("RoleBinding")["subjects"]
        assert subject["name"] == self.objects.pod["serviceAccountName"]
        user = f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
        fields = ("resources", "resourceNames", "verbs")
        rules = [{"namespace": NAMESPACE, **{key: rule[key] for key in fields if key in rule}} for rule in rules]
        self.sandbox.grant(TOKEN, user, rules)

    def run(self, pod: dict | None = None) -> Outcome:
        """Runs the CronJob's pod, or another one of the same image and service account, to its end."""
        name = generated("run-")
        self.plane.put("pods", {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": pod or self.objects.pod})

        def ended() -> bool:
            return self.plane.get("pods", NAMESPACE, name)["status"]["phase"] in ("Succeeded", "Failed")

        wait_until(ended, f"end of the pod {name}")
        shown = self.plane.get("pods", NAMESPACE, name)
        [status] = shown["status"]["containerStatuses"]
        terminated = status["state"]["terminated"]
        log = self.plane.containers[shown["metadata"]["uid"]][status["name"]].log
        return Outcome(terminated["exitCode"], log, terminated["message"])

    @property
    def record(self) -> dict[str, str] | None:
        return self.sandbox.configmap(NAMESPACE, RECORD)

    @property
    def recorded_path(self) -> str:
        return self.record["abs-backup-file-path-from-last-success"]

    def asked(self):
        """What the pod did at the API server: (verb, resource, name)."""
        verbs = {"GET": "get", "PATCH": "patch", "POST": "create", "DELETE": "delete", "PUT": "update"}
        for each in self.sandbox.requests():
            if each["service"] == "kubernetes":
                resource, _, name = each["target"].partition("?")[0].partition(f"/{NAMESPACE}/")[2].partition("/")
                yield verbs[each["method"]], resource, name
