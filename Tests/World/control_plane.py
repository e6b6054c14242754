"""A Kubernetes cluster as far as restore.sh needs one: the chart tests' API server, which the real kubectl talks to,
with admission, a scheduler, and controllers for Jobs and StatefulSets over the kubelet's stand-in. The README beside
this file has the list of what is modelled, each with its source; anything else is refused and fails the test.
"""

import copy
import json
import re
import signal
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path

import api_server
from admission import (
    ENFORCE,
    JOB_FINALIZER,
    NotModelled,
    admitted_pod,
    checked,
    generated,
    immutable,
    only,
    with_defaults_of_a_job,
    with_defaults_of_a_pod,
)
from api_server import Refusal
from pods import ConfigError, Container, Node
from processes import PATIENCE, Child, catches, wait_until

OF_THE_SANDBOX = ("configmaps", "secrets")
NODES = ("node-1", "node-2", "node-3")
KINDS = {plural: (version, kind) for version, kinds in api_server.KINDS.items() for kind, plural in kinds.items()}


class ControlPlane(api_server.Cluster):
    """Runs what is created in it. Secrets and ConfigMaps are the sandbox's, and so is who may do what."""

    def __init__(self, node: Node, enforce: str = "privileged"):
        self.node = node
        self.sandbox = node.sandbox
        self.pki = self.sandbox.pki
        self.request = threading.local()  # each has a thread of its own
        self.labels = {ENFORCE: enforce}  # of every namespace
        self.children: dict[str, Child] = {}  # pod's name: the container that runs
        self.containers: dict[str, dict[str, Container]] = {}  # pod's uid: its containers that were started
        self.ending: set[str] = set()  # uids of pods that were told to end
        self.attached: dict[str, dict[str, str]] = {}  # claim: pods (uids) that hold it, and on which node
        self.controllers: list[threading.Thread] = []
        self.labels_of_nodes: dict[str, str] = {}  # of every node
        self.taints: set[str] = set()  # keys of the taints of every node
        self.before_job: Callable[[str], object] = lambda name: None  # lets a test interfere
        self.starts_once_its_log_was_refused = False  # whether a pod takes so long to start that its log is asked for before
        self.refused_logs: set[str] = set()  # of these pods
        self.failures: list[BaseException] = []
        self.gone_namespaces: set[str] = set()
        self.closing = threading.Event()  # no controller starts anything any more

    def __enter__(self):
        self.processes = self.node.folder / "processes"  # a file for each pod that runs, with its process id
        self.processes.mkdir()
        return super().__enter__()

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
        try:
            self.request.token = self._authorize(method, path, query, headers)
            if found := re.fullmatch(r"/api/v1/namespaces/([^/]+)", path):
                if found[1] in self.gone_namespaces:
                    raise Refusal(404, "NotFound", f'namespaces "{found[1]}" not found')
                return 200, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": found[1]}}
            log = re.fullmatch(r"/api/v1/namespaces/[^/]+/pods/([^/]+)/log", path)
            if log:
                return 200, self._log(log[1], query)
            if path.endswith("/scale"):
                code, workload = super().respond(method, path.removesuffix("/scale"), query, headers, body)
                return code, scale_of(workload)
            return super().respond(method, path, query, headers, body)
        except NotModelled as failure:
            self.failures.append(failure)
            raise Refusal(501, "NotImplemented", str(failure)) from None
        except Refusal:
            raise
        except Exception as failure:
            self.failures.append(failure)
            raise Refusal(500, "InternalError", repr(failure)) from None

    def _authorize(self, method, path, query, headers) -> str:
        """RBAC, by the table that the sandbox goes by; returns the token."""
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        account = self.sandbox.granted(token)
        if account is None:
            raise Refusal(401, "Unauthorized", "Unauthorized")
        if found := re.fullmatch(r"/(?:api/v1|apis/([^/]+)/[^/]+)/namespaces/([^/]+)/([^/]+)(?:/([^/]+)(/[^/]+)?)?", path):
            group, namespace, plural, name, subresource = found.groups(default="")
            resource = plural + subresource
            verb = verb_of(method, name, query)
            if not any(allows(rule, namespace, resource, verb, name) for rule in account["rules"]):
                kind = f"{plural}.{group}" if group else plural
                subject = f'{kind} "{name}"' if name else kind
                raise Refusal(403, "Forbidden", f'{subject} is forbidden: User "{account["user"]}" cannot {verb} resource '
                                                f'"{resource}" in API group "{group}" in the namespace "{namespace}"')
        return token

    def _forward(self, method, path, headers, body):
        """Lets the sandbox answer, which judges the token anew."""
        request = urllib.request.Request(
            self.sandbox.kubernetes_url + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.request.token}",
                     "Content-Type": headers["Content-Type"] or "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.sandbox.ssl_context()) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.load(refusal)

    def collection(self, method, version, plural, namespace, query, body):
        if plural in OF_THE_SANDBOX:
            return self._forward(method, f"/api/v1/namespaces/{namespace}/{plural}", {"Content-Type": None}, body)
        if method == "POST":
            if (body["apiVersion"], body["kind"]) != KINDS.get(plural):
                raise Refusal(400, "BadRequest", f"no {body['kind']} of {body['apiVersion']} goes to {plural}")
            if body["metadata"].setdefault("namespace", namespace) != namespace:
                raise Refusal(
                    400, "BadRequest", "the namespace of the object does not match the namespace of the request")
            code, answer = super().collection(method, version, plural, namespace, query, body)
            return code, copy.deepcopy(answer)
        labels, fields = query.get("labelSelector", ""), query.get("fieldSelector", "")
        code, answer = super().collection(method, version, plural, namespace, {}, body)
        answer["items"] = [
            item for item in answer["items"]
            if selects(labels, item["metadata"].get("labels", {})) and selects_fields(fields, item)]
        return code, copy.deepcopy(answer)

    def single(self, method, key, headers, body):
        if key[0] in OF_THE_SANDBOX:
            return self._forward(method, f"/api/v1/namespaces/{key[1]}/{key[0]}/{key[2]}", headers, body)
        if method == "DELETE" and key in self.objects:
            return 200, copy.deepcopy(self._delete(key, body or {}))
        code, answer = super().single(method, key, headers, body)
        return code, copy.deepcopy(answer)

    def store(self, key, body):
        """Every write of an object comes through here, with the lock held."""
        plural, namespace, name = key
        old = self.objects.get(key)
        body = without_nulls(copy.deepcopy(body))
        body["metadata"] = {**body["metadata"], "namespace": namespace}
        status = body.pop("status", None)  # a subresource: whoever writes the object does not write that
        if old:
            status = old.get("status")
            body["metadata"] |= {
                each: old["metadata"][each] for each in ("uid", "creationTimestamp", "deletionTimestamp")
                if each in old["metadata"]}
        else:
            body["metadata"] |= {"uid": identity(), "creationTimestamp": now()}
        checked(body)
        if old:
            immutable(old, body)
        if not old:
            match plural:
                case "jobs":
                    body = with_defaults_of_a_job(body)
                    checked(body)
                case "pods":
                    body = admitted_pod(body, self.accounts(namespace), self.labels[ENFORCE])
                    checked(body)
                    status = {"phase": "Pending"}
        if plural == "statefulsets":
            only("StatefulSet", body["spec"], name)
            body["spec"].setdefault("podManagementPolicy", "OrderedReady")
            with_defaults_of_a_pod(body["spec"]["template"]["spec"], name, tuple(
                each["metadata"]["name"] for each in body["spec"].get("volumeClaimTemplates", [])))
        if status is not None:
            body["status"] = status
        stored = super().store(key, body)
        if not old and plural == "jobs":
            self._control(self._run_job, copy.deepcopy(stored))
        if not old and plural == "pods":
            self._control(self._run_pod, copy.deepcopy(stored))
        if plural == "statefulsets":
            self._control(self._adjust, key)
        return stored

    def accounts(self, namespace: str) -> dict[str, dict]:
        return {key[2]: item for key, item in self.objects.items() if key[:2] == ("serviceaccounts", namespace)}

    def put(self, plural: str, item: dict) -> None:
        """Creates or replaces an object as if somebody had applied it before the test."""
        with self.lock:
            key = (plural, item["metadata"]["namespace"], item["metadata"]["name"])
            stored = self.store(key, item)
            if "status" in item:
                stored["status"] = copy.deepcopy(item["status"])

    def get(self, plural: str, namespace: str, name: str) -> dict | None:
        with self.lock:
            return copy.deepcopy(self.objects.get((plural, namespace, name)))

    def _log(self, name: str, query: dict) -> str:
        if set(query) - {"container", "follow", "tailLines", "timestamps"}:
            raise NotModelled(f"logs with {query}")
        with self.lock:
            pods = [item for (plural, _, each), item in self.objects.items() if (plural, each) == ("pods", name)]
            if not pods:
                raise Refusal(404, "NotFound", f'pods "{name}" not found')
            [pod] = copy.deepcopy(pods)
        names = [each["name"] for each in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]]
        wanted = query.get("container") or names[-1]
        if wanted not in names:
            raise Refusal(400, "BadRequest", f"container {wanted} is not valid for pod {name}")
        container = self.containers.get(pod["metadata"]["uid"], {}).get(wanted)
        if container is None:
            status = [each for kind in ("initContainerStatuses", "containerStatuses")
                      for each in pod["status"].get(kind, []) if each["name"] == wanted]
            reason = status[0]["state"]["waiting"]["reason"] if status else "ContainerCreating"
            self.refused_logs.add(name)
            raise Refusal(400, "BadRequest",
                          f'container "{wanted}" in pod "{name}" is waiting to start: {reason}')
        if query.get("follow") == "true":
            self._wait_until(lambda: not container.child.is_running, f"end of {wanted} in {name}")
        lines = container.log.splitlines(keepends=True)
        return "".join(lines[-int(query["tailLines"]):] if "tailLines" in query else lines)

    def _control(self, action, *arguments) -> None:
        def guarded():
            try:
                action(*arguments)
            except BaseException as failure:  # shown by __exit__; a thread of its own has nobody to tell
                self.failures.append(failure)

        thread = threading.Thread(target=guarded)
        self.controllers.append(thread)
        thread.start()

    def _wait_until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> bool:
        """Waits until the condition is true, which is the answer, or everything ends."""
        wait_until(lambda: self.closing.is_set() or condition(), what, seconds)
        return not self.closing.is_set()

    def _event(self, item: dict, reason: str, message: str) -> None:
        """Called with the lock held."""
        metadata = item["metadata"]
        name = generated(f"{metadata['name']}.")
        self.objects["events", metadata["namespace"], name] = {
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": metadata["namespace"]},
            "involvedObject": {"kind": item["kind"], "name": metadata["name"], "namespace": metadata["namespace"],
                               "uid": metadata["uid"]},
            "type": "Warning", "reason": reason, "message": message, "lastTimestamp": now()}

    # Deletion, with the lock held: an object goes when nothing holds it any more

    def _delete(self, key, options: dict) -> dict:
        plural = key[0]
        item = self.objects[key]
        if plural == "pods":
            grace = options.get("gracePeriodSeconds", item["spec"]["terminationGracePeriodSeconds"])
            self._end(item, grace)
            return item
        if plural not in ("jobs", "statefulsets"):
            return self.objects.pop(key)
        policy = options.get("propagationPolicy", "Background")
        if policy == "Orphan" or plural == "statefulsets":
            raise NotModelled(f"deleting {plural} with the policy {policy}")
        item["metadata"].setdefault("deletionTimestamp", now())
        if policy == "Foreground":
            item["metadata"]["finalizers"] = ["foregroundDeletion"]
        else:
            del self.objects[key]
        self._control(self._collect, key, copy.deepcopy(item))
        return item

    def _collect(self, key, owner: dict) -> None:
        """The garbage collector: the pods that belong to it, then itself."""
        with self.lock:
            pods = self._owned(owner)
            for pod in pods:
                self._end(pod, pod["spec"]["terminationGracePeriodSeconds"])
        uids = {pod["metadata"]["uid"] for pod in pods}
        if self._wait_until(lambda: not self._present(uids), f"end of the pods of {key[2]}"):
            with self.lock:
                if self.objects.get(key, {}).get("metadata", {}).get("uid") == owner["metadata"]["uid"]:
                    del self.objects[key]

    def _owned(self, owner: dict) -> list[dict]:
        return [item for (plural, _, _), item in self.objects.items() if plural == "pods"
                and owner["metadata"]["uid"] in [each["uid"] for each in item["metadata"].get("ownerReferences", [])]]

    def _present(self, uids: set[str]) -> list[str]:
        return [each["metadata"]["uid"] for each in list(self.objects.values()) if each["metadata"].get("uid") in uids]

    def _end(self, pod: dict, grace: int) -> None:
        """Tells a pod to end; its own thread removes it once its process is gone."""
        pod["metadata"].setdefault("deletionTimestamp", now())
        uid = pod["metadata"]["uid"]
        if uid in self.ending and grace:
            return
        self.ending.add(uid)
        self._control(self._terminate, pod["metadata"]["name"], uid, grace)

    def _terminate(self, name: str, uid: str, grace: int) -> None:
        child = self.children.get(name)
        if child is None or not child.is_running:
            return
        # The first process of a container does not get a signal that it does not catch.
        if grace and catches(child.pid, signal.SIGTERM):
            child.send(signal.SIGTERM)
        deadline = time.monotonic() + grace
        while child.is_running and time.monotonic() < deadline and not self.closing.is_set():
            time.sleep(0.02)
        child.kill()

    # Pods

    def _run_pod(self, pod: dict) -> None:
        """From the scheduler to the last container's end, or until it is deleted."""
        key = ("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])
        try:
            if self._start_pod(key, pod):
                phase = "Succeeded" if self._run_containers(key, pod) else "Failed"
                if pod["spec"]["restartPolicy"] == "Never":
                    with self.lock:
                        self._current(key, pod)["status"]["phase"] = phase
        finally:
            for holders in self.attached.values():
                holders.pop(pod["metadata"]["uid"], None)
        if not self._wait_until(lambda: self._is_over(pod), f"deletion of {key[2]}", 10**6):
            return
        # The Job controller looks at a pod before it lets it go.
        self._wait_until(
            lambda: JOB_FINALIZER not in self.objects.get(key, {"metadata": {}})["metadata"].get("finalizers", []),
            "a free pod", 10**6)
        with self.lock:
            if self.objects.get(key, {}).get("metadata", {}).get("uid") == pod["metadata"]["uid"]:
                del self.objects[key]

    def _current(self, key, pod: dict) -> dict:
        """The object of this very pod; once it is gone, one that nobody sees."""
        current = self.objects.get(key)
        return current if current and current["metadata"]["uid"] == pod["metadata"]["uid"] else copy.deepcopy(pod)

    def _is_over(self, pod: dict) -> bool:
        return pod["metadata"]["uid"] in self.ending or self.closing.is_set()

    def _start_pod(self, key, pod: dict) -> bool:
        """Schedules it and attaches its volumes: one ReadWriteOnce volume is on one node."""
        uid, spec = pod["metadata"]["uid"], pod["spec"]
        claims = [each["persistentVolumeClaim"]["claimName"] for each in spec.get("volumes", [])
                  if "persistentVolumeClaim" in each]
        told: set[str] = set()
        while not self._is_over(pod):
            with self.lock:
                current = self._current(key, pod)
                current["status"] = {
                    "phase": "Pending",
                    "initContainerStatuses": [waiting(each, "PodInitializing") for each in spec.get("initContainers", [])],
                    "containerStatuses": [waiting(
                        each, "PodInitializing" if spec.get("initContainers") else "ContainerCreating")
                        for each in spec["containers"]]}
                missing = [claim for claim in claims if (
                    "persistentvolumeclaims", key[1], claim) not in self.objects]
                holders = {node for claim in claims for node in self.attached.get(claim, {}).values()}
                if missing and "nodeName" not in current["spec"]:
                    message = f'persistentvolumeclaim "{missing[0]}" not found'
                    current["status"]["conditions"] = [{"type": "PodScheduled", "status": "False",
                                                        "reason": "Unschedulable", "message": message}]
                    self._event_once(told, current, "FailedScheduling", message)
                    node = None
                else:
                    self._fits_a_node(spec)
                    # The scheduler does not look where a volume is attached; here it always chooses another node.
                    node = current["spec"].setdefault(
                        "nodeName", next((each for each in NODES if each not in holders), NODES[0]))
                    pod["spec"]["nodeName"] = node
                if node and not missing and not holders - {node}:
                    for claim in claims:
                        self.attached.setdefault(claim, {})[uid] = node
                    return True
                if node and holders - {node}:
                    self._event_once(told, current, "FailedAttachVolume", "Multi-Attach error for volume: Volume is "
                                     "already used by pod(s) on another node")
            self.closing.wait(0.1)
        return False

    def _fits_a_node(self, spec: dict) -> None:
        tolerated = {each.get("key") for each in spec.get("tolerations", []) if each.get("operator") == "Exists"}
        if not spec.get("nodeSelector", {}).items() <= self.labels_of_nodes.items() or not self.taints <= tolerated:
            raise NotModelled(f"a pod that no node takes: {spec.get('nodeSelector')}, {spec.get('tolerations')}")

    def _event_once(self, told: set, item: dict, reason: str, message: str) -> None:
        if message not in told:
            told.add(message)
            self._event(item, reason, message)

    def _run_containers(self, key, pod: dict) -> bool:
        """Whether all of them ended well."""
        spec = pod["spec"]
        if self.starts_once_its_log_was_refused:
            self._wait_until(
                lambda: self._is_over(pod) or pod["metadata"]["name"] in self.refused_logs, f"a look at the log of {key[2]}")
        for container in spec.get("initContainers", []):
            while (status := self._run(key, pod, container, "initContainerStatuses")) != 0:
                if spec["restartPolicy"] == "Never" or self._is_over(pod):
                    return False
                self.closing.wait(0.1)
        [container] = spec["containers"]
        while True:
            status = self._run(key, pod, container, "containerStatuses")
            if spec["restartPolicy"] == "Never" or self._is_over(pod):
                return status == 0
            self.closing.wait(0.1)  # restarted, without the real kubelet's growing pauses

    def _run(self, key, pod: dict, container: dict, kind: str) -> int:
        """One container from start to end; its exit status."""
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        told: set[str] = set()
        while True:
            if self._is_over(pod):
                return 137
            try:
                with self.lock:  # a kubelet does not start what was told to end
                    started = None if self._is_over(pod) else self.node.start(pod, container)
                break
            except ConfigError as failure:
                with self.lock:
                    current = self._current(key, pod)
                    self._show(current, kind, container, {"waiting": {
                        "reason": "CreateContainerConfigError", "message": str(failure)}})
                    self._event_once(told, current, "Failed", f"Error: {failure}")
                self.closing.wait(0.1)
        if started is None:
            return 137
        self.children[name] = started.child
        self.containers.setdefault(uid, {})[container["name"]] = started
        (self.processes / name).write_text(str(started.child.pid))
        expected = (container.get("command") or [""])[0]
        if kind == "containerStatuses" and expected == "sleep":
            # kubectl exec enters the container's namespace, which is whole once its command runs.
            self._wait_until(lambda: not started.child.is_running or command_of(started.child.pid) == expected, name)
        with self.lock:
            current = self._current(key, pod)
            self._show(current, kind, container, {"running": {"startedAt": now()}})
            if kind == "containerStatuses":
                current["status"]["phase"] = "Running"
        if self._is_over(pod):
            started.child.kill()
        status = started.child.process.wait()
        status = 128 - status if status < 0 else status
        with self.lock:
            self._show(self._current(key, pod), kind, container, {"terminated": {
                "exitCode": status, "reason": "Error" if status else "Completed", "startedAt": now(), "finishedAt": now(),
                "message": started.termination_message()}})
        return status

    def _show(self, pod: dict, kind: str, container: dict, state: dict) -> None:
        for status in pod["status"].get(kind, []):
            if status["name"] == container["name"]:
                status["state"] = state
                status["ready"] = "running" in state

    # Jobs

    def _run_job(self, job: dict) -> None:
        key = ("jobs", job["metadata"]["namespace"], job["metadata"]["name"])
        self.before_job(key[2])
        spec = job["spec"]
        deadline = time.monotonic() + spec.get("activeDeadlineSeconds", 10**9)
        failed = 0
        told: set[str] = set()
        while True:
            pod = self._create_pod_of(key, job, told)
            if pod == "gone":
                return
            if pod is not None:
                pod_key = ("pods", key[1], pod["metadata"]["name"])
                self._wait_for_pod_of(key, job, pod_key, pod, deadline)
            if self.closing.is_set() or self._is_gone(key, job):
                with self.lock:
                    self._let_go(job)
                return
            if time.monotonic() > deadline:
                with self.lock:
                    for each in self._owned(job):
                        self._end(each, each["spec"]["terminationGracePeriodSeconds"])
                    self._let_go(job)
                self._conclude(key, job, "Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
                return
            if pod is None:  # refused; the controller tries again
                self.closing.wait(0.3)
                continue
            with self.lock:
                ended = copy.deepcopy(self._current(pod_key, pod))
                self._let_go(job)
            if ended["status"]["phase"] == "Succeeded":
                return self._conclude(key, job, "Complete", "CompletionsReached", "Reached expected number of succeeded pods")
            action = action_on(spec.get("podFailurePolicy", {}).get("rules", []), ended)
            if action == "FailJob":
                return self._conclude(
                    key, job, "Failed", "PodFailurePolicy", f"Container of pod {ended['metadata']['name']} failed")
            failed += action != "Ignore"
            if failed > spec["backoffLimit"]:
                return self._conclude(
                    key, job, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")

    def _wait_for_pod_of(self, key, job: dict, pod_key, pod: dict, deadline: float) -> None:
        """Until it has ended, or the Job is gone or late."""
        self._wait_until(lambda: self._is_gone(key, job) or time.monotonic() > deadline or (
            self._current(pod_key, pod)["status"].get("phase") in ("Succeeded", "Failed")), key[2], 10**6)

    def _create_pod_of(self, key, job: dict, told: set):
        """The pod; None where admission refused it; "gone" where there is no such Job any more."""
        template = job["spec"]["template"]
        with self.lock:
            if self._is_gone(key, job):
                return "gone"
            try:
                return copy.deepcopy(self.store(("pods", key[1], name := generated(f"{key[2]}-")), {
                    "apiVersion": "v1", "kind": "Pod", "spec": template["spec"], "metadata": {
                        "name": name, "labels": template["metadata"]["labels"],
                        "annotations": template["metadata"].get("annotations") or {},
                        "finalizers": [JOB_FINALIZER],
                        "ownerReferences": [owner_reference(job)]}}))
            except Refusal as refusal:
                self._event_once(told, self.objects[key], "FailedCreate", f"Error creating: {refusal}")
                return None

    def _is_gone(self, key, job: dict) -> bool:
        current = self.objects.get(key, {}).get("metadata", {})
        return current.get("uid") != job["metadata"]["uid"] or "deletionTimestamp" in current

    def _let_go(self, job: dict) -> None:
        """Called with the lock held: takes the Job controller's finalizer off its pods."""
        for pod in self._owned(job):
            pod["metadata"]["finalizers"] = []

    def _conclude(self, key, job: dict, condition: str, reason: str, message: str) -> None:
        with self.lock:
            if self._is_gone(key, job):
                return
            current = self.objects[key]
            current["status"] = {"conditions": [
                {"type": condition, "status": "True", "reason": reason, "message": message}]}
            if condition == "Failed":
                self._event(current, reason, message)
        seconds = job["spec"].get("ttlSecondsAfterFinished")
        if seconds is not None and not self.closing.wait(seconds):
            with self.lock:
                if not self._is_gone(key, job):
                    self._delete(key, {"propagationPolicy": "Foreground"})

    # StatefulSets

    def _adjust(self, key) -> None:
        """Brings the members to the number of replicas: from the last one down, or all that are missing."""
        with self.lock:
            workload = copy.deepcopy(self.objects.get(key))
        if not workload:
            return
        name = key[2]
        for number in range(workload["spec"]["replicas"]):
            self._control(self._keep_member, key, workload["metadata"]["uid"], number)
        with self.lock:
            surplus = [item for (plural, _, _), item in self.objects.items() if plural == "pods" and re.fullmatch(
                rf"{re.escape(name)}-\d+", item["metadata"]["name"])
                and int(item["metadata"]["name"].rpartition("-")[2]) >= workload["spec"]["replicas"]]
            for pod in surplus:
                self._end(pod, pod["spec"]["terminationGracePeriodSeconds"])

    def _keep_member(self, key, uid: str, number: int) -> None:
        """Makes that member's pod unless it is there, once the one before is gone."""
        name = f"{key[2]}-{number}"
        pod_key = ("pods", key[1], name)
        while not self.closing.is_set():
            with self.lock:
                workload = self.objects.get(key)
                if not workload or workload["metadata"]["uid"] != uid or workload["spec"]["replicas"] <= number:
                    return
                present = self.objects.get(pod_key)
                if present and "deletionTimestamp" not in present["metadata"]:
                    return
                if not present:
                    template = copy.deepcopy(workload["spec"]["template"])
                    volumes = template["spec"].setdefault("volumes", [])
                    for claim in workload["spec"]["volumeClaimTemplates"]:
                        self._claim(key[1], claim, name)
                        claim = claim["metadata"]["name"]
                        volumes.append({"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}"}})
                    try:
                        self.store(pod_key, {
                            "apiVersion": "v1", "kind": "Pod", "spec": template["spec"], "metadata": {
                                "name": name, "ownerReferences": [owner_reference(workload)],
                                "labels": template.get("metadata", {}).get("labels", {})}})
                    except Refusal as refusal:
                        self._event(workload, "FailedCreate", f"create Pod {name} failed: {refusal}")
                    return
            time.sleep(0.05)

    def _claim(self, namespace: str, template: dict, member: str) -> None:
        """The claim of a member, bound to a new volume, unless it is there; with the lock held."""
        name = f"{template['metadata']['name']}-{member}"
        if ("persistentvolumeclaims", namespace, name) in self.objects:
            return
        if not self.node.volumes[name].exists():
            self.node.volumes.make(name, megabytes=512)
        claim = self.store(("persistentvolumeclaims", namespace, name), {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": template["spec"],
            "metadata": {"name": name, "namespace": namespace}})
        claim["status"] = {"phase": "Bound"}

    def running(self) -> list[str]:
        """The pods with a process."""
        return sorted(pod for pod, child in list(self.children.items()) if child.is_running)

    def wait_until_gone(self, pods: list[str]) -> None:
        """Waits until none of these pods is left."""
        wait_until(lambda: not any(kind == "pods" and name in pods for kind, _, name in list(self.objects)),
                   f"end of {pods}")


def verb_of(method: str, name: str, query: dict) -> str:
    """As RBAC calls what a request wants."""
    if method == "GET":
        return "watch" if query.get("watch") in ("true", "1") else "get" if name else "list"
    return {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete" if name else "deletecollection"}[method]


def allows(rule: dict, namespace: str, resource: str, verb: str, name: str) -> bool:
    """Whether the rule allows it; one with names allows nothing that has none, such as a creation or a list."""
    return (
        rule["namespace"] in (namespace, "*")
        and not {resource, "*"}.isdisjoint(rule["resources"])
        and not {verb, "*"}.isdisjoint(rule["verbs"])
        and name in rule.get("resourceNames", [name]))


def without_nulls(item):
    """null is no value, for every field."""
    if isinstance(item, dict):
        return {key: without_nulls(value) for key, value in item.items() if value is not None}
    return [without_nulls(each) for each in item] if isinstance(item, list) else item


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def identity() -> str:
    return str(uuid.uuid4())


def waiting(container: dict, reason: str) -> dict:
    return {"name": container["name"], "image": container["image"], "imageID": "", "ready": False, "restartCount": 0,
            "state": {"waiting": {"reason": reason}}}


def owner_reference(owner: dict) -> dict:
    return {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}


def action_on(rules: list[dict], pod: dict) -> str:
    """The first rule of a podFailurePolicy that fits."""
    exits = {each["name"]: each["state"].get("terminated", {}).get("exitCode", 0)
             for kind in ("initContainerStatuses", "containerStatuses") for each in pod["status"].get(kind, [])}
    conditions = {(each["type"], each["status"]) for each in pod["status"].get("conditions", [])}
    for rule in rules:
        for wanted in rule.get("onPodConditions", []):
            if (wanted["type"], wanted.get("status", "True")) in conditions:
                return rule["action"]
        if codes := rule.get("onExitCodes"):
            for name, status in exits.items():
                fits = (status in codes["values"]) == (codes["operator"] == "In")
                if status and fits and codes.get("containerName", name) == name:
                    return rule["action"]
    return "Count"


def selects(selector: str, labels: dict) -> bool:
    """A label selector: `a=b`, `a in (b,c)`, with commas between."""
    for part in re.findall(r"[^,(]+(?:\([^)]*\))?", selector):
        if found := re.fullmatch(r"([^=\s!]+)==?([^=\s]*)", part):
            allowed = [found[2]]
        elif found := re.fullmatch(r"(\S+) in \(([^)]*)\)", part):
            allowed = found[2].split(",")
        else:
            raise NotModelled(f"the selector {selector}")
        if labels.get(found[1]) not in allowed:
            return False
    return True


def selects_fields(selector: str, item: dict) -> bool:
    for part in filter(None, selector.split(",")):
        path, _, value = part.partition("=")
        found = item
        for name in path.split("."):
            found = found.get(name, {})
        if path not in ("involvedObject.name", "involvedObject.kind", "involvedObject.uid", "metadata.name", "type"):
            raise NotModelled(f"the selector {selector}")
        if found != value:
            return False
    return True


def command_of(process: int) -> str:
    """The first word of what a process runs."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[0].decode()
    except OSError:
        return ""


def scale_of(workload: dict) -> dict:
    """What the subresource `scale` answers."""
    metadata = {key: workload["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion")}
    return {
        "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata,
        "spec": {"replicas": workload["spec"]["replicas"]}, "status": {"replicas": workload["spec"]["replicas"]}}
