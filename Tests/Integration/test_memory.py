"""R1: peak memory is at most 64 MiB, and 24 bytes for each page that is checked, however large the database is."""

import pytest

from world import MEBIBYTE

PAGE_SIZE = 4096


def assert_little_memory(run, database_size):
    limit = 64 * MEBIBYTE + 24 * database_size // PAGE_SIZE
    assert run.peak_bytes <= limit, f"{run.peak_bytes / MEBIBYTE:.1f} MiB\n{run}"


@pytest.mark.parametrize("megabytes", [20, 80, pytest.param(200, marks=pytest.mark.long)])
def test_R1_peak_memory_does_not_depend_on_the_size(empty_world, start_etcd, megabytes):
    cluster = start_etcd()
    cluster.fill(megabytes, value_size=MEBIBYTE)
    empty_world.back_up(cluster)
    run = empty_world.run()
    path = empty_world.assert_success(run)
    assert_little_memory(run, empty_world.properties(path).size)


def test_R1_a_slow_store_does_not_fill_the_memory(empty_world, start_etcd):
    cluster = start_etcd()
    cluster.fill(80, value_size=MEBIBYTE)
    empty_world.back_up(cluster)
    empty_world.fault("PutBlock", "throttle", bytesPerSecond=4_000_000)  # on each of the connections
    run = empty_world.run()
    path = empty_world.assert_success(run)
    assert_little_memory(run, empty_world.properties(path).size)


@pytest.mark.large
def test_R1_two_gigabytes_take_no_more_memory(empty_world, start_etcd):
    cluster = start_etcd()
    cluster.fill(2048, value_size=MEBIBYTE)
    empty_world.back_up(cluster)
    run = empty_world.start().wait(seconds=600)
    size = empty_world.properties(empty_world.assert_success(run)).size
    assert size > 2_000_000_000
    assert_little_memory(run, size)
