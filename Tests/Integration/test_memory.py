"""R1: peak memory is at most 64 MiB, and 24 bytes for each page that is checked, however large the database is."""

from collections.abc import Iterator

import pytest

from age_keys import key_pair
from etcd import Cluster
from world import MEBIBYTE

PAGE_SIZE = 4096


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """More than the bound, and the same for all tests, as nothing of it changes."""
    with Cluster(tmp_path_factory.mktemp("memory") / "etcd") as cluster:
        cluster.fill(80, value_size=MEBIBYTE)
        yield cluster


@pytest.fixture
def world(empty_world, cluster):
    empty_world.back_up(cluster)
    return empty_world


@pytest.fixture
def key(tmp_path):
    return key_pair(tmp_path / "key.txt")


def assert_little_memory(run, database_size: int = 0) -> None:
    assert run.status == 0, run
    limit = 64 * MEBIBYTE + 24 * database_size // PAGE_SIZE
    assert run.peak_bytes <= limit, f"{run.peak_bytes / MEBIBYTE:.1f} MiB\n{run}"


def assert_a_backup_takes_little_memory(world) -> int:
    run = world.start().wait(seconds=600)
    size = world.properties(world.assert_success(run)).size
    assert_little_memory(run, size)
    return size


def test_R1_peak_memory_does_not_depend_on_the_size(world):
    assert_a_backup_takes_little_memory(world)


@pytest.mark.long
def test_R1_200_megabytes_take_no_more_memory(empty_world, start_etcd, key):
    cluster = start_etcd()
    cluster.fill(200, value_size=MEBIBYTE)
    empty_world.back_up(cluster)
    assert_a_backup_takes_little_memory(empty_world)
    for compression in ("off", "zstd:3"):
        assert_encoding_takes_little_memory(empty_world, key, compression)


@pytest.mark.large
def test_R1_two_gigabytes_take_no_more_memory(empty_world, start_etcd):
    cluster = start_etcd()
    cluster.fill(2048, value_size=MEBIBYTE)
    empty_world.back_up(cluster)
    assert assert_a_backup_takes_little_memory(empty_world) > 2_000_000_000


def test_R1_a_slow_store_does_not_fill_the_memory(world):
    world.fault("PutBlock", "throttle", bytesPerSecond=4_000_000)  # on each of the connections
    assert_a_backup_takes_little_memory(world)


def test_R1_reading_a_backup_takes_little_memory(world, tmp_path):
    path = world.assert_success(world.run())
    assert_little_memory(world.run("verify"))
    assert_little_memory(world.run("download", "--file", str(tmp_path / "backup")))
    assert (tmp_path / "backup").read_bytes() == world.download(path)


@pytest.mark.parametrize("compression", ["off", "zstd:3"])
def test_R1_encoding_takes_little_memory(world, key, compression):
    assert_encoding_takes_little_memory(world, key, compression)


def assert_encoding_takes_little_memory(world, key, compression: str) -> None:
    run = world.run(
        APP_BACKUP_ENCRYPTION_RECIPIENTS=key.recipient, APP_BACKUP_COMPRESSION=compression,
        APP_BACKUP_ETCD_TRANSPORT="grpc")
    world.assert_success(run)
    assert_little_memory(run)
    assert_little_memory(world.run("verify", "--identity", str(key.file)))
