"""What `ctr` and `crictl` of one control plane node reach, in place of containerd.

As there, a container goes on when its `ctr run` is killed, its name is taken until it is deleted, and it sees nothing of the
node but what is mounted. Any other command line than those of restore/runtime.sh is refused.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from processes import SHORT_LIVED, Child

if TYPE_CHECKING:
    from kubeadm_node import KubeadmNode

OUR_IMAGE = "example.com/etcd-backup:1"

# The same for a container: after the node's folder, its places by pairs of path and mode up to `--`.
CONTAIN = """
set -eu
node=$1
shift
mount -t tmpfs tmpfs /mnt
mount --bind "$node" /mnt
mount --bind "$node/image" /usr/local/bin
for place in /etc /var/lib /root; do mount -t tmpfs tmpfs "$place"; done
while [ "$1" != -- ]; do
  if [ -d "/mnt$1" ]; then mkdir -p "$1"; else mkdir -p "${1%/*}"; : >"$1"; fi
  mount --bind "/mnt$1" "$1"
  [ "$2" = rw ] || mount -o remount,bind,ro "$1"
  shift 2
done
shift
umount /mnt
umount /mnt
exec env -i PATH=/usr/local/bin ETCDCTL_API=3 "$@"
"""
CLIENT = """
import json, os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect("/run/containerd/containerd.sock")
stream = link.makefile("rw")
stream.write(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
stream.flush()
answer = json.loads(stream.readline())
if answer["command"]:
    os.execvp(answer["command"][0], answer["command"])
print(answer["output"], end="")
print(answer["error"], end="", file=sys.stderr)
sys.exit(answer["status"])
"""


class Runtime:
    """What `ctr` and `crictl` of one node talk to."""

    def __init__(self, node: KubeadmNode):
        self.node = node
        self.containers: dict[str, Child | None] = {}
        self.before_run: Callable[[list[str]], object] = lambda command: None  # lets a test hold or break it
        self.refusals: list[str] = []  # command lines that nobody expected
        self._lock = threading.Lock()
        self._count = 0

    def answer(self, words: list[str]) -> dict:
        line = shlex.join(words)
        match words:
            case ["crictl", "pods", "--state", "ready", "--namespace", "kube-system", "--label", label, "--quiet"]:
                pod = label.removeprefix("component=")
                return reply(output=f"id-of-{pod}\n" if pod in self.node.children else "")
            case ["ctr", "--namespace", "k8s.io", "run", "--rm", "--net-host", "--env", "ETCDCTL_API=3", *rest]:
                return self._run(rest)
            case ["ctr", "--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", name]:
                child = self.containers.get(name)
                if child:
                    child.kill()
                return reply(0 if child else 1)
            case ["ctr", "--namespace", "k8s.io", "tasks", "delete", "--force", name]:
                return reply(0 if name in self.containers else 1)
            case ["ctr", "--namespace", "k8s.io", "containers", "delete", name]:
                with self._lock:
                    return reply(0 if self.containers.pop(name, None) else 1)
            case ["ctr", "--namespace", "k8s.io", "images", "unmount", "--rm", root]:
                return reply(command=["sh", "-c", f"mountpoint -q {root} && umount {root}"])
            case ["ctr", "--namespace", "k8s.io", "images", "mount", "--rw", image, root]:
                if image != OUR_IMAGE:
                    return reply(1, error=f'ctr: image "{image}": not found\n')
                return reply(command=["mount", "--bind", str(self.node.own_image()), root])
        self.refusals.append(line)
        return reply(64, error=f"not modelled: {line}\n")

    def _run(self, rest: list[str]) -> dict:
        places = []
        while rest[0] == "--mount":
            source, target, mode = re.fullmatch(r"type=bind,src=([^,]+),dst=([^,]+),options=rbind:(r[ow])", rest[1]).groups()
            assert source == target
            places += [source, mode]
            rest = rest[2:]
        image, name, *command = rest
        if image != self.node.image:
            return reply(1, error=f'ctr: image "{image}": not found\n')
        self.before_run(command)
        with self._lock:
            if name in self.containers:
                return reply(1, error=f'ctr: snapshot "{name}": already exists\n')
            self.containers[name] = None
            self._count += 1
            log = self.node.folder / f"container-{self._count}.log"
        if not (self.node.folder / "image" / command[0]).exists():
            self.containers.pop(name)
            return reply(1, error=f'exec: "{command[0]}": executable file not found in $PATH\n')
        child = Child(["unshare", "--mount", "bash", "-c", CONTAIN, "contain", str(self.node.folder), *places, "--", *command],
                      log, SHORT_LIVED)
        self.containers[name] = child
        status = child.process.wait()
        with self._lock:
            if self.containers.get(name) is child:
                del self.containers[name]
        return reply(status if status >= 0 else 128 - status, output=child.output())

    def close(self) -> None:
        for child in list(self.containers.values()):
            if child:
                child.kill()


def reply(status: int = 0, output: str = "", error: str = "", command: list[str] | None = None) -> dict:
    """`command` is what the client does itself, as it is in the node's mount namespace."""
    return {"status": status, "output": output, "error": error, "command": command}


def linked(program: Path) -> set[str]:
    """The libraries of a program, and what loads them."""
    found = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"(/\S+) \(", found))
