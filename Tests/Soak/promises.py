"""What must be true after every run, however it ended."""

import hashlib

from age_keys import KeyPair, decoded
from etcd import Cluster
from program import Run
from world import World

RECORDED_REVISION = "backup-etcd-revision-from-last-success"

PAGE = 8  # keys of 400 kB


class Broken(Exception):
    """A promise was broken."""


def require(condition: bool, what: str) -> None:
    if not condition:
        raise Broken(what)


class Promises:
    """Knows every backup that was ever seen whole, and which of them retention may have deleted."""

    def __init__(self, world: World, key: KeyPair):
        self.world = world
        self.key = key
        self.seen: dict[str, str] = {}  # name: ETag
        self.deleted = 0

    def check(self, runs: list[Run], before: str | None, revision: int, newest: int) -> str | None:
        """`revision` was acknowledged before the runs began. Returns the recorded path if it is new."""
        recorded = self.world.recorded_path
        succeeded = [run for run in runs if run.status == 0]
        require(not succeeded or recorded != before, "a run that reports success recorded nothing")
        for run in runs:
            self._check_log(run)
        names = self.world.blob_names
        if recorded:
            require(recorded.split("/", 1)[1] in names, f"the recorded backup {recorded} is not in the store")
        for name in names:
            self._check_blob(name)
        gone = self.seen.keys() - set(names)
        require(len(names) >= min(newest, len(self.seen)), f"{len(names)} backups are left of {newest} that must stay")
        for name in gone:
            require(name < max(names), f"the newest backup was deleted: {name}")
            del self.seen[name]
        self.deleted += len(gone)
        if recorded == before or recorded is None:
            return None
        told = int(self.world.record[RECORDED_REVISION])
        require(told >= revision, f"the backup is of revision {told}, but {revision} was acknowledged before it began")
        return recorded

    def _check_log(self, run: Run) -> None:
        if run.status <= 0 or (run.status == 143 and not run.log):
            return  # a success, killed, or stopped before its first line
        last = run.events[-1] if run.events else {}
        require(run.status in (1, 2, 78, 143), f"exit status {run.status} is not documented for a run")
        require("error" in last, "the last line of a failed run has no error")
        require("hint" in last or run.status == 143, "the last line of a failed run has no hint")

    def _check_blob(self, name: str) -> None:
        """Visible is only what is whole. Each blob is read once; afterwards its ETag stands for it."""
        properties = self.world.properties(f"etcd-backups/{name}")
        known = self.seen.get(name)
        if known == properties.etag:
            return
        require(known is None, f"{name} was overwritten")
        stored = self.world.download(f"etcd-backups/{name}")
        require(properties.metadata["sha256"] == hashlib.sha256(stored).hexdigest(), f"{name}: the metadata's SHA-256 is wrong")
        plain = self.plain(name, stored)
        require(len(plain) % 512 == 32, f"{name}: {len(plain)} bytes are no snapshot")
        require(hashlib.sha256(plain[:-32]).digest() == plain[-32:], f"{name}: its trailer differs")
        self.seen[name] = properties.etag

    def plain(self, name: str, stored: bytes) -> bytes:
        """The database, by the programs age and zstd."""
        metadata = self.world.properties(f"etcd-backups/{name}").metadata
        variables = {}
        if metadata.get("encryption", "off") != "off":
            variables["APP_BACKUP_ENCRYPTION_RECIPIENTS"] = self.key.recipient
        if metadata.get("compression", "off") != "off":
            variables["APP_BACKUP_COMPRESSION"] = "zstd"
        return decoded(stored, variables, self.key)

    def check_restore(self, path: str, cluster: Cluster) -> None:
        """etcd's own tool restores it, and the new cluster holds what the old one held at its revision."""
        name = path.split("/", 1)[1]
        file = self.world.folder / "restored.db"
        file.write_bytes(self.plain(name, self.world.download(path)))
        folder = self.world.folder / f"restored-{name.rsplit('/', 1)[1]}"
        with cluster.restore(file, folder) as restored, restored.gateway() as gateway:
            revision = gateway.revision()
            told = int(self.world.record[RECORDED_REVISION]) if self.world.recorded_path == path else revision
            require(revision == told, f"{path} is recorded with revision {told}, but holds {revision}")
            held = gateway.keys(revision, PAGE)
        with cluster.gateway() as gateway:
            require(gateway.keys(revision, PAGE) == held, f"{path} does not hold what etcd held at revision {revision}")
        file.unlink()


