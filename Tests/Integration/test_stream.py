"""A snapshot stream that breaks in any way leaves nothing visible, and the record as it was."""

import signal

import pytest

from etcd import Cluster, Release
from processes import AT_ONCE
from relay import Relay
from world import MEBIBYTE

SIZE = 12 * MEBIBYTE

pytestmark = pytest.mark.usefixtures("transport")


@pytest.fixture(scope="module")
def twelve_megabytes(tmp_path_factory):
    """What is done to their stream is done behind the etcd, which no test changes."""
    with Cluster(tmp_path_factory.mktemp("stream") / "etcd") as cluster:
        cluster.fill(12, value_size=MEBIBYTE)
        yield cluster


@pytest.fixture
def big(empty_world, twelve_megabytes):
    """Backed up once, so that there is a record to keep."""
    empty_world.back_up(twelve_megabytes)
    empty_world.assert_success(empty_world.run())
    return twelve_megabytes


def offset(fraction: float, transport: str) -> int:
    """So far into the answer; the gateway writes the database in base64."""
    return int(SIZE * fraction * (4 / 3 if transport == "gateway" else 1))


def assert_old_record_stands(world, run, before):
    world.assert_nothing_happened(run, status=1, blobs=[before.split("/", 1)[1]], path=before)
    world.assert_whole(before)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("fraction", [0.001, 0.25, 0.5, 0.999])
def test_S1_a_connection_cut_in_mid_stream_is_no_backup(empty_world, big, transport, fraction, reset):
    before = empty_world.recorded_path
    with Relay(big.first.client_port) as relay:
        relay.cut_at, relay.reset = offset(fraction, transport), reset
        run = empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=relay.url)
    assert_old_record_stands(empty_world, run, before)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("fraction", [0.01, 0.3, 0.7, 0.99])
def test_S4_one_flipped_bit_is_no_backup(empty_world, big, transport, fraction):
    before = empty_world.recorded_path
    with Relay(big.first.client_port) as relay:
        relay.flip_bit_at = offset(fraction, transport)
        run = empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=relay.url)
    assert_old_record_stands(empty_world, run, before)


def start_against_a_slow_store(world, cluster, **env):
    """A run whose store has taken the first of some 40 blocks and keeps the next waiting. etcd is certainly still sending:
    the program holds two blocks more, and the sockets a few."""
    cluster.fill(40, value_size=MEBIBYTE)
    world.back_up(cluster)
    world.hold("PutBlock", skip=1)
    program = world.start(APP_BACKUP_BLOCK_SIZE="1MiB", APP_BACKUP_BLOCKS_IN_FLIGHT="1", **env)
    world.wait_for_held("PutBlock")
    return program


@pytest.mark.sampled(3)
@pytest.mark.parametrize("release", Release.all(), ids=lambda release: f"etcd-{release.version}")
def test_S1_etcd_killed_in_mid_stream_is_no_backup(empty_world, start_etcd, release):
    cluster = start_etcd(release)
    program = start_against_a_slow_store(empty_world, cluster)
    cluster.first.kill()
    empty_world.release()
    run = program.wait()
    empty_world.assert_nothing_happened(run, status=1)


def test_S7_a_silent_etcd_ends_with_the_deadline(empty_world, big):
    before = empty_world.recorded_path
    with Relay(big.first.client_port) as relay:
        relay.silent_at = SIZE // 2
        run = empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=relay.url, APP_BACKUP_TIMEOUT="3s")
    assert_old_record_stands(empty_world, run, before)
    assert run.seconds < 3 + AT_ONCE, run


def test_S7_a_stopped_etcd_process_ends_with_the_deadline(empty_world, start_etcd):
    cluster = start_etcd()
    program = start_against_a_slow_store(empty_world, cluster, APP_BACKUP_TIMEOUT="10s")
    cluster.first.pause()
    empty_world.release()
    run = program.wait()
    cluster.first.resume()
    empty_world.assert_nothing_happened(run, status=1)


@pytest.mark.parametrize("keys, value_size", [(0, 0), (1, 1), (8, MEBIBYTE), (64, 128 * 1024)])
def test_S9_databases_of_all_sizes_restore(empty_world, start_etcd, keys, value_size):
    cluster = start_etcd()
    cluster.fill(keys, value_size=value_size)
    empty_world.back_up(cluster)
    contents = cluster.contents()
    path = empty_world.assert_success(empty_world.run())
    empty_world.assert_restores(path, cluster, contents)


def test_S9_a_snapshot_equals_etcdctls_own(world, etcd, tmp_path):
    path = world.assert_success(world.run())
    etcd.etcdctl("snapshot", "save", str(tmp_path / "own.db"))
    assert world.download(path) == (tmp_path / "own.db").read_bytes()


def test_the_next_run_after_a_broken_one_is_clean(empty_world, big):
    before = empty_world.recorded_path
    program = empty_world.start()
    program.send(signal.SIGKILL)
    program.wait()
    path = empty_world.assert_success(empty_world.run())
    assert path != before
    empty_world.assert_whole(path)
