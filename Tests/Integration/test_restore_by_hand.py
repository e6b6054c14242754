"""README's procedure by hand, run as it stands there: the code blocks of its chapter, in their order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from processes import ROOT, Child
from restore_world import MEMBERS, assert_same, restore_world
from sandbox import ACCOUNT_KEY
from test_restore_statefulset import assert_restored, write_more

README = Path(os.environ.get("RESTORE_README", ROOT / "README.md"))
SHIMS = Path(__file__).with_name("by_hand.py")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run containers of pods")


def blocks() -> list[str]:
    """The bash blocks of the chapter "By hand"."""
    [chapter] = re.findall(r"^### By hand\n(.*?)(?=^##|\Z)", README.read_text(), re.MULTILINE | re.DOTALL)
    return re.findall(r"^```bash\n(.*?)^```", chapter, re.MULTILINE | re.DOTALL)


class Operator:
    """A workstation with bash, kubectl and az; only what a kubelet or Azure would do is stood in for."""

    def __init__(self, world):
        self.world = world
        self.folder = world.folder / "workstation"
        self.folder.mkdir()
        self.runs = 0
        environment = world.environment
        tools = self.folder / "bin"
        tools.mkdir()
        for name in ("kubectl", "az"):
            tool = tools / name
            tool.write_text(f'#!/bin/sh\nexec {sys.executable} {SHIMS} {name} "$@"\n')
            tool.chmod(0o755)
        self.environment = environment | {
            "PATH": f"{tools}:{environment['PATH']}",
            "REAL_KUBECTL": str(world.helm.program.with_name("kubectl")),
            "PODS": str(world.plane.processes),
            "AZURE_STORAGE_CONNECTION_STRING":
                f"DefaultEndpointsProtocol=http;AccountName={world.sandbox.account};AccountKey={ACCOUNT_KEY};"
                f"BlobEndpoint={world.sandbox.blob_url};",
            # The stand-in's certificates lie elsewhere in the pod.
            "CERTIFICATES": "/run/tls",
        }

    def run(self, *scripts: str) -> subprocess.CompletedProcess:
        """All in one bash, as the chapter says, up to the first command that fails."""
        command = ["bash", "-ec", "\n".join(scripts)]
        self.runs += 1
        bash = Child(command, self.world.folder / f"workstation-{self.runs}.log", self.environment, self.folder)
        return subprocess.CompletedProcess(command, bash.wait(180), bash.output())


@pytest.fixture
def world(tmp_path):
    with restore_world(tmp_path / "restore") as world:
        world.etcd.fill(200, deletes=10, leases=3)
        world.etcd.etcdctl("user", "add", "reader:secret of the reader")
        yield world


def test_the_commands_of_the_readme_bring_everything_back(world):
    before = world.etcd.state()
    path = world.back_up()
    write_more(world)
    world.destroy_data()
    operator = Operator(world)

    find, download, hold, restore, start, check, remove = blocks()
    done = operator.run(find, download, hold, restore, start, check)
    assert done.returncode == 0, done.stdout
    assert path in done.stdout
    assert "etcd.backup: OK" in done.stdout
    assert done.stdout.count("is healthy") == 3, done.stdout
    assert_restored(world, before)


def test_old_data_is_kept_until_it_is_removed(world):
    before = world.etcd.state()
    world.back_up()
    write_more(world)
    operator = Operator(world)
    *steps, remove = blocks()
    done = operator.run(*steps)
    assert done.returncode == 0, done.stdout
    assert_restored(world, before)
    for member in MEMBERS:
        assert world.names_on(member) == ["default.etcd", "default.etcd.before-restore"]
    done = operator.run(steps[0], remove)
    assert done.returncode == 0, done.stdout
    for member in MEMBERS:
        assert world.names_on(member) == ["default.etcd"]


def test_a_damaged_download_is_told_before_anything_is_touched(world):
    path = world.back_up()
    blob = world.blobs.get_blob_client(*path.split("/", 1))
    blob.upload_blob(blob.download_blob().readall()[:-4096], overwrite=True)
    find, download, *_ = blocks()
    done = Operator(world).run(find, download)
    assert done.returncode != 0 and "etcd.backup: FAILED" in done.stdout, done.stdout


def test_a_failure_on_one_member_moves_no_data(world):
    before = world.etcd.state()
    data = world.data_identities()
    world.back_up()
    operator = Operator(world)
    find, download, hold, restore, start, check, remove = blocks()
    done = operator.run(find, download, hold, "kubectl exec -n $NAMESPACE restore-1 -- rm /var/run/etcd/etcd.backup", restore)
    assert done.returncode != 0, done.stdout
    assert world.names_on(MEMBERS[0]) == ["default.etcd", "etcd.backup", "restored.etcd"]
    done = operator.run(find, start, check)
    assert done.returncode == 0, done.stdout
    assert world.data_identities() == data
    assert_same(before, world.etcd.state())
