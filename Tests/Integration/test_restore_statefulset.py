"""restore.sh on real members: what it brings back, what it refuses, and that whatever goes wrong leaves the old data."""

import contextlib
import dataclasses
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
import yaml

import schemas
from admission import TOKEN_PATH, admitted_pod, checked
from age_keys import key_pair
from documentation import Document
from etcd import Release
from gateway import ALL_KEYS, GatewayError, encode
from processes import AT_ONCE, ROOT, StartFailed, wait_until
from restore_world import CRONJOB, MEMBERS, NAME, READ, RIGHTS, SCRIPT, WRITE, RestoreWorld, assert_same, restore_world
from world import CREDENTIALS_SECRET, NAMESPACE, RECORD

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run containers of pods")


def long(*values):
    """A parameter that a sample in continuous integration leaves to `make test-long`."""
    return pytest.param(*values, marks=pytest.mark.long)


def options_of(command: str) -> list[str]:
    script, *options = shlex.split(command)
    assert script == "restore/restore.sh"
    return options


# The commands of the emergency card; the README has the first two.
CARD = re.findall(r"`(restore/restore\.sh\b.*?)`", "\n".join(
    row[2] for row in Document("docs/restore.md").cells("## Emergency card")))
assert Document("README.md").blocks("## Restore") == ["\n".join(CARD[:2]) + "\n"]
LOOK, RESTORE, FINISH, UNDO = map(options_of, CARD)


class SharedCluster:
    """The cluster of most tests: each leaves it in order, or the next one gets another."""

    def __init__(self, tmp_path_factory):
        self.tmp_path_factory = tmp_path_factory
        self.opened = contextlib.ExitStack()
        self.world: RestoreWorld | None = None

    def get(self) -> RestoreWorld:
        if not self.world:
            self.world = self.opened.enter_context(restore_world(self.tmp_path_factory.mktemp("restore")))
            self.world.etcd.fill(200, deletes=10, leases=3)
            self.world.etcd.etcdctl("user", "add", "reader:secret of the reader")
            self.world.etcd.etcdctl("role", "add", "readers")
        return self.world

    def close(self) -> None:
        self.world = None
        self.opened.close()


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory):
    shared = SharedCluster(tmp_path_factory)
    yield shared
    shared.close()


@pytest.fixture
def cluster(shared_cluster) -> Iterator[RestoreWorld]:
    """Serves, with nothing noted and nothing kept."""
    world = shared_cluster.get()
    yield world
    world.stop_scripts()
    world.node.alter = None
    try:
        wait_until(lambda: world.is_in_order, "an orderly cluster", 10)
    except StartFailed:
        shared_cluster.close()


def write_more(cluster: RestoreWorld) -> None:
    cluster.etcd.put("/written/after/the/backup", str(time.time_ns()))


def assert_restored(cluster: RestoreWorld, before: dict) -> None:
    """Every member holds what was backed up and nothing newer, and takes writes."""
    assert_same(before, cluster.etcd.state())
    for gateway in cluster.etcd.gateways()[1:]:
        with gateway:
            assert before["contents"].differences(gateway.contents()) == []
    revision = cluster.etcd.put("/written/after/the/restore", "accepted")
    assert revision == before["contents"].revision + 1


def clean_up(cluster: RestoreWorld) -> None:
    cluster.run(*FINISH)
    assert cluster.note is None
    for member in MEMBERS:
        assert cluster.names_on(member) == ["default.etcd"]


class Untouched:
    """Proves on leaving the block that the old cluster is as it was."""

    def __init__(self, cluster: RestoreWorld):
        self.cluster = cluster

    def __enter__(self):
        write_more(self.cluster)
        self.before = self.cluster.etcd.state()
        self.data = self.cluster.data_identities()

    def __exit__(self, kind, *_):
        if kind:
            return
        cluster = self.cluster
        cluster.node.alter = None
        cluster.wait_until_serving()
        assert cluster.data_identities() == self.data
        assert_same(self.before, cluster.etcd.state())
        assert (cluster.note, cluster.is_suspended, cluster.replicas) == (None, False, 3)
        for member in MEMBERS:
            assert cluster.names_on(member) == ["default.etcd"]


# What it brings back


def test_all_data_lost_everything_of_the_moment_of_the_backup_comes_back(cluster):
    before = cluster.etcd.state()
    path = cluster.back_up()
    write_more(cluster)
    cluster.destroy_data()
    said = cluster.run("--replicas", "3")
    contents = before["contents"]
    assert said.count(f"revision {contents.revision}, {len(contents.keys)} keys") == 3, said
    assert f"RESTORED from {path}" in said
    assert_restored(cluster, before)
    assert cluster.note["phase"] == "serving" and not cluster.is_suspended
    clean_up(cluster)


def test_undoing_a_finished_restore_brings_the_newer_data_back(cluster):
    newest = cluster.back_up()
    write_more(cluster)
    newer = cluster.etcd.state()
    data = cluster.data_identities()
    said = cluster.run("--from", "latest", "--into", "data")
    assert f"Whole: {newest}, " in said and f"RESTORED from {newest}." in said, said
    assert "default.etcd.before-restore-" in said
    for member in MEMBERS:
        assert [name.partition("restore-")[0] for name in cluster.names_on(member)] == [
            "default.etcd", "default.etcd.before-"]
    write_more(cluster)
    said = cluster.run(*UNDO)
    assert "UNDONE" in said
    cluster.wait_until_serving()
    assert cluster.data_identities() == data
    assert_same(newer, cluster.etcd.state())
    assert cluster.note is None
    assert cluster.names_on(MEMBERS[0]) == ["default.etcd"]


def test_an_older_backup_by_name_and_the_old_data_discarded(cluster):
    before = cluster.etcd.state()
    older = cluster.back_up()
    write_more(cluster)
    cluster.back_up()
    said = cluster.run("--from", older, "--discard-old")
    assert "the old data is removed" in said
    assert_restored(cluster, before)
    assert cluster.note is None
    assert cluster.names_on(MEMBERS[2]) == ["default.etcd"]


# Encrypted backups


IDENTITY_SECRET = "etcd-backup-identity"
IDENTITY = ("--identity-secret", IDENTITY_SECRET)


@pytest.fixture
def encrypting(cluster, tmp_path) -> Iterator[RestoreWorld]:
    """Backups are encrypted and compressed; the identity lies in a Secret."""
    key = key_pair(tmp_path / "key.txt")
    cluster.sandbox.put_secret(NAMESPACE, IDENTITY_SECRET, {"key.txt": key.text})
    settings = {"APP_BACKUP_ENCRYPTION_RECIPIENTS": key.recipient, "APP_BACKUP_COMPRESSION": "zstd"}
    cluster.backups.env |= settings
    yield cluster
    for name in settings:
        del cluster.backups.env[name]


def test_an_encrypted_backup_comes_back_with_its_identity_and_without_one_nothing_is_changed(encrypting):
    encrypting.back_up()
    with Untouched(encrypting):
        said = encrypting.run(status=1)
        assert "no identity was given" in said, said

    before = encrypting.etcd.state()
    path = encrypting.back_up()
    write_more(encrypting)
    encrypting.destroy_data()
    said = encrypting.run("--replicas", "3", *IDENTITY)
    size = encrypting.backups.record["backup-snapshot-size-bytes-from-last-success"]
    assert f"Secret {IDENTITY_SECRET}" in said and f"Whole: {path}, {size} bytes" in said, said
    assert f"RESTORED from {path}" in said, said
    assert_restored(encrypting, before)
    clean_up(encrypting)


def test_only_the_containers_that_read_a_backup_get_the_identity(encrypting):
    encrypting.back_up()
    said = encrypting.run("--dry-run", *IDENTITY)
    containers = re.split(r"\n +- name: ", said)[1:]
    mounting = [each.split()[0] for each in containers if '"mountPath":"/var/run/etcd-backup-identity"' in each]
    assert sorted(mounting) == ["download"] * 3 + ["etcd-backup"], mounting
    assert said.count(f'"secretName":"{IDENTITY_SECRET}"') == 4


def test_the_chart_says_in_which_secret_the_identity_is(encrypting):
    encrypting.back_up()
    with encrypting.plane.lock:
        metadata = encrypting.plane.objects[("cronjobs", NAMESPACE, "etcd-backup")]["metadata"]
        metadata["annotations"] = {"etcd-backup/identity-secret": IDENTITY_SECRET}
    try:
        assert f"Secret {IDENTITY_SECRET}" in encrypting.run("--dry-run")
    finally:
        with encrypting.plane.lock:
            del metadata["annotations"]


@dataclasses.dataclass
class Course:
    """What was seen of a check that failed, a whole restore, a look at its end, and its undoing."""

    asked: set[tuple[str, str]] = dataclasses.field(default_factory=set)  # what kubectl did, and to which resource
    mounting: dict[str, set[bool]] = dataclasses.field(default_factory=dict)  # whether containers of that name got the token
    applied: list[dict] = dataclasses.field(default_factory=list)


def course_of(cluster: RestoreWorld) -> Course:
    course = Course()
    respond = cluster.plane.respond

    def noting(method, path, *rest):
        if found := re.search(r"/namespaces/[^/]+/([a-z]+)(?:/[^/]+(/[a-z]+)?)?$", path):
            course.asked.add(("read" if method == "GET" else "write", found[1] + (found[2] or "")))
        return respond(method, path, *rest)

    def note(pod, container, command):
        mounts = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
        if pod["metadata"]["labels"].get("job-name"):
            course.mounting.setdefault(container["name"], set()).add(TOKEN_PATH in mounts)
        return command

    cluster.back_up()
    before = len(cluster.plane.writes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster.plane, "respond", noting)
        cluster.node.alter = dying("check", "check", "-1")
        cluster.run(status=1)
        cluster.node.alter = note
        cluster.run()
        course.applied += manifests_in(cluster.run("--finish", "--dry-run"))
        cluster.run("--undo")
        cluster.node.alter = None
    cluster.wait_until_serving()
    course.applied += [body for method, _, body in cluster.plane.writes[before:] if method == "POST"]
    return course


def manifests_in(said: str) -> list[dict]:
    """What a dry run shows."""
    return [yaml.safe_load(text) for text in re.findall(r"^(apiVersion: .*?)(?=^---|^\$|^==|^$)", said, re.M | re.S)]


def test_J12_it_needs_what_the_documents_name_lets_only_etcd_backup_have_a_token_and_applies_what_fits_the_schemas(cluster):
    course = course_of(cluster)
    read, written = ({resource for verb, resource in RIGHTS if verb in verbs} for verbs in (READ, WRITE))
    assert course.asked == {("read", resource) for resource in read} | {("write", resource) for resource in written}

    assert course.mounting == {"etcd": {False}} | {
        name: {True} for name in ("etcd-backup", "check", "prepare", "download", "switch", "put-back")}

    kinds = {each["metadata"]["name"].removeprefix(f"{NAME}-restore").rstrip("-012") for each in course.applied}
    assert kinds == {"", "-verify", "-check", "-member", "-switch", "-members", "-put-back", "-discard"}
    for each in course.applied:
        for release in schemas.RELEASES:
            schemas.validate(each, release)


@pytest.fixture
def without(cluster):
    """Takes rights away from the operator's kubectl: `without(verbs, *resources)`; gives them back afterwards."""
    yield lambda verbs, *resources: cluster.allow(
        {(verb, resource) for verb, resource in RIGHTS if verb not in verbs or resource not in resources})
    cluster.allow(RIGHTS)


@pytest.mark.parametrize("resource", ["configmaps", "cronjobs", "jobs", "persistentvolumeclaims", "pods", "statefulsets"])
def test_without_the_right_to_read_something_nothing_is_changed_and_the_right_is_named(cluster, without, resource):
    cluster.back_up()
    without(READ, resource)
    said = cluster.run(*LOOK, status=1)
    assert re.search(rf'User "operator" cannot (get|list) resource "{resource}"', said), said
    assert "Nothing has been changed" in said, said


@pytest.mark.parametrize("resource, verb", [
    ("configmaps", "create"), ("cronjobs", "patch"), ("jobs", "(create|delete)")  # a Job of an earlier test goes first
], ids=["configmaps", "cronjobs", "jobs"])  # fmt: skip
def test_without_the_right_to_write_something_no_member_is_stopped_and_the_right_is_named(cluster, without, resource, verb):
    cluster.back_up()
    with Untouched(cluster):
        pids = {member: cluster.plane.children[member].pid for member in MEMBERS}
        without(WRITE, resource)
        said = cluster.run(status=1)
        assert re.search(rf'User "operator" cannot {verb} resource "{resource}"', said), said
        assert "Nothing has been changed" in said, said
        assert {member: cluster.plane.children[member].pid for member in MEMBERS} == pids
        cluster.allow(RIGHTS)
        if cluster.note:
            assert "UNDONE" in cluster.run(*UNDO)


def test_without_the_right_to_scale_no_member_is_stopped_and_undo_ends_it(cluster, without):
    cluster.back_up()
    with Untouched(cluster):
        without(WRITE, "statefulsets")
        said = cluster.run(status=2)
        assert 'User "operator" cannot patch resource "statefulsets"' in said and "--undo" in said, said
        cluster.allow(RIGHTS)
        assert "UNDONE" in cluster.run(*UNDO)


def test_without_the_rights_to_logs_and_events_a_failure_says_that_they_are_missing(cluster, without):
    cluster.back_up()
    with Untouched(cluster):
        without(READ, "pods/log", "events")
        cluster.node.alter = dying("check", "check", "-1")
        said = cluster.run(status=1)
    for resource in ("pods/log", "events"):
        assert re.search(rf'User "operator" cannot (get|list) resource "{resource}"', said), said


def test_a_member_with_old_data_cannot_join_the_restored_cluster(cluster):
    """The same member and cluster ids would let it: raft would take its old log for the new one."""
    cluster.back_up()
    cluster.run(*RESTORE)
    before = cluster.etcd.state()
    cluster.stop_members()
    volume = cluster.volume(MEMBERS[2])
    [aside] = volume.glob("default.etcd.before-restore-*")
    (volume / "default.etcd").rename(volume / "restored")
    aside.rename(volume / "default.etcd")
    cluster._scale(3)
    for number in (0, 1):
        with cluster.etcd.gateway(number) as gateway:
            wait_until(gateway.health, f"health of member {number}")
    assert_same(before, cluster.etcd.state(1))
    with cluster.etcd.gateway(2, timeout=3) as gateway:  # which does not even refuse
        assert not gateway.health()
    cluster.stop_members()
    (volume / "default.etcd").rename(aside)
    (volume / "restored").rename(volume / "default.etcd")
    cluster.start_members()
    clean_up(cluster)


@pytest.mark.parametrize("spec, account, mounted", [
    (None, None, True), (None, False, False), (None, True, True), (False, True, False), (True, False, True)])
def test_J6_the_stand_in_mounts_the_token_only_where_the_pod_or_its_account_asks_for_it(spec, account, mounted):
    pod: dict = {"metadata": {"name": "pod", "namespace": NAMESPACE}, "spec": {"containers": [
        {"name": "bare", "image": "x"}], "initContainers": [{"name": "has-one", "image": "x", "volumeMounts": [
            {"name": "own", "mountPath": TOKEN_PATH}]}], "volumes": [{"name": "own", "emptyDir": {"medium": "Memory"}}]}}
    if spec is not None:
        pod["spec"]["automountServiceAccountToken"] = spec
    accounts = {"default": {} if account is None else {"automountServiceAccountToken": account}}
    admitted = admitted_pod(pod, accounts, "baseline")["spec"]
    mounts = [mount["mountPath"] for mount in admitted["containers"][0].get("volumeMounts", [])]
    assert mounts == [TOKEN_PATH] * mounted
    assert len(admitted["volumes"]) == 1 + mounted
    assert [mount["name"] for mount in admitted["initContainers"][0]["volumeMounts"]] == ["own"]


# What it refuses


def test_a_dry_run_shows_every_job_and_changes_nothing(cluster):
    cluster.back_up()
    writes = len(cluster.plane.writes)
    with Untouched(cluster):
        said = cluster.run(*LOOK)
    assert len(cluster.plane.writes) == writes
    names = re.findall(r'^  name: "(\S+)"', said, re.MULTILINE)
    jobs = [f"{NAME}-restore-{kind}-{number}" for kind in ("check", "member", "switch") for number in range(3)]
    assert set(names) == {f"{NAME}-restore", f"{NAME}-restore-verify", f"{NAME}-restore-members", *jobs}
    assert cluster.sandbox.account_key not in said


@pytest.mark.parametrize("options, complaint", [
    (["--from"], "--from needs a value"),
    (["--replicas", "three"], "is a number"),
    (["--bump-revision", "10"], "go together"),
    (["--into", "elsewhere"], "backup or data"),
    (["--force"], "unknown option"),
])
def test_a_wrong_command_line_says_what_is_wrong(cluster, options, complaint):
    said = cluster.run(*options, status=64)
    assert complaint in said


@pytest.mark.parametrize("version, status", [("3 2", 1), ("4 1", 1), ("4 2", 0), ("5 0", 0)])
def test_a_bash_that_is_too_old_is_refused_at_once(tmp_path, version, status):
    """bash lets nobody change its BASH_VERSINFO, so a copy of the script reads another variable."""
    folder = shutil.copytree(ROOT / "restore", tmp_path / "restore")
    script = (folder / "restore.sh").read_text().replace("BASH_VERSINFO", "pretended")
    (folder / "restore.sh").write_text(f"pretended=({version})\n{script}")
    done = subprocess.run(["bash", folder / "restore.sh", "--help"], capture_output=True, text=True)
    assert done.returncode == status
    assert ("needs bash 4.2 or newer" in done.stderr) == (status == 1) == (done.stdout == "")


def statefulset(change):
    return ("statefulsets", NAME, change)


def container(item):
    return item["spec"]["template"]["spec"]["containers"][0]


def command(old, new):
    def change(item):
        script = container(item)["command"]
        assert old in script[2]
        script[2] = script[2].replace(old, new)

    return statefulset(change)


ODD = {
    "five members": (statefulset(lambda item: item["spec"].update(replicas=5)), "has 5 replicas"),
    "volumes that go with the pods": (
        statefulset(lambda item: item["spec"].update(persistentVolumeClaimRetentionPolicy={"whenScaled": "Delete"})),
        "would delete its volumes"),
    "members counted from 1": (
        statefulset(lambda item: item["spec"].update(ordinals={"start": 1})), "not counted from 0"),
    "an operator's StatefulSet": (
        statefulset(lambda item: item["metadata"].update(ownerReferences=[{"kind": "EtcdCluster"}])),
        "belongs to a EtcdCluster"),
    "no Service": (statefulset(lambda item: item["spec"].pop("serviceName")), "names no Service"),
    "data on the mount point": (command("/var/run/etcd/default.etcd", "/var/run/etcd"), "nothing can be kept aside"),
    "a log directory of its own": (command("--heartbeat", "--wal-dir /wal --heartbeat"), "by hand"),
    "a start-up that picks nothing up": (command("/var/run/etcd/backup.etcd", "/other"), "Say --into data"),
    "no TLS": (
        statefulset(lambda item: container(item)["env"].append({"name": "ETCD_TLS", "value": "false"})),
        "Say --scheme http"),
    "an image by digest": (
        statefulset(lambda item: container(item).update(image="etcd@sha256:0123")), "--restore-tool"),
    "a lost volume": (("persistentvolumeclaims", f"data-{MEMBERS[1]}", None), f"data-{MEMBERS[1]} is not there"),
    "a volume that is not bound": (
        ("persistentvolumeclaims", f"data-{MEMBERS[1]}", lambda item: item.update(status={"phase": "Pending"})),
        "not bound"),
    "no CronJob": (("cronjobs", CRONJOB, None), "there is none"),
    "no StatefulSet": (("statefulsets", NAME, None), "is not there"),
}


@pytest.mark.parametrize("odd", ODD, ids=[odd.replace(" ", "-") for odd in ODD])
def test_anything_odd_is_refused_before_anything_happens(cluster, odd):
    (plural, name, change), complaint = ODD[odd]
    key = (plural, NAMESPACE, name)
    kept = cluster.plane.get(*key)
    writes = len(cluster.plane.writes)
    try:
        with cluster.plane.lock:
            if change:
                change(cluster.plane.objects[key])
            else:
                del cluster.plane.objects[key]
        said = cluster.run(status=1)
    finally:
        with cluster.plane.lock:
            cluster.plane.objects[key] = kept
    assert "REFUSED" in said and complaint in said and "Nothing has been changed" in said, said
    assert len(cluster.plane.writes) == writes


# When the cluster is not as it was


def test_an_api_that_does_not_answer_is_told_as_that_with_the_context(cluster):
    config = cluster.folder / "kubeconfig-of-the-operator"
    environment = cluster.environment
    config.write_text(config.read_text().replace(cluster.plane.url, "https://127.0.0.1:1"))
    done = subprocess.run([SCRIPT, "--yes"], env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "kubectl's context here does not answer" in done.stderr, done.stderr
    assert "kubectl says: The connection to the server 127.0.0.1:1 was refused" in done.stderr, done.stderr
    assert "Nothing has been changed" in done.stderr


@pytest.mark.parametrize("metadata, pause", [
    ({"annotations": {"argocd.argoproj.io/tracking-id": "etcd:apps/StatefulSet:x/y"}}, "argocd app set etcd --sync-policy none"),
    ({"labels": {"helm.toolkit.fluxcd.io/name": "etcd", "helm.toolkit.fluxcd.io/namespace": "apps"}},
     "flux suspend helmrelease etcd --namespace apps"),
    ({"labels": {"kustomize.toolkit.fluxcd.io/name": "etcd"}}, "flux suspend kustomization etcd --namespace flux-system"),
], ids=["Argo CD", "Flux's HelmRelease", "Flux's Kustomization"])
def test_who_would_scale_the_members_up_has_to_be_paused_first(cluster, metadata, pause):
    cluster.back_up()
    key = ("statefulsets", NAMESPACE, NAME)
    kept, writes = cluster.plane.get(*key), len(cluster.plane.writes)
    try:
        with cluster.plane.lock:
            cluster.plane.objects[key]["metadata"].update(metadata)
        said = cluster.run(status=1)
        assert "REFUSED" in said and pause in said and "--gitops-paused" in said and "Nothing has been changed" in said, said
        assert pause in cluster.run("--dry-run")
        assert pause not in cluster.run("--dry-run", "--gitops-paused")
        assert len(cluster.plane.writes) == writes
    finally:
        with cluster.plane.lock:
            cluster.plane.objects[key] = kept


def test_a_namespace_that_is_gone_is_told_with_all_that_has_to_come_back(cluster):
    kept = cluster.plane.get("statefulsets", NAMESPACE, NAME)
    cluster.plane.gone_namespaces.add(NAMESPACE)
    try:
        with cluster.plane.lock:
            del cluster.plane.objects["statefulsets", NAMESPACE, NAME]
        said = cluster.run(status=1)
    finally:
        cluster.plane.gone_namespaces.clear()
        with cluster.plane.lock:
            cluster.plane.objects["statefulsets", NAMESPACE, NAME] = kept
    assert f"namespace {NAMESPACE} is gone" in said and "--manifest FILE" in said and "backupApp.suspend" in said, said


def test_members_that_are_gone_with_their_volumes_are_made_of_a_manifest_and_restored(tmp_path):
    with restore_world(tmp_path / "restore") as world:
        world.etcd.fill(50)
        before = world.etcd.state()
        path = world.back_up()
        world.destroy_data()
        manifest = tmp_path / "statefulset.yaml"
        item = world.statefulset(world.release)
        item["spec"]["replicas"] = 3
        manifest.write_text(yaml.safe_dump(item))
        with world.plane.lock:
            for member in MEMBERS:
                del world.plane.objects["persistentvolumeclaims", NAMESPACE, f"data-{member}"]
            del world.plane.objects["statefulsets", NAMESPACE, NAME]
        assert "--manifest FILE" in world.run(status=1)
        assert "is not suspended" in world.run("--manifest", str(manifest), status=1)
        with world.plane.lock:
            world.plane.objects["cronjobs", NAMESPACE, CRONJOB]["spec"]["suspend"] = True
        assert "nothing has been changed" in world.run("--manifest", str(manifest), "--dry-run")
        assert "no StatefulSet" in world.run("--manifest", str(manifest), "--statefulset", "other", status=1)
        said = world.run("--manifest", str(manifest), "--discard-old")
        assert f"RESTORED from {path}" in said, said
        assert_restored(world, before)


def test_etcds_tool_skips_its_hash_only_of_the_file_that_the_same_pod_verified_right_before(cluster):
    cluster.back_up()
    pods = [each["spec"]["template"]["spec"] for each in manifests_in(cluster.run("--dry-run"))
            if each["kind"] == "Job" and "restore-member-" in each["metadata"]["name"]]
    assert len(pods) == 3
    for pod in pods:
        [_, download], [etcd] = pod["initContainers"], pod["containers"]
        [file] = [download["args"][place + 1] for place, word in enumerate(download["args"]) if word == "--file"]
        assert download["args"][0] == "download" and "--raw" not in download["args"]
        assert etcd["command"][:4] == ["etcdctl", "snapshot", "restore", file] and "--skip-hash-check" in etcd["command"]


def test_a_user_that_the_namespace_gives_is_left_to_it(cluster):
    cluster.back_up()
    for options, expected in (([], 1000), (["--run-as", "7"], 7), (["--run-as", "none"], None)):
        for each in manifests_in(cluster.run("--dry-run", *options)):
            if each["kind"] == "Job" and "restore-member-" in each["metadata"]["name"]:
                pod = each["spec"]["template"]["spec"]
                users = [each["securityContext"].get("runAsUser") for each in (*pod["initContainers"], *pod["containers"])]
                assert set(users) == {expected}


def test_nothing_recorded_is_refused(cluster):
    record = cluster.backups.record
    cluster.sandbox.put_configmap(NAMESPACE, RECORD, {})
    try:
        assert "records no backup" in cluster.run(status=1)
    finally:
        cluster.sandbox.put_configmap(NAMESPACE, RECORD, record)


# Damage: every way in which a backup can be bad, found before anything is stopped


def damaged(kind: str, snapshot: bytes) -> bytes:
    middle = len(snapshot) // 2
    return {
        "truncated": snapshot[:-4096],
        "bit-flipped": snapshot[:middle] + bytes([snapshot[middle] ^ 1]) + snapshot[middle + 1:],
        "empty": b"",
        "foreign": b"not a snapshot at all\n" * 1000,
    }[kind]


@pytest.mark.parametrize("kind", [long("truncated"), "bit-flipped", "empty", long("foreign"), "archived"])
def test_J3_J4_a_damaged_backup_is_found_before_anything_is_stopped(cluster, kind):
    path = cluster.back_up()
    blob = cluster.blobs.get_blob_client(*path.split("/", 1))
    if kind == "archived":
        blob.set_standard_blob_tier("Archive")
    else:
        metadata = blob.get_blob_properties().metadata
        blob.upload_blob(damaged(kind, blob.download_blob().readall()), overwrite=True, metadata=metadata)
    with Untouched(cluster):
        said = cluster.run(status=1)
    assert "FAILED: the verification" in said and "Nothing has been changed" in said, said
    assert path in said or path.rsplit("/", 1)[1] in said
    if kind == "archived":
        assert re.search("archive", said, re.IGNORECASE), said


# Jobs that die, disks that fill: the old data is back, and serves


def dying(kind: str, name: str, member: str = ""):
    """Kills every container of that name in these Jobs."""
    def alter(pod, container, command):
        job = pod["metadata"]["labels"].get("job-name", "")
        is_it = container["name"] == name and job.startswith(f"{NAME}-restore-{kind}") and job.endswith(member)
        return ["/bin/sh", "-c", "kill -KILL $$"] if is_it else command

    return alter


@pytest.mark.parametrize("kind, name", [("verify", "etcd-backup"), long("check", "etcd"), ("check", "check")])
def test_a_job_that_dies_before_the_stop_leaves_the_cluster_alone(cluster, kind, name):
    cluster.back_up()
    pids = {member: cluster.plane.children[member].pid for member in MEMBERS}
    with Untouched(cluster):
        cluster.node.alter = dying(kind, name)
        said = cluster.run(status=1)
    assert "Nothing has been changed" in said
    assert {member: cluster.plane.children[member].pid for member in MEMBERS} == pids, "a member was restarted"


@pytest.mark.parametrize("kind, name", [
    long("member", "prepare"), long("member", "download"), long("member", "etcd"), ("switch", "switch")])
def test_J9_a_job_that_dies_after_the_stop_brings_the_old_data_back_and_is_kept(cluster, kind, name):
    cluster.back_up()
    with Untouched(cluster):
        cluster.node.alter = dying(kind, name, "-1")
        said = cluster.run(status=1)
    assert "The old data is back in its place" in said and "is scaled to 3 again" in said, said
    assert f"Container {name} ended with status 137 Error" in said, said
    job = cluster.plane.get("jobs", NAMESPACE, f"{NAME}-restore-{kind}-1")
    [condition] = job["status"]["conditions"]
    assert condition["type"] == "Failed" and f"get jobs -l restore-id={job['metadata']['labels']['restore-id']}" in said


def saying(job: str, script: str, container: str = ""):
    """Runs a shell script in place of the containers of a Job, or of one of them."""
    def alter(pod, each, command):
        is_it = pod["metadata"]["labels"].get("job-name", "") == f"{NAME}-restore-{job}"
        return ["/bin/sh", "-c", script] if is_it and container in ("", each["name"]) else command

    return alter


def test_J7_no_member_served_is_told_by_the_status_whatever_the_text_says(cluster):
    cluster.back_up()
    with Untouched(cluster):
        cluster.node.alter = saying("members", "echo 'https://a does not serve: it says b serves: etcd 3 serves'; exit 2")
        said = cluster.run(status=1)
    assert "The old data is back in its place" in said, said


@pytest.mark.parametrize("script", [long("exit 1"), long("exit 78"), "kill -KILL $$"])
def test_J7_where_a_member_may_have_served_nothing_is_taken_back(cluster, script):
    cluster.back_up()
    with Untouched(cluster):
        cluster.node.alter = saying("members", f"echo 'https://a does not answer'; {script}")
        said = cluster.run(status=2)
        assert "nothing was taken back" in said and "--undo" in said, said
        assert cluster.note["phase"] == "starting"
        assert "UNDONE" in cluster.run("--undo")


def test_J8_a_restore_whose_old_data_is_still_aside_is_never_forgotten(cluster):
    path = cluster.back_up()
    with Untouched(cluster):
        cluster.run()
        note, data = cluster.note, cluster.data_identities()
        blob = cluster.blobs.get_blob_client(*path.split("/", 1))
        blob.upload_blob(b"damaged", overwrite=True)
        for options in ([], ["--dry-run"], ["--from", path]):
            said = cluster.run(*options, status=1)
            assert "REFUSED" in said and "--finish " in said and "--undo " in said, said
        assert (cluster.note, cluster.data_identities()) == (note, data)
        assert "UNDONE" in cluster.run("--undo")


def test_J9_what_a_container_left_beside_its_log_is_told(cluster):
    cluster.back_up()
    with Untouched(cluster):
        cluster.node.alter = saying(
            "check-1", "echo 'the words it left' >/dev/termination-log; echo a line of log; exit 3", "check")
        said = cluster.run(status=1)
    assert "Container check ended with status 3 Error" in said, said
    assert "the words it left" in said and "a line of log" in said, said


def test_J9_pods_that_admission_refuses_are_told(cluster):
    cluster.back_up()
    account = cluster.plane.get("serviceaccounts", NAMESPACE, CRONJOB)
    with Untouched(cluster):
        with cluster.plane.lock:
            del cluster.plane.objects["serviceaccounts", NAMESPACE, CRONJOB]
        try:
            said = cluster.run("--timeout", "4", status=1)
        finally:
            cluster.plane.put("serviceaccounts", account)
    assert "None of its pods is there" in said and f'serviceaccount "{CRONJOB}" not found' in said, said


def test_J10_the_cause_of_a_job_that_takes_too_long_is_told_while_its_pods_are_there(cluster):
    cluster.back_up()
    with Untouched(cluster):
        cluster.node.alter = saying("check-1", "echo waiting for the disk; exec sleep 1000", "check")
        said = cluster.run("--timeout", "20", status=1)  # in which the other Jobs have to end
        assert "Container check still runs" in said and "waiting for the disk" in said, said
        cluster.node.alter = None
        with cluster.plane.lock:
            cluster.plane._delete(("jobs", NAMESPACE, f"{NAME}-restore-check-1"), {})


# Nothing from the cluster is code


STATEFULSET, OF_CRONJOB = ("statefulsets", NAME), ("cronjobs", CRONJOB)
POD = ["spec", "template", "spec"]
TOOL = ["spec", "jobTemplate", *POD]
FACTS = {
    "replicas": (STATEFULSET, ["spec", "replicas"]),
    "ordinals": (STATEFULSET, ["spec", "ordinals", "start"]),
    "when scaled": (STATEFULSET, ["spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"]),
    "service": (STATEFULSET, ["spec", "serviceName"]),
    "pod's user": (STATEFULSET, [*POD, "securityContext", "runAsUser"]),
    "pod's security": (STATEFULSET, [*POD, "securityContext"]),
    "tolerations": (STATEFULSET, [*POD, "tolerations"]),
    "etcd's user": (STATEFULSET, [*POD, "containers", 0, "securityContext", "runAsUser"]),
    "etcd's image": (STATEFULSET, [*POD, "containers", 0, "image"]),
    "etcd's command": (STATEFULSET, [*POD, "containers", 0, "command"]),
    "memory": (STATEFULSET, [*POD, "containers", 0, "resources", "limits", "memory"]),
    "requests": (STATEFULSET, [*POD, "containers", 0, "resources", "requests"]),
    "mount path": (STATEFULSET, [*POD, "containers", 0, "volumeMounts", 0, "mountPath"]),
    "container": (STATEFULSET, [*POD, "containers", 0, "name"]),
    "tool's image": (OF_CRONJOB, [*TOOL, "containers", 0, "image"]),
    "tool's environment": (OF_CRONJOB, [*TOOL, "containers", 0, "env"]),
    "service account": (OF_CRONJOB, [*TOOL, "serviceAccountName"]),
    "suspended": (OF_CRONJOB, ["spec", "suspend"]),
    "labels": (OF_CRONJOB, [*TOOL[:-1], "metadata", "labels"]),
}


def hostile(file) -> str:
    return f"BASH_VERSINFO[$(id >{file})0]"


def set_in(item, path, value) -> None:
    for step in path[:-1]:
        item = item.setdefault(step, {}) if isinstance(item, dict) else item[step]
    item[path[-1]] = value


def assert_refused(cluster, file, *options: str, shown: str = "BASH_VERSINFO") -> None:
    said = cluster.run(*options, status=1)
    assert "REFUSED" in said and shown in said and "\x1b" not in said, said
    assert not file.exists(), said


@pytest.mark.sampled(3)
@pytest.mark.parametrize("fact", FACTS, ids=[fact.replace(" ", "-") for fact in FACTS])
@pytest.mark.parametrize("before, options", [("", []), ("1\x1b]0;title\x07", ["--dry-run"]), ("1\n", [])],
                         ids=["plain", "dry-run", "two-lines"])
def test_X1_a_fact_of_an_object_is_never_run(cluster, tmp_path, fact, before, options):
    (plural, name), path = FACTS[fact]
    key, file = (plural, NAMESPACE, name), tmp_path / "made"
    kept = cluster.plane.get(*key)
    try:
        with cluster.plane.lock:
            set_in(cluster.plane.objects[key], path, before + hostile(file))
        assert_refused(cluster, file, *options, shown="" if "\n" in before else "BASH_VERSINFO")
    finally:
        with cluster.plane.lock:
            cluster.plane.objects[key] = kept


NOTE = {
    "phase": "restoring", "id": "20260102-030405", "path": "etcd-backups/a", "size": "5", "replicas": "3",
    "replicas-before": "3", "was-suspended": "false", "data-dir": "/var/run/etcd/default.etcd",
    "target-dir": "/var/run/etcd/backup.etcd", "token": "restored"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("fact", [fact for fact in NOTE if fact not in ("path", "token")])
def test_X1_a_fact_of_the_note_is_never_run(cluster, tmp_path, fact):
    file = tmp_path / "made"
    cluster.back_up()
    try:
        cluster.sandbox.put_configmap(NAMESPACE, f"{NAME}-restore", NOTE | {fact: hostile(file)})
        assert_refused(cluster, file)
        said = cluster.run("--undo", status=1)
        assert "REFUSED" in said and not file.exists(), said
    finally:
        cluster.sandbox.remove_configmap(NAMESPACE, f"{NAME}-restore")


def test_X1_nothing_of_the_record_or_of_a_job_is_ever_run(cluster, tmp_path):
    path, file = cluster.back_up(), tmp_path / "made"
    record = cluster.backups.record
    try:
        for key in ("backup-size-bytes-from-last-success", "backup-etcd-revision-from-last-success"):
            cluster.sandbox.put_configmap(NAMESPACE, RECORD, record | {key: hostile(file)})
            assert_refused(cluster, file)
    finally:
        cluster.sandbox.put_configmap(NAMESPACE, RECORD, record)
    with Untouched(cluster):
        for message in (f'{{"path":"{path}","bytes":{hostile(file)}}}', f'{{"path":"{hostile(file)}","bytes":5}}'):
            cluster.node.alter = saying("verify", f"echo '{message}' >/dev/termination-log")
            said = cluster.run(status=1)
            assert "did not say that it read" in said and "Nothing has been changed" in said, said
    assert not file.exists()


def test_X1_numbers_of_the_command_line_are_decimal_and_text_is_one_line(cluster):
    cluster.back_up()
    assert "activeDeadlineSeconds: 609" in cluster.run("--dry-run", "--timeout", "09")
    for option, value in (("--namespace", "a;b"), ("--token", "a\nb"), ("--data-dir", "/a/../b"), ("--from", "\x1b[2J"),
                          ("--run-as", "1[$(id)]")):
        said = cluster.run(option, value, status=64)
        assert "\x1b" not in said, said


def test_H1_names_that_look_like_numbers_stay_names(cluster):
    namespace, name = "1e3", "12345"
    item = cluster.statefulset(cluster.release)
    item["metadata"] = {"name": name, "namespace": namespace}
    item["spec"]["replicas"] = 0
    cronjob = cluster.plane.get("cronjobs", NAMESPACE, CRONJOB)
    cronjob["metadata"] = {"name": "true", "namespace": namespace}
    cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]["serviceAccountName"] = "1.5"
    cluster.plane.put("statefulsets", item)
    cluster.plane.put("cronjobs", cronjob)
    for number in range(3):
        cluster.plane.put("persistentvolumeclaims", {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Bound"},
            "spec": {"accessModes": ["ReadWriteOnce"]},
            "metadata": {"name": f"data-{name}-{number}", "namespace": namespace}})
    said = cluster.run("--dry-run", "--namespace", namespace, "--statefulset", name, "--from", "true", "--token", "0x1")
    manifests = manifests_in(said)
    assert len(manifests) == 12
    for each in manifests:
        checked(each)
        assert each["metadata"]["namespace"] == namespace
    pods = [each["spec"]["template"]["spec"] for each in manifests if each["kind"] == "Job"]
    assert {pod["serviceAccountName"] for pod in pods} == {"1.5"}


# After a break of the history


def test_D16_a_backup_of_the_emptied_cluster_is_not_restored_unasked(cluster):
    before = cluster.etcd.state()
    good = cluster.back_up()
    cluster.destroy_data()
    cluster.start_members()
    empty = cluster.back_up_and_keep_histories()
    said = cluster.run(status=1)
    assert "REFUSED" in said and f"--from {good}\n" in said and f"--from {empty}\n" in said, said
    cluster.run("--from", good, "--discard-old")
    assert_restored(cluster, before)


def test_D16_after_a_break_of_the_history_it_restores_only_what_it_is_told(cluster):
    older, newer = cluster.back_up(), cluster.back_up()
    record = cluster.backups.record
    broken = {"backup-previous-history-path": older, "backup-history-broke-time": "2026-01-02T03:04:05Z"}
    cluster.sandbox.put_configmap(NAMESPACE, RECORD, record | broken)
    try:
        for options in ([], ["--dry-run"]):
            said = cluster.run(*options, status=1)
            assert "REFUSED" in said and "broke at 2026-01-02T03:04:05Z" in said, said
            revision = record["backup-etcd-revision-from-last-success"]
            assert f"{newer}, revision {revision}, taken 2" in said, said
            for path in (older, newer):
                assert re.search(rf"^  \S*restore.sh .*--from {path}$", said, re.M), said
        for path in (older, newer):
            assert f"Backup       {path}" in cluster.run("--dry-run", "--from", path)
        assert "REFUSED" in cluster.run("--from", "recorded", status=1)
        with Untouched(cluster):
            said = cluster.run("--from", "latest", status=1)
        assert "Nothing has been changed" in said and older in said and newer in said, said
    finally:
        cluster.sandbox.put_configmap(NAMESPACE, RECORD, record)


@pytest.mark.parametrize("name, complaint", [
    long("prepare", "but the restore needs"), long("download", "(?i)no space|space left|free"), ("etcd", "no space left")])
def test_J5_a_disk_that_fills_up_brings_the_old_data_back(cluster, name, complaint):
    cluster.back_up()

    def fill_up(pod, container, command):
        if pod["metadata"]["labels"].get("job-name", "").endswith("restore-member-1") and container["name"] == name:
            cluster.fill_volume(MEMBERS[1])
        return command

    hog = cluster.volume(MEMBERS[1]) / "hog"
    with Untouched(cluster):
        cluster.node.alter = fill_up
        try:
            said = cluster.run(status=1)
        finally:
            hog.unlink(missing_ok=True)
    assert re.search(complaint, said) and "The old data is back in its place" in said, said


def test_J5_a_volume_without_room_is_found_before_anything_is_stopped(cluster):
    cluster.back_up()
    cluster.node.volumes.resize(f"data-{MEMBERS[1]}", 300)
    try:
        with Untouched(cluster):
            said = cluster.run(status=1)
    finally:
        cluster.node.volumes.resize(f"data-{MEMBERS[1]}", 512)
    assert "free, but the restore needs" in said and "Nothing has been changed" in said, said


def test_when_even_putting_back_fails_nothing_is_lost_and_undo_ends_it(cluster):
    cluster.back_up()
    with Untouched(cluster):
        def alter(pod, container, command):
            for kind, name in (("switch", "switch"), ("put-back", "put-back")):
                command = dying(kind, name, "-1")(pod, container, command)
            return command

        cluster.node.alter = alter
        said = cluster.run(status=2)
        assert "Putting the old data back did not finish" in said and "--undo" in said, said
        assert cluster.note["phase"] == "undoing" and cluster.replicas == 0
        assert "being undone" in cluster.run(status=1)
        cluster.node.alter = None
        assert "UNDONE" in cluster.run("--undo")


# Interruptions


def interrupt(cluster: RestoreWorld, said: str, number: signal.Signals, *options: str) -> str:
    """Ends restore.sh, and whatever kubectl it waits for, once it has said that; returns all that it said. The Jobs that
    it creates from then on run only once it has ended."""
    script, gate = cluster.start(*options), threading.Event()
    cluster.plane.before_job = lambda _: said not in script.output() or gate.wait()
    try:
        wait_until(lambda: said in script.output(), said, child=script)
        for _ in range(10):  # bash sometimes misses a signal that comes as a command ends
            os.killpg(script.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                script.process.wait(AT_ONCE)
                break
        script.wait(AT_ONCE)
    finally:
        gate.set()
        cluster.plane.before_job = lambda name: None
    return script.output()


@pytest.mark.parametrize("steps", ["25", long("123456")])
def test_killed_in_every_step_it_goes_on_where_it_stopped(cluster, steps):
    before = cluster.etcd.state()
    cluster.back_up()
    write_more(cluster)
    identity = None
    for step in steps:
        interrupt(cluster, f"== {step}.", signal.SIGKILL)
        identity = identity or cluster.note["id"]
        assert cluster.note["id"] == identity
        assert cluster.is_suspended
    said = cluster.run()
    assert "Going on with restore" in said
    assert_restored(cluster, before)
    assert not cluster.is_suspended
    clean_up(cluster)


@pytest.mark.parametrize("step", [long("2"), long("4"), "5", long("6")])
def test_interrupted_in_any_step_undo_goes_back(cluster, step):
    cluster.back_up()
    with Untouched(cluster):
        said = interrupt(cluster, f"== {step}.", signal.SIGINT)
        assert "INTERRUPTED" in said and "--undo" in said
        assert "UNDONE" in cluster.run("--undo")


def waiting(job: str, gate: str):
    """Lets the containers of that Job wait until somebody writes to the named pipe."""
    def alter(pod, container, command):
        is_it = pod["metadata"]["labels"].get("job-name", "") == f"{NAME}-restore-{job}"
        return ["/bin/sh", "-c", f'read -r go < {gate}; exec "$@"', "wait", *command] if is_it else command

    return alter


@pytest.mark.parametrize("how", [long("--finish"), "--discard-old"])
def test_interrupted_while_it_removes_old_data_there_is_only_finishing(cluster, how):
    before = cluster.etcd.state()
    cluster.back_up()
    write_more(cluster)
    if how == "--finish":
        cluster.run()
    gate = cluster.volume(MEMBERS[1]) / "gate"
    os.mkfifo(gate)
    cluster.node.alter = waiting("discard-1", "/var/run/etcd/gate")
    said = interrupt(cluster, "discard-2: complete", signal.SIGINT, how).partition("INTERRUPTED")[2]
    assert "--finish" in said and "--undo" not in said, said
    data = cluster.data_identities()
    assert "already being removed" in cluster.run("--undo", status=1)
    assert "being removed" in cluster.run(status=1)
    said = cluster.run("--from", "01AAAAAAAAAAAAAAAAAAAAAAAA", status=1)
    assert "--finish" in said and "--undo" not in said, said
    writer = os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
    os.write(writer, b"go\n")
    os.close(writer)
    gate.unlink()
    clean_up(cluster)
    assert cluster.data_identities() == data
    assert_restored(cluster, before)


def test_old_data_that_is_gone_from_one_member_is_not_put_back_on_the_others(cluster):
    before = cluster.etcd.state()
    cluster.back_up()
    write_more(cluster)
    cluster.run()
    data = cluster.data_identities()
    cluster.node.alter = dying("discard", "discard", "-1")
    assert "FINISHING STOPPED" in cluster.run("--finish", status=2)
    cluster.node.alter = None
    said = cluster.run("--undo", status=1)
    assert "no way back" in said and "--finish" in said, said
    assert (cluster.replicas, cluster.data_identities()) == (3, data)
    clean_up(cluster)
    assert_restored(cluster, before)


def test_another_backup_is_refused_while_a_restore_is_under_way(cluster):
    older = cluster.back_up()
    cluster.back_up()
    with Untouched(cluster):
        interrupt(cluster, "== 2.", signal.SIGKILL)
        assert "is under way" in cluster.run("--from", older, status=1)
        cluster.run("--undo")


# Releases, revisions and passwords


NEXT = {"3.3.25": "3.4.23", "3.4.23": "3.5.16", "3.5.16": None}


@pytest.mark.parametrize("version", ["3.3.25", long("3.4.23"), long("3.5.16")])
def test_each_release_restores_with_its_own_tool_and_one_version_up(tmp_path, version):
    following = tuple(Release(name) for name in [NEXT[version]] if name)
    with restore_world(tmp_path / "restore", Release(version), following, restricted=False) as world:
        world.etcd.fill(100, deletes=5, leases=2)
        world.etcd.etcdctl("user", "add", "reader:secret of the reader")
        before = world.etcd.state()
        world.back_up()
        for release in (Release(version), *following):
            write_more(world)
            world.use(release)
            said = world.run("--discard-old")
            assert said.count(f"serves: etcd {release.version}, ") == 3, said
            assert_restored(world, before)


def test_a_bumped_revision_ends_every_watch_from_before(tmp_path):
    with restore_world(tmp_path / "restore", Release("3.5.16")) as world:
        world.etcd.fill(20)
        keys = world.etcd.contents().keys
        revision = world.etcd.contents().revision
        world.back_up()
        world.run("--bump-revision", "1000000", "--mark-compacted", "--discard-old")
        with world.etcd.gateway() as gateway:
            now = gateway.call("kv/range", ALL_KEYS | {"count_only": True})
            assert int(now["header"]["revision"]) >= revision + 1_000_000
            assert int(now["count"]) == len(keys)
            with pytest.raises(GatewayError, match="compacted"):
                gateway.call("kv/range", {"key": encode("/"), "revision": revision})


def test_an_image_that_cannot_bump_is_found_before_anything_is_stopped(cluster):
    cluster.back_up()
    with Untouched(cluster):
        said = cluster.run("--bump-revision", "1000", "--mark-compacted", status=1)
    assert "unknown flag: --bump-revision" in said and "Nothing has been changed" in said, said


def test_with_authentication_the_restored_cluster_wants_the_root_password_of_the_backup(tmp_path):
    with restore_world(tmp_path / "restore", credentials=CREDENTIALS_SECRET) as world:
        world.etcd.fill(20)
        world.etcd.enable_authentication("password of Monday")
        world.etcd.user = ("root", "password of Monday")
        world.backups.use_credentials("root", "password of Monday")
        before = world.etcd.state()
        world.back_up()
        with world.etcd.gateway() as gateway:
            gateway.call("auth/user/changepw", {"name": "root", "password": "password of Tuesday"})
        world.backups.use_credentials("root", "password of Tuesday")

        said = world.run("--discard-old")
        assert said.count("wants the passwords of the time of the backup") == 3, said
        assert "password of" not in said
        assert_same(before, world.etcd.state())
        world.etcd.user = ("root", "password of Tuesday")
        with pytest.raises(GatewayError, match="authentication failed"):
            world.etcd.contents()
