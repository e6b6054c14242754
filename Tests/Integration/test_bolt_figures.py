"""What is found in the bytes of a real database is what etcd's own tools and the live etcd say."""

import json
import os
import subprocess
import time
import urllib.request

import pytest

import bolt
from etcd import Cluster, Release
from gateway import ALL_KEYS, encode
from processes import wait_until
from program import BINARY

RELEASES = [pytest.param(release, id=f"etcd-{release.version}") for release in Release.all()]


def few_keys(cluster: Cluster) -> None:
    cluster.fill(20, deletes=3)


def many_keys_deleted_and_compacted(cluster: Cluster) -> None:
    """Leaves stale nodes on free pages, and more of them than pages in use."""
    cluster.fill(30_000, value_size=120)
    with cluster.gateway() as gateway:
        for start in range(0, 30_000, 7_500):
            gateway.call("kv/deleterange", {
                "key": encode(f"/registry/items/{start:08}"),
                "range_end": encode(f"/registry/items/{start + 6_000:08}")})
        revision = gateway.call("maintenance/status")["header"]["revision"]
        gateway.call("kv/compaction", {"revision": revision, "physical": True})
    cluster.fill(500, value_size=60)


def compacted_to_the_last_tombstone(cluster: Cluster) -> None:
    """No record of the newest revision is left; only the compaction remembers it."""
    cluster.fill(50)
    with cluster.gateway() as gateway:
        gateway.call("kv/deleterange", ALL_KEYS)
        revision = gateway.call("maintenance/status")["header"]["revision"]
        gateway.call("kv/compaction", {"revision": revision, "physical": True})


def defragmented(cluster: Cluster) -> None:
    many_keys_deleted_and_compacted(cluster)
    cluster.etcdctl("defrag")


def huge_values(cluster: Cluster) -> None:
    """Nodes of many pages, whose keys lie between the values."""
    for number in range(12):
        cluster.put(f"/huge/{number}", os.urandom(1_000_000 + 4096 * number))
        cluster.put(f"/long/{number}" + "x" * 3000, os.urandom(3000))
    cluster.fill(300, value_size=9000)


def many_leases(cluster: Cluster) -> None:
    with cluster.gateway() as gateway:
        for number in range(3000):
            gateway.call("lease/grant", {"TTL": 36_000 + number})
    cluster.fill(50, leases=20)


def users_and_roles(cluster: Cluster) -> None:
    """Buckets of names with pages of their own."""
    cluster.fill(50)
    with cluster.gateway() as gateway:
        for number in range(150):
            name = f"{'role' * 8}-{number:04}"
            gateway.call("auth/role/add", {"name": name})
            gateway.call("auth/role/grant", {"name": name, "perm": {
                "permType": "READ", "key": encode(f"/{number}" * 20)}})
    cluster.enable_authentication("a password", {"somebody": "another"})


RECIPES = [few_keys, many_keys_deleted_and_compacted, compacted_to_the_last_tombstone, defragmented,
           huge_values, many_leases, users_and_roles]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.__name__)
def test_every_figure_is_that_of_the_tools_and_the_live_etcd(start_etcd, tmp_path, release, recipe):
    cluster = start_etcd(release)
    recipe(cluster)
    settle(cluster)
    snapshot = tmp_path / "snapshot.db"
    cluster.etcdctl("snapshot", "save", str(snapshot))
    inspection = bolt.inspect(snapshot)

    # What the tools say of the same file.
    status = json.loads(cluster.etcdctl("snapshot", "status", str(snapshot), "--write-out=json"))
    assert inspection.report["snapshotStatus"] == status
    assert inspection.report["sha256"] == "right"

    # What the live etcd says.
    with cluster.gateway() as gateway:
        status = gateway.call("maintenance/status")
        members = gateway.call("cluster/member/list")
        # etcd 3.3 has this call under another name.
        leases = gateway.call("kv/lease/leases" if release.gateway_prefix == "/v3beta" else "lease/leases")
        keys = gateway.call("kv/range", ALL_KEYS | {"count_only": True})
    assert inspection.report["revision"] == int(status["header"]["revision"])
    assert inspection.report["liveKeys"] == int(keys.get("count", 0))
    assert {member["name"] for member in inspection.database["members"]} == {
        member["name"] for member in members["members"]}
    assert {member["id"] for member in inspection.database["members"]} == {
        f"{int(member['ID']):x}" for member in members["members"]}
    assert inspection.records("lease") == len(leases.get("leases", []))
    assert inspection.database["isAuthEnabled"] == (cluster.user is not None)
    assert 0 < inspection.database["consistentIndex"] <= int(status["raftIndex"])
    minor = ".".join(release.version.split(".")[:2])
    assert inspection.database["clusterVersion"] == f"{minor}.0"

    # What an independent walk says.
    pages = bolt.Pages.of(snapshot.read_bytes())
    assert inspection.database["pagesInUse"] == len(pages.used) + 2


def test_people_get_a_table(start_etcd, tmp_path):
    cluster = start_etcd()
    cluster.fill(20, deletes=3)
    snapshot = tmp_path / "snapshot.db"
    cluster.etcdctl("snapshot", "save", str(snapshot))
    done = subprocess.run([BINARY, "inspect", snapshot], capture_output=True, text=True, timeout=60)
    lines = dict(line.split("  ", 1) for line in done.stdout.splitlines())
    figures = {name: value.strip() for name, value in lines.items()}
    assert figures["database"] == "sound" and figures["sha-256"] == "right"
    hash, revision, records, _ = cluster.snapshot_status(snapshot).split(", ")
    assert (figures["hash"], figures["revision"], figures["records"]) == (hash.zfill(8), revision, records)
    assert figures["live keys"] == "17"


def settle(cluster: Cluster) -> None:
    """Waits until nothing goes on in the background: the leader decides on the cluster's version some
    seconds after its start, and a compaction deletes records for a while."""
    def is_decided() -> bool:
        answer = urllib.request.urlopen(f"{cluster.first.url}/version", timeout=10)
        return json.load(answer)["etcdcluster"] != "not_decided"

    def is_quiet() -> bool:
        hashes.append(gateway.call("maintenance/hash")["hash"])
        time.sleep(0.5)
        return hashes[-2:-1] == hashes[-1:]

    wait_until(is_decided, "the decision on the cluster's version")
    hashes: list[int] = []
    with cluster.gateway() as gateway:
        wait_until(is_quiet, "an etcd that changes nothing any more")


@pytest.mark.parametrize("release", RELEASES)
def test_the_file_that_etcd_works_on_is_read_as_well(start_etcd, tmp_path, release):
    cluster = start_etcd(release)
    cluster.fill(2000, deletes=50)
    snapshot = tmp_path / "snapshot.db"
    cluster.etcdctl("snapshot", "save", str(snapshot))
    cluster.first.kill()
    saved = bolt.inspect(snapshot)
    live = bolt.inspect(cluster.first.data / "member" / "snap" / "db")
    assert live.report["snapshotStatus"]["hash"] == saved.report["snapshotStatus"]["hash"]
    assert live.database["buckets"] == saved.database["buckets"]
    assert live.report["revision"] == saved.report["revision"]
    assert live.report["sha256"] == "none"


def test_M2_the_file_of_a_member_that_lags_says_so(start_etcd):
    cluster = start_etcd(size=3)
    cluster.fill(100)
    lagging = cluster.followers[0]
    lagging.pause()
    with next(member for member in cluster.members if member.is_serving).gateway() as gateway:
        for number in range(50):
            answer = gateway.call("kv/put", {"key": encode(f"/later/{number}"), "value": encode("x")})
    acknowledged = int(answer["header"]["revision"])
    lagging.kill()
    assert bolt.inspect(lagging.data / "member" / "snap" / "db").report["revision"] < acknowledged
