"""docs/restore-by-hand.md, run as it stands there: its code blocks, in their order."""

import os
import re
import subprocess
import sys

import pytest
from azure.storage.blob import BlobClient

from age_keys import decoded, key_pair
from documentation import Document
from processes import ROOT, Child
from restore_world import MEMBERS, READ, WRITE, assert_same, restore_world
from sandbox import ACCOUNT_KEY
from test_restore_statefulset import assert_restored, write_more
from world import CONTAINER, NAMESPACE, RECORD, RECORDED_PATH

SHIMS = ROOT / "Tests" / "World" / "by_hand.py"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run containers of pods")


BLOCKS = Document("docs/restore-by-hand.md").blocks()
(FIND, LIST, TAKE_ANOTHER, DOWNLOAD, PROVE, NAME_IMAGE, PROVE_IMAGE, HOLD, RESTORE, SWITCH, GO_BACK, START, ASK_EACH,
 REMOVE_OLD) = BLOCKS
UP_TO_HOLD = (FIND, DOWNLOAD, PROVE, NAME_IMAGE, PROVE_IMAGE, HOLD)


READABLE, SCALABLE, *WRITABLE = re.findall("`([a-z/]+)`", re.search(
    "with the right to (.*?);", Document("docs/restore-by-hand.md").text, re.DOTALL)[1])
RIGHTS = {(verb, resource) for verb in READ for resource in (READABLE, SCALABLE, *WRITABLE)}
RIGHTS |= {(verb, f"{SCALABLE}/scale") for verb in (*READ, "update", "patch")}
RIGHTS |= {(verb, resource) for verb in WRITE for resource in WRITABLE}


class Operator:
    """A workstation with bash, kubectl and az; only what a kubelet or Azure would do is stood in for."""

    def __init__(self, world):
        self.world = world
        self.folder = world.folder / "workstation"
        self.folder.mkdir()
        self.runs = 0
        world.allow(RIGHTS)
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
        """All in one bash, as the document says, up to the first command that fails."""
        command = ["bash", "-ec", "\n".join(scripts)]
        self.runs += 1
        bash = Child(command, self.world.folder / f"workstation-{self.runs}.log", self.environment, self.folder)
        return subprocess.CompletedProcess(command, bash.wait(600), bash.output())


@pytest.fixture
def world(tmp_path, request):
    """In a namespace that enforces `restricted`, unless a test wants members that run as root."""
    with restore_world(tmp_path / "restore", restricted=getattr(request, "param", True)) as world:
        world.etcd.fill(200, deletes=10, leases=3)
        world.etcd.etcdctl("user", "add", "reader:secret of the reader")
        yield world


@pytest.fixture
def operator(world):
    return Operator(world)


def test_J11_no_pod_of_the_document_costs_the_time_of_its_grace_period_or_gets_a_token():
    pods = re.findall(r"^kind: Pod\n(.*?)^EOF", "".join(BLOCKS).replace("  kubectl", "kubectl"), re.M | re.S)
    assert len(pods) == 2 and "kubectl run" not in "".join(BLOCKS)
    for pod in pods:
        assert "terminationGracePeriodSeconds: 1\n" in pod and "automountServiceAccountToken: false\n" in pod


def assert_done(done: subprocess.CompletedProcess) -> str:
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("world", [
    pytest.param(True, id="restricted"), pytest.param(False, id="root", marks=pytest.mark.long)], indirect=True)
def test_J11_the_commands_of_the_document_bring_everything_back(world, operator):
    before = world.etcd.state()
    path = world.back_up()
    write_more(world)
    world.destroy_data()
    said = assert_done(operator.run(*UP_TO_HOLD, RESTORE, SWITCH, START, ASK_EACH))
    for words in (path, "etcd.backup: OK", "-: OK", "has all that is needed", "restored on every", "in place on every"):
        assert words in said
    assert said.count("is healthy") == 3, said
    assert_restored(world, before)


def test_old_data_is_kept_until_it_is_removed(world, operator):
    before = world.etcd.state()
    world.back_up()
    write_more(world)
    assert_done(operator.run(*UP_TO_HOLD, RESTORE, SWITCH, START, ASK_EACH))
    assert_restored(world, before)
    for member in MEMBERS:
        assert world.names_on(member) == ["default.etcd", "default.etcd.before-restore"]
    assert_done(operator.run(FIND, REMOVE_OLD))
    for member in MEMBERS:
        assert world.names_on(member) == ["default.etcd"]


# Which backup, and whether it is whole


def test_another_backup_than_the_recorded_one_is_listed_and_taken(world, operator):
    older, newer = world.back_up(), world.back_up()
    listed = assert_done(operator.run(FIND, LIST)).splitlines()
    assert [f"{CONTAINER}/{name}" for name in listed[-2:]] == [older, newer]
    taken = assert_done(operator.run(FIND, f"export ABS_PATH={older}", TAKE_ANOTHER, DOWNLOAD, PROVE))
    assert "etcd.backup: OK" in taken and "-: OK" in taken
    assert (operator.folder / "etcd.backup").read_bytes() == blob_of(world, older).download_blob().readall()


def test_an_encrypted_and_compressed_backup_is_decoded(world, operator, tmp_path):
    key = key_pair(tmp_path / "key.txt")
    settings = {"APP_BACKUP_ENCRYPTION_RECIPIENTS": key.recipient, "APP_BACKUP_COMPRESSION": "zstd"}
    world.backups.env |= settings
    path = world.back_up()
    refused = operator.run(FIND, DOWNLOAD, PROVE)
    assert refused.returncode != 0 and "-: FAILED" in refused.stdout, refused.stdout
    (operator.folder / "key.txt").write_text(key.text)
    taken = assert_done(operator.run(FIND, DOWNLOAD, PROVE))
    assert "etcd.backup: OK" in taken and "-: OK" in taken
    blob = blob_of(world, path).download_blob().readall()
    assert (operator.folder / "etcd.backup").read_bytes() == decoded(blob, settings, key)


def blob_of(world, path: str) -> BlobClient:
    return world.blobs.get_blob_client(*path.split("/", 1))


def leave_no_hash(world, path: str, cut: int = 0) -> None:
    """As the predecessor leaves its record and its blobs; this one lacks its last so many bytes."""
    world.sandbox.put_configmap(NAMESPACE, RECORD, {RECORDED_PATH: path})
    shorten(world, path, cut)


def shorten(world, path: str, cut: int) -> None:
    """Stores the backup without its last so many bytes, and without metadata."""
    blob = blob_of(world, path)
    data = blob.download_blob().readall()
    blob.upload_blob(data[:len(data) - cut], overwrite=True)


def test_a_damaged_download_is_told_before_anything_is_touched(world, operator):
    shorten(world, world.back_up(), 4096)
    done = operator.run(FIND, DOWNLOAD, PROVE)
    assert done.returncode != 0 and "etcd.backup: FAILED" in done.stdout, done.stdout


def test_a_backup_without_a_recorded_hash_is_verified_by_etcds_own(world, operator):
    path = world.back_up()
    leave_no_hash(world, path)
    said = assert_done(operator.run(FIND, TAKE_ANOTHER, DOWNLOAD, PROVE))
    assert re.findall(".*: OK", said) == ["-: OK"]
    leave_no_hash(world, path, cut=4096)
    done = operator.run(FIND, TAKE_ANOTHER, DOWNLOAD, PROVE)
    assert done.returncode != 0 and "-: FAILED" in done.stdout, done.stdout


@pytest.mark.parametrize("world", [False], ids=["root"], indirect=True)
def test_an_image_without_what_the_steps_need_is_found_before_anything_is_stopped(world, operator):
    world.back_up()
    # In the container's own view of the machine: nobody else loses its tar.
    world.node.alter = lambda pod, container, command: [
        "/bin/sh", "-c", f"mount --bind /dev/null $(readlink -f /bin/tar); exec {' '.join(command)}"]
    said = operator.run(FIND, NAME_IMAGE, PROVE_IMAGE).stdout
    assert "there is no tar" in said and "has all that is needed" not in said, said
    assert world.replicas == 3 and world.plane.get("pods", NAMESPACE, "restore-image") is None


# What stops in the middle


class OldCluster:
    """Proves on leaving the block that the old cluster is back as it was."""

    def __init__(self, world, operator: Operator):
        self.world, self.operator = world, operator

    def __enter__(self):
        self.before = self.world.etcd.state()
        self.data = self.world.data_identities()

    def __exit__(self, kind, *_):
        if kind:
            return
        assert_done(self.operator.run(FIND, START, ASK_EACH))
        assert self.world.data_identities() == self.data
        assert_same(self.before, self.world.etcd.state())
        for member in MEMBERS:
            assert self.world.names_on(member) == ["default.etcd"]


def failing(pod: str, action: str) -> str:
    """Makes what this kubectl would do in that pod fail."""
    return (f'kubectl() {{ case "$*" in *{pod}*"{action}"*) echo stopped; return 1 ;; esac; command kubectl "$@"; }}\n')


def test_a_failure_on_one_member_moves_no_data_and_can_be_tried_again(world, operator):
    before = world.etcd.state()
    world.back_up()
    write_more(world)
    assert operator.run(*UP_TO_HOLD, failing("restore-1", "snapshot restore"), RESTORE).returncode != 0
    for member, restored in zip(MEMBERS, (["restored.etcd"], [], []), strict=True):
        assert world.names_on(member) == ["default.etcd", "etcd.backup", *restored]
    done = operator.run(FIND, SWITCH)
    assert done.returncode != 0 and "restore-1 has no restored data" in done.stdout, done.stdout
    assert world.names_on(MEMBERS[0]) == ["default.etcd", "etcd.backup", "restored.etcd"]
    assert_done(operator.run(FIND, RESTORE, SWITCH, START, ASK_EACH))
    assert_restored(world, before)


@pytest.mark.long
def test_a_failure_on_one_member_leaves_a_way_back(world, operator):
    world.back_up()
    with OldCluster(world, operator):
        assert operator.run(*UP_TO_HOLD, failing("restore-1", "snapshot restore"), RESTORE).returncode != 0
        assert_done(operator.run(FIND, GO_BACK))


def stop_between_members(world, operator: Operator) -> None:
    """One member has the restored data, the next has neither in its place, the last has the old."""
    stopped = operator.run(*UP_TO_HOLD, RESTORE, failing("restore-1", "mv restored.etcd"), SWITCH)
    assert stopped.returncode != 0, stopped.stdout
    volume = world.volume(MEMBERS[1])
    (volume / "default.etcd").rename(volume / "default.etcd.before-restore")
    done = operator.run(FIND, RESTORE)
    assert done.returncode != 0 and "restore-0 has backup.etcd already" in done.stdout, done.stdout
    assert [world.names_on(member) for member in MEMBERS] == [
        ["backup.etcd", "default.etcd.before-restore"],
        ["default.etcd.before-restore", "etcd.backup", "restored.etcd"],
        ["default.etcd", "etcd.backup", "restored.etcd"]]


def test_stopped_between_members_the_switch_goes_on_where_it_stopped(world, operator):
    before = world.etcd.state()
    world.back_up()
    write_more(world)
    stop_between_members(world, operator)
    assert_done(operator.run(FIND, SWITCH, SWITCH, START, ASK_EACH))
    assert_restored(world, before)


def test_stopped_between_members_the_switch_can_be_taken_back(world, operator):
    world.back_up()
    with OldCluster(world, operator):
        stop_between_members(world, operator)
        assert_done(operator.run(FIND, GO_BACK, GO_BACK))


def test_data_that_an_earlier_restore_set_aside_is_never_overwritten(world, operator):
    world.back_up()
    with OldCluster(world, operator):
        aside = world.volume(MEMBERS[2]) / "default.etcd.before-restore"
        aside.mkdir()
        done = operator.run(*UP_TO_HOLD, RESTORE)
        assert done.returncode != 0 and "restore-2 has default.etcd.before-restore already" in done.stdout, done.stdout
        assert world.names_on(MEMBERS[0]) == ["default.etcd", "etcd.backup"]
        assert_done(operator.run(FIND, GO_BACK))
        aside.rmdir()
