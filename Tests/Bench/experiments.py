"""The measurements, one after the other, from the empty etcd to the largest."""

import hashlib
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from database import MEGABYTE, Database
from meter import Command, Cost, measure
from sandbox import Sandbox
from ways import Way, Ways
from world import World

TRANSPORTS = ("gateway", "grpc")
SWEEP = ("curl-gateway", "gateway", "curl-grpc", "grpc", "grpc-unchecked")
SWEEP_ROUNDS = 3
LONG = 2_000 * MEGABYTE  # databases larger than this are measured in one round
EMPTY_ROUNDS = 15

# What stands between a run and its store, as the sandbox's scripted faults.
SLOW_STORES = {
    "50 MB/s on each connection": [
        {"match": {"operation": "PutBlock"}, "action": {"kind": "throttle", "bytesPerSecond": 50 * MEGABYTE}}],
    "20 ms more for each request": [
        {"match": {"service": "blob"}, "action": {"kind": "delay", "milliseconds": 20}}],
}


@dataclass
class Results:
    """All that was measured; the lists hold one cost for each round."""

    size: int = 0
    ways: list[Way] = field(default_factory=list)
    comparison: dict[str, list[Cost]] = field(default_factory=dict)
    sizes: dict[int, dict[str, list[Cost]]] = field(default_factory=dict)
    stores: dict[str, dict[str, list[Cost]]] = field(default_factory=dict)
    empty: dict[str, list[Cost]] = field(default_factory=dict)
    verified: list[str] = field(default_factory=list)


class Experiments:
    """Runs in one folder, on one etcd that grows, against a store that keeps the number of bytes but not the bytes."""

    def __init__(self, database: Database, folder: Path):
        self._database = database
        self._folder = folder
        self.results = Results()

    def run(self, size: int, largest: int, rounds: int) -> Results:
        """`size` and `largest` in bytes: of the comparison, and of the largest database of the sweep."""
        sizes = sorted({20, 100, 500, 1000, 2000, 4000, 8000} | {size // MEGABYTE})
        sizes = [s * MEGABYTE for s in sizes if s * MEGABYTE <= max(largest, size)]
        state = self._folder / "store"
        with Sandbox(state=state, tls=True, discard_data=True) as sandbox:
            world = World(sandbox, self._folder)
            ways = Ways(self._database, world, self._database.cluster.release)
            self.results.ways = ways.all()
            self._measure_empty(world, ways)
            for next_size in sizes:
                say(f"\nThe database grows to {next_size / MEGABYTE:,.0f} MB")
                self._database.grow(next_size)
                if next_size == size:
                    self._verify()
                    self._compare(rounds, world)
                    self._measure_slow_stores(world)
                else:
                    self._measure_size(world)
        return self.results

    def _measure_empty(self, world: World, ways: Ways) -> None:
        say("\nAn empty etcd")
        for _ in range(EMPTY_ROUNDS):
            for transport in TRANSPORTS:
                cost = self._cost(ways.back_up(transport), world)
                self.results.empty.setdefault(transport, []).append(cost)

    def _compare(self, rounds: int, world: World) -> None:
        self.results.size = self._database.size
        self.results.comparison = self._rounds(self.results.ways, rounds, world)
        self.results.sizes[self._database.size] = {
            name: costs for name, costs in self.results.comparison.items() if name in SWEEP}

    def _measure_size(self, world: World) -> None:
        ways = [way for way in self.results.ways if way.name in SWEEP]
        rounds = 1 if self._database.size > LONG * 1.1 else SWEEP_ROUNDS
        self.results.sizes[self._database.size] = self._rounds(ways, rounds, world)

    def _measure_slow_stores(self, world: World) -> None:
        for store, faults in SLOW_STORES.items():
            say(f"\nA store with {store}")
            world.faults([{"skip": 0} | rule for rule in faults])
            slowed = [way for way in self.results.ways if way.name in TRANSPORTS]
            self.results.stores[store] = self._rounds(slowed, SWEEP_ROUNDS, world)
        world.faults([])

    def _rounds(self, ways: list[Way], rounds: int, world: World) -> dict[str, list[Cost]]:
        """Every way once in every round, so that what else goes on in the machine meets all alike."""
        costs: dict[str, list[Cost]] = {way.name: [] for way in ways}
        for number in range(rounds):
            for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
                cost = self._cost(way.commands(), world)
                costs[way.name].append(cost)
                say(f"  round {number + 1}  {way.name:<18} {cost.seconds:7.2f} s  {cost.peak_bytes / (1 << 20):6.1f} MiB")
        return costs

    def _cost(self, commands: list[Command], world: World) -> Cost:
        return measure(commands, self._folder, self._database.pid, world.sandbox.pid)

    def _verify(self) -> None:
        """Each configuration of ours once with a store that keeps the bytes, which are then read back."""
        say("\nEvery configuration, its backup read back")
        folder = self._folder / "keeping"
        folder.mkdir()
        with Sandbox(state=folder / "store", tls=True) as sandbox:
            world = World(sandbox, folder)
            for way in Ways(self._database, world, self._database.cluster.release).all():
                if way.is_ours:
                    self._cost(way.commands(), world)
                    assert_proves_itself(world, world.recorded_path, self._database.size, way.decoder)
                    world.container.delete_blob(world.recorded_path.split("/", 1)[1])
                    self.results.verified.append(way.name)
                    say(f"  {way.name:<18} whole")


def assert_proves_itself(world: World, path: str, size: int, decoder: str) -> None:
    """The snapshot ends in the SHA-256 of what is before, as etcd sent it; the metadata name those of snapshot and blob."""
    container, name = path.split("/", 1)
    blob = world.service.get_blob_client(container, name)
    stored = world.folder / "stored"
    with stored.open("wb") as file:
        blob.download_blob().readinto(file)
    blob_hash = hashlib.sha256()
    whole, database, last, count = hashlib.sha256(), hashlib.sha256(), b"", 0
    with stored.open("rb") as file:
        while piece := file.read(MEGABYTE):
            blob_hash.update(piece)
    with subprocess.Popen(
            ["bash", "-c", f"set -o pipefail; {decoder or 'cat'}"], stdin=stored.open("rb"),
            stdout=subprocess.PIPE) as program:
        while piece := program.stdout.read(MEGABYTE):
            whole.update(piece)
            held = last + piece
            database.update(held[:-32])
            last = held[-32:]
            count += len(piece)
    stored.unlink()
    metadata = blob.get_blob_properties().metadata
    named = metadata["sha256"], metadata.get("snapshotsha256", metadata["sha256"])
    if (program.returncode, database.digest(), count) != (0, last, size + 32) or named != (
            blob_hash.hexdigest(), whole.hexdigest()):
        raise AssertionError(f"{path} is not a whole snapshot of {size} bytes")


def say(text: str) -> None:
    print(text, flush=True)
