"""The API server's stand-in with a controller for Jobs: each gets one pod, which the kubelet's stand-in runs."""

import concurrent.futures
import copy
import re

from api_server import Cluster, Refusal
from installation import RECORD

JOB_NAME = "batch.kubernetes.io/job-name"


class JobController(Cluster):
    """Has the CronJob of one installation. The log of a pod can be read once that was refused, as its start takes time."""

    def __init__(self, installation):
        self.installation = installation
        self.runs = {}  # pod's name: its outcome, some time
        self.refused = set()  # pods whose log was asked for too early

    def __enter__(self):
        super().__enter__()
        self.threads = concurrent.futures.ThreadPoolExecutor()
        self.put("cronjobs", self.installation.objects.one("CronJob"))
        return self

    def __exit__(self, *exception):
        self.threads.shutdown()
        super().__exit__(*exception)

    def put(self, plural, item):
        return self.store((plural, item["metadata"]["namespace"], item["metadata"]["name"]), copy.deepcopy(item))

    @property
    def jobs(self):
        return [item for (plural, _, _), item in self.objects.items() if plural == "jobs"]

    def respond(self, method, path, query, headers, body):
        log = re.fullmatch(r"/api/v1/namespaces/[^/]+/pods/([^/]+)/log", path)
        return (200, self.log(log[1])) if log else super().respond(method, path, query, headers, body)

    def log(self, pod):
        if pod not in self.refused:
            self.refused.add(pod)
            message = f'container "etcd-backup" in pod "{pod}" is waiting to start: ContainerCreating'
            raise Refusal(400, "BadRequest", message)
        return self.runs[pod].result().log

    def collection(self, method, version, plural, namespace, query, body):
        code, answer = super().collection(method, version, plural, namespace, query, body)
        if method == "POST" and plural == "jobs":
            self.start(answer)
        if method == "POST" and plural == "pods":  # one that belongs to no Job
            self.runs[answer["metadata"]["name"]] = self.threads.submit(self.run, answer)
        return code, answer

    def single(self, method, key, headers, body):
        if key[2] == RECORD and self.installation.record is not None:  # the pods write it elsewhere
            metadata = {"name": RECORD, "namespace": key[1]}
            self.put("configmaps", {
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": self.installation.record})
        return super().single(method, key, headers, body)

    def start(self, job):
        """Called with the lock held."""
        name = job["metadata"]["name"]
        job["spec"]["selector"] = {"matchLabels": {JOB_NAME: name}}
        pod = copy.deepcopy(job["spec"]["template"])
        metadata = {"name": f"{name}-x", "namespace": job["metadata"]["namespace"]}
        labels = {**pod["metadata"]["labels"], JOB_NAME: name}
        pod = self.put("pods", {
            "apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "labels": labels}, "spec": pod["spec"],
            "status": {"phase": "Pending"}})
        self.runs[metadata["name"]] = self.threads.submit(self.run, pod)

    def run(self, pod):
        outcome = self.installation.run(pod["spec"])
        terminated = {"exitCode": outcome.status, "message": outcome.termination_message}
        with self.lock:
            pod["status"] = {"containerStatuses": [{"name": "etcd-backup", "state": {"terminated": terminated}}]}
        return outcome
