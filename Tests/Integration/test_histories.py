"""Lineages and histories, with real etcd: whatever becomes of a cluster or of a record, no good backup is lost."""

import json
import shutil
import time

import pytest

from world import NAMESPACE, RECORD, RECORDED_PATH

# Retention as sharp as it can be: one backup stays, and all others are old after a second.
SHARP = {"APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": "1", "APP_CLEANER_EXPIRATION_BLOB_TIME": "0s"}
BROKEN = "etcd is not the cluster of the last backup, or has lost its data"


def back_up(world, cluster=None, **env) -> str:
    """One run, a little after the one before; returns the blob's name."""
    if cluster:
        world.back_up(cluster)
    time.sleep(1.1)  # ages count whole seconds
    before = set(world.blob_names)
    run = world.run(**SHARP, **env)
    world.log = run.log
    assert run.status == 0, run
    (new,) = set(world.blob_names) - before
    return new


def histories(world) -> list[dict]:
    return json.loads(world.record["backup-histories"])


def revision(world, name: str) -> int:
    return int(world.container.get_blob_client(name).get_blob_properties().metadata["revision"])


class Swapped:
    """Clusters that take turns at the same URLs with the same token, and so have the same cluster id."""

    def __init__(self, cluster):
        self.member = cluster.first
        self.cluster = cluster
        self.data = {"first": self.member.data}

    def serve(self, name: str):
        """Puts that cluster in the place of the other; a new one begins empty."""
        self.member.kill()
        is_new = name not in self.data
        self.member.data = self.data.setdefault(name, self.cluster.folder / f"{name}.etcd")
        self.member.start(f"{self.member.name}={self.member.peer_url}" if is_new else "")
        self.member.wait_until_healthy()
        return self.cluster


def test_D12_a_run_deletes_no_backup_of_another_record_under_its_prefix(world, start_etcd):
    theirs = back_up(world, start_etcd(), APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING="other-record")
    ours = start_etcd()
    names = [back_up(world, ours) for _ in range(4)]
    assert world.blob_names == sorted([theirs, names[-1]])
    assert "backups of another lineage are left alone" in world.log and "blob prefix of its own" in world.log
    check = world.run("check")
    assert check.status == 78 and "belong to another record" in check.text, check.text
    rows = world.run("list").text.splitlines()
    lineages = {row.split("…")[1].split()[0] for row in rows[1:]}
    assert len(lineages) == 2, rows


def test_D12_nor_where_both_clusters_have_the_same_id(world, etcd):
    clusters = Swapped(etcd)
    theirs = back_up(world, APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING="other-record")
    clusters.serve("second")
    for _ in range(3):
        ours = back_up(world)
    assert world.blob_names == sorted([theirs, ours])
    assert BROKEN not in world.log
    ids = {world.container.get_blob_client(name).get_blob_properties().metadata["clusterid"] for name in (theirs, ours)}
    assert len(ids) == 1


def test_D13_two_clusters_that_take_turns_on_one_record_delete_nothing(world, start_etcd):
    one, other = start_etcd(), start_etcd()
    for cluster in (one, other):
        back_up(world, cluster)
    assert BROKEN in world.log
    back_up(world, one)
    assert "two clusters seem to write to one record" not in world.log, "a way back is no alternation"
    left = set(world.blob_names)
    new = {back_up(world, cluster) for cluster in (other, one, other)}
    assert "two clusters seem to write to one record" in world.log
    assert "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING" in world.log
    assert set(world.blob_names) == left | new
    check = world.run("check", **SHARP)
    assert check.status == 78 and "fail  history: two clusters" in check.text, check.text


def test_D13_nor_where_both_clusters_have_the_same_id(world, etcd):
    clusters = Swapped(etcd)
    back_up(world)
    for name in ("second", "first"):
        clusters.serve(name)
        back_up(world)
    left = set(world.blob_names)
    for name in ("second", "first"):
        clusters.serve(name)
        left.add(back_up(world))
        assert "two clusters seem to write to one record" in world.log
    assert set(world.blob_names) == left


def test_D16_an_etcd_that_lost_its_volumes_does_not_push_out_the_good_backups(world, etcd):
    good = [back_up(world) for _ in range(3)][-1]
    assert world.blob_names == [good] and revision(world, good) > 20
    etcd.first.kill()
    shutil.rmtree(etcd.first.data)
    etcd.first.start(f"{etcd.first.name}={etcd.first.peer_url}")
    etcd.first.wait_until_healthy()
    empty = back_up(world)
    assert BROKEN in world.log and good in world.log
    noted = world.sandbox.configmap(NAMESPACE, f"{RECORD}-history-broke")
    assert noted == {key: world.record[key] for key in ("backup-history-broke-time", "backup-previous-history-path")}
    for _ in range(3):
        empty = back_up(world, APP_CLEANER_HISTORY_EXPIRATION="0s")
    assert BROKEN not in world.log
    assert world.blob_names == sorted([good, empty]) and revision(world, empty) == 1
    assert world.record["backup-previous-history-path"].endswith(good)
    assert world.record["backup-history-broke-time"].endswith("Z")
    check = world.run("check", **SHARP)
    assert check.status == 0 and good in check.text and "warn  history" in check.text, check.text


def test_D16_a_restored_cluster_begins_a_history_and_an_undone_restore_resumes_the_former(world, start_etcd, tmp_path):
    old = start_etcd()
    old.fill(50)
    good = back_up(world, old)
    before = world.record["backup-history"]
    snapshot = tmp_path / "restored.db"
    snapshot.write_bytes(world.download(world.recorded_path))
    with old.restore(snapshot, tmp_path / "restored") as restored:
        second = back_up(world, restored)
        third = back_up(world, restored)
        assert world.record["backup-history"] not in ("", before)
        assert set(world.blob_names) == {good, third}
    resumed = back_up(world, old)
    assert world.record["backup-history"] == before
    assert "whose history goes on" in world.log and "two clusters seem" not in world.log
    assert world.record["backup-previous-history-path"].endswith(third)
    assert set(world.blob_names) == {third, resumed} and second not in world.blob_names
    assert [bool(history.get("endTime")) for history in histories(world)] == [False, True]


def test_a_record_that_is_lost_begins_a_lineage_and_deletes_nothing_of_the_former(world):
    former = back_up(world)
    lineage = world.record["backup-lineage"]
    world.sandbox.put_configmap(NAMESPACE, RECORD, {})
    for _ in range(3):
        newest = back_up(world)
    assert world.record["backup-lineage"] != lineage
    assert world.blob_names == sorted([former, newest])
    assert "retention --adopt LINEAGE" in world.log and lineage in world.log


@pytest.mark.parametrize("key, value", [("backup-lineage", "nonsense"), ("backup-histories", "[{}]")])
def test_a_record_that_cannot_be_read_costs_no_backup(world, key, value):
    back_up(world)
    former = back_up(world)
    lineage = world.record["backup-lineage"]
    world.sandbox.put_configmap(NAMESPACE, RECORD, world.record | {key: value})
    assert world.run("check").status == 0
    back_up(world)
    replaced = lineage if key == "backup-histories" else former.rsplit("/", 1)[1]
    assert "a new lineage begins" in world.log and replaced in world.log, world.log
    assert world.record["backup-lineage"] not in (lineage, value)
    newest = back_up(world)
    assert set(world.blob_names) == {former, newest}


def test_the_record_keeps_keys_that_it_does_not_know_and_the_path(world):
    world.sandbox.put_configmap(NAMESPACE, RECORD, {"somebody": "else's", RECORDED_PATH: ""})
    back_up(world)
    assert world.record["somebody"] == "else's" and world.record["backup-lineage"]
