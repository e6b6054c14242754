"""A kubelet's stand-in: runs the containers of a pod as its manifest says, each in a mount namespace of its own, so
that nothing else on this machine changes. Needs root.

Secrets and ConfigMaps are the sandbox's. Taken from the manifest: command and arguments, environment, user and groups,
dropped capabilities, mounted volumes (claims, Secrets, ConfigMaps, projected ones, folders of the node, those of the
Secrets Store driver), the termination message. The root is
always read-only. An image is a set of programs of this machine. Host names are those of a private /etc/hosts. The README
beside this file has the list of what is modelled; anything else is refused.
"""

import os
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from admission import NotModelled, containers
from processes import Child
from sandbox import Sandbox
from volumes import Volumes

TERMINATION_MESSAGE_LIMIT = 4096

# Arguments: the termination message's file, the hosts, then triples of source, place in the container and rw or ro up
# to `--`, then what to run. Programs are files, volumes are folders; the root becomes read-only last.
ENTER = """
set -eu
exec 3<"$1"
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /usr/local/bin
mount --bind -o ro "$2" /etc/hosts
shift 2
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then folder=$2; else folder=${2%/*}; fi
  [ -d "$folder" ] || mkdir -p "$folder"
  [ -e "$2" ] || : >"$2"
  mount --bind "$1" "$2"
  [ "$3" = rw ] || mount -o remount,bind,ro "$2"
  shift 3
done
shift
mount -t tmpfs -o mode=755 tmpfs /dev
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/zero c 1 5
mknod -m 666 /dev/random c 1 8
mknod -m 666 /dev/urandom c 1 9
ln -s /proc/self/fd /dev/fd
touch /dev/termination-log
mount --bind /proc/self/fd/3 /dev/termination-log
exec 3<&-
mount -o remount,bind,ro /
cd /
exec "$@"
"""


class ConfigError(Exception):
    """The kubelet cannot create the container: it waits, with the reason CreateContainerConfigError."""


@dataclass(frozen=True)
class Image:
    """What a container finds in /usr/local/bin, what runs when its manifest names no command, and as whom."""

    programs: dict[str, Path]
    entrypoint: list[str] = field(default_factory=list)
    user: int = 0


class Container:
    """One container that was started; its log is the child's."""

    def __init__(self, child: Child, message: Path, policy: str):
        self.child, self._message, self._policy = child, message, policy

    @property
    def log(self) -> str:
        return self.child.output()

    def termination_message(self) -> str:
        """What it wrote, or with FallbackToLogsOnError the end of the log of one that failed."""
        message = self._message.read_text(errors="replace")[:TERMINATION_MESSAGE_LIMIT]
        if not message and self._policy == "FallbackToLogsOnError" and self.child.process.returncode != 0:
            return "".join(self.log.splitlines(keepends=True)[-80:])[-2048:]
        return message


class Node:
    """Where pods run. A context manager: no container and no volume outlives it."""

    def __init__(self, folder: Path, images: dict[str, Image], hosts: dict[str, str], sandbox: Sandbox):
        self.folder = folder
        self.images = images
        self.hosts = hosts
        self.sandbox = sandbox  # the API server that pods are told of
        self.volumes = Volumes(folder)
        self.tokens: dict[str, str] = {}  # of service accounts
        self.audiences: dict[str, Callable[[dict], str]] = {}  # by audience: the token of a pod for others than the API server
        self.root = folder / "root"  # what `hostPath` finds there
        self.provider_classes: dict[str, dict[str, str]] = {}  # SecretProviderClasses: the files that they bring
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

    def start(self, pod: dict, container: dict) -> Container:
        """Starts one container of a pod that was admitted."""
        image = self.images[container["image"]]
        options = privileges(pod["spec"], container, image)
        command = container.get("command") or image.entrypoint
        command = [*command, *container.get("args", [])]
        if self.alter:
            command = self.alter(pod, container, command)
        variables = environment(pod, container, self.sandbox.kubernetes_url)
        command = [expanded(word, variables) for word in command]
        with self._lock:
            self._count += 1
            files = self.folder / f"{pod['metadata']['name']}-{container['name']}-{self._count}"
        message = files.with_name(files.name + ".message")
        message.write_text("")
        message.chmod(0o666)
        mounts = [word for mount in self._mounts(pod, container, image) for word in mount]
        child = Child(
            [*self.volumes.enter, "unshare", "--mount", "--propagation", "private",
             "bash", "-c", ENTER, "enter", str(message), str(self.folder / "hosts"), *mounts, "--", *options,
             "env", "-i", *(f"{name}={value}" for name, value in variables.items()), *command],
            files.with_name(files.name + ".log"))
        return Container(child, message, container["terminationMessagePolicy"])

    def _mounts(self, pod: dict, container: dict, image: Image):
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or []}
        for name, program in image.programs.items():
            yield str(program), f"/usr/local/bin/{name}", "rw"
        for mount in container.get("volumeMounts") or []:
            if not mount["mountPath"].startswith(("/run/", "/var/run/")):
                raise NotModelled(f"a mount at {mount['mountPath']}, which would change this machine")
            source = self._source(pod, volumes[mount["name"]]) / mount.get("subPath", "")
            yield str(source), mount["mountPath"], "ro" if mount.get("readOnly") else "rw"

    def _source(self, pod: dict, volume: dict) -> Path:
        """The folder of a volume, made when its pod's first container asks for it."""
        [kind] = set(volume) - {"name"}
        context = pod["spec"]["securityContext"]
        if kind == "persistentVolumeClaim":
            name = volume[kind]["claimName"]
            if "fsGroup" in context:
                own_by_group(self.volumes[name], context["fsGroup"])
            return self.folder / name
        if kind == "hostPath":
            path = self.root / volume[kind]["path"].lstrip("/")
            if volume[kind].get("type") != "Directory" or not path.is_dir():
                raise NotModelled(f"a pod that waits for {volume}")
            return path
        folder = self.folder / f"volume-{pod['metadata']['uid']}-{volume['name']}"
        if folder.exists():
            return folder
        folder.mkdir()
        match kind:
            case "emptyDir":
                folder.chmod(0o777)
            case "secret":
                write(folder, chosen(self._data("secret", pod, volume[kind]["secretName"]), volume[kind].get("items")))
            case "configMap":
                write(folder, chosen(self._data("configmap", pod, volume[kind]["name"]), volume[kind].get("items")))
            case "csi":
                if (volume[kind]["driver"], volume[kind]["readOnly"]) != ("secrets-store.csi.k8s.io", True):
                    raise NotModelled(f"the driver of {volume}")
                write(folder, self.provider_classes[volume[kind]["volumeAttributes"]["secretProviderClass"]])
            case "projected":
                for source in volume[kind]["sources"]:
                    self._project(pod, folder, source)
            case _:
                raise NotModelled(f"volumes of the kind {kind}")
        if kind != "emptyDir" and "fsGroup" in context:
            own_by_group(folder, context["fsGroup"])
        return folder

    def _project(self, pod: dict, folder: Path, source: dict) -> None:
        [(kind, what)] = source.items()
        match kind:
            case "serviceAccountToken":
                token = folder / what["path"]
                audience = what.get("audience")
                token.write_text(
                    self.audiences[audience](pod) if audience else self.tokens[pod["spec"]["serviceAccountName"]] + "\n")
                users = {user_of(pod["spec"], each, self.images[each["image"]], False)
                         for each in containers(pod["spec"])}
                if len(users) == 1 and None not in users:
                    os.chown(token, users.pop(), -1)
                    token.chmod(0o600)
                elif "fsGroup" in pod["spec"]["securityContext"]:
                    token.chmod(0o600)
            case "configMap" | "secret":
                write(folder, chosen(self._data(kind.lower(), pod, what["name"]), what.get("items")))
            case "downwardAPI":
                write(folder, {each["path"]: pod["metadata"][each["fieldRef"]["fieldPath"].removeprefix("metadata.")]
                               for each in what["items"]})


    def _data(self, kind: str, pod: dict, name: str) -> dict[str, str]:
        if (kind, name) == ("configmap", "kube-root-ca.crt"):
            return {"ca.crt": self.sandbox.ca_file.read_text()}
        read = self.sandbox.secret if kind == "secret" else self.sandbox.configmap
        data = read(pod["metadata"]["namespace"], name)
        if data is None:
            raise NotModelled(f"a pod that waits for the {kind} {name}")
        return data


def environment(pod: dict, container: dict, api_server: str) -> dict[str, str]:
    """Everything that the container's process finds in its environment."""
    host, _, port = api_server.partition("://")[2].partition(":")
    found = {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "HOSTNAME": pod["metadata"]["name"],
        "KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    for variable in container.get("env") or []:
        if "valueFrom" in variable:
            path = variable["valueFrom"]["fieldRef"]["fieldPath"]
            found[variable["name"]] = pod["metadata"][path.removeprefix("metadata.")]
        else:
            found[variable["name"]] = variable.get("value", "")
    return found


def chosen(data: dict[str, str], items: list[dict] | None) -> dict[str, str]:
    return {each["path"]: data[each["key"]] for each in items} if items else data


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)


def own_by_group(folder: Path, group: int) -> None:
    """Everything below belongs to the group, which may read and write; new files do as well."""
    subprocess.run(["chgrp", "-R", "--", str(group), str(folder)], check=True)
    subprocess.run(["chmod", "-R", "--", "g+rwX", str(folder)], check=True)
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())]:
        path.chmod(path.stat().st_mode | 0o2000)


def expanded(word: str, environment: dict[str, str]) -> str:
    """$(NAME), as the kubelet expands it."""
    for name, value in environment.items():
        word = word.replace(f"$({name})", value)
    return word


def user_of(spec: dict, container: dict, image: Image, or_images: bool = True) -> int | None:
    context = {**spec["securityContext"], **container["securityContext"]}
    return context.get("runAsUser", image.user if or_images else None)


def privileges(spec: dict, container: dict, image: Image) -> list[str]:
    """The security contexts as setpriv's options."""
    context = {**spec["securityContext"], **container["securityContext"]}
    user = user_of(spec, container, image)
    if context.get("runAsNonRoot") and user == 0:
        raise ConfigError("container has runAsNonRoot and image will run as root" if "runAsUser" not in context else
                          "container's runAsUser breaks non-root policy")
    group = context.get("runAsGroup", 0 if "runAsUser" in context else user)
    groups = [f"--groups={context['fsGroup']}"] if "fsGroup" in context else ["--clear-groups"]
    # A change of the user makes the kernel forget that the process is to end with the tests, so it is told again.
    options = ["setpriv", f"--reuid={user}", f"--regid={group}", *groups, "--pdeathsig=KILL"]
    if context.get("allowPrivilegeEscalation") is False:
        options.append("--no-new-privs")
    if context.get("capabilities", {}).get("drop") == ["ALL"]:
        options += ["--inh-caps=-all", "--bounding-set=-all"]
    elif context.get("capabilities"):
        raise NotModelled(f"the capabilities {context['capabilities']}")
    return options

