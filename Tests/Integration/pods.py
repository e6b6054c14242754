"""A kubelet's stand-in: runs the containers of a pod as its manifest says, each in a mount namespace of its own, so
that nothing else on this machine changes. Needs root.

Taken from the manifest: command and arguments, environment, user and group, dropped capabilities, the read-only root,
mounted volumes. An image is a set of programs of this machine. Host names are those of a private /etc/hosts.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from processes import Child
from sandbox import Sandbox
from volumes import Volumes

SERVICE_ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"  # /var/run is a link to /run

# Arguments: the folder with the service account, the hosts, then pairs of source and place in the container up to
# `--`, then what to run. Programs are files, volumes are folders; the root becomes read-only last.
ENTER = f"""
set -eu
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /usr/local/bin
mkdir -p {SERVICE_ACCOUNT}
mount --bind -o ro "$1" {SERVICE_ACCOUNT}
mount --bind -o ro "$2" /etc/hosts
shift 2
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$2"; else touch "$2"; fi
  mount --bind "$1" "$2"
  shift 2
done
shift
mount -o remount,bind,ro /
cd /
exec "$@"
"""


@dataclass(frozen=True)
class Image:
    """What a container finds in /usr/local/bin, and what runs when its manifest names no command."""

    programs: dict[str, Path]
    entrypoint: list[str] = field(default_factory=list)


class Node:
    """Where pods run. A context manager: no container and no volume outlives it."""

    def __init__(self, folder: Path, images: dict[str, Image], hosts: dict[str, str]):
        self.folder = folder
        self.images = images
        self.hosts = hosts
        self.volumes = Volumes(folder)
        self.service_accounts: dict[str, Path] = {}
        self.api_server: Sandbox | None = None
        self.alter: Callable[[dict, dict, list], list] | None = None  # lets a test break a container's command
        self._count = 0
        self._lock = threading.Lock()

    def __enter__(self) -> "Node":
        self.volumes.__enter__()
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in self.hosts.items())]
        (self.folder / "hosts").write_text("\n".join(lines) + "\n")
        return self

    def __exit__(self, *failure) -> None:
        self.volumes.__exit__(*failure)

    def allow(self, account: str, namespace: str, token: str, api_server: Sandbox) -> None:
        """Gives pods of this service account their token."""
        self.api_server = api_server
        folder = self.folder / f"account-{account}"
        folder.mkdir()
        (folder / "token").write_text(f"{token}\n")
        (folder / "namespace").write_text(namespace)
        (folder / "ca.crt").write_text(api_server.ca_file.read_text())
        self.service_accounts[account] = folder

    def start(self, pod: dict, container: dict) -> Child:
        """Starts one container; its log is the child's."""
        image = self.images[container["image"]]
        command = container.get("command") or image.entrypoint
        command = [*command, *container.get("args", [])]
        if self.alter:
            command = self.alter(pod, container, command)
        environment = dict(self._environment(pod, container))
        command = [expanded(word, environment) for word in command]
        with self._lock:
            self._count += 1
            log = self.folder / f"{pod['metadata']['name']}-{container['name']}-{self._count}.log"
        account = self.service_accounts.get(pod["spec"].get("serviceAccountName", "default"), self.folder / "nobody")
        account.mkdir(exist_ok=True)
        return Child(
            [*self.volumes.enter, "unshare", "--mount", "--propagation", "private",
             "bash", "-c", ENTER, "enter", str(account), str(self.folder / "hosts"),
             *self._mounts(pod, container, image), "--",
             *privileges(pod["spec"], container),
             "env", "-i", *(f"{name}={value}" for name, value in environment.items()), *command],
            log)

    def _environment(self, pod: dict, container: dict):
        yield "PATH", "/usr/local/bin:/usr/bin:/bin"
        yield "HOSTNAME", pod["metadata"]["name"]
        if self.api_server:
            host, _, port = self.api_server.kubernetes_url.partition("://")[2].partition(":")
            yield "KUBERNETES_SERVICE_HOST", host
            yield "KUBERNETES_SERVICE_PORT", port
        for variable in container.get("env") or []:
            if "valueFrom" in variable:
                path = variable["valueFrom"]["fieldRef"]["fieldPath"]
                yield variable["name"], pod["metadata"][path.removeprefix("metadata.")]
            else:
                yield variable["name"], variable["value"]

    def _mounts(self, pod: dict, container: dict, image: Image):
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or []}
        for name, program in image.programs.items():
            yield from (str(program), f"/usr/local/bin/{name}")
        for mount in container.get("volumeMounts") or []:
            volume = volumes[mount["name"]]
            if "persistentVolumeClaim" in volume:
                source = self.folder / volume["persistentVolumeClaim"]["claimName"] / mount.get("subPath", "")
            else:
                source = volume["hostPath"]["path"]
            yield from (str(source), mount["mountPath"])


def expanded(word: str, environment: dict[str, str]) -> str:
    """$(NAME), as the kubelet expands it."""
    for name, value in environment.items():
        word = word.replace(f"$({name})", value)
    return word


def privileges(pod: dict, container: dict) -> list[str]:
    """The security contexts as setpriv's options; a container without any stays as it is: root."""
    context = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
    user = context.get("runAsUser")
    if user is None:
        return []
    options = ["setpriv", f"--reuid={user}", f"--regid={context.get('runAsGroup', user)}", "--clear-groups"]
    if context.get("allowPrivilegeEscalation") is False:
        options.append("--no-new-privs")
    if context.get("capabilities", {}).get("drop") == ["ALL"]:
        options += ["--inh-caps=-all", "--bounding-set=-all"]
    return options
