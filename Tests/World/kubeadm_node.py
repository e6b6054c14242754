"""Control plane nodes as kubeadm lays them out, for restore/control-plane.sh: manifests, certificates and data under the
usual paths, in a mount namespace of their own. etcd is the real one; a kubelet and a container runtime are stood in for.

The kubelet ends the pod whose manifest is gone and starts one whose manifest is there. Needs root.
"""

import contextlib
import json
import shutil
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import yaml

from certificates import TLS, Authority
from container_runtime import CLIENT, Runtime, linked
from etcd import Release
from processes import CLEAN_ENVIRONMENT, SHORT_LIVED, Child, wait_until
from program import BINARY

PODS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
IMAGE = "registry.k8s.io/etcd:{}-0"

# Arguments: the node's folder, then what to run: there /etc, /run, /var/lib and /root are the node's own.
ENTER = """
for place in etc run var/lib root; do mount --bind "$1/$place" "/$place"; done
cd /root
shift
exec "$@"
"""
# In front of what changes the node: counts the calls, and kills the script before or after the one that is asked for.
COUNTED = ("mv", "rm", "chown", "sync", "mkdir", "ctr", "etcd-backup")
COUNTER = """#!/bin/bash
case "$*" in *" endpoint health" | *" --help" | "inspect "*) exec {real} "$@" ;; esac # these only look
count=$(($(cat {folder}/count) + 1))
echo $count >{folder}/count
read -r number when <{folder}/kill
[ "$count" != "$number" ] || [ "$when" != before ] || kill -KILL 0
{real} "$@" || status=$?
[ "$count" != "$number" ] || [ "$when" != after ] || kill -KILL 0
exit "${{status:-0}}"
"""


class KubeadmNode:
    """One node: `run()` runs the script on it. A context manager: nothing of it outlives the block."""

    def __init__(self, folder: Path, name: str, address: str, release: Release, signer: Authority, cluster: str):
        self.folder, self.name, self.address, self.release = folder, name, address, release
        self.image = IMAGE.format(release.version)
        self.data = folder / "var/lib/etcd"
        self.manifests = folder / "etc/kubernetes/manifests"
        self.state = folder / "etc/kubernetes/etcd-restore"
        self.children: dict[str, Child] = {}
        self.scripts: list[Child] = []
        self.runtime = Runtime(self)
        self.kubelet_may_act = threading.Event()
        self.kubelet_may_act.set()
        self._closing = threading.Event()
        self._lay_out(signer, cluster)

    def _lay_out(self, signer: Authority, cluster: str) -> None:
        for place in ("etc", "var/lib", "root", "image", "bin", "tools", "run/containerd"):
            (self.folder / place).mkdir(parents=True)
        for name in ("passwd", "group", "nsswitch.conf", "ld.so.cache", "hosts"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(f"/etc/{name}", self.folder / "etc" / name)
        self.data.mkdir(mode=0o700)
        self.manifests.mkdir(parents=True)
        pki = self.folder / "etc/kubernetes/pki/etcd"
        pki.mkdir(parents=True)
        (pki / "ca.crt").write_text(signer.certificate)
        signer.server(addresses=(self.address,)).write(pki, "server")
        signer.server(addresses=(self.address,)).write(pki, "peer")
        signer.client("kube-etcd-healthcheck-client").write(pki, "healthcheck-client")
        for path in self.release.folder.iterdir():
            (self.folder / "image" / path.name).symlink_to(path)
        self.write_manifests(cluster)
        client = f"#!{sys.executable}\n{CLIENT}"
        real = {name: shutil.which(name, path=CLEAN_ENVIRONMENT["PATH"]) for name in COUNTED}
        for name in ("ctr", "crictl"):
            real[name] = str(self.folder / "tools" / name)
            Path(real[name]).write_text(client)
            Path(real[name]).chmod(0o755)
        (self.folder / "bin/crictl").symlink_to(real["crictl"])
        real["etcd-backup"] = str(BINARY)
        for name in COUNTED:
            tool = self.folder / "bin" / name
            tool.write_text(COUNTER.format(folder=self.folder, real=real[name]))
            tool.chmod(0o755)

    def own_image(self) -> Path:
        """The root of the image of etcd-backup: the program, and what it links to."""
        root = self.folder / "own-image"
        if not root.exists():
            for path in (*linked(BINARY), str(BINARY)):
                target = root / ("usr/local/bin/etcd-backup" if path == str(BINARY) else path.lstrip("/"))
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
        return root

    def write_manifests(self, cluster: str) -> None:
        """As kubeadm does: where a member joined, its manifest lists only those that were there before it."""
        url = f"https://{self.address}"
        pki = "/etc/kubernetes/pki/etcd"
        command = [
            "etcd", f"--advertise-client-urls={url}:2379", f"--cert-file={pki}/server.crt", "--client-cert-auth=true",
            "--data-dir=/var/lib/etcd", f"--initial-advertise-peer-urls={url}:2380", f"--initial-cluster={cluster}",
            "--initial-cluster-state=new", f"--key-file={pki}/server.key", f"--listen-client-urls={url}:2379",
            f"--listen-peer-urls={url}:2380", f"--name={self.name}", f"--peer-cert-file={pki}/peer.crt",
            "--peer-client-cert-auth=true", f"--peer-key-file={pki}/peer.key", f"--peer-trusted-ca-file={pki}/ca.crt",
            "--snapshot-count=10000", f"--trusted-ca-file={pki}/ca.crt", "--heartbeat-interval=50", "--election-timeout=1000"]
        for name in PODS:
            folders = {"etcd-data": "/var/lib/etcd", "etcd-certs": pki} if name == "etcd" else {}
            self.put_manifest(name, yaml.safe_dump({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": name, "namespace": "kube-system", "labels": {"component": name, "tier": "control-plane"}},
                "spec": {
                    "hostNetwork": True, "priorityClassName": "system-node-critical",
                    "containers": [{
                        "name": name, "image": self.image if name == "etcd" else f"registry.k8s.io/{name}:v1.31.0",
                        "command": command if name == "etcd" else ["sleep", "infinity"],
                        "volumeMounts": [{"mountPath": path, "name": each} for each, path in folders.items()]}],
                    "volumes": [{"hostPath": {"path": path, "type": "DirectoryOrCreate"}, "name": each}
                                for each, path in folders.items()]}}, sort_keys=False))

    def put_manifest(self, name: str, text: str) -> None:
        """At once, as the kubelet may look at any time."""
        new = self.folder / f"{name}.yaml"
        new.write_text(text)
        new.rename(self.manifests / new.name)

    def __enter__(self) -> "KubeadmNode":
        runtime = self.runtime

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                answer = runtime.answer(json.loads(self.rfile.readline()))
                with contextlib.suppress(BrokenPipeError):
                    self.wfile.write(json.dumps(answer).encode() + b"\n")

        self._server = socketserver.ThreadingUnixStreamServer(str(self.folder / "run/containerd/containerd.sock"), Handler)
        self._server.daemon_threads = True
        self._threads = [threading.Thread(target=self._server.serve_forever, args=(0.05,)),
                         threading.Thread(target=self._kubelet)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._closing.set()
        self.kubelet_may_act.set()
        for script in self.scripts:
            script.kill()
        self._server.shutdown()
        for thread in self._threads:
            thread.join()
        self._server.server_close()
        self.runtime.close()
        for child in self.children.values():
            child.kill()
        assert self.runtime.refusals == []

    def entering(self, *command: str) -> list[str]:
        return ["unshare", "--mount", "bash", "-euc", ENTER, "enter", str(self.folder), *command]

    def _kubelet(self) -> None:
        """The pods' processes are this thread's, so they end with it."""
        while not self._closing.wait(0.1):
            if not self.kubelet_may_act.is_set():
                continue
            for name in PODS:
                child, manifest = self.children.get(name), self.manifests / f"{name}.yaml"
                try:
                    command = yaml.safe_load(manifest.read_text())["spec"]["containers"][0]["command"]
                except FileNotFoundError:
                    command = None
                if child and (command is None or not child.is_running):
                    if command is None and child.is_running:
                        child.process.terminate()
                        with contextlib.suppress(subprocess.TimeoutExpired):
                            child.process.wait(1)  # a leader would wait 7 s for a member to take over, but all end at once
                    child.kill()
                    del self.children[name]
                elif command and not child:
                    environment = {"PATH": f"{self.folder / 'image'}:{CLEAN_ENVIRONMENT['PATH']}"}
                    self.children[name] = Child(
                        self.entering(*command), self.folder / f"{name}.log", environment)

    # The script

    def start(self, script: Path, *options: str, kill: str = "0 never") -> Child:
        """`kill`: the number of the changing call, and whether the script dies before or after it."""
        (self.folder / "count").write_text("0\n")
        (self.folder / "kill").write_text(f"{kill}\n")
        return self._enter("env", "--default-signal=INT", str(script), *options)

    def shell(self, text: str, **environment: str) -> Child:
        """Runs what an operator types, as root on the node."""
        (self.folder / "count").write_text("0\n")
        (self.folder / "kill").write_text("0 never\n")
        return self._enter("bash", "-ec", text, **environment)

    def _enter(self, *command: str, **environment: str) -> Child:
        environment |= SHORT_LIVED | {
            "PATH": f"{self.folder / 'bin'}:/usr/sbin:/sbin:{CLEAN_ENVIRONMENT['PATH']}", "RESTORE_POLL_SECONDS": "0.2"}
        child = Child(self.entering(*command), self.folder / f"script-{len(self.scripts)}.log", environment)
        self.scripts.append(child)
        return child

    @property
    def calls(self) -> int:
        """How many changing calls the last script made."""
        return int((self.folder / "count").read_text())

    @property
    def running(self) -> set[str]:
        return set(self.children)

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.data.iterdir())

    @property
    def identity(self) -> int:
        """What tells the member's data apart from any other."""
        return (self.data / "member").stat().st_ino


@contextlib.contextmanager
def kubeadm_nodes(folder: Path, release: Release, addresses: list[str]) -> Iterator[tuple[list[KubeadmNode], TLS]]:
    """A control plane of that many nodes, and what a client of its etcd needs."""
    signer = Authority()
    tls = TLS.make(folder / "tls", signer=signer)
    cluster = [f"cp-{number + 1}=https://{address}:2380" for number, address in enumerate(addresses)]
    with contextlib.ExitStack() as opened:
        nodes = [
            opened.enter_context(KubeadmNode(folder / f"cp-{number + 1}", f"cp-{number + 1}", address, release, signer,
                                             ",".join(cluster)))
            for number, address in enumerate(addresses)]
        wait_until(lambda: all(node.running == set(PODS) for node in nodes), "static pods")
        for number, node in enumerate(nodes):
            node.write_manifests(",".join(cluster[:number + 1]))
        yield nodes, tls
