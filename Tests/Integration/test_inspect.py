"""`etcd-backup inspect` as a process: what it reads stands in a local file, and nothing is configured."""

import os
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from processes import AT_ONCE, catches, wait_until
from program import BINARY, Program
from world import MEBIBYTE

PAGE = 4096


def test_a_signal_ends_it_also_while_it_waits_for_its_file(tmp_path):
    pipe = tmp_path / "snapshot.db"
    os.mkfifo(pipe)  # without anybody who writes into it
    with subprocess.Popen([BINARY, "inspect", pipe], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: catches(process.pid, signal.SIGTERM), "its handlers")
            wait_until(lambda: " S " in Path(f"/proc/{process.pid}/stat").read_text(), "it sleeps")
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=AT_ONCE) == 143
        finally:
            process.kill()


# X9: memory is bounded whatever the file holds


def _meta(number: int, root: int, pages: int) -> bytes:
    fields = struct.pack("<IIIIQQQQQ", 0xED0CDAED, 2, PAGE, 0, root, 0, (1 << 64) - 1, pages, 9 - number)
    checksum = 0xCBF29CE484222325
    for byte in fields:
        checksum = (checksum ^ byte) * 0x100000001B3 % (1 << 64)
    return (_header(number, 4, 0) + fields + struct.pack("<Q", checksum)).ljust(PAGE, b"\0")


def _header(page: int, flags: int, count: int, overflow: int = 0) -> bytes:
    return struct.pack("<QHHI", page, flags, count, overflow)


def _leaf(page: int, records: list[tuple[bytes, bytes]], flag: int = 0, longer: int = 0) -> bytes:
    """`longer`: so many bytes of the last value are not written, but stand behind."""
    elements, data = b"", b""
    for index, (key, value) in enumerate(records):
        size = len(value) + (longer if index == len(records) - 1 else 0)
        elements += struct.pack("<IIII", flag, 16 * (len(records) - index) + len(data), len(key), size)
        data += key + value
    span = (16 + len(elements) + len(data) + longer - 1) // PAGE
    return _header(page, 2, len(records), span) + elements + data


def _buckets(page: int, root: int) -> bytes:
    meta = bytes(16) + _leaf(0, [(b"consistent_index", bytes(7) + b"\x0c")])
    return _leaf(page, [(b"key", struct.pack("<QQ", root, 7)), (b"meta", meta)], flag=1).ljust(PAGE, b"\0")


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def _put(name: bytes, revision: int, size: int) -> tuple[bytes, bytes]:
    """A record, without the bytes of its value."""
    number = _varint(revision)
    return (struct.pack(">QBQ", revision, 0x5F, 0),
            b"\x0a" + _varint(len(name)) + name + b"\x10" + number + b"\x18" + number + b"\x20\x01\x2a" + _varint(size))


def _inspect(path: Path, folder: Path):
    run = Program({}, folder, ("inspect", "--output", "json", str(path))).wait()
    assert run.status == 0, f"{run}\n{run.text}"
    return run


def test_X9_a_value_of_any_length_takes_no_memory(tmp_path):
    """A sparse file of a few KiB on disk, sound, with one value of 600 MB."""
    size = 600_000_000
    leaf = _leaf(3, [_put(b"small", 2, 0), _put(b"a", 3, size)], longer=size)
    pages = 3 + (len(leaf) + size - 1) // PAGE + 1
    path = tmp_path / "sparse.db"
    with path.open("wb") as file:
        file.write(_meta(0, 2, pages) + _meta(1, 2, pages) + _buckets(2, 3) + leaf)
        file.truncate(pages * PAGE)
    assert path.stat().st_blocks < 1000
    run = _inspect(path, tmp_path)
    assert run.json["liveKeys"] == 2 and run.json["revision"] == 3, run.text
    assert run.peak_bytes < 64 * MEBIBYTE + 24 * pages, f"{run.peak_bytes / MEBIBYTE:.0f} MiB"


@pytest.mark.large
def test_X9_millions_of_live_keys_take_bounded_memory(tmp_path):
    count, per_leaf, per_branch = 3_500_000, 70, 120
    path, page = tmp_path / "many.db", 3
    with path.open("wb") as file:
        file.seek(3 * PAGE)
        level = []
        for first in range(2, count + 2, per_leaf):
            records = [_put(b"k%07d" % (n - 2), n, 0) for n in range(first, min(first + per_leaf, count + 2))]
            file.write(_leaf(page, records).ljust(PAGE, b"\0"))
            level.append((records[0][0], page))
            page += 1
        while len(level) > 1:
            above = []
            for at in range(0, len(level), per_branch):
                children = level[at:at + per_branch]
                elements = b"".join(
                    struct.pack("<IIQ", 16 * (len(children) - i) + 17 * i, 17, child)
                    for i, (_, child) in enumerate(children))
                keys = b"".join(key for key, _ in children)
                file.write((_header(page, 1, len(children)) + elements + keys).ljust(PAGE, b"\0"))
                above.append((children[0][0], page))
                page += 1
            level = above
        file.seek(0)
        file.write(_meta(0, 2, page) + _meta(1, 2, page) + _buckets(2, level[0][1]))
    run = _inspect(path, tmp_path)
    assert run.json["liveKeys"] == count, run.text
    assert run.peak_bytes < 112 * MEBIBYTE + 24 * page, f"{run.peak_bytes / MEBIBYTE:.0f} MiB"
