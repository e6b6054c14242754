"""Fixtures: a sandbox and clusters of one test's own, gone with it."""

import contextlib
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import program
from etcd import DEFAULT, Cluster, Release
from processes import ROOT
from sampling import pytest_collection_modifyitems as pytest_collection_modifyitems
from sandbox import Sandbox, binary
from world import MEBIBYTE, World


def pytest_configure() -> None:
    # A shell's background job ignores some signals, and so would the programs that tests start.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    for path, command in {
        program.BINARY: "make build",
        Path(binary()): "make sandbox",
        DEFAULT.folder / "etcd": "make tools",
    }.items():
        if not path.exists():
            raise pytest.UsageError(f"{path} is missing: run `{command}`")


@pytest.fixture(scope="session")
def failing_calls(tmp_path_factory) -> Path:
    """A library to preload: it lets the nth call of one function fail."""
    path = tmp_path_factory.mktemp("failing") / "calls.so"
    source = ROOT / "Tests" / "World" / "failing_calls.c"
    subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", path, source], check=True)
    return path


@pytest.fixture
def start_etcd(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Starts clusters for this test: `start_etcd(size=3)`; arguments as for Cluster."""
    with contextlib.ExitStack() as running:
        count = 0

        def start(release: Release = DEFAULT, **options) -> Cluster:
            nonlocal count
            count += 1
            return running.enter_context(Cluster(tmp_path / f"etcd-{count}", release, **options))

        yield start


@pytest.fixture
def etcd(start_etcd: Callable[..., Cluster]) -> Cluster:
    """One plain member with a few hundred keys."""
    cluster = start_etcd()
    cluster.fill(300, deletes=20, leases=3)
    return cluster


@pytest.fixture
def empty_world(tmp_path: Path) -> Iterator[World]:
    """A world whose runs have no etcd yet: see World.back_up."""
    with Sandbox(state=tmp_path / "sandbox", tls=True) as sandbox:
        world = World(sandbox, tmp_path)
        yield world
        world.stop()


@pytest.fixture(scope="session")
def backup_to_copy(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world with one backup, of some 6 MiB. Nothing of it runs any more."""
    folder = tmp_path_factory.mktemp("backup")
    with Cluster(folder / "etcd") as cluster, Sandbox(state=folder / "sandbox", tls=True) as sandbox:
        cluster.fill(5, value_size=MEBIBYTE)
        world = World(sandbox, folder)
        world.back_up(cluster)
        world.assert_success(world.run())
    return world


@pytest.fixture
def stored_backup(backup_to_copy: World, tmp_path: Path) -> Iterator[World]:
    """That world, as if it were this test's own; its etcd is gone."""
    shutil.copytree(backup_to_copy.sandbox.state, tmp_path / "sandbox")
    with Sandbox(state=tmp_path / "sandbox", tls=True) as sandbox:
        world = backup_to_copy.continued(sandbox, tmp_path)
        yield world
        world.stop()


@pytest.fixture(params=["gateway", "grpc"])
def transport(request: pytest.FixtureRequest, empty_world: World) -> str:
    """Runs the test once over each of the two ways to a snapshot."""
    empty_world.env["APP_BACKUP_ETCD_TRANSPORT"] = request.param
    return request.param


@pytest.fixture
def world(empty_world: World, etcd: Cluster) -> World:
    """A world whose runs back up the `etcd` fixture."""
    empty_world.back_up(etcd)
    return empty_world


@pytest.fixture
def three(empty_world: World, start_etcd: Callable[..., Cluster]) -> Cluster:
    """Three members with some keys, which the runs of `empty_world` back up."""
    cluster = start_etcd(size=3)
    cluster.fill(200)
    empty_world.back_up(cluster)
    return cluster
