"""Fixtures: the chart rendered by both helms, or by one where helm's version cannot matter; and an etcd to back up."""

import subprocess

import pytest

from certificates import TLS
from etcd import Cluster
from helm import Helm
from processes import ROOT
from sampling import pytest_collection_modifyitems as pytest_collection_modifyitems


@pytest.fixture(scope="session")
def helm_programs():
    """Fetches both helms, once."""
    subprocess.run([ROOT / ".ci" / "helm"], check=True)  # does nothing when they are there


@pytest.fixture(params=["3", "4"], ids=["helm3", "helm4"])
def helm(request, helm_programs, tmp_path):
    return Helm(request.param, tmp_path)


@pytest.fixture
def helm4(helm_programs, tmp_path):
    """For checks of what was rendered, which do not depend on helm's version."""
    return Helm("4", tmp_path)


@pytest.fixture(scope="module")
def etcd(tmp_path_factory):
    """One member with TLS, client certificates and authentication, so that every Secret counts."""
    folder = tmp_path_factory.mktemp("etcd")
    tls = TLS.make(folder / "tls", client_name=None)
    with Cluster(folder / "data", tls=tls) as cluster:
        cluster.fill(300)
        cluster.enable_authentication("not easily guessed")
        yield cluster
