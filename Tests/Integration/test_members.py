"""Several members: the run finds one that is up to date, and says so when there is none."""

import pytest

from balancer import BALANCERS
from etcd import Release
from partition import PeerRelays
from processes import free_port

RELEASES = [pytest.param(release, id=f"etcd-{release.version}") for release in Release.all()]

pytestmark = pytest.mark.usefixtures("transport")


def test_M1_one_member_down_still_backs_up(empty_world, three):
    three.followers[0].kill()
    contents = three.contents()
    path = empty_world.assert_success(empty_world.run())
    empty_world.assert_restores(path, three, contents)


def test_M1_the_leader_down_still_backs_up(empty_world, three):
    leader = next(member for member in three.members if member not in three.followers)
    leader.kill()
    three.wait_for_leader()
    three.put("/after/the/election", "x")
    contents = three.contents()
    path = empty_world.assert_success(empty_world.run())
    empty_world.assert_restores(path, three, contents)


def test_M1_an_endpoint_nobody_listens_on_is_passed_over(world, etcd):
    endpoints = f"http://127.0.0.1:{free_port()},{etcd.endpoints}"
    run = world.run(APP_BACKUP_ETCD_ENDPOINTS=endpoints)
    world.assert_whole(world.assert_success(run))


def test_all_endpoints_dead_names_each(world):
    dead = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
    run = world.run(APP_BACKUP_ETCD_ENDPOINTS=",".join(dead))
    world.assert_nothing_happened(run, status=1)
    for endpoint in dead:
        assert endpoint.removeprefix("http://") in run.log, run


def test_M2_a_stopped_member_that_lags_is_not_the_one(empty_world, three):
    lagging = three.followers[0]
    lagging.pause()
    for number in range(20):
        three.put(f"/while/it/slept/{number}", "x")
    contents = three.contents()
    # First in the list, so that a run that trusts the first answer would wait for it.
    others = [member.url for member in three.members if member is not lagging]
    run = empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=",".join([lagging.url, *others]))
    path = empty_world.assert_success(run)
    empty_world.assert_restores(path, three, contents)


def test_M2_a_member_cut_off_from_its_peers_is_not_the_one(empty_world, start_etcd):
    three = start_etcd(size=3, peers=PeerRelays())
    cut_off = three.followers[0]
    three.isolate(cut_off)
    others = [member for member in three.members if member is not cut_off]
    three.members = [*others, cut_off]
    for number in range(20):
        three.put(f"/behind/its/back/{number}", "x")
    contents = three.contents()
    # First in the list, and it answers at once: what it has is whole, but old.
    endpoints = ",".join([cut_off.url, *(member.url for member in others)])
    path = empty_world.assert_success(empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=endpoints))
    empty_world.assert_restores(path, three, contents)
    assert empty_world.properties(path).metadata["quorum"] == "yes"


def test_M2_a_snapshot_of_a_member_that_lags_is_no_backup(empty_world, three, transport, tmp_path):
    """Behind one address are several members: one answers the read, another sends the snapshot."""
    lagging = three.followers[0]
    lagging.pause()
    acknowledged = [three.put(f"/while/it/slept/{number}", "x") for number in range(20)][-1]
    up_to_date = next(member for member in three.members if member is not lagging)
    with lagging.copied_alone(tmp_path / "lagging") as behind:
        found = behind.contents().revision
        assert found < acknowledged
        with BALANCERS[transport](snapshots=behind.first.url, others=up_to_date.url) as balancer:
            run = empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=balancer.url)
    empty_world.assert_nothing_happened(run, status=1)
    assert f"ends at revision {found}, but revision {acknowledged} had been acknowledged" in run.log, run
    assert "load balancer" in run.log, run
    assert not empty_world.requests("PutBlockList"), run
    with BALANCERS[transport](snapshots=up_to_date.url, others=up_to_date.url) as balancer:
        run = empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=balancer.url)
    empty_world.assert_restores(empty_world.assert_success(run), three, three.contents())


def test_M2_a_snapshot_of_a_member_cut_off_from_its_peers_is_no_backup(empty_world, start_etcd, transport):
    three = start_etcd(size=3, peers=PeerRelays())
    cut_off = three.followers[0]
    three.isolate(cut_off)
    up_to_date = next(member for member in three.members if member is not cut_off)
    with BALANCERS[transport](snapshots=cut_off.url, others=up_to_date.url) as balancer:
        run = empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=balancer.url)
    empty_world.assert_nothing_happened(run, status=1)
    assert "no leader" in run.log, run


def test_M5_only_a_member_cut_off_from_its_peers_is_backed_up_and_marked(empty_world, start_etcd):
    three = start_etcd(size=3, peers=PeerRelays())
    three.fill(50)
    before = three.contents()
    cut_off = three.followers[0]
    three.isolate(cut_off)
    run = empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=cut_off.url)
    path = empty_world.assert_success(run)
    assert "quorum" in run.log, run
    assert empty_world.properties(path).metadata["quorum"] == "no"
    empty_world.assert_restores(path, three, before)


def test_M3_a_learner_is_never_the_one(empty_world, start_etcd):
    cluster = start_etcd()
    cluster.fill(50)
    learner = cluster.add_learner()
    endpoints = f"{learner.url},{cluster.first.url}"
    empty_world.back_up(cluster)
    path = empty_world.assert_success(empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=endpoints))
    voter = cluster.first.status()["header"]["member_id"]
    assert int(empty_world.properties(path).metadata["memberid"], 16) == int(voter)


def test_M3_a_learner_alone_is_refused(empty_world, start_etcd):
    cluster = start_etcd()
    learner = cluster.add_learner()
    empty_world.back_up(cluster)
    run = empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=learner.url)
    empty_world.assert_nothing_happened(run, status=run.status)
    assert run.status in (1, 78) and "learner" in run.log, run


@pytest.fixture
def alarmed(empty_world, start_etcd):
    """Starts a member of a release that has raised an alarm, and has the runs back it up."""
    def start(release: Release, alarm: str) -> None:
        cluster = start_etcd(release)
        cluster.fill(50)
        cluster.alarm(alarm)
        empty_world.back_up(cluster)

    return start


@pytest.mark.parametrize("release", RELEASES)
def test_M4_a_corrupt_alarm_stops_the_run(empty_world, alarmed, release):
    alarmed(release, "CORRUPT")
    run = empty_world.run()
    empty_world.assert_nothing_happened(run, status=1)
    assert "etcd reports a corrupt member" in run.log, run
    assert "replace it, and disarm the alarm" in run.log, run


def test_M4_a_backup_with_a_corrupt_alarm_in_it_can_be_read_back(empty_world, alarmed):
    alarmed(Release("3.3.25"), "CORRUPT")  # says nothing of alarms in its status
    path = empty_world.assert_success(empty_world.run(APP_BACKUP_PAGE_CHECK="off"))
    verification = empty_world.run("verify", path)
    assert verification.status == 0, verification
    empty_world.assert_whole(path)


@pytest.mark.parametrize("release", RELEASES)
def test_M4_a_nospace_alarm_warns_and_backs_up(empty_world, alarmed, release):
    alarmed(release, "NOSPACE")
    run = empty_world.run()
    path = empty_world.assert_success(run)
    warnings = [event["msg"] for event in run.events if event["level"] == "warn"]
    assert warnings == ["etcd is out of space"], run
    empty_world.assert_whole(path)


def test_M5_without_quorum_the_last_member_is_backed_up_and_marked(empty_world, three):
    contents = three.contents()
    for follower in three.followers:
        follower.kill()
    three.wait_for_no_leader()
    run = empty_world.run()
    path = empty_world.assert_success(run)
    warnings = [(event["msg"], event.get("error")) for event in run.events if event["level"] == "warn"]
    assert len(warnings) == len({error for _, error in warnings}), f"a failure is told twice\n{run}"
    assert [msg for msg, _ in warnings].count("a request is tried again") == 1 and "quorum" in run.log, run
    assert empty_world.properties(path).metadata["quorum"] == "no"
    empty_world.assert_restores(path, three, contents)


def test_members_of_two_clusters_are_refused(world, etcd, start_etcd):
    stranger = start_etcd()
    run = world.run(APP_BACKUP_ETCD_ENDPOINTS=f"{etcd.endpoints},{stranger.endpoints}")
    world.assert_nothing_happened(run, status=78)
    assert "different etcd clusters" in run.log, run
