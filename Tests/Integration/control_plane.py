"""A Kubernetes cluster as far as restore.sh needs one: the chart tests' API server, which the real kubectl talks to,
with controllers for Jobs and StatefulSets over the kubelet's stand-in.
"""

import copy
import re
import signal
import threading
import time
import uuid
from collections.abc import Callable

import api_server
from pods import Node
from processes import wait_until

class ControlPlane(api_server.Cluster):
    """Runs what is created in it. `record` names a ConfigMap that the tool under test writes elsewhere."""

    def __init__(self, node: Node, record: tuple[str, Callable[[], dict]] | None = None):
        self.node = node
        self.record = record
        self.children: dict[str, object] = {}  # pod's name: the container that runs
        self.ending: set[str] = set()  # pods that were told to end
        self.controllers: list[threading.Thread] = []
        self.before_job = lambda name: None  # lets a test interfere
        self.failures: list[BaseException] = []

    def __exit__(self, *_) -> None:
        self.ending |= set(self.children)
        for child in list(self.children.values()):
            child.kill()
        for controller in self.controllers:
            controller.join()
        super().__exit__()
        assert self.failures == []

    # What kubectl asks

    def respond(self, method, path, query, headers, body):
        log = re.fullmatch(r"/api/v1/namespaces/[^/]+/pods/([^/]+)/log", path)
        if log:
            return 200, self._log(log[1], query)
        return super().respond(method, path, query, headers, body)

    def collection(self, method, version, plural, namespace, query, body):
        selector = query.get("labelSelector", "")
        chosen = re.fullmatch(r"job-name(?: in \(|=)([^)]*)\)?", selector)
        code, answer = super().collection(method, version, plural, namespace, query, body)
        if method == "POST" and plural == "jobs":
            self._control(self._run_job, answer)
        if method == "GET" and chosen:
            names = chosen[1].split(",")
            answer["items"] = [
                item for item in answer["items"] if item["metadata"].get("labels", {}).get("job-name") in names]
        return code, copy.deepcopy(answer)

    def single(self, method, key, headers, body):
        if self.record and key[0] == "configmaps" and key[2] == self.record[0]:
            self.objects[key] = {
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": key[2], "namespace": key[1]}, "data": self.record[1]()}
        if method == "DELETE" and key[0] == "jobs":
            for pod in [name for kind, _, name in self.objects if kind == "pods"]:
                if self.objects[("pods", key[1], pod)]["metadata"]["labels"].get("job-name") == key[2]:
                    self._end(pod, signal.SIGKILL)
                    self.objects.pop(("pods", key[1], pod), None)
        code, answer = super().single(method, key, headers, body)
        if method == "PATCH" and key[0] == "statefulsets":
            self._reconcile(answer)
        return code, copy.deepcopy(answer)

    def put(self, plural: str, item: dict) -> None:
        """Creates an object as if somebody had applied it before the test."""
        with self.lock:
            created = self.store((plural, item["metadata"]["namespace"], item["metadata"]["name"]), copy.deepcopy(item))
            if plural == "statefulsets":
                self._reconcile(created)

    def get(self, plural: str, namespace: str, name: str) -> dict | None:
        with self.lock:
            return copy.deepcopy(self.objects.get((plural, namespace, name)))

    def _log(self, pod: str, query: dict) -> str:
        wanted = query.get("container")
        logs = self.logs.get(pod, {})
        text = logs[wanted].read_text(errors="replace") if wanted in logs else ""
        lines = text.splitlines(keepends=True)
        return "".join(lines[-int(query["tailLines"]):] if "tailLines" in query else lines)

    def __enter__(self):
        self.logs: dict[str, dict] = {}
        return super().__enter__()

    def _control(self, action, *arguments) -> None:
        def guarded():
            try:
                action(*arguments)
            except BaseException as failure:  # shown by __exit__; a thread of its own has nobody to tell
                self.failures.append(failure)

        thread = threading.Thread(target=guarded)
        self.controllers.append(thread)
        thread.start()

    # Pods

    def _create_pod(self, name: str, namespace: str, template: dict, labels: dict) -> dict:
        pod = {
            "apiVersion": "v1", "kind": "Pod", "spec": copy.deepcopy(template["spec"]),
            "metadata": {
                "name": name, "namespace": namespace,
                "labels": {**template.get("metadata", {}).get("labels", {}), **labels},
                "creationTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
            "status": {"phase": "Running"}}
        pod["spec"]["nodeName"] = "node-1"
        with self.lock:
            self.logs[name] = {}
            return self.store(("pods", namespace, name), pod)

    def _run(self, pod: dict, container: dict) -> int:
        """One container from start to end; its exit status."""
        name = pod["metadata"]["name"]
        if name in self.ending:
            return 137
        child = self.node.start(pod, container)
        self.children[name] = child
        self.logs[name][container["name"]] = child.log
        if name in self.ending:
            child.kill()
        return child.process.wait()

    def _end(self, pod: str, number: signal.Signals) -> None:
        self.ending.add(pod)
        child = self.children.get(pod)
        if child and child.is_running:
            child.send(number)

    # Jobs

    def _run_job(self, job: dict) -> None:
        namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]
        self.before_job(name)
        template = job["spec"]["template"]
        for _ in range(1 + job["spec"]["backoffLimit"]):
            pod = self._create_pod(
                f"{name}-{uuid.uuid4().hex[:5]}", namespace, template, {"job-name": name})
            status = self._run_pod(pod)
            if pod["metadata"]["name"] in self.ending:
                return
            if status == 0:
                break
        self._conclude(namespace, job, "Complete" if status == 0 else "Failed")

    def _run_pod(self, pod: dict) -> int:
        for container in [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]:
            status = self._run(pod, container)
            if status != 0:
                return status
        return 0

    def _conclude(self, namespace: str, job: dict, condition: str) -> None:
        with self.lock:
            current = self.objects.get(("jobs", namespace, job["metadata"]["name"]))
            if current and current["metadata"]["uid"] == job["metadata"]["uid"]:
                current["status"] = {"conditions": [{"type": condition, "status": "True"}]}

    # StatefulSets

    def _reconcile(self, workload: dict) -> None:
        """Called with the lock held: members from the last one down, or all that are missing."""
        self._control(self._adjust, copy.deepcopy(workload))

    def _adjust(self, workload: dict) -> None:
        namespace, name = workload["metadata"]["namespace"], workload["metadata"]["name"]
        wanted = [f"{name}-{number}" for number in range(workload["spec"]["replicas"])]
        with self.lock:
            present = [key[2] for key in self.objects if key[0] == "pods" and key[2].startswith(f"{name}-")
                       and key[2].removeprefix(f"{name}-").isdigit()]
        for pod in present:
            if pod not in wanted:
                self._end(pod, signal.SIGTERM)
        for member in wanted:
            if member not in present or member in self.ending:
                self._control(self._run_member, workload, member)

    def _run_member(self, workload: dict, name: str) -> None:
        namespace = workload["metadata"]["namespace"]
        wait_until(lambda: ("pods", namespace, name) not in self.objects, f"end of the old {name}", 120)
        self.ending.discard(name)
        template = copy.deepcopy(workload["spec"]["template"])
        volumes = template["spec"].setdefault("volumes", [])
        for claim in workload["spec"]["volumeClaimTemplates"]:
            claim = claim["metadata"]["name"]
            volumes.append({"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}"}})
        pod = self._create_pod(name, namespace, template, {})
        [container] = pod["spec"]["containers"]
        while name not in self.ending:  # restartPolicy: Always
            self._run(pod, container)
            time.sleep(0.1)
        with self.lock:
            self.objects.pop(("pods", namespace, name), None)

    def wait_until_gone(self, pods: list[str]) -> None:
        """Waits until none of these pods is left."""
        wait_until(lambda: not any(kind == "pods" and name in pods for kind, _, name in list(self.objects)),
                   f"end of {pods}")
