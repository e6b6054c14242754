"""What happens to a cluster between two backups and during them: changes of every kind, and members that fail."""

import contextlib
import os
import random
import threading
import time
from collections.abc import Iterator

from etcd import Cluster, Member
from gateway import Gateway, GatewayError, encode

NAMES = 400


class Life:
    """Changes one cluster. Every choice comes from `chance`."""

    def __init__(self, cluster: Cluster, chance: random.Random):
        self.cluster = cluster
        self.chance = chance
        self.users = 0

    def change(self) -> None:
        """Up to eight changes; none is one of the possibilities."""
        changes = [self._put, self._put, self._delete, self._lease, self._compact, self._defragment, self._user]
        with self.cluster.gateway() as gateway:
            for _ in range(self.chance.randrange(9)):
                self.chance.choice(changes)(gateway)

    def _name(self) -> str:
        return f"/registry/soak/{self.chance.randrange(NAMES):04}"

    def _value(self) -> str:
        return encode(os.urandom(self.chance.choice([0, 1, 100, 4_000, 40_000, 400_000])))

    def _put(self, gateway: Gateway) -> None:
        for _ in range(self.chance.randrange(1, 12)):
            gateway.call("kv/put", {"key": encode(self._name()), "value": self._value()})

    def _delete(self, gateway: Gateway) -> None:
        first = self._name()
        gateway.call("kv/deleterange", {"key": encode(first), "range_end": encode(first[:-1] + ":")})

    def _lease(self, gateway: Gateway) -> None:
        lease = gateway.call("lease/grant", {"TTL": 36_000})["ID"]
        gateway.call("kv/put", {"key": encode(self._name()), "value": self._value(), "lease": lease})

    def _compact(self, gateway: Gateway) -> None:
        with contextlib.suppress(GatewayError):  # compacted up to there already
            gateway.call("kv/compaction", {"revision": gateway.revision(), "physical": True})

    def _defragment(self, gateway: Gateway) -> None:
        gateway.call("maintenance/defragment")

    def _user(self, gateway: Gateway) -> None:
        self.users += 1
        gateway.call("auth/user/add", {"name": f"user-{self.users}", "password": "p"})

    @contextlib.contextmanager
    def load(self) -> Iterator[None]:
        """Writes without a pause, until the end of the block."""
        ended = threading.Event()

        def write() -> None:
            number = 0
            while not ended.is_set():
                with contextlib.suppress(OSError, GatewayError), self.cluster.gateway() as gateway:
                    while not ended.is_set():
                        number += 1
                        name = f"/registry/load/{number % NAMES:04}"
                        gateway.call("kv/put", {"key": encode(name), "value": encode(os.urandom(2_000))})
                time.sleep(0.05)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            yield
        finally:
            ended.set()
            writer.join()

    @contextlib.contextmanager
    def failed_member(self, kind: str) -> Iterator[None]:
        """One member of three is killed or stopped during the block; afterwards all serve again."""
        member: Member = self.chance.choice(self.cluster.members)
        if kind == "killed":
            member.kill()
        else:
            member.pause()
        try:
            yield
        finally:
            if kind == "killed":
                member.restart()
            else:
                member.resume()
            self.cluster.wait_for_leader()

