"""Every etcd release we promise, plain, with TLS and with authentication: what was backed up is what is restored."""

import pytest

from certificates import TLS
from etcd import Release

RELEASES = [pytest.param(release, id=f"etcd-{release.version}") for release in Release.all()]
WITH_LEARNERS = [param for param in RELEASES if "etcd-3.3" not in str(param.id)]

pytestmark = pytest.mark.usefixtures("transport")


def test_all_promised_releases_are_here():
    versions = {release.version for release in Release.all()}
    assert versions >= {"3.3.25", "3.4.23", "3.5.1", "3.5.16"}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("security", ["plain", "tls", "authentication", "tls-and-authentication"])
def test_a_backup_restores_every_key_and_revision(empty_world, start_etcd, tmp_path, release, security):
    tls = None
    if "tls" in security:
        # With authentication on, the gateway refuses a client certificate that has a common name.
        name = None if "authentication" in security else "etcd-backup"
        tls = TLS.make(tmp_path / "tls", client_name=name)
    cluster = start_etcd(release, tls=tls)
    cluster.fill(400, deletes=30, leases=5)
    if "authentication" in security:
        cluster.enable_authentication("s3cret of root")
    empty_world.back_up(cluster)
    contents = cluster.contents()

    run = empty_world.run()
    path = empty_world.assert_success(run)

    cluster.put("/written/after/the/backup", "not in it")
    empty_world.assert_restores(path, cluster, contents)
    metadata = empty_world.properties(path).metadata
    assert metadata["etcdversion"] == release.version
    assert metadata["revision"] == str(contents.revision)
    for secret in ("s3cret of root", empty_world.sandbox.account_key):
        assert secret not in run.log
