"""R1: peak memory is at most 64 MiB, and the same for a small database and a large one."""

import pytest

from world import MEBIBYTE

LIMIT = 64 * MEBIBYTE


@pytest.mark.parametrize("megabytes", [20, 200])
def test_R1_peak_memory_does_not_depend_on_the_size(empty_world, start_etcd, megabytes):
    cluster = start_etcd()
    cluster.fill(megabytes, value_size=MEBIBYTE)
    empty_world.back_up(cluster)
    run = empty_world.run()
    empty_world.assert_success(run)
    assert run.peak_bytes <= LIMIT, f"{run.peak_bytes / MEBIBYTE:.1f} MiB\n{run}"


def test_R1_a_slow_store_does_not_fill_the_memory(empty_world, start_etcd):
    cluster = start_etcd()
    cluster.fill(60, value_size=MEBIBYTE)
    empty_world.back_up(cluster)
    empty_world.fault("PutBlock", "throttle", bytesPerSecond=8_000_000)
    run = empty_world.run()
    empty_world.assert_success(run)
    assert run.peak_bytes <= LIMIT, f"{run.peak_bytes / MEBIBYTE:.1f} MiB\n{run}"


@pytest.mark.large
def test_R1_two_gigabytes_take_no_more_memory(empty_world, start_etcd):
    cluster = start_etcd()
    cluster.fill(2048, value_size=MEBIBYTE)
    empty_world.back_up(cluster)
    run = empty_world.start().wait(seconds=600)
    path = empty_world.assert_success(run)
    assert empty_world.properties(path).size > 2_000_000_000
    assert run.peak_bytes <= LIMIT, f"{run.peak_bytes / MEBIBYTE:.1f} MiB\n{run}"
