"""restore/control-plane.sh on the nodes of kubeadm: what it brings back, what it refuses, and that it may die at any step."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from certificates import TLS
from container_runtime import OUR_IMAGE
from documentation import Document
from etcd import Release
from kubeadm_node import PODS, KubeadmNode, kubeadm_nodes
from processes import ROOT, Child, wait_until
from restore_world import Reach, assert_same, healthy, loopback_addresses
from sandbox import Sandbox
from test_folders import folder as folder_of
from world import World

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give nodes a mount namespace")

SCRIPT = ROOT / "restore" / "control-plane.sh"
RELEASE = Release("3.5.16")  # which can raise the revision
DOWNLOAD, LOOK, RESTORE, FINISH, UNDO = Document("docs/restore.md").blocks("## Control planes")
BUMP = 1_000_000_000
FILE = "/root/etcd.backup"


class Plane:
    """Three nodes whose etcd serves, and a backup of it on each of them."""

    def __init__(self, folder: Path, nodes: list[KubeadmNode], tls: TLS, sandbox: Sandbox):
        self.folder, self.nodes = folder, nodes
        self.etcd = Reach(folder / "reach", nodes[0].release, tls, [node.address for node in nodes])
        self.store = World(sandbox, folder)
        for name in ("APP_WORKING_NAMESPACE", "APP_ABS_SECRET_NAME", "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING",
                     "APP_KUBECONFIG_PATH"):
            del self.store.env[name]
        self.store.env |= {
            "APP_ABS_SECRET_DIRECTORY": folder_of(folder / "store", {
                "storage-account": sandbox.account, "storage-key": sandbox.account_key}),
            "APP_BACKUP_ETCD_ENDPOINTS": ",".join(self.etcd.urls),
            "APP_BACKUP_CLIENT_TLS_DIRECTORY": str(nodes[0].folder / "etc/kubernetes/pki/etcd")}
        self.members = ",".join(f"{node.name}=https://{node.address}:2380" for node in nodes)
        self.restores = 0

    def back_up(self) -> None:
        run = self.store.run()
        assert run.status == 0, run
        for node in self.nodes:
            assert_done(node.shell(DOWNLOAD, **self.store.env))

    def wait_until_serving(self) -> None:
        for gateway in self.etcd.gateways():
            with gateway:
                wait_until(gateway.health, "health of a member")

    def options(self) -> list[str]:
        """Of one more restore of all members."""
        self.restores += 1
        return ["--file", FILE, "--members", self.members, "--token", f"token-{self.restores}", "--yes",
                "--bump-revision", "0"]

    def on_all(self, *options: str, nodes: list[KubeadmNode] | None = None) -> list[str]:
        scripts = [node.start(SCRIPT, *options) for node in nodes or self.nodes]
        return [assert_done(script) for script in scripts]

    @property
    def is_in_order(self) -> bool:
        return all(
            (node.names, node.running, (node.state / "note").exists()) == (["member"], set(PODS), False) for node in self.nodes
        ) and all(map(healthy, self.etcd.gateways()))


def assert_done(script: Child, status: int = 0) -> str:
    assert script.wait(600) == status, script.output()
    return script.output()


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[Plane]:
    folder = tmp_path_factory.mktemp("control-plane")
    with (Sandbox(state=folder / "sandbox") as sandbox,
          kubeadm_nodes(folder, RELEASE, loopback_addresses(3)) as (nodes, tls)):
        plane = Plane(folder, nodes, tls, sandbox)
        plane.wait_until_serving()
        plane.etcd.fill(200, deletes=10, leases=2)
        plane.back_up()
        yield plane
        plane.store.stop()


@pytest.fixture
def plane(shared) -> Iterator[Plane]:
    """In order, as every test leaves it."""
    shared.etcd.put("/written/after/the/backup", str(time.time_ns()))
    yield shared
    for node in shared.nodes:
        node.kubelet_may_act.set()
        node.runtime.before_run = lambda command: None
        for script in node.scripts:
            script.kill()
    wait_until(lambda: shared.is_in_order, "an orderly control plane", 30)


class Untouched:
    """Sees to it, on leaving the block, that every member has the data it had, and serves."""

    def __init__(self, plane: Plane):
        self.plane = plane

    def __enter__(self):
        self.before = self.plane.etcd.state()
        self.data = [node.identity for node in self.plane.nodes]

    def __exit__(self, kind, *_):
        if kind:
            return
        self.plane.wait_until_serving()
        assert [node.identity for node in self.plane.nodes] == self.data
        assert_same(self.before, self.plane.etcd.state())


# The document's commands


def typed(plane: Plane, text: str) -> str:
    """With this plane's addresses, and nobody at the terminal to confirm."""
    for number, node in enumerate(plane.nodes):
        text = text.replace(f"10.0.0.{number + 1}:", f"{node.address}:")
    return f"restore/control-plane.sh() {{ {SCRIPT} --yes \"$@\"; }}\n{text}"


def test_the_commands_of_the_document_restore_every_node_and_go_back(plane):
    newer = plane.etcd.state()["contents"]
    with Untouched(plane):
        said = assert_done(plane.nodes[0].shell(typed(plane, LOOK)))
        assert "nothing has been changed" in said and "--bump-revision 1000000000" in said, said
        assert plane.nodes[0].names == ["member"]
        for command in (RESTORE, UNDO):
            scripts = [node.shell(typed(plane, command)) for node in plane.nodes]
            for script in scripts:
                said = assert_done(script)
            if command == RESTORE:
                with plane.etcd.gateway() as gateway:
                    now = gateway.call("kv/range", {"key": "AA==", "range_end": "AA==", "count_only": True})
                assert int(now["header"]["revision"]) > BUMP
                assert int(now["count"]) == len(newer.keys) - 1
                assert all(node.running == set(PODS) for node in plane.nodes)
        assert "UNDONE" in said


def test_everything_of_the_moment_of_the_backup_comes_back_and_finishing_removes_the_old_data(plane):
    newer = plane.etcd.state()["contents"]
    said = plane.on_all(*plane.options())
    assert all("RESTORED" in each for each in said)
    after = plane.etcd.state()["contents"]
    assert after.keys == {name: key for name, key in newer.keys.items() if not name.startswith("/written/")}
    assert after.revision < newer.revision
    for node in plane.nodes:
        [aside, data] = node.names
        assert aside.startswith("member.before-restore-") or data.startswith("member.before-restore-")
        assert_done(node.shell(typed(plane, FINISH)))
        assert node.names == ["member"]


def test_the_program_may_come_from_its_image(plane):
    with Untouched(plane):
        said = assert_done(plane.nodes[0].start(SCRIPT, *plane.options(), "--image", OUR_IMAGE, "--dry-run"))
        assert "Whole: " in said and "nothing has been changed" in said, said
        plane.on_all(*plane.options(), "--image", OUR_IMAGE)
        plane.on_all("--undo", "--image", OUR_IMAGE, "--yes")


# What it refuses


@pytest.mark.parametrize("change, words", [
    (lambda text: text.replace("--name=", "--wal-dir=/wal\n    - --name="), "--wal-dir"),
    (lambda text: text.replace("--name=cp-1", "--name=cp-1[$(id >/root/made)]"), "odd --name"),
    (lambda text: text.replace("path: /var/lib/etcd", "path: /data"), "does not mount"),
    (lambda text: text.replace("image: registry", "image: [registry"), "odd image"),
])
def test_an_odd_manifest_is_refused(plane, change, words):
    [node, *_] = plane.nodes
    manifest = node.manifests / "etcd.yaml"
    text = manifest.read_text()
    node.kubelet_may_act.clear()
    try:
        node.put_manifest("etcd", change(text))
        said = assert_done(node.start(SCRIPT, *plane.options()), 1)
    finally:
        node.put_manifest("etcd", text)
    assert "REFUSED" in said and words in said and "Nothing has been changed" in said, said
    assert not (node.folder / "root/made").exists()


def test_what_the_operator_has_to_say_is_asked_for_before_anything_stops(plane):
    [node, *others] = plane.nodes
    token = ["--token", "one"]
    with Untouched(plane):
        for options, words in (
            (["--file", FILE, *token], "of a cluster of 3 members, but etcd's manifest lists 1"),
            (["--file", FILE, "--members", plane.members], "Run this on every node"),
            (["--file", FILE, "--members", plane.members.replace("cp-1", "cp-9"), *token], "do not have this node's"),
            (["--file", "/root/nothing", "--members", plane.members, *token], "no readable file"),
            (["--file", FILE, "--members", plane.members, *token, "--image", "example.com/none"], "not found"),
            (["--undo"], "none can be undone"),
            (["--finish"], "no finished restore"),
        ):
            said = assert_done(node.start(SCRIPT, *options, "--yes"), 1)
            assert words in said and "Nothing has been changed" in said, said
        assert "--members NAME=PEER-URL" in assert_done(
            others[0].start(SCRIPT, "--file", FILE, *token, "--yes"), 1)


@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign"])
def test_J4_a_damaged_file_is_found_before_anything_stops(plane, damage):
    [node, *_] = plane.nodes
    data = (node.folder / "root/etcd.backup").read_bytes()
    middle = len(data) // 2
    (node.folder / "root/damaged").write_bytes({
        "cut": data[:-4096], "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:],
        "foreign": b"not a snapshot\n" * 1000}[damage])
    with Untouched(plane):
        options = plane.options()
        options[1] = "/root/damaged"
        said = assert_done(node.start(SCRIPT, *options), 1)
        assert "FAILED: the file is not verified" in said and "Nothing has been changed" in said, said
        assert node.running == set(PODS)


# What fails in the middle


def test_a_restore_tool_that_fails_brings_the_old_data_back(plane):
    [node, *_] = plane.nodes

    def broken(command: list[str]) -> None:
        if command[1:3] == ["snapshot", "restore"] and "--help" not in command:
            command[:] = ["etcdutl", "snapshot", "restore", "/nowhere"]

    with Untouched(plane):
        node.runtime.before_run = broken
        said = assert_done(node.start(SCRIPT, *plane.options()), 1)
        assert "The old data is in its place" in said, said
        assert not (node.state / "note").exists()


def test_where_the_others_are_not_restored_yet_it_waits_and_says_so(plane):
    [node, *_] = plane.nodes
    with Untouched(plane):
        options = plane.options()
        said = assert_done(node.start(SCRIPT, *options, "--wait", "2"), 2)
        assert "run the same command on the other nodes" in said and "--undo" in said, said
        assert node.running == {"etcd"}, "the API server must not start before etcd serves"
        # Meanwhile the others serve the old data: a member with restored data cannot join them.
        for number in (1, 2):
            with plane.etcd.gateway(number) as gateway:
                wait_until(gateway.health, "health of a member with old data")
        assert "UNDONE" in assert_done(node.start(SCRIPT, "--undo", "--yes"))


def test_a_second_call_on_the_same_node_is_refused_and_an_interruption_says_what_to_do(plane):
    [node, *_] = plane.nodes
    gate, reached = threading.Event(), threading.Event()

    def hold(command: list[str]) -> None:
        if "--data-dir" in command:
            reached.set()
            gate.wait()

    with Untouched(plane):
        node.runtime.before_run = hold
        options = plane.options()
        first = node.start(SCRIPT, *options)
        try:
            wait_until(reached.is_set, "the restore", child=first)
            said = assert_done(node.start(SCRIPT, *options), 1)
            assert "another control-plane.sh runs" in said, said
            os.killpg(first.pid, signal.SIGINT)
            assert_done(first, 130)
        finally:
            gate.set()
        assert "INTERRUPTED in phase 'restoring'" in first.output() and "--undo" in first.output()
        assert "UNDONE" in assert_done(node.start(SCRIPT, "--undo", "--yes"))


def test_a_signal_to_the_script_alone_is_not_lost_while_it_waits(plane):
    [node, *_] = plane.nodes
    with Untouched(plane):
        script = node.start(SCRIPT, *plane.options())
        wait_until(lambda: "Waiting for etcd" in script.output(), "the wait", child=script)
        os.kill(script.pid, signal.SIGINT)
        assert "INTERRUPTED in phase 'starting'" in assert_done(script, 130)
        assert_done(node.start(SCRIPT, "--undo", "--yes"))


# Killed at every call that changes something: the same command goes on, and --undo goes back.

CALLS = 38


@pytest.mark.sampled(25)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, CALLS + 1))
def test_killed_at_every_call_it_goes_on_where_it_stopped(plane, number, when):
    [node, *others] = plane.nodes
    with Untouched(plane):
        options = plane.options()
        killed = node.start(SCRIPT, *options, kill=f"{number} {when}")
        running = [other.start(SCRIPT, *options) for other in others]
        killed.process.wait()
        assert killed.process.returncode == -signal.SIGKILL, killed.output()
        note = node.state / "note"
        if not note.exists() or "phase=serving" not in note.read_text():  # else all is done
            assert "RESTORED" in assert_done(node.start(SCRIPT, *options))
        for script in running:
            assert_done(script)
        plane.wait_until_serving()
        assert not any(name.startswith("/written/") for name in plane.etcd.contents().keys)
        for each in plane.nodes:
            assert each.running == set(PODS)
        undoing = node.start(SCRIPT, "--undo", "--yes", kill=f"{number} {when}")
        undone = [other.start(SCRIPT, "--undo", "--yes") for other in others]
        undoing.process.wait()
        if (node.state / "note").exists():
            assert "UNDONE" in assert_done(node.start(SCRIPT, "--undo", "--yes"))
        for script in undone:
            assert_done(script)


def test_the_matrix_has_every_call_of_a_restore(plane):
    with Untouched(plane):
        plane.on_all(*plane.options())
        assert [node.calls for node in plane.nodes] == [CALLS] * 3
        plane.on_all("--undo", "--yes")
