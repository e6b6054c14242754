"""Real etcd clusters on free ports: any release, one member or three, plain, with TLS, with authentication."""

import os
import re
import shutil
import signal
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from certificates import TLS
from gateway import Contents, Gateway, encode
from partition import PeerRelays
from processes import (
    CLEAN_ENVIRONMENT,
    PATIENCE,
    ROOT,
    SHORT_LIVED,
    Child,
    StartFailed,
    free_port,
    wait_until,
)

# etcdctl's own time limits are a few seconds.
PATIENT = (f"--dial-timeout={PATIENCE:.0f}s", f"--command-timeout={PATIENCE:.0f}s")
LARGE = 4 << 20  # a filling transaction carries at most this many bytes of values


@dataclass(frozen=True)
class Release:
    """The binaries of one etcd version, as .ci/etcd-versions unpacked them."""

    version: str

    @property
    def folder(self) -> Path:
        return ROOT / ".build" / "etcd" / self.version

    @property
    def gateway_prefix(self) -> str:
        return "/v3beta" if self.version.startswith("3.3.") else "/v3"

    @classmethod
    def all(cls) -> list["Release"]:
        """Every unpacked version, oldest first."""
        names = [path.name for path in (ROOT / ".build" / "etcd").glob("3.*")]
        return [cls(name) for name in sorted(names, key=lambda name: [*map(int, name.split("."))])]


DEFAULT = Release("3.4.23")


class Member:
    """One etcd process, with the address and the data folder that it keeps over restarts."""

    def __init__(self, cluster: "Cluster", name: str):
        self.cluster = cluster
        self.name = name
        self.client_port = free_port()
        self.peer_port = free_port()
        relays = cluster.peers
        self.peer_listen_port = relays.listen_for(self.peer_port) if relays else self.peer_port
        self.data = cluster.folder / f"{name}.etcd"
        self.log = cluster.folder / f"{name}.log"
        self.child: Child | None = None
        self.is_paused = False

    @property
    def is_serving(self) -> bool:
        return self.child.is_running and not self.is_paused

    @property
    def url(self) -> str:
        return f"{'https' if self.cluster.tls else 'http'}://127.0.0.1:{self.client_port}"

    @property
    def http_url(self) -> str:
        """Where the gateway is."""
        port = self.cluster.http_port
        return self.url.replace(f":{self.client_port}", f":{port}") if port else self.url

    @property
    def peer_url(self) -> str:
        return f"http://127.0.0.1:{self.peer_port}"

    @property
    def pid(self) -> int:
        return self.child.pid

    def start(self, initial_cluster: str, state: str = "new") -> None:
        """`initial_cluster` and `state` count on the first start only; etcd keeps them in its data."""
        tls = self.cluster.tls
        arguments = {
            "name": self.name,
            "data-dir": str(self.data),
            "listen-client-urls": self.url,
            "advertise-client-urls": self.url,
            "listen-peer-urls": f"http://127.0.0.1:{self.peer_listen_port}",
            "initial-advertise-peer-urls": self.peer_url,
            "initial-cluster": initial_cluster,
            "initial-cluster-state": state,
            "quota-backend-bytes": str(self.cluster.quota),
            "max-request-bytes": str(4 * LARGE),
            # A lone member elects itself after one heartbeat; three members sharing few cores need more patience.
            # Shorter ones cost a member more of the processor than its work does.
            "heartbeat-interval": "50" if self.cluster.is_single else "100",
            "election-timeout": "500" if self.cluster.is_single else "1000",
        }
        if tls:
            arguments |= {
                "cert-file": str(tls.folder / "server.crt"),
                "key-file": str(tls.folder / "server.key"),
                "trusted-ca-file": str(tls.folder / "ca.crt"),
            }
        command = [str(self.cluster.release.folder / "etcd")]
        command += [f"--{name}={value}" for name, value in arguments.items()]
        command += ["--client-cert-auth"] if tls else []
        command += self.cluster.flags
        command += ["--strict-reconfig-check=false"]  # a learner may join a cluster that is seconds old
        self.child = Child(command, self.log)

    def restart(self) -> None:
        self.start("")
        self.wait_until_healthy()

    def wait_until_healthy(self) -> None:
        with self.gateway() as gateway:
            wait_until(gateway.health, f"health of etcd {self.name}", child=self.child)

    def gateway(self, user: tuple[str, str] | None = None) -> Gateway:
        return Gateway(self.http_url, self.cluster.release.gateway_prefix, self.cluster.tls, user)

    def status(self) -> dict:
        with self.gateway(self.cluster.user) as gateway:
            return gateway.call("maintenance/status")

    def snapshots_served(self) -> int:
        """How many calls of Maintenance.Snapshot have ended, in whichever way (etcd without TLS only)."""
        metrics = urllib.request.urlopen(f"{self.url}/metrics", timeout=10).read().decode()
        return sum(int(float(count)) for count in re.findall(
            r'^grpc_server_handled_total\{.*grpc_method="Snapshot".*\} (\S+)$', metrics, re.MULTILINE))

    def pause(self) -> None:
        """SIGSTOP: the member's sockets stay open and nothing answers."""
        self.child.send(signal.SIGSTOP)
        self.is_paused = True

    def resume(self) -> None:
        self.child.send(signal.SIGCONT)
        self.is_paused = False

    def kill(self) -> None:
        self.child.kill()

    def copied_alone(self, folder: Path) -> "Cluster":
        """A cluster of one, not yet started, on a copy of what this member holds; it serves what the member would."""
        alone = Cluster(folder, self.cluster.release, flags=("--force-new-cluster",))
        shutil.copytree(self.data, alone.first.data)
        return alone


class Cluster:
    """Members of one etcd cluster. A context manager: nothing of it runs after the block."""

    def __init__(
        self,
        folder: Path,
        release: Release = DEFAULT,
        size: int = 1,
        tls: TLS | None = None,
        quota: int = 8 << 30,
        flags: tuple[str, ...] = (),
        http_port: int | None = None,
        peers: PeerRelays | None = None,
    ):
        self.folder = folder
        self.release = release
        self.tls = tls
        self.quota = quota
        self.peers = peers
        self.flags = list(flags)
        self.http_port = http_port  # set: HTTP is served there, and the client URL speaks gRPC only
        if http_port:
            self.flags.append(f"--listen-client-http-urls={'https' if tls else 'http'}://127.0.0.1:{http_port}")
        self.user: tuple[str, str] | None = None
        self.is_single = size == 1
        folder.mkdir(parents=True, exist_ok=True)
        self.members = [Member(self, f"m{number}") for number in range(size)]

    def __enter__(self) -> "Cluster":
        for attempt in range(5):
            try:
                self._start()
                return self
            except StartFailed as failure:
                self.stop()
                if "address already in use" not in str(failure) or attempt == 4:
                    raise
                # Somebody was faster to one of the ports: take others.
                self.members = [Member(self, f"m{attempt}{n}") for n in range(len(self.members))]
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def _start(self) -> None:
        everyone = ",".join(f"{member.name}={member.peer_url}" for member in self.members)
        for member in self.members:
            member.start(everyone)
        for member in self.members:
            member.wait_until_healthy()

    def stop(self) -> None:
        for member in self.members:
            if member.child:
                member.kill()
        if self.peers:
            self.peers.close()

    @property
    def first(self) -> Member:
        return self.members[0]

    @property
    def followers(self) -> list[Member]:
        """The members that can go away without an election."""
        leader = self.first.status()["leader"]
        return [m for m in self.members if m.status()["header"]["member_id"] != leader]

    def wait_for_leader(self) -> None:
        """Waits until the members that are left serve again."""
        for member in self.members:
            if member.is_serving:
                member.wait_until_healthy()

    def wait_for_no_leader(self, *members: Member) -> None:
        """Waits until these members, or all that are left, know that their leader is gone."""
        asked = members or [member for member in self.members if member.is_serving]
        wait_until(lambda: all("leader" not in m.status() for m in asked), "loss of the leader")

    def isolate(self, member: Member) -> None:
        """Cuts a member off from its peers; clients still reach it. Needs `peers`."""
        self.peers.isolate(member.peer_port, member.pid)
        self.wait_for_no_leader(member)

    @property
    def endpoints(self) -> str:
        """As APP_BACKUP_ETCD_ENDPOINTS wants them."""
        return ",".join(member.url for member in self.members)

    def add_learner(self) -> Member:
        """One more member that follows the log and has no vote (etcd 3.4 and later)."""
        learner = Member(self, f"m{len(self.members)}")
        self.etcdctl("member", "add", learner.name, "--learner", f"--peer-urls={learner.peer_url}")
        everyone = [*self.members, learner]
        self.members.append(learner)
        learner.start(",".join(f"{m.name}={m.peer_url}" for m in everyone), state="existing")

        def caught_up() -> bool:
            try:
                return learner.status()["header"]["revision"] == self.first.status()["header"]["revision"]
            except (OSError, KeyError):
                return False

        wait_until(caught_up, "a learner that caught up", child=learner.child)
        return learner

    def gateway(self) -> Gateway:
        """A connection to the first member that serves."""
        return next(member for member in self.members if member.is_serving).gateway(self.user)

    def contents(self) -> Contents:
        with self.gateway() as gateway:
            return gateway.contents()

    def put(self, key: str, value: str | bytes) -> int:
        """Writes one key; returns the revision."""
        with self.gateway() as gateway:
            answer = gateway.call("kv/put", {"key": encode(key), "value": encode(value)})
            return int(answer["header"]["revision"])

    def fill(self, keys: int = 1000, value_size: int = 100, deletes: int = 0, leases: int = 0) -> None:
        """Writes random values by transactions; then deletes some keys, overwrites one and leases some."""
        names = [f"/registry/items/{number:08}" for number in range(keys)]
        per_transaction = max(1, min(100, LARGE // max(1, value_size)))
        chunks = [names[i : i + per_transaction] for i in range(0, keys, per_transaction)]

        def write(batch: list[list[str]]) -> None:
            with self.gateway() as gateway:
                for chunk in batch:
                    puts = [
                        {"request_put": {"key": encode(k), "value": encode(os.urandom(value_size))}}
                        for k in chunk
                    ]
                    gateway.call("kv/txn", {"success": puts})

        writers = 4
        with ThreadPoolExecutor(writers) as pool:
            list(pool.map(write, [chunks[n::writers] for n in range(writers)]))
        with self.gateway() as gateway:
            for name in names[:deletes]:
                gateway.call("kv/deleterange", {"key": encode(name)})
            for number in range(leases):
                lease = gateway.call("lease/grant", {"TTL": 3600 + number})["ID"]
                name = f"/registry/leased/{number:04}"
                gateway.call("kv/put", {"key": encode(name), "value": encode(name), "lease": lease})

    def alarm(self, kind: str, member: Member | None = None) -> None:
        """Raises NOSPACE or CORRUPT, as etcd itself would."""
        status = (member or self.first).status()
        with self.gateway() as gateway:
            gateway.call("maintenance/alarm", {
                "action": "ACTIVATE", "memberID": status["header"]["member_id"], "alarm": kind})

    def enable_authentication(self, root_password: str, others: dict[str, str] | None = None) -> None:
        """Turns authentication on; `others` may read and write every key, which is not enough for a snapshot."""
        with self.gateway() as gateway:
            gateway.call("auth/user/add", {"name": "root", "password": root_password})
            gateway.call("auth/role/add", {"name": "root"})
            gateway.call("auth/user/grant", {"user": "root", "role": "root"})
            for name, password in (others or {}).items():
                gateway.call("auth/user/add", {"name": name, "password": password})
                gateway.call("auth/role/add", {"name": f"{name}-role"})
                gateway.call("auth/role/grant", {
                    "name": f"{name}-role",
                    "perm": {"permType": "READWRITE", "key": "AA==", "range_end": "AA=="}})
                gateway.call("auth/user/grant", {"user": name, "role": f"{name}-role"})
            gateway.call("auth/enable")
        self.user = ("root", root_password)

    def etcdctl(self, *arguments: str) -> str:
        """Runs this release's own etcdctl against the whole cluster."""
        options = [*PATIENT, f"--endpoints={self.endpoints}"]
        if self.tls:
            options += [
                f"--cacert={self.tls.folder / 'ca.crt'}",
                f"--cert={self.tls.folder / 'client.crt'}",
                f"--key={self.tls.folder / 'client.key'}",
            ]
        if self.user:
            options.append(f"--user={':'.join(self.user)}")
        return _run(self.release.folder / "etcdctl", *options, *arguments)

    def snapshot_status(self, snapshot: Path) -> str:
        """hash, revision, number of records, size."""
        return _run(self.release.folder / "etcdctl", "snapshot", "status", str(snapshot)).strip()

    def restore(self, snapshot: Path, folder: Path) -> "Cluster":
        """A cluster of one, not yet started, whose data etcd's own tool restored from `snapshot`."""
        restored = Cluster(folder, self.release)
        member = restored.first
        _run(
            self.release.folder / "etcdctl", "snapshot", "restore", str(snapshot),
            f"--name={member.name}", f"--data-dir={member.data}",
            f"--initial-cluster={member.name}={member.peer_url}",
            f"--initial-advertise-peer-urls={member.peer_url}")
        restored.user = self.user
        return restored


def _run(program: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(program), *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env=CLEAN_ENVIRONMENT | SHORT_LIVED | {"ETCDCTL_API": "3"}, timeout=2 * PATIENCE)
    if done.returncode != 0:
        raise AssertionError(f"{program.name} {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
