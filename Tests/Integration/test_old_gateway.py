"""What the gateway of etcd 3.3.0 to 3.3.20 says otherwise than every later one is understood as well."""

import pytest

from etcd import Release
from old_gateway import OldGateway

RELEASE = Release("3.3.25")


@pytest.mark.parametrize("keys", [1, 4000])
def test_a_snapshot_without_line_ends_restores(empty_world, start_etcd, keys):
    cluster = start_etcd(RELEASE)
    cluster.fill(keys, value_size=1000)
    empty_world.back_up(cluster)
    contents = cluster.contents()
    with OldGateway(cluster.first) as gateway:
        path = empty_world.assert_success(empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=gateway.url))
    empty_world.assert_restores(path, cluster, contents)


@pytest.mark.parametrize("user, password, words", [
    ("root", "wr0ng-passw0rd", "username and password"), ("reader", "pw-of-reader", "root role"),
], ids=["wrong password", "without the root role"])
def test_a_user_that_etcd_refuses_is_told(empty_world, start_etcd, user, password, words):
    cluster = start_etcd(RELEASE)
    cluster.enable_authentication("pw-of-root", {"reader": "pw-of-reader"})
    empty_world.back_up(cluster)
    empty_world.use_credentials(user, password)
    with OldGateway(cluster.first) as gateway:
        run = empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=gateway.url)
    empty_world.assert_nothing_happened(run, status=78)
    assert words in run.log and password not in run.log, run


def test_credentials_do_no_harm_while_authentication_is_off(empty_world, start_etcd):
    cluster = start_etcd(RELEASE)
    empty_world.back_up(cluster)
    empty_world.use_credentials("root", "not needed")
    with OldGateway(cluster.first) as gateway:
        empty_world.assert_success(empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=gateway.url))


def test_M5_without_quorum_the_last_member_is_backed_up_and_marked(empty_world, start_etcd):
    three = start_etcd(RELEASE, size=3)
    contents = three.contents()
    left, *followers = sorted(three.members, key=lambda member: member in three.followers)
    for follower in followers:
        follower.kill()
    three.wait_for_no_leader(left)
    empty_world.back_up(three)
    with OldGateway(left) as gateway:
        path = empty_world.assert_success(empty_world.run(APP_BACKUP_ETCD_ENDPOINTS=gateway.url))
    assert empty_world.properties(path).metadata["quorum"] == "no"
    empty_world.assert_restores(path, three, contents)
