"""Everything one run touches: a real etcd, the sandbox in place of Azure and Kubernetes, and the environment that says so."""

import copy
import hashlib
import re
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from etcd import Cluster
from gateway import Contents
from processes import wait_until
from program import Program, Run
from sandbox import Sandbox

NAMESPACE = "kyma-system"
CONTAINER = "etcd-backups"
PREFIX = "service-catalog"
RECORD = "sc-recorded-etcd-backup-data"
RECORDED_PATH = "abs-backup-file-path-from-last-success"
STORE_SECRET = "etcd-backup-abs-credentials"
TLS_SECRET = "service-catalog-etcd-etcd-client-tls"
CREDENTIALS_SECRET = "service-catalog-etcd-user"
TOKEN = "token-of-the-service-account-8c1f"
MEBIBYTE = 1 << 20
PLANTED_SIZE = 20_512  # could be a backup's

PATH = re.compile(rf"{CONTAINER}/{PREFIX}/[0-7][0-9A-HJKMNP-TV-Z]{{25}}")


def ulid(number: int) -> str:
    """A name as backups have, in the order of the numbers and before every name of today."""
    return f"01J00000000000000000{number:06d}"


CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid_at(seconds: float, number: int = 0) -> str:
    """The name of a backup that a run began then."""
    value = int(seconds * 1000) << 80 | number
    return "".join(CROCKFORD[value >> 5 * place & 31] for place in reversed(range(26)))


class World:
    """What a CronJob finds in the cluster it runs in, ready for `run()`."""

    def __init__(self, sandbox: Sandbox, folder: Path):
        self.sandbox = sandbox
        self.folder = folder
        self.programs: list = []  # each has kill()
        self._requests_before = 0
        self._held_before = 0
        sandbox.put_secret(NAMESPACE, STORE_SECRET, {
            "storage-account": sandbox.account, "storage-key": sandbox.account_key})
        self.allow()
        sandbox.create_container(CONTAINER)
        sandbox.create_namespace(NAMESPACE)
        self.env = {
            "APP_WORKING_NAMESPACE": NAMESPACE,
            "APP_ABS_CONTAINER_NAME": CONTAINER,
            "APP_ABS_SECRET_NAME": STORE_SECRET,
            "APP_BLOB_PREFIX": PREFIX,
            "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING": RECORD,
            "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": "3",
            "APP_CLEANER_EXPIRATION_BLOB_TIME": "72h",
        }
        self._connect()

    def continued(self, sandbox: Sandbox, folder: Path) -> "World":
        """This world as it was when the state of that sandbox was copied."""
        world = copy.copy(self)
        world.sandbox, world.folder, world.programs, world.env = sandbox, folder, [], dict(self.env)
        world._connect()
        return world

    def _connect(self) -> None:
        """Tells where the sandbox is."""
        self.service = self.sandbox.blob_service_client()
        self.container = self.service.get_container_client(CONTAINER)
        self.env["APP_ABS_ENDPOINT"] = self.sandbox.blob_url
        self.env["APP_KUBECONFIG_PATH"] = self.sandbox.kubeconfig(
            self.folder / "kubeconfig", token=TOKEN, namespace=NAMESPACE)

    def allow(self, verbs: dict[str, list[str]] | None = None, token: str = TOKEN) -> None:
        """Grants the run's token these verbs per resource; by default what a run needs, and no more."""
        verbs = verbs or {"secrets": ["get"], "configmaps": ["get", "patch", "create"]}
        self.sandbox.grant(token, "system:serviceaccount:kyma-system:etcd-backup", [
            {"namespace": NAMESPACE, "resources": [resource], "verbs": allowed}
            for resource, allowed in verbs.items()
        ])

    def rotate_storage_key(self, key: str) -> None:
        """From now on the store takes this key and no other; it comes back on another port."""
        self.sandbox.stop()
        self.sandbox.account_key = key
        self.sandbox.start()
        self._connect()

    def back_up(self, cluster: Cluster) -> None:
        """Points the run at this cluster, with the Secrets that it takes to get in."""
        self.env["APP_BACKUP_ETCD_ENDPOINTS"] = cluster.endpoints
        if cluster.tls:
            self.sandbox.put_secret(NAMESPACE, TLS_SECRET, cluster.tls.secret())
            self.env["APP_BACKUP_CLIENT_TLS_SECRET"] = TLS_SECRET
        if cluster.user:
            self.use_credentials(*cluster.user)

    def use_credentials(self, username: str, password: str) -> None:
        self.sandbox.put_secret(
            NAMESPACE, CREDENTIALS_SECRET, {"username": username, "password": password})
        self.env["APP_BACKUP_ETCD_CREDENTIALS_SECRET"] = CREDENTIALS_SECRET

    # Running

    def start(self, *arguments: str, output: Path | None = None, **env: str | None) -> Program:
        """Starts the program; `env` adds to its environment, and removes what is None. Its standard output goes to
        `output`, such as a pipe, or to a file that the Run tells of."""
        self._requests_before = len(self.sandbox.requests())
        merged = {k: v for k, v in (self.env | env).items() if v is not None}
        program = Program(merged, self.folder, arguments, output)
        self.programs.append(program)
        return program

    def run(self, *arguments: str, **env: str | None) -> Run:
        return self.start(*arguments, output=None, **env).wait()

    def stop(self) -> None:
        for program in self.programs:
            program.kill()

    # Faults and requests

    def fault(
        self, operation: str, kind: str, *, service: str | None = "blob", path: str | None = None,
        skip: int = 0, times: int | None = None, **action,
    ) -> None:
        """Lets one operation go wrong from now on, and no other; see the sandbox's README for the kinds."""
        match = {"operation": operation, "service": service, "path": path}
        rule = {
            "match": {k: v for k, v in match.items() if v is not None},
            "skip": skip, "action": {"kind": kind, **action}}
        self.faults([rule | ({} if times is None else {"times": times})])

    def faults(self, rules: list[dict]) -> None:
        """Replaces all scripted faults; an empty list ends them."""
        self.sandbox.faults(rules)

    def hold(self, operation: str, **options) -> None:
        """Keeps requests of one operation waiting until `release`; `options` are those of `fault`. What the test does
        between `wait_for_held` and `release` is sure to come before them."""
        self._held_before = len(self.sandbox.held())
        self.fault(operation, "hold", **options)

    def wait_for_held(self, operation: str, count: int = 1) -> None:
        """Waits until that many requests wait, since `hold` was called."""
        wait_until(lambda: [each["operation"] for each in self.sandbox.held()[self._held_before:]].count(operation) >= count,
                   f"{count} × {operation} held")

    def release(self) -> None:
        self.faults([])

    def wait_for_request(self, operation: str, count: int = 1) -> None:
        """Waits until the sandbox has answered that many of these requests of the latest run."""
        wait_until(lambda: len(self.requests(operation)) >= count, f"{count} × {operation}")

    def requests(self, operation: str | None = None) -> list[dict]:
        """What the latest run has asked of the sandbox, in order."""
        latest = self.sandbox.requests()[self._requests_before :]
        return [r for r in latest if operation in (None, r["operation"])]

    def name_of_upload(self) -> str:
        """Waits until the latest run has uploaded a block; returns the name of the blob to be."""
        self.wait_for_request("PutBlock")
        return urlsplit(self.requests("PutBlock")[0]["target"]).path.split(f"/{CONTAINER}/", 1)[1]

    # What is in the store and in the record

    @property
    def record(self) -> dict[str, str]:
        """The ConfigMap's data; empty when there is none."""
        return self.sandbox.configmap(NAMESPACE, RECORD) or {}

    @property
    def recorded_path(self) -> str | None:
        return self.record.get(RECORDED_PATH)

    @property
    def blob_names(self) -> list[str]:
        """Every blob that anybody could see, whatever its prefix."""
        return sorted(blob.name for blob in self.container.list_blobs())

    def download(self, path: str) -> bytes:
        """Reads a recorded path with Microsoft's own client."""
        container, name = path.split("/", 1)
        return self.service.get_blob_client(container, name).download_blob().readall()

    def properties(self, path: str):
        container, name = path.split("/", 1)
        return self.service.get_blob_client(container, name).get_blob_properties()

    def plant(self, *names: str, hours_old: float, hours_apart: float = 1, size: int = PLANTED_SIZE) -> list[str]:
        """Blobs of earlier days, from the oldest to the newest."""
        newest = time.time() - hours_old * 3600
        self.sandbox.plant_blobs(CONTAINER, [
            (name, size, int(newest - 3600 * hours_apart * age)) for age, name in enumerate(reversed(names))])
        return list(names)

    def plant_backups(self, count: int, hours_old: float, hours_apart: float = 1, prefix: str = PREFIX) -> list[str]:
        """Backups of earlier days without a lineage, from the oldest to the newest, named as they are old."""
        newest = time.time() - hours_old * 3600
        times = [newest - 3600 * hours_apart * age for age in reversed(range(count))]
        names = [f"{prefix}/{ulid_at(when, number)}" for number, when in enumerate(times)]
        self.sandbox.plant_blobs(CONTAINER, [
            (name, PLANTED_SIZE, int(when)) for name, when in zip(names, times, strict=True)])
        return names

    # Assertions

    def assert_success(self, run: Run) -> str:
        """A backup is stored and recorded; returns its path."""
        assert run.status == 0, run
        path = self.recorded_path
        assert path and PATH.fullmatch(path), f"recorded {path!r}\n{run}"
        assert path.split("/", 1)[1] in self.blob_names, run
        return path

    def assert_nothing_happened(self, run: Run, status: int, blobs: Sequence[str] = (), path: str | None = None) -> None:
        """"Not success": the exit status says so, the store and the record are as they were, and so sounds the log."""
        assert run.status == status, run
        assert self.blob_names == sorted(blobs), run
        assert self.recorded_path == path, run
        assert_no_success_in(run)

    def assert_whole(self, path: str) -> bytes:
        """The blob is a snapshot file whose own trailer proves it, and its metadata agree; returns its bytes."""
        snapshot = self.download(path)
        assert len(snapshot) % 512 == 32, f"{path}: {len(snapshot)} bytes are no snapshot"
        assert hashlib.sha256(snapshot[:-32]).digest() == snapshot[-32:], f"{path}: trailer differs"
        assert self.properties(path).metadata["sha256"] == hashlib.sha256(snapshot).hexdigest()
        return snapshot

    def assert_restores(self, path: str, cluster: Cluster, contents: Contents) -> None:
        """etcd's own tool restores the blob, and the new cluster holds exactly `contents`."""
        name = path.rsplit("/", 1)[1]
        file = self.folder / f"{name}.db"
        file.write_bytes(self.assert_whole(path))
        with cluster.restore(file, self.folder / f"restored-{name}") as restored:
            assert contents.differences(restored.contents()) == []


def assert_no_success_in(run: Run) -> None:
    """No line of a failed run may sound as if a backup had been made."""
    for phrase in ("backup stored", "backup recorded", "run finished", "success"):
        assert phrase not in run.log, f"sounds like success: {phrase!r}\n{run}"
