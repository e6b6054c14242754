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
from pathlib import Path

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
        self.closing = threading.Event()  # no controller starts anything any more

    def __exit__(self, *_) -> None:
        self.closing.set()
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
        if path.endswith("/scale"):
            code, workload = super().respond(method, path.removesuffix("/scale"), query, headers, body)
            return code, scale_of(workload)
        return super().respond(method, path, query, headers, body)

    def collection(self, method, version, plural, namespace, query, body):
        selector = query.get("labelSelector", "")
        chosen = re.fullmatch(r"job-name(?: in \(|=)([^)]*)\)?", selector)
        code, answer = super().collection(method, version, plural, namespace, query, body)
        if method == "POST" and plural == "jobs":
            self._control(self._run_job, answer)
        if method == "POST" and plural == "pods":
            answer["status"] = {"phase": "Pending"}
            self._control(self._run_bare_pod, answer)
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
        if method == "DELETE" and key[0] == "pods":
            self._end(key[2], signal.SIGKILL)
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
        self.processes = self.node.folder / "processes"  # a file for each pod that runs, with its process id
        self.processes.mkdir()
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
        if self._is_over(name):
            return 137
        child = self.node.start(pod, container)
        self.children[name] = child
        self.logs[name][container["name"]] = child.log
        (self.processes / name).write_text(str(child.pid))
        if self._is_over(name):
            child.kill()
        return child.process.wait()

    def _is_over(self, pod: str) -> bool:
        return pod in self.ending or self.closing.is_set()

    def _wait_until(self, condition: Callable[[], bool], what: str, seconds: float = 30) -> bool:
        """Waits until the condition is true, which is the answer, or everything ends."""
        wait_until(lambda: self.closing.is_set() or condition(), what, seconds)
        return not self.closing.is_set()

    def _end(self, pod: str, number: signal.Signals) -> None:
        self.ending.add(pod)
        child = self.children.get(pod)
        if child and child.is_running:
            child.send(number)

    def _run_bare_pod(self, pod: dict) -> None:
        """Its phase is Running once the container's own command runs in its namespace."""
        name, [container] = pod["metadata"]["name"], pod["spec"]["containers"]
        self.logs[name] = {}
        self._control(self._run, pod, container)
        expected = (container.get("command") or ["sh"])[0]
        if not self._wait_until(
                lambda: name in self.children and command_of(self.children[name].pid) == expected, f"start of {name}"):
            return
        with self.lock:
            if ("pods", pod["metadata"]["namespace"], name) in self.objects:
                self.objects[("pods", pod["metadata"]["namespace"], name)]["status"]["phase"] = "Running"

    # Jobs

    def _run_job(self, job: dict) -> None:
        namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]
        self.before_job(name)
        template = job["spec"]["template"]
        for _ in range(1 + job["spec"]["backoffLimit"]):
            pod = self._create_pod(
                f"{name}-{uuid.uuid4().hex[:5]}", namespace, template, {"job-name": name})
            status = self._run_pod(pod)
            if self._is_over(pod["metadata"]["name"]):
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
        if not self._wait_until(lambda: ("pods", namespace, name) not in self.objects, f"end of the old {name}", 120):
            return
        self.ending.discard(name)
        template = copy.deepcopy(workload["spec"]["template"])
        volumes = template["spec"].setdefault("volumes", [])
        for claim in workload["spec"]["volumeClaimTemplates"]:
            claim = claim["metadata"]["name"]
            volumes.append({"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}"}})
        pod = self._create_pod(name, namespace, template, {})
        [container] = pod["spec"]["containers"]
        while not self._is_over(name):  # restartPolicy: Always
            self._run(pod, container)
            self.closing.wait(0.1)
        with self.lock:
            self.objects.pop(("pods", namespace, name), None)

    def running(self) -> list[str]:
        """The pods with a process."""
        return sorted(pod for pod, child in list(self.children.items()) if child.is_running)

    def wait_until_gone(self, pods: list[str]) -> None:
        """Waits until none of these pods is left."""
        wait_until(lambda: not any(kind == "pods" and name in pods for kind, _, name in list(self.objects)),
                   f"end of {pods}")


def command_of(process: int) -> str:
    """The first word of what a process runs."""
    return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[0].decode()


def scale_of(workload: dict) -> dict:
    """What the subresource `scale` answers."""
    metadata = {key: workload["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion")}
    return {
        "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata,
        "spec": {"replicas": workload["spec"]["replicas"]}, "status": {"replicas": workload["spec"]["replicas"]}}
