"""Damage to a real database is found where the tree needs the page, and does not matter on free pages."""

import random
import struct
import subprocess
from pathlib import Path

import pytest

import bolt
from gateway import encode
from program import BINARY


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory) -> bytes:
    """A database with every kind of page: branches, leaves, long values, free pages with stale nodes."""
    from etcd import Cluster  # here, so that the fixture owns its cluster for the module

    folder = tmp_path_factory.mktemp("damage")
    with Cluster(folder / "etcd") as cluster:
        cluster.fill(6000, value_size=200)
        for number in range(5):
            cluster.put(f"/huge/{number}", random.Random(number).randbytes(40_000))
        with cluster.gateway() as gateway:
            gateway.call("kv/deleterange", {
                "key": encode("/registry/items/00001000"), "range_end": encode("/registry/items/00004000")})
            revision = gateway.call("maintenance/status")["header"]["revision"]
            gateway.call("kv/compaction", {"revision": revision, "physical": True})
        cluster.fill(300)
        cluster.etcdctl("snapshot", "save", str(folder / "snapshot.db"))
        return (folder / "snapshot.db").read_bytes()


@pytest.fixture
def inspect(tmp_path):
    """Inspects bytes."""
    def inspect(content: bytes) -> bolt.Inspection:
        path: Path = tmp_path / "damaged.db"
        path.write_bytes(content)
        return bolt.inspect(path)

    return inspect


def replaced(snapshot: bytes, pages: bolt.Pages, page: int, content: bytes) -> bytes:
    start = page * pages.size
    return snapshot[:start] + content + snapshot[start + pages.size:]


def content_of(snapshot: bytes, pages: bolt.Pages, page: int) -> bytes:
    return snapshot[page * pages.size : (page + 1) * pages.size]


def first_key(content: bytes) -> bytes:
    is_leaf = content[8] == 2
    position, size = struct.unpack_from("<II", content, 20 if is_leaf else 16)
    return content[16 + position : 16 + position + size]


def test_the_snapshot_has_what_the_other_tests_need(snapshot, inspect):
    pages = bolt.Pages.of(snapshot)
    assert inspect(snapshot).report is not None
    assert len(pages.free) > 20
    assert any(span > 5 for span in pages.nodes.values())
    stale = [page for page in pages.free
             if int.from_bytes(content_of(snapshot, pages, page)[:8], "little") == page]
    assert len(stale) > 10


@pytest.mark.parametrize("damage", ["zeroed", "of-another-page", "random"])
def test_S8_a_page_in_use_that_is_damaged_is_named(snapshot, inspect, damage):
    pages = bolt.Pages.of(snapshot)
    chance = random.Random(damage)
    for page in chance.sample(sorted(pages.nodes), 40):
        other = chance.choice([node for node in pages.nodes if node != page])
        content = {
            "zeroed": bytes(pages.size),
            "of-another-page": content_of(snapshot, pages, other),
            "random": chance.randbytes(pages.size),
        }[damage]
        inspection = inspect(replaced(snapshot, pages, page, content))
        assert inspection.message.startswith(f"ERROR the database is unsound: page {page} "), inspection


def test_S8_two_pages_swapped_are_noticed(snapshot, inspect):
    pages = bolt.Pages.of(snapshot)
    chance = random.Random(1)
    for _ in range(30):
        one, two = chance.sample(sorted(pages.nodes), 2)
        swapped = replaced(snapshot, pages, one, content_of(snapshot, pages, two))
        swapped = replaced(swapped, pages, two, content_of(snapshot, pages, one))
        assert inspect(swapped).message.startswith("ERROR the database is unsound"), (one, two)


def test_S8_a_stale_version_of_a_page_is_noticed(snapshot, inspect):
    """A lost write: the page still holds, under its own number, what an earlier transaction wrote.

    A version whose keys fit between those of its neighbours is as sound as the right one, only older: no structure
    can tell. So is any version of a bucket's root, which has no neighbours.
    """
    pages = bolt.Pages.of(snapshot)
    chance = random.Random(2)
    stale = [content for content in (content_of(snapshot, pages, page) for page in pages.free)
             if content[8:10] in (b"\1\0", b"\2\0") and content[12:16] == bytes(4)]
    with_neighbours = sorted(page for page, limits in pages.limits.items() if limits != (b"", None))
    for page in chance.sample(with_neighbours, 40):
        start, end = pages.limits[page]
        old = chance.choice([
            content for content in stale
            if first_key(content) < start or (end is not None and first_key(content) >= end)])
        lost = replaced(snapshot, pages, page, page.to_bytes(8, "little") + old[8:])
        assert inspect(lost).message.startswith("ERROR the database is unsound"), page


def test_pages_dropped_or_doubled_are_noticed(snapshot, inspect):
    pages = bolt.Pages.of(snapshot)
    for page in random.Random(3).sample(sorted(pages.nodes), 10):
        start, end = page * pages.size, (page + 1) * pages.size
        assert inspect(snapshot[:start] + snapshot[end:]).report is None
        doubled = snapshot[:end] + snapshot[start:end] + snapshot[end : -32 - pages.size] + snapshot[-32:]
        assert inspect(doubled).report is None


def test_free_pages_may_hold_anything(snapshot, inspect):
    pages = bolt.Pages.of(snapshot)
    chance = random.Random(4)
    nodes = sorted(pages.nodes)
    changed = snapshot
    for page in pages.free:
        filler = chance.choice([bytes(pages.size), chance.randbytes(pages.size),
                                content_of(snapshot, pages, chance.choice(nodes))])
        # Half of them claim to be the page that they are.
        head = page.to_bytes(8, "little") if chance.random() < 0.5 else filler[:8]
        changed = replaced(changed, pages, page, head + filler[8:])
    before, after = inspect(snapshot), inspect(changed)
    assert after.database == before.database
    assert after.report["snapshotStatus"] == before.report["snapshotStatus"]
    assert (before.report["sha256"], after.report["sha256"]) == ("right", "wrong")


def test_random_damage_never_crashes(snapshot, inspect):
    chance = random.Random(5)
    for _ in range(60):
        damaged = bytearray(snapshot)
        for _ in range(chance.randrange(1, 30)):
            page = chance.randrange(2, len(snapshot) // 4096)
            offset = page * 4096 + chance.randrange(200)
            damaged[offset] = chance.choice([0, 1, 2, 0x7F, 0x80, 0xFF, chance.randrange(256)])
        inspect(bytes(damaged))  # asserts that the program ended by itself


@pytest.mark.parametrize("length", [1, 31, 33, 4095])
def test_a_trailer_of_a_wrong_length_is_named(snapshot, inspect, length):
    damaged = inspect(snapshot[:-32] + (snapshot[-32:] * 200)[:length])
    assert (damaged.report["sha256"], damaged.report["trailingBytes"]) == ("damaged", length)
    follow = "1 byte follows" if length == 1 else f"{length} bytes follow"
    assert damaged.message == f"ERROR {follow} the database; a snapshot has 32, its SHA-256"
    assert damaged.status == 1


def test_people_are_told_of_a_trailer_of_a_wrong_length(snapshot, tmp_path):
    (tmp_path / "cut.db").write_bytes(snapshot[:-1])
    done = subprocess.run([BINARY, "inspect", tmp_path / "cut.db"], capture_output=True, text=True, timeout=60)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["sha-256", "damaged"] in lines and ["bytes", "behind", "31"] in lines
    assert done.stderr == "ERROR 31 bytes follow the database; a snapshot has 32, its SHA-256\n"
    assert done.returncode == 1


def test_what_is_unsound_is_told_as_JSON(snapshot, inspect):
    pages = bolt.Pages.of(snapshot)
    page = max(pages.nodes)
    damaged = inspect(replaced(snapshot, pages, page, bytes(pages.size)))
    unsound = damaged.failure["unsound"]
    assert (unsound["page"], unsound["defect"]) == (page, "has a header that is of another page")
    assert damaged.message.startswith(f"ERROR {damaged.failure['error']}\n    hint: ")
    assert damaged.status == 1


def test_what_is_no_database_is_told_as_JSON(inspect):
    assert inspect(bytes(9000)).failure["unsound"] == {"page": 0, "defect": "is not one of bbolt's"}
    assert "unsound" not in inspect(b"").failure
