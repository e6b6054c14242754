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
