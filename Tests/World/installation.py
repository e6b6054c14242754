"""The chart's objects put where the API server would have them, for one etcd and one sandbox."""

import base64
import contextlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from admission import generated
from control_plane import ControlPlane
from etcd import Cluster
from helm import NEUTRAL, Helm, Objects, merged
from pods import Image, Node
from processes import ROOT, wait_until
from program import BINARY
from sandbox import Sandbox

NAMESPACE = "kyma-system"
CONTAINER = "etcd-backups"
TOKEN = "token-of-the-service-account"
OPERATOR = "token-of-the-operator"
CREDENTIALS_SECRET = "etcd-root"
TLS_SECRET = "etcd-client"
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

    def __init__(self, helm: Helm, sandbox: Sandbox, etcd: Cluster, folder: Path, release: str = "backup",
                 changes: dict | None = None):
        objects = helm.render(merged(self._values(sandbox, etcd), changes or {}), base=NEUTRAL, release=release)
        self._install(objects, sandbox, folder)

        # Of etcd's owner.
        sandbox.put_secret(NAMESPACE, TLS_SECRET, etcd.tls.secret())
        if etcd.user:
            username, password = etcd.user
            sandbox.put_secret(NAMESPACE, CREDENTIALS_SECRET, {"username": username, "password": password})

    def _install(self, objects: Objects, sandbox: Sandbox, folder: Path, namespace: str = NAMESPACE,
                 enforce: str = "restricted", hosts: dict[str, str] | None = None) -> None:
        """What the chart rendered, and a node that can run its pod."""
        self.sandbox, self.objects, self.namespace = sandbox, objects, namespace
        sandbox.create_container(CONTAINER)
        for each in objects:
            if each["kind"] == "Secret":
                data = {key: base64.b64decode(value) for key, value in each["data"].items()}
                sandbox.put_secret(namespace, each["metadata"]["name"], data)
            elif each["kind"] == "ConfigMap":
                sandbox.put_configmap(namespace, each["metadata"]["name"], each["data"])
        self.allow(objects.one("Role")["rules"])
        sandbox.grant(OPERATOR, "operator", [{"namespace": namespace, "resources": ["*"], "verbs": ["*"]}])

        image = Image({Path(ENTRYPOINT).name: BINARY}, entrypoint=[ENTRYPOINT], user=65532)
        self.node = Node(folder / "node", {objects.container["image"]: image}, hosts or {}, sandbox)
        self.node.tokens[objects.pod["serviceAccountName"]] = TOKEN
        self.plane = ControlPlane(self.node, enforce=enforce)

    def __enter__(self) -> Self:
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
        store = {"account": sandbox.account, "accountKey": sandbox.account_key, "endpoint": sandbox.blob_url}
        return {
            "abs": {**store, "container": CONTAINER},
            "etcd": {
                "endpoints": [etcd.endpoints],
                "tlsSecretName": TLS_SECRET,
                "credentialsSecretName": CREDENTIALS_SECRET if etcd.user else "",
            },
        }

    def allow(self, rules: list[dict]) -> None:
        """Lets the pod's account do what these rules of a Role say, and nothing else."""
        [subject] = self.objects.one("RoleBinding")["subjects"]
        assert subject["name"] == self.objects.pod["serviceAccountName"]
        user = f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
        fields = ("resources", "resourceNames", "verbs")
        rules = [{"namespace": self.namespace, **{key: rule[key] for key in fields if key in rule}} for rule in rules]
        self.sandbox.grant(TOKEN, user, rules)

    def run(self, pod: dict | None = None) -> Outcome:
        """Runs the CronJob's pod, or another one of the same image and service account, to its end."""
        name = generated("run-")
        template = self.objects.job["template"]["metadata"]
        self.plane.put("pods", {
            "apiVersion": "v1", "kind": "Pod", "metadata": {**template, "name": name, "namespace": self.namespace},
            "spec": pod or self.objects.pod})

        def ended() -> bool:
            return self.plane.get("pods", self.namespace, name)["status"]["phase"] in ("Succeeded", "Failed")

        wait_until(ended, f"end of the pod {name}")
        shown = self.plane.get("pods", self.namespace, name)
        [status] = shown["status"]["containerStatuses"]
        terminated = status["state"]["terminated"]
        log = self.plane.containers[shown["metadata"]["uid"]][status["name"]].log
        return Outcome(terminated["exitCode"], log, terminated["message"])

    @property
    def record(self) -> dict[str, str] | None:
        return self.sandbox.configmap(self.namespace, self.objects.environment["APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING"])

    @property
    def recorded_path(self) -> str:
        return self.record["abs-backup-file-path-from-last-success"]

    def asked(self):
        """What the pod did at the API server: (verb, resource, name)."""
        verbs = {"GET": "get", "PATCH": "patch", "POST": "create", "DELETE": "delete", "PUT": "update"}
        for each in self.sandbox.requests():
            if each["service"] == "kubernetes":
                resource, _, name = each["target"].partition("?")[0].partition(f"/{self.namespace}/")[2].partition("/")
                yield verbs[each["method"]], resource, name
