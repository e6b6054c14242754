"""Each example of chart/examples works as it is: its pod backs up a real etcd that is set up like the one it names.

Only the store's address and its CA are the test's. Ports are the real ones, in a network of the test's own.
"""

import contextlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

import webhook
from certificates import TLS
from etcd import Cluster, Release
from helm import CHART, Objects, merged
from identities import CLIENT, ISSUER, ROLES, TENANT, Identities
from installation import CONTAINER, Installation
from network import own_network
from sandbox import Sandbox

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a network and give a pod its user")

EXAMPLES = sorted(path.stem for path in (CHART / "examples").glob("*.yaml"))
ACCOUNT = "examplestore"
NEWEST = Release.all()[-1]


class Example(Installation):
    """What the commands above the example's values set up."""

    def __init__(self, helm, name: str, sandbox: Sandbox, folder: Path, enforce: str, hosts: tuple[str, ...]):
        self.text = (CHART / "examples" / f"{name}.yaml").read_text()
        [(release, namespace)] = re.findall(r"^#   helm install (\S+) chart --namespace (\S+)", self.text, re.MULTILINE)
        store = {"endpoint": sandbox.blob_tls_url, "caConfigMap": "store-ca"}
        values = merged(yaml.safe_load(self.text), {"abs": store})
        objects = Objects(yaml.safe_load_all(helm.template(values, namespace=namespace, release=release)))
        self._install(objects, sandbox, folder, namespace, enforce, dict.fromkeys(hosts, "127.0.0.1"))
        sandbox.put_configmap(namespace, "store-ca", {"ca.crt": sandbox.ca_file.read_text()})
        self._create_secret_of_the_store()

    def _create_secret_of_the_store(self) -> None:
        held = {"storage-account": ACCOUNT, "storage-key": self.sandbox.account_key,
                "sas-token": self.sandbox.sas(container=CONTAINER, ends=90 * 24 * 3600)}
        commented = re.sub(r" \\\n#", "", self.text)
        for name, namespace, options in re.findall(
                r"^#   (?:kubectl|oc) create secret generic (\S+) --namespace (\S+) (.*)$", commented, re.MULTILINE):
            assert namespace == self.namespace
            keys = re.findall(r"--from-(?:literal|file)=([\w-]+)(?:=(\w+))?", options)
            assert all(value in ("", held[key]) for key, value in keys)
            self.sandbox.put_secret(namespace, name, {key: held[key] for key, _ in keys})

    def secret(self, name: str, data: dict[str, str]) -> None:
        self.sandbox.put_secret(self.namespace, name, data)

    def on_the_node(self, folder: str, files: dict[str, str]) -> None:
        """Root's alone, as kubeadm and k3s write them."""
        place = self.node.root / folder.lstrip("/")
        place.mkdir(parents=True)
        for name, text in files.items():
            (place / name).write_text(text)
            (place / name).chmod(0o600)


@dataclass(frozen=True)
class Setting:
    """An etcd, and how its owner hands out what opens it."""

    hand_out: Callable[[Example, Cluster], None]
    hosts: tuple[str, ...] = ()
    client_name: str | None = "etcd-backup"
    has_tls: bool = True
    members: int = 1
    is_grpc_only: bool = False
    enforce: str = "restricted"
    labels: dict[str, str] = field(default_factory=dict)
    taints: frozenset[str] = frozenset()
    admit: Callable[[Example, dict], dict] = lambda example, spec: spec
    warning: str | None = None


def of_cert_manager(example: Example, etcd: Cluster) -> None:
    example.secret("etcd-client", {
        "tls.crt": etcd.tls.client.certificate, "tls.key": etcd.tls.client.key, "ca.crt": etcd.tls.signer.certificate})


def of_kubeadm(example: Example, etcd: Cluster) -> None:
    example.on_the_node("/etc/kubernetes/pki/etcd", {
        "ca.crt": etcd.tls.signer.certificate, "ca.key": "not for this pod", "server.crt": etcd.tls.server.certificate,
        "server.key": etcd.tls.server.key, "healthcheck-client.crt": etcd.tls.client.certificate,
        "healthcheck-client.key": etcd.tls.client.key})


def of_rancher(name: str) -> Callable[[Example, Cluster], None]:
    def hand_out(example: Example, etcd: Cluster) -> None:
        example.on_the_node(f"/var/lib/rancher/{name}/server/tls/etcd", {
            "server-ca.crt": etcd.tls.signer.certificate, "server-ca.key": "not for this pod",
            "client.crt": etcd.tls.client.certificate, "client.key": etcd.tls.client.key})

    return hand_out


def of_openshift(example: Example, etcd: Cluster) -> None:
    example.secret("etcd-client", {"tls.crt": etcd.tls.client.certificate, "tls.key": etcd.tls.client.key})
    example.sandbox.put_configmap(example.namespace, "etcd-ca-bundle", {"ca-bundle.crt": etcd.tls.signer.certificate})


def with_ids_of_openshift(example: Example, spec: dict) -> dict:
    """As the constraint restricted-v2 does, which refuses ids of the pod's own."""
    assert not {"runAsUser", "runAsGroup", "fsGroup"} & set(spec["securityContext"])
    return {**spec, "securityContext": {**spec["securityContext"], "runAsUser": 1000680000, "fsGroup": 1000680000}}


def of_bitnami(example: Example, etcd: Cluster) -> None:
    etcd.enable_authentication("chosen by the chart")
    example.secret("etcd", {"etcd-root-password": "chosen by the chart"})


def of_the_service_catalog(example: Example, etcd: Cluster) -> None:
    example.secret("service-catalog-etcd-stateful-etcd-client-tls", etcd.tls.secret())


def with_workload_identity(example: Example, spec: dict) -> dict:
    """The identity trusts the subject and the audience of the commands in the example, and has the role on its container."""
    text = re.sub(r" \\\n# ", "", example.text)
    [(subject, audience)] = re.findall(r"--subject (\S+) --audiences (\S+)", text)
    assert f"/blobServices/default/containers/{CONTAINER}" in text and '"Storage Blob Data Contributor"' in text
    identities = Identities(example.sandbox, example.node.folder, CONTAINER)
    identities.set(roles=ROLES, federated={"subject": subject, "audience": audience, "issuer": ISSUER})

    def token(pod: dict) -> str:
        identities.write_token(sub=f"system:serviceaccount:{example.namespace}:{pod['spec']['serviceAccountName']}")
        return identities.token_file.read_text()

    example.node.audiences[webhook.AUDIENCE] = token
    account = example.objects.one("ServiceAccount")
    assert account["metadata"]["annotations"] == {f"{webhook.PREFIX}/client-id": CLIENT}
    account["metadata"]["annotations"][f"{webhook.PREFIX}/tenant-id"] = TENANT  # the webhook's own
    template = {**example.objects.job["template"], "spec": spec}
    return webhook.injected(template, account, f"{example.sandbox.identity_url}/")


CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
ETCD = "node-role.kubernetes.io/etcd"
SETTINGS = {
    "aks-workload-identity": Setting(
        of_cert_manager, hosts=("etcd.etcd.svc.cluster.local",), admit=with_workload_identity),
    "sas": Setting(of_cert_manager, hosts=("etcd.etcd.svc.cluster.local",)),
    "kubeadm": Setting(
        of_kubeadm, client_name="kube-etcd-healthcheck-client", enforce="privileged", members=3,
        labels={CONTROL_PLANE: ""}, taints=frozenset({CONTROL_PLANE})),
    "k3s": Setting(of_rancher("k3s"), is_grpc_only=True, enforce="privileged", labels={ETCD: "true"}),
    "rke2": Setting(
        of_rancher("rke2"), is_grpc_only=True, enforce="privileged", labels={ETCD: "true"},
        taints=frozenset({CONTROL_PLANE, ETCD})),
    "openshift": Setting(of_openshift, hosts=("etcd.openshift-etcd.svc",), admit=with_ids_of_openshift),
    "bitnami-etcd": Setting(of_bitnami, hosts=("etcd.etcd.svc.cluster.local",), has_tls=False,
        warning="the password of etcd's user travels readable"),
    "service-catalog": Setting(
        of_the_service_catalog, hosts=("service-catalog-etcd-stateful-client.kyma-system.svc.cluster.local",)),
}


@contextlib.contextmanager
def etcd_like(setting: Setting, folder: Path):
    tls = TLS.make(folder / "tls", client_name=setting.client_name, hosts=setting.hosts) if setting.has_tls else None
    http_port = 2382 if setting.is_grpc_only else None
    etcd = Cluster(folder / "data", NEWEST, size=setting.members, tls=tls, http_port=http_port)
    etcd.first.client_port = 2379
    with etcd:
        etcd.fill(200)
        yield etcd


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_pod_of_an_example_stores_and_records_a_backup(helm4, tmp_path, name):
    setting = SETTINGS[name]
    with own_network(), contextlib.ExitStack() as stack:
        etcd = stack.enter_context(etcd_like(setting, tmp_path / "etcd"))
        sandbox = stack.enter_context(Sandbox(state=tmp_path / "sandbox", account=ACCOUNT, tls=True))
        example = stack.enter_context(Example(helm4, name, sandbox, tmp_path, setting.enforce, setting.hosts))
        setting.hand_out(example, etcd)
        example.plane.labels_of_nodes, example.plane.taints = setting.labels, set(setting.taints)
        outcome = example.run(setting.admit(example, example.objects.pod))
        assert outcome.status == 0, outcome.log
        prefix = example.objects.environment["APP_BLOB_PREFIX"]
        assert example.recorded_path.startswith(f"{CONTAINER}/{prefix}/")
        assert outcome.message["result"] == "success" and outcome.message["path"] == example.recorded_path
        warnings = [line for line in outcome.log.splitlines() if '"level":"warn"' in line]
        assert [setting.warning in line for line in warnings] == ([True] if setting.warning else [])


def test_on_a_control_plane_the_pod_sees_no_key_but_its_own(helm4):
    for name in ("kubeadm", "k3s", "rke2"):
        values = yaml.safe_load((CHART / "examples" / f"{name}.yaml").read_text())
        objects = Objects(yaml.safe_load_all(helm4.template(values)))
        mounted = [each["subPath"] for each in objects.container["volumeMounts"]]
        assert len(mounted) == 3 and [each for each in mounted if each.endswith(".key")] == [
            "healthcheck-client.key" if name == "kubeadm" else "client.key"]
