"""Many clusters in one container: what a run asks for and what it holds does not grow with its neighbours."""

import collections
import time

import pytest

from world import CONTAINER, PREFIX

CLUSTERS = 5000


def plant_neighbours(world, clusters: int, backups: int) -> None:
    """As many clusters as that, around our prefix in the order of names, each with hourly backups."""
    now = time.time()
    places = (f"{PREFIX}-", "a-cluster-")
    world.sandbox.plant_blobs(CONTAINER, [
        (f"{places[number % 2]}{number:05}/01ARZ3NDEKTSV4RRFFQ6{backup:06}", 1 << 20, now - 3600 * backup)
        for number in range(clusters) for backup in range(backups)])


def measured(world) -> tuple[collections.Counter, int]:
    """What a run asks of store and API server, and the most memory that it had."""
    run = world.run()
    asked = collections.Counter((each["service"], each["operation"]) for each in world.requests())
    world.assert_success(run)
    return asked, run.peak_bytes


@pytest.mark.parametrize("backups", [1, pytest.param(12, marks=pytest.mark.long)])
def test_a_run_costs_the_same_beside_5000_neighbours(world, backups):
    world.assert_success(world.run())  # begins the lineage
    alone, memory_alone = measured(world)
    plant_neighbours(world, CLUSTERS, backups)
    beside, memory_beside = measured(world)
    assert beside == alone and sum(alone.values()) < 20
    assert memory_beside < memory_alone + (4 << 20)
