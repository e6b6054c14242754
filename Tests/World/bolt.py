"""`etcd-backup inspect`, and an independent walk through a database for tests that damage one."""

import json
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from processes import CLEAN_ENVIRONMENT
from program import BINARY


@dataclass(frozen=True)
class Inspection:
    """What the inspection of one file said: a report, or what is wrong, or both if only the SHA-256 is."""

    report: dict | None
    message: str
    failure: dict | None
    """What is wrong, as JSON, where there is no report."""
    status: int

    @property
    def database(self) -> dict:
        assert self.report is not None, self.message
        return self.report["database"]

    def records(self, bucket: str) -> int:
        return next(entry["records"] for entry in self.database["buckets"] if entry["name"] == bucket)


def inspect(path: Path) -> Inspection:
    """Inspects a file; a status other than 0 and 1 would be a crash."""
    done = subprocess.run(
        [str(BINARY), "inspect", "--output", "json", str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env=CLEAN_ENVIRONMENT, timeout=120)
    assert done.returncode in (0, 1), f"status {done.returncode}:\n{done.stdout}"
    line, _, message = done.stdout.partition("\n")
    answer = json.loads(line)
    is_report = "database" in answer
    return Inspection(answer if is_report else None, message.strip(), None if is_report else answer, done.returncode)


@dataclass(frozen=True)
class Pages:
    """Which pages of a sound snapshot are in use, found by walking from its root."""

    size: int
    count: int
    nodes: dict[int, int]
    """The pages where nodes begin, and how many pages each has."""
    limits: dict[int, tuple[bytes, bytes | None]]
    """The first key that a node may hold, and the first that it may not; none above the last one of a bucket."""

    @property
    def used(self) -> set[int]:
        return {page + part for page, span in self.nodes.items() for part in range(span)}

    @property
    def free(self) -> list[int]:
        return sorted(set(range(2, self.count)) - self.used)

    @classmethod
    def of(cls, snapshot: bytes) -> "Pages":
        size = struct.unpack_from("<I", snapshot, 24)[0]
        root, _, _, count = struct.unpack_from("<QQQQ", snapshot, 32)
        nodes: dict[int, int] = {}
        limits: dict[int, tuple[bytes, bytes | None]] = {}
        waiting: list[tuple[int, bytes, bytes | None]] = [(root, b"", None)]
        while waiting:
            page, start, end = waiting.pop()
            _, flags, elements, overflow = struct.unpack_from("<QHHI", snapshot, page * size)
            nodes[page], limits[page] = overflow + 1, (start, end)
            children: list[tuple[bytes, int]] = []
            for index in range(elements):
                element = page * size + 16 + 16 * index
                if flags == 1:
                    position, key_size, child = struct.unpack_from("<IIQ", snapshot, element)
                    children.append((snapshot[element + position : element + position + key_size], child))
                    continue
                is_bucket, position, key_size, _ = struct.unpack_from("<IIII", snapshot, element)
                if is_bucket:
                    nested = struct.unpack_from("<Q", snapshot, element + position + key_size)[0]
                    waiting += [(nested, b"", None)] if nested else []
            ends = [key for key, _ in children[1:]] + [end]
            # A leaf has an end and no children.
            waiting += [(child, key, child_end) for (key, child), child_end in zip(children, ends, strict=False)]
        return cls(size, count, nodes, limits)
