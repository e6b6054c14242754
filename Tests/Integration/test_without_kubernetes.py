"""Runs without Kubernetes: no API is contacted, and the blobs' own metadata say what the record says otherwise."""

import time

import pytest

from program import Run
from test_folders import folder
from test_histories import BROKEN, SHARP, Swapped
from world import CONTAINER, STORE_SECRET, World

KUBERNETES = [
    "APP_WORKING_NAMESPACE", "APP_ABS_SECRET_NAME", "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING", "APP_KUBECONFIG_PATH"]


@pytest.fixture
def alone(empty_world, tmp_path) -> World:
    """A world whose runs have no Kubernetes, and no etcd yet."""
    world = empty_world
    world.with_kubernetes = dict(world.env)
    for name in KUBERNETES:
        del world.env[name]
    world.env["APP_ABS_SECRET_DIRECTORY"] = folder(
        tmp_path / "store", {"storage-account": world.sandbox.account, "storage-key": world.sandbox.account_key})
    return world


def back_up(world, cluster=None, **env) -> str:
    """One run, a little after the one before; returns the blob's name."""
    if cluster:
        world.back_up(cluster)
    time.sleep(1.1)  # ages count whole seconds
    before = set(world.blob_names)
    world.latest = run = world.run(**env)
    asked = {request["service"] for request in world.requests()}
    assert run.status == 0 and asked == {"blob"}, f"{asked}\n{run}"
    [new] = set(world.blob_names) - before
    return new


def metadata(world, name: str) -> dict[str, str]:
    return world.container.get_blob_client(name).get_blob_properties().metadata


def assert_refused(world, run: Run, *words: str) -> None:
    assert run.status == 78 and all(word in run.log for word in words), run
    assert world.requests() == [], "something was contacted"


# Everything that works


def test_A24_every_command_works_without_kubernetes(alone, etcd, tmp_path):
    name = back_up(alone, etcd)
    assert "backup recorded" not in alone.latest.log
    listed = alone.run("list", "--output", "json")
    [row] = listed.json["backups"]
    assert listed.status == 0 and row["name"] == name.split("/")[1] and not row["recorded"], listed
    file = tmp_path / "backup.db"
    for command in (["verify", "latest"], ["verify", "--all"], ["download", "latest", "--file", str(file)],
                    ["inspect", str(file)]):
        run = alone.run(*command)
        assert run.status == 0, f"{command}: {run}"
    assert file.read_bytes() == alone.assert_whole(f"{CONTAINER}/{name}")
    checked = alone.run("check")
    assert checked.status == 0 and "kubernetes: not used" in checked.text and "record: none" in checked.text, checked.text
    assert {request["service"] for request in alone.requests()} == {"blob"}


def test_A24_what_a_record_is_needed_for_says_so(alone, etcd):
    back_up(alone, etcd)
    for command in (["retention"], ["verify", "--record"], ["download", "recorded", "--file", "x"]):
        run = alone.run(*command)
        assert run.status == 78 and "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING is required" in run.log, f"{command}: {run}"


def test_A24_microsofts_variables_are_enough(alone, etcd):
    alone.env |= {"AZURE_STORAGE_ACCOUNT": alone.sandbox.account, "AZURE_STORAGE_KEY": alone.sandbox.account_key}
    del alone.env["APP_ABS_SECRET_DIRECTORY"]
    alone.assert_whole(f"{CONTAINER}/{back_up(alone, etcd)}")


# What must be meant


def test_A25_in_a_pod_it_must_be_meant(alone, etcd):
    alone.back_up(etcd)
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    for command in ((), ("list",), ("check",)):
        run = alone.run(*command, **pod)
        text = run.log + run.text
        assert run.status == 78 and "APP_KUBERNETES" in text and "neither a Secret nor a ConfigMap" in text, run
        assert alone.requests() == [] and alone.blob_names == []
    back_up(alone, **pod, APP_KUBERNETES="off")


def test_A25_a_misspelt_name_in_a_pod_is_no_backup_without_a_record(alone, etcd):
    alone.back_up(etcd)
    run = alone.run(
        KUBERNETES_SERVICE_HOST="10.0.0.1", APP_WORKING_NAMESPACE="ns", APP_BACKUP_CONFIG_MAP_NAME="record")
    assert_refused(alone, run, "APP_KUBERNETES")


@pytest.mark.parametrize("env, words", [
    ({"APP_ABS_SECRET_DIRECTORY": None, "APP_ABS_SECRET_NAME": STORE_SECRET},
     ["APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING is required", "APP_WORKING_NAMESPACE is required"]),
    ({"APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING": "record"}, ["APP_WORKING_NAMESPACE is required"]),
    ({"APP_BACKUP_CLIENT_TLS_SECRET": "tls"}, ["APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING is required"]),
    ({"APP_KUBECONFIG_PATH": "/nowhere"}, ["APP_KUBECONFIG_PATH", "neither a Secret nor a ConfigMap"]),
    ({"APP_KUBERNETES": "off", "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING": "record"}, ["allowed with APP_KUBERNETES=off"]),
    ({"APP_KUBERNETES": "off", "APP_KUBECONFIG_PATH": "/nowhere"}, ["allowed with APP_KUBERNETES=off"]),
    ({"APP_KUBERNETES": "off", "APP_BACKUP_ETCD_CREDENTIALS_SECRET": "user"}, ["allowed with APP_KUBERNETES=off"]),
    ({"APP_KUBERNETES": "on"}, ["APP_WORKING_NAMESPACE is required", "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING is required"]),
    ({"APP_KUBERNETES": "no"}, ["on or off"]),
])
def test_A25_any_mixture_is_refused(alone, etcd, env, words):
    alone.back_up(etcd)
    assert_refused(alone, alone.run(**env), *words)


# Histories and retention


def test_A26_a_run_deletes_the_expired_backups_that_such_runs_stored_before(alone, etcd):
    first = back_up(alone, etcd)
    second = back_up(alone, **SHARP)
    assert alone.blob_names == [second]
    third = back_up(alone)
    assert alone.blob_names == [second, third], "young ones stay"
    told = [metadata(alone, name) for name in (second, third)]
    assert {each["record"] for each in told} == {"none"}
    assert len({(each["lineage"], each["history"]) for each in told}) == 1 and told[0]["history"] in first


def test_A26_the_newest_stay_however_old(alone, etcd):
    few = {**SHARP, "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": "3"}
    names = [back_up(alone, etcd, **few) for _ in range(5)]
    assert alone.blob_names == names[2:]


def test_A27_it_deletes_no_backup_that_a_record_may_name(alone, etcd):
    alone.back_up(etcd)
    of_record = alone.run(**SHARP, **{name: alone.with_kubernetes[name] for name in KUBERNETES},
                          APP_ABS_SECRET_DIRECTORY=None)
    recorded = alone.assert_success(of_record).split("/", 1)[1]
    planted = alone.plant_backups(3, hours_old=900)
    names = [back_up(alone, **SHARP) for _ in range(3)]
    assert alone.blob_names == sorted([*planted, recorded, names[-1]])
    assert metadata(alone, recorded)["record"] == "configmap"


def test_A27_a_run_with_a_record_deletes_none_of_a_run_without(alone, etcd):
    stored = back_up(alone, etcd)
    kubernetes = {name: alone.with_kubernetes[name] for name in KUBERNETES}
    for _ in range(2):
        time.sleep(1.1)  # ages count whole seconds
        run = alone.run(**SHARP, **kubernetes, APP_ABS_SECRET_DIRECTORY=None)
    path = alone.assert_success(run)
    assert alone.blob_names == sorted([stored, path.split("/", 1)[1]])


def test_A27_it_deletes_no_backup_of_another_cluster(alone, start_etcd):
    one, other = start_etcd(), start_etcd()
    first = back_up(alone, one)
    others = [back_up(alone, other, **SHARP) for _ in range(2)]
    assert alone.blob_names == [first, others[-1]]
    again = back_up(alone, one, **SHARP)
    assert alone.blob_names == [others[-1], again], "each cluster goes on with its own lineage"
    ids = [metadata(alone, name) for name in alone.blob_names]
    assert ids[0]["lineage"] != ids[1]["lineage"] and ids[0]["clusterid"] != ids[1]["clusterid"]


def test_A28_the_last_backup_before_a_wipe_stays_and_the_break_is_told(alone, etcd):
    clusters = Swapped(etcd)
    old = [back_up(alone, etcd, **SHARP) for _ in range(2)][-1]
    clusters.serve("empty")
    for number in range(3):
        new = back_up(alone, **SHARP)
        assert (BROKEN in alone.latest.log) == (number == 0), alone.latest.log
        assert old in alone.blob_names and new in alone.blob_names
    assert alone.blob_names == [old, new]
    assert metadata(alone, old)["lineage"] == metadata(alone, new)["lineage"]
    assert metadata(alone, old)["history"] != metadata(alone, new)["history"]
    run = alone.run("download", "latest", "--file", "x")
    assert run.status == 78 and old in run.log and new in run.log, "which one is meant, a person must say"


def test_A28_of_an_ended_history_the_newest_stay_until_its_expiration(alone, etcd):
    three = {**SHARP, "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS": "3"}
    clusters = Swapped(etcd)
    old = [back_up(alone, etcd, **three) for _ in range(4)]
    clusters.serve("empty")
    new = back_up(alone, **three)
    assert alone.blob_names == [*old[1:], new]
    time.sleep(2.1)  # more than the expiration, in whole seconds
    newer = back_up(alone, **three, APP_CLEANER_HISTORY_EXPIRATION="1s")
    assert alone.blob_names == [old[-1], new, newer]


def test_A29_a_listing_that_fails_deletes_nothing(alone, etcd):
    names = [back_up(alone, etcd) for _ in range(2)]
    alone.fault("ListBlobs", "status", path="include=metadata", status=403)
    time.sleep(1.1)  # ages count whole seconds
    run = alone.run(**SHARP)
    stored = set(alone.blob_names) - set(names)
    assert set(names) <= set(alone.blob_names) and len(stored) == 1, run
    alone.faults([])
    kept = stored.pop()
    assert "lineage" not in metadata(alone, kept) and metadata(alone, kept)["record"] == "none"
    back_up(alone, **SHARP)
    assert kept in alone.blob_names, "whose history it is of is not known, so it stays"
