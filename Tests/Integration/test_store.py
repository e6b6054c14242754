"""A store that fails, stalls, lies or loses answers: either the backup is whole all the same, or there is none."""

from urllib.parse import urlsplit

import pytest

from etcd import Cluster
from processes import AT_ONCE, free_port, wait_until
from relay import Relay
from same_name import SameName
from world import CONTAINER, MEBIBYTE, NAMESPACE, PLANTED_SIZE, STORE_SECRET, assert_no_success_in

TRANSIENT = [
    pytest.param({"kind": "status", "status": 500, "code": "InternalError"}, id="500"),
    pytest.param({"kind": "status", "status": 500, "code": "OperationTimedOut"}, id="500-timed-out"),
    pytest.param({"kind": "status", "status": 502, "body": "<html>Bad Gateway</html>"}, id="502-proxy"),
    pytest.param({"kind": "status", "status": 503, "code": "ServerBusy", "retryAfter": "1"}, id="503"),
    pytest.param({"kind": "status", "status": 429, "code": "TooManyRequests"}, id="429"),
    pytest.param({"kind": "status", "status": 408, "code": "RequestTimeout"}, id="408"),
    pytest.param({"kind": "status", "status": 504, "body": ""}, id="504"),
    pytest.param({"kind": "reset", "afterBytes": 0}, id="reset"),
    pytest.param({"kind": "reset", "afterBytes": 300_000}, id="reset-in-the-body"),
    pytest.param({"kind": "lost-answer"}, id="lost-answer"),
    pytest.param({"kind": "cut", "afterBytes": 0}, id="cut-answer"),
]


@pytest.fixture
def blocks(empty_world, start_etcd):
    """Some 5 MB in blocks of 1 MiB, so that several are in flight; the first run makes a record to keep."""
    cluster = start_etcd()
    cluster.fill(5, value_size=MEBIBYTE)
    empty_world.back_up(cluster)
    empty_world.env["APP_BACKUP_BLOCK_SIZE"] = "1MiB"
    empty_world.assert_success(empty_world.run())
    return cluster


def assert_stored_once(world, run):
    """The run's backup is recorded, whole, and the only new one."""
    path = world.assert_success(run)
    world.assert_whole(path)
    assert len(world.blob_names) == 2, f"{world.blob_names}\n{run}"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize("operation", ["PutBlock", "PutBlockList"])
def test_U1_a_transient_failure_is_retried_and_the_body_sent_whole(empty_world, blocks, operation, fault):
    empty_world.faults([{"match": {"operation": operation}, "skip": 0, "times": 2, "action": fault}])
    assert_stored_once(empty_world, empty_world.run())


@pytest.mark.parametrize("operation, path", [
    ("HeadBlob", None), ("GetBlockList", None), ("ListBlobs", "maxresults=1000")])
def test_U1_a_transient_failure_after_the_commit_is_retried(empty_world, blocks, operation, path):
    empty_world.fault(operation, "status", path=path, status=503, code="ServerBusy", times=2)
    run = empty_world.run()
    assert_stored_once(empty_world, run)
    warnings = [(event["msg"], event["attempt"]) for event in run.events if event["level"] == "warn"]
    assert warnings == [("a request is tried again", 1), ("a request is tried again", 2)], run


def test_U1_a_store_that_stays_busy_is_given_up_on(empty_world, blocks):
    before = empty_world.recorded_path
    empty_world.fault("PutBlock", "status", status=503, code="ServerBusy", retryAfter="2")
    run = empty_world.run(APP_BACKUP_TIMEOUT="6s")
    empty_world.assert_nothing_happened(run, 1, blobs=[before.split("/", 1)[1]], path=before)
    assert run.seconds < 6 + AT_ONCE, run
    assert "stopped at the deadline of the run; the attempt before had failed" in run.log, run
    assert "ServerBusy" in run.log, run


def test_U1_a_stalled_store_ends_with_the_deadline(empty_world, blocks):
    before = empty_world.recorded_path
    empty_world.fault("PutBlock", "stall", afterBytes=100_000)
    run = empty_world.run(APP_BACKUP_TIMEOUT="4s")
    empty_world.assert_nothing_happened(run, 1, blobs=[before.split("/", 1)[1]], path=before)
    assert run.seconds < 4 + AT_ONCE, run


@pytest.mark.parametrize("status, code, words", [
    (403, "AuthenticationFailed", ["storage-key"]),
    (403, "AuthorizationFailure", ["firewall"]),
    (403, "KeyBasedAuthenticationNotPermitted", ["KeyBasedAuthenticationNotPermitted"]),
    (404, "ContainerNotFound", ["etcd-backups"]),
    pytest.param(400, "TlsVersionNotPermitted", ["TLS"], id="U13-tls"),
    pytest.param(400, "UnsupportedHeader", ["APP_ABS_API_VERSION"], id="U13-header"),
    pytest.param(409, "ContainerDisabled", ["enable the container again"], id="U13-disabled"),
    pytest.param(409, "BlobOperationNotSupported", ["general-purpose"], id="U13-operation"),
    pytest.param(413, "RequestBodyTooLarge", ["APP_BACKUP_BLOCK_SIZE"], id="U13-too-large"),
])
def test_U2_a_refusal_fails_fast_and_names_the_cause(empty_world, blocks, status, code, words):
    before = empty_world.recorded_path
    empty_world.fault("PutBlock", "status", status=status, code=code)
    run = empty_world.run()
    empty_world.assert_nothing_happened(run, 78, blobs=[before.split("/", 1)[1]], path=before)
    assert "tried again" not in run.log, run
    for word in [code, *words]:
        assert word in run.log, f"{word!r} is not said\n{run}"


def test_U13_another_version_of_the_service_will_do_and_one_the_store_lacks_is_named(world):
    world.assert_success(world.run(APP_ABS_API_VERSION="2019-07-07"))
    run = world.run(APP_ABS_API_VERSION="2019-07-08")
    assert run.status == 78, run
    for words in ("HeaderName: x-ms-version", "HeaderValue: 2019-07-08", "Set APP_ABS_API_VERSION"):
        assert words in run.log, f"{words!r} is not said\n{run}"


def test_U2_a_wrong_key_is_explained_and_never_shown(world):
    wrong = "c2VjcmV0IGtleSBvZiBub2JvZHk="
    world.sandbox.put_secret(NAMESPACE, STORE_SECRET, {
        "storage-account": world.sandbox.account, "storage-key": wrong})
    run = world.run()
    world.assert_nothing_happened(run, 78)
    assert "AuthenticationFailed" in run.log and wrong not in run.log, run


def test_U2_a_missing_container_is_explained_and_never_created(world):
    run = world.run(APP_ABS_CONTAINER_NAME="nobody-made-this")
    world.assert_nothing_happened(run, 78)
    assert "nobody-made-this" in run.log, run
    assert [c.name for c in world.service.list_containers()] == ["etcd-backups"]


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_U3_a_commit_whose_answers_are_lost_is_recognised_as_ours(empty_world, blocks, lost):
    empty_world.fault("PutBlockList", "lost-answer", times=lost)
    assert_stored_once(empty_world, empty_world.run())


@pytest.mark.parametrize("winner, statuses", [
    (0, [0, 1]),
    (1, [1, 2]),  # 2: its retention misses the name that it believes to have written, and deletes nothing
], ids=["the-first-commits-first", "the-second-commits-first"])
def test_U4_two_runs_that_write_to_one_name_store_all_of_the_one_or_all_of_the_other(
        empty_world, start_etcd, winner, statuses):
    world = empty_world
    world.env["APP_BACKUP_BLOCK_SIZE"] = "1MiB"
    clusters = [start_etcd(), start_etcd()]
    for cluster in clusters:
        cluster.fill(5, value_size=MEBIBYTE)
    world.hold("PutBlockList", times=1)
    first = world.start(APP_BACKUP_ETCD_ENDPOINTS=clusters[0].endpoints)
    name = world.name_of_upload()
    world.wait_for_held("PutBlockList")
    with SameName(world.sandbox, name) as same_name:
        second = world.start(
            APP_BACKUP_ETCD_ENDPOINTS=clusters[1].endpoints, APP_ABS_ENDPOINT=same_name.url,
            APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING="record-of-the-other")
        wait_until(same_name.committing.is_set, "the commit of the second")  # both have staged their blocks
        steps = [(first, world.release), (second, same_name.gate.set)]
        ended = {}
        for program, let_commit in steps if winner == 0 else reversed(steps):
            let_commit()
            ended[program] = program.wait()
    runs = [ended[first], ended[second]]
    assert [run.status for run in runs] == statuses, f"{runs[0]}\n{runs[1]}"
    assert "exists already" in runs[1 - winner].log, runs[1 - winner]
    assert_no_success_in(runs[1 - winner])
    assert world.blob_names == [name]
    world.assert_whole(f"{CONTAINER}/{name}")
    cluster_id = int(world.properties(f"{CONTAINER}/{name}").metadata["clusterid"], 16)
    assert cluster_id == int(clusters[winner].first.status()["header"]["cluster_id"])


def test_U5_the_commit_never_overwrites(empty_world, blocks):
    before = empty_world.recorded_path
    empty_world.hold("PutBlockList")
    program = empty_world.start()
    taken = empty_world.name_of_upload()
    empty_world.wait_for_held("PutBlockList")
    empty_world.plant(taken, hours_old=1)  # the blocks of the run stay staged beside it
    empty_world.release()
    run = program.wait()
    empty_world.assert_nothing_happened(run, 1, blobs=[before.split("/", 1)[1], taken], path=before)
    assert f"{taken} exists already" in run.log, run
    assert empty_world.properties(f"{CONTAINER}/{taken}").size == PLANTED_SIZE, "the blob of somebody else is still there"


def test_U5_no_name_is_used_twice(world):
    paths = [world.assert_success(world.run()) for _ in range(3)]
    assert len(set(paths)) == 3


def test_U6_a_block_damaged_on_the_way_is_sent_again(empty_world, blocks):
    url = urlsplit(empty_world.sandbox.blob_url)
    with Relay(url.port) as relay:
        relay.flip_request_bit_at = 400_000
        run = empty_world.run(APP_ABS_ENDPOINT=relay.url + url.path)
    assert [r["error"] for r in empty_world.requests() if "error" in r] == ["Crc64Mismatch"]
    assert_stored_once(empty_world, run)


def test_U6_a_store_that_confirms_another_checksum_is_not_believed(empty_world, blocks):
    empty_world.fault("PutBlock", "wrong-checksum", times=1)
    assert_stored_once(empty_world, empty_world.run())


def test_U7_a_store_that_keeps_less_than_it_confirms_is_found_out(empty_world, blocks):
    before = empty_world.recorded_path
    empty_world.fault("PutBlockList", "shorten")
    run = empty_world.run()
    empty_world.assert_nothing_happened(run, 1, blobs=[before.split("/", 1)[1]], path=before)


def test_U8_piles_of_uncommitted_blocks_do_no_harm(empty_world, blocks):
    for _ in range(3):
        empty_world.hold("PutBlock", skip=4)
        program = empty_world.start()
        empty_world.wait_for_held("PutBlock")
        program.kill()
    empty_world.release()
    assert_stored_once(empty_world, empty_world.run())


def test_the_endpoint_may_be_https_with_a_private_authority(world):
    path = world.assert_success(world.run(
        APP_ABS_ENDPOINT=world.sandbox.blob_tls_url, APP_ABS_CA_FILE=str(world.sandbox.ca_file)))
    world.assert_whole(path)


def test_an_endpoint_that_nobody_vouches_for_is_not_trusted(world):
    run = world.run(APP_ABS_ENDPOINT=world.sandbox.blob_tls_url)
    world.assert_nothing_happened(run, 78)
    assert "certificate" in run.log, run


def test_proxy_variables_hold_for_the_store(world):
    nobody = f"http://127.0.0.1:{free_port()}"
    run = world.run(http_proxy=nobody, APP_BACKUP_TIMEOUT="3s")
    world.assert_nothing_happened(run, 1)
    world.assert_success(world.run(http_proxy=nobody, no_proxy="127.0.0.1"))


def test_proxy_variables_hold_for_nothing_but_the_store(world):
    nobody = f"http://127.0.0.1:{free_port()}"
    world.assert_success(world.run(https_proxy=nobody))  # the API server speaks https, the store http
    world.assert_success(world.run(  # etcd speaks http, the store https
        http_proxy=nobody, APP_ABS_ENDPOINT=world.sandbox.blob_tls_url,
        APP_ABS_CA_FILE=str(world.sandbox.ca_file)))


def test_metadata_tells_what_the_backup_is(world, etcd):
    status = etcd.first.status()
    path = world.assert_success(world.run())
    properties = world.properties(path)
    assert properties.content_settings.content_type == "application/octet-stream"
    assert properties.size == len(world.download(path))
    metadata = properties.metadata
    assert metadata["etcdversion"] == status["version"]
    assert int(metadata["clusterid"], 16) == int(status["header"]["cluster_id"])
    assert int(metadata["memberid"], 16) == int(status["header"]["member_id"])
    assert metadata["revision"] == status["header"]["revision"]
    assert {"runid", "sha256", "time", "toolversion"} <= metadata.keys()


# A spool in front of a slow store

BLOCKS = 40


@pytest.fixture(scope="module")
def forty_blocks(tmp_path_factory):
    """Some 40 MB, which no test changes."""
    with Cluster(tmp_path_factory.mktemp("blocks") / "etcd") as cluster:
        cluster.fill(BLOCKS, value_size=MEBIBYTE)
        yield cluster


@pytest.fixture
def behind_a_slow_store(empty_world, forty_blocks):
    """Blocks of 1 MiB, of which the store takes three a second, one after the other."""
    empty_world.back_up(forty_blocks)
    empty_world.env |= {"APP_BACKUP_BLOCK_SIZE": "1MiB", "APP_BACKUP_BLOCKS_IN_FLIGHT": "1"}
    empty_world.fault("PutBlock", "throttle", bytesPerSecond=3 * MEBIBYTE)
    return forty_blocks


def blocks_stored_when_the_read_ended(world, cluster, **env):
    """A run, and how many blocks it had stored when etcd was done with the snapshot, and its read transaction with it."""
    served = cluster.first.snapshots_served()
    program = world.start(**env)
    wait_until(lambda: cluster.first.snapshots_served() == served + 1, "the end of etcd's read")
    assert program.is_running, program.output()
    return program, len(world.requests("PutBlock"))


def test_M6_a_spool_lets_etcd_go_while_the_store_takes_its_time(
        empty_world, behind_a_slow_store, transport, tmp_path):
    (tmp_path / "spool").mkdir()
    empty_world.hold("PutBlock", skip=1)
    program, stored = blocks_stored_when_the_read_ended(
        empty_world, behind_a_slow_store, APP_BACKUP_SPOOL_DIRECTORY=str(tmp_path / "spool"))
    assert stored == 1
    assert list((tmp_path / "spool").iterdir()) == []  # what is in it has no name that could stay behind
    empty_world.release()
    run = program.wait()
    empty_world.assert_whole(empty_world.assert_success(run))
    assert run.peak_bytes <= 64 * MEBIBYTE, run


@pytest.mark.parametrize("transport", ["gateway", pytest.param("grpc", marks=pytest.mark.long)], indirect=True)
def test_M6_without_a_spool_etcd_waits(empty_world, behind_a_slow_store, transport):
    program, stored = blocks_stored_when_the_read_ended(empty_world, behind_a_slow_store)
    assert stored > BLOCKS / 2
    empty_world.assert_whole(empty_world.assert_success(program.wait()))


@pytest.mark.parametrize("transport", [pytest.param("gateway", marks=pytest.mark.long), "grpc"], indirect=True)
def test_R2_behind_a_full_spool_etcd_waits(empty_world, behind_a_slow_store, transport, tmp_path):
    program, stored = blocks_stored_when_the_read_ended(
        empty_world, behind_a_slow_store, APP_BACKUP_SPOOL_DIRECTORY=str(tmp_path), APP_BACKUP_SPOOL_LIMIT="2MiB")
    assert stored > BLOCKS / 2
    empty_world.assert_whole(empty_world.assert_success(program.wait()))
