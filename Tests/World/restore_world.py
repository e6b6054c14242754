"""A StatefulSet of three etcd members with TLS under the restore document's own names, its backups, and restore.sh."""

import contextlib
import random
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import yaml
from azure.storage.blob import BlobServiceClient

from certificates import TLS
from control_plane import ControlPlane
from documentation import Document
from etcd import DEFAULT, PATIENT, Cluster, Release
from gateway import Contents, Gateway
from helm import Helm
from pods import Image, Node
from processes import CLEAN_ENVIRONMENT, PATIENCE, ROOT, SHORT_LIVED, Child, wait_until
from program import BINARY
from sandbox import Sandbox
from world import CONTAINER, NAMESPACE, RECORD, STORE_SECRET, TLS_SECRET, TOKEN, World

NAME = "service-catalog-etcd-stateful"
CRONJOB = "etcd-backup"
MEMBERS_SECRET = "etcd-members-tls"
SCRIPT = ROOT / "restore" / "restore.sh"
MEMBERS = [f"{NAME}-{number}" for number in range(3)]
OPERATOR = "token-of-the-operator-51d3"


def rights_for_a_restore() -> set[tuple[str, str]]:
    """What docs/restore.md says that kubectl needs: pairs of a verb of RBAC and a resource."""
    sentence = r"the right to read and write the namespace's (.*?) and to read its (.*?)\."
    written, read = (
        re.findall("`(.+?)`", names)
        for names in re.search(sentence, Document("docs/restore.md").text, re.DOTALL).groups())
    return {(verb, resource) for resource in [*written, *read] for verb in READ} | {
        (verb, resource) for resource in written for verb in WRITE}


READ, WRITE = ("get", "list", "watch"), ("create", "update", "patch", "delete")
RIGHTS = rights_for_a_restore()


class RestoreWorld:
    """Everything at hand: `etcd` fills and reads the cluster, `run()` restores it."""

    def __init__(self, folder: Path, release: Release, helm: Helm, sandbox: Sandbox, node: Node, plane: ControlPlane,
                 addresses: list[str], tls: TLS, backups: World, restricted: bool):
        self.restricted = restricted
        self.folder, self.release, self.helm, self.sandbox = folder, release, helm, sandbox
        self.node, self.plane, self.addresses, self.tls, self.backups = node, plane, addresses, tls, backups
        self.etcd = Reach(folder / "reach", release, tls, addresses)
        self.scripts: list[Child] = []

    # The cluster

    def install(self, credentials: str) -> None:
        """The StatefulSet with its volumes and the chart's CronJob, its account and its Secrets."""
        objects = self.helm.render({
            "global": {"etcdBackup": {"containerName": CONTAINER, "existingSecret": STORE_SECRET}},
            "etcd-operator": {"backupOperator": {"abs": {
                "storageAccount": "", "storageKey": "", "endpoint": self.sandbox.blob_url}}},
            "etcd": {"tlsSecretName": TLS_SECRET, "credentialsSecretName": credentials},
        }, release=CRONJOB)
        self.sandbox.put_secret(NAMESPACE, TLS_SECRET, self.tls.secret())
        self.sandbox.put_configmap(NAMESPACE, objects.environment["APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING"], {})
        self.plane.put("cronjobs", objects.one("CronJob"))
        self.plane.put("serviceaccounts", objects.one("ServiceAccount"))
        self.plane.put("serviceaccounts", {
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": NAMESPACE}})
        account = objects.pod["serviceAccountName"]
        self.sandbox.grant(TOKEN, f"system:serviceaccount:{NAMESPACE}:{account}", [
            {key: rule[key] for key in ("resources", "resourceNames", "verbs") if key in rule} | {"namespace": NAMESPACE}
            for rule in objects.one("Role")["rules"]])
        self.node.tokens.update({account: TOKEN, "default": "a token that allows nothing"})
        self.allow(RIGHTS)
        self.sandbox.put_secret(NAMESPACE, MEMBERS_SECRET, {
            path.name: path.read_text() for path in self.tls.folder.iterdir() if path.suffix in (".crt", ".key")})
        for member in MEMBERS:
            self.node.volumes.make(f"data-{member}", megabytes=512)
            self.plane.put("persistentvolumeclaims", {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Bound"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "4Gi"}}},
                "metadata": {"name": f"data-{member}", "namespace": NAMESPACE}})
        self.plane.put("statefulsets", self.statefulset(self.release))
        self.wait_until_serving()

    def allow(self, rights: set[tuple[str, str]]) -> None:
        """Lets the operator's kubectl do that and nothing else: pairs of a verb of RBAC and a resource."""
        self.sandbox.grant(OPERATOR, "operator", [
            {"namespace": "*", "resources": [resource], "verbs": [verb]} for verb, resource in sorted(rights)])

    def statefulset(self, release: Release) -> dict:
        """As the document's chart installs it."""
        item = yaml.safe_load(Path(__file__).with_name("statefulset.yaml").read_text())
        pod = item["spec"]["template"]["spec"]
        pod["containers"][0]["image"] = f"etcd:v{release.version}"
        if not self.restricted:
            del pod["securityContext"], pod["containers"][0]["securityContext"]
        return item

    def wait_until_serving(self) -> None:
        for gateway in self.etcd.gateways():
            with gateway:
                wait_until(gateway.health, "health of a member")

    def stop_members(self) -> None:
        self._scale(0)
        self.plane.wait_until_gone(MEMBERS)

    def start_members(self) -> None:
        self._scale(3)
        self.wait_until_serving()

    def _scale(self, replicas: int) -> None:
        item = self.plane.get("statefulsets", NAMESPACE, NAME)
        item["spec"]["replicas"] = replicas
        self.plane.put("statefulsets", item)

    def use(self, release: Release) -> None:
        """Another etcd image for the members, from their next start on."""
        self.release = self.etcd.release = release
        with self.plane.lock:
            current = self.plane.objects[("statefulsets", NAMESPACE, NAME)]
            current["spec"]["template"]["spec"]["containers"][0]["image"] = f"etcd:v{release.version}"

    def destroy_data(self) -> None:
        """The worst day: every member's data is gone, and the members with it."""
        self.stop_members()
        for member in MEMBERS:
            subprocess.run(["rm", "-rf", *map(str, self.volume(member).iterdir())], check=True)

    def volume(self, member: str) -> Path:
        return self.node.volumes[f"data-{member}"]

    def names_on(self, member: str) -> list[str]:
        return sorted(path.name for path in self.volume(member).iterdir())

    def data_identities(self) -> list[str]:
        """What tells each member's data directory apart from any other."""
        return [f"{member} {(self.volume(member) / 'default.etcd').stat().st_ino}" for member in MEMBERS]

    def fill_volume(self, member: str) -> None:
        """Not a byte is left."""
        with open(self.volume(member) / "hog", "wb") as hog, contextlib.suppress(OSError):
            while True:
                hog.write(bytes(1 << 20))
                hog.flush()

    # Backups

    def back_up_and_keep_histories(self) -> str:
        """Takes a backup as the CronJob would; returns the recorded path."""
        self.backups.env["APP_BACKUP_ETCD_ENDPOINTS"] = ",".join(self.etcd.urls)
        self.backups.env["APP_BACKUP_CLIENT_TLS_SECRET"] = TLS_SECRET
        return self.backups.assert_success(self.backups.run())

    def back_up(self) -> str:
        """The same, in a cluster of which nobody knows that earlier tests restored it: that broke its history."""
        path = self.back_up_and_keep_histories()
        record = self.backups.record
        if record.pop("backup-previous-history-path", ""):
            self.sandbox.put_configmap(NAMESPACE, RECORD, record)
        return path

    @property
    def blobs(self) -> BlobServiceClient:
        return self.backups.service

    # restore.sh

    @property
    def environment(self) -> dict[str, str]:
        kubectl = self.folder / "bin"
        kubectl.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            (kubectl / "kubectl").symlink_to(self.helm.program.with_name("kubectl"))
        config = self.folder / "kubeconfig-of-the-operator"
        config.write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {
                "server": self.plane.url, "certificate-authority": str(self.sandbox.ca_file)}}],
            "users": [{"name": "operator", "user": {"token": OPERATOR}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "operator"}}]}))
        return CLEAN_ENVIRONMENT | SHORT_LIVED | {
            "PATH": f"{kubectl}:{CLEAN_ENVIRONMENT['PATH']}", "HOME": str(self.folder),
            "KUBECONFIG": str(config), "RESTORE_POLL_SECONDS": "1"}

    def start(self, *options: str) -> Child:
        script = Child(
            # Whoever started the tests in the background may have them ignore an interruption.
            ["env", "--default-signal=INT", str(SCRIPT), "--yes", "--wait", "60", "--timeout", "120", *options],
            self.folder / f"restore-{len(self.scripts)}.log", self.environment)
        self.scripts.append(script)
        return script

    def run(self, *options: str, status: int = 0) -> str:
        """Runs restore.sh to its end; returns what it said."""
        script = self.start(*options)
        assert script.wait(600) == status, script.output()
        return script.output()

    def stop_scripts(self) -> None:
        """No restore.sh goes on behind the back of who started it."""
        for script in self.scripts:
            script.kill()

    @property
    def is_in_order(self) -> bool:
        """Whether the cluster serves, with nothing noted, nothing kept, and no Job of a restore under way."""
        return (
            (self.note, self.is_suspended, self.replicas) == (None, False, len(MEMBERS))
            and all(self.names_on(member) == ["default.etcd"] for member in MEMBERS)
            and all(map(healthy, self.etcd.gateways()))
            and self.plane.running() == MEMBERS)

    @property
    def note(self) -> dict | None:
        return self.sandbox.configmap(NAMESPACE, f"{NAME}-restore")

    @property
    def is_suspended(self) -> bool:
        return self.plane.get("cronjobs", NAMESPACE, CRONJOB)["spec"]["suspend"]

    @property
    def replicas(self) -> int:
        return self.plane.get("statefulsets", NAMESPACE, NAME)["spec"]["replicas"]


class Reach:
    """Fills and reads the StatefulSet's etcd from outside, by the members' addresses."""

    def __init__(self, folder: Path, release: Release, tls: TLS, addresses: list[str]):
        self.urls = [f"https://{address}:2379" for address in addresses]
        self.release, self.tls = release, tls
        self.user: tuple[str, str] | None = None
        self._tools = Cluster(folder, release, tls=tls)  # never started: its etcdctl and its ways to fill
        self._tools.gateway = lambda: self.gateway()  # type: ignore[method-assign]

    def gateway(self, number: int = 0, timeout: float = 60) -> Gateway:
        """A connection to one member."""
        return Gateway(self.urls[number], self.release.gateway_prefix, self.tls, self.user, timeout)

    def gateways(self) -> list[Gateway]:
        return [self.gateway(number) for number in range(len(self.urls))]

    def __getattr__(self, name: str):
        """fill, put, contents and enable_authentication of Cluster, over this cluster's gateway."""
        if name not in ("fill", "put", "contents", "enable_authentication"):
            raise AttributeError(name)
        return getattr(self._tools, name)

    def etcdctl(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(self.release.folder / "etcdctl"), *PATIENT, f"--endpoints={','.join(self.urls)}",
             f"--cacert={self.tls.folder / 'ca.crt'}", f"--cert={self.tls.folder / 'client.crt'}",
             f"--key={self.tls.folder / 'client.key'}",
             *([f"--user={':'.join(self.user)}"] if self.user else []), *arguments],
            env=CLEAN_ENVIRONMENT | SHORT_LIVED | {"ETCDCTL_API": "3"}, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def state(self, number: int = 0) -> dict:
        """All that a restore must bring back, as one member has it: keys and changes, leases, users and roles."""
        leases = sorted(self.etcdctl("lease", "list").splitlines()[1:])
        with self.gateway(number) as gateway:
            contents = gateway.contents()
        return {
            "contents": contents,
            "leases": {lease: self._granted(lease) for lease in leases},
            "users": self.etcdctl("user", "list").split(),
            "roles": self.etcdctl("role", "list").split(),
        }

    def _granted(self, lease: str) -> str:
        """How long it was granted for, and the keys attached to it."""
        answer = self.etcdctl("lease", "timetolive", lease, "--keys")
        return answer[answer.index("granted with TTL("):].partition(",")[0] + answer.partition("attached keys")[2]


def assert_same(before: dict, after: dict) -> None:
    contents: Contents = before["contents"]
    assert contents.differences(after["contents"]) == []
    for what in ("leases", "users", "roles"):
        assert before[what] == after[what], what


@contextlib.contextmanager
def restore_world(folder: Path, release: Release = DEFAULT, releases: tuple[Release, ...] = (),
                  credentials: str = "", restricted: bool = True) -> Iterator[RestoreWorld]:
    """`releases` are further etcd images that a StatefulSet may name, `credentials` the Secret with etcd's user. Unless
    `restricted`, the members run as root, as in etcd's own images, in a namespace that allows it."""
    subprocess.run([ROOT / ".ci" / "helm"], check=True)  # does nothing when they are there
    helm = Helm("4", folder)
    addresses = loopback_addresses(len(MEMBERS))
    domain = f"{NAME}.{NAMESPACE}.svc.cluster.local"
    tls = TLS.make(
        folder / "tls", client_name=None, hosts=(f"*.{domain}", f"{NAME}-client.{NAMESPACE}.svc.cluster.local"),
        addresses=tuple(addresses))
    for name, text in tls.secret().items():
        (tls.folder / name).write_text(text)  # as the members' pods have them mounted
    hosts = {f"{member}.{domain}": address for member, address in zip(MEMBERS, addresses, strict=True)}
    images = {f"etcd:v{each.version}": etcd_image(each) for each in (release, *releases)}
    images[f"etcd-backup:{program_version()}"] = Image(
        {"etcd-backup": BINARY}, entrypoint=["/usr/local/bin/etcd-backup"], user=65532)
    with (
        Sandbox(state=folder / "sandbox") as sandbox,
        Node(folder / "node", images, hosts, sandbox) as node,
    ):
        backups = World(sandbox, folder)
        plane = ControlPlane(node, enforce="restricted" if restricted else "baseline")
        with plane:
            world = RestoreWorld(folder, release, helm, sandbox, node, plane, addresses, tls, backups, restricted)
            try:
                world.install(credentials)
                yield world
            finally:
                world.stop_scripts()
                backups.stop()


def healthy(gateway: Gateway) -> bool:
    with gateway:
        return gateway.health()


def etcd_image(release: Release) -> Image:
    return Image({path.name: path for path in release.folder.iterdir()})


def program_version() -> str:
    return yaml.safe_load((ROOT / "chart" / "Chart.yaml").read_text())["appVersion"]


def loopback_addresses(count: int) -> list[str]:
    """Addresses of this machine that nobody else uses, for servers with fixed ports."""
    chooser = random.SystemRandom()
    while True:
        network = f"127.{chooser.randrange(1, 255)}.{chooser.randrange(255)}"
        addresses = [f"{network}.{number + 1}" for number in range(count)]
        if all(map(_is_free, addresses)):
            return addresses


def _is_free(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 2380))
        except OSError:
            return False
        return True
