"""Runs a container of a rendered pod as a kubelet would, in a mount namespace of its own: nothing else on this
machine changes. Needs root.

The environment, the arguments, the user, the capabilities, the read-only root and the termination message are taken
from the manifest. What the container finds besides: its image's program, the service account's token if admission mounts
it (see README.md), and null and random devices. Pod Security enforces `restricted`. Seccomp and the memory limit are not enforced here; the image's own test does that.
"""

import dataclasses
import json
import pathlib
import subprocess
import urllib.parse

from admission import TOKEN_PATH, admitted_pod

SERVICE_ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"  # /var/run is a link to /run

# $1 the service account's folder, $2 the termination message, $3 the program here, $4 its name in the image; then how
# to run it. The root becomes read-only last.
ENTER = f"""
set -eu
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p {SERVICE_ACCOUNT}
mount --bind -o ro "$1" {SERVICE_ACCOUNT}
mount -t tmpfs -o mode=755 tmpfs "$(dirname "$4")"
touch "$4"
mount --bind "$3" "$4"
exec 3<"$2"
mount -t tmpfs -o mode=755 tmpfs /dev
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/urandom c 1 9
touch /dev/termination-log
mount --bind /proc/self/fd/3 /dev/termination-log
exec 3<&-
mount -o remount,bind,ro /
cd /
shift 4
exec "$@"
"""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How the container ended."""

    status: int
    log: str
    termination_message: str

    @property
    def message(self):
        return json.loads(self.termination_message)


@dataclasses.dataclass(frozen=True)
class Node:
    """The place where pods run: the API server they are told of, and a folder for their files."""

    api_server: str
    authority: pathlib.Path
    folder: pathlib.Path

    def run(self, pod, namespace, program, entrypoint, token, account):
        """Runs the pod's one container, whose image holds `program` as `entrypoint`. `account` is its ServiceAccount."""
        pod = {"metadata": {"name": "run", "namespace": namespace}, "spec": pod}
        pod = admitted_pod(pod, {account["metadata"]["name"]: account}, "restricted")["spec"]
        [container] = pod["containers"]
        has_token = TOKEN_PATH in [mount["mountPath"] for mount in container.get("volumeMounts", [])]
        account = self.service_account(token, namespace) if has_token else self.no_service_account()
        message = self.folder / "termination-log"
        message.write_text("")
        message.chmod(0o666)
        command = [entrypoint, *container.get("args", [])] if "command" not in container else container["command"]
        launch = ["/usr/bin/env", "-i", *environment(container, namespace, self.api_server), *command]
        result = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "bash", "-c", ENTER, "enter",
             account, message, program, entrypoint, *privileges(pod, container), *launch],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
        )  # fmt: skip
        return Outcome(result.returncode, result.stdout, message.read_text())

    def no_service_account(self):
        folder = self.folder / "no-serviceaccount"
        folder.mkdir(exist_ok=True)
        return folder

    def service_account(self, token, namespace):
        """The folder that a token's volume is."""
        folder = self.folder / "serviceaccount"
        folder.mkdir(exist_ok=True)
        (folder / "token").write_text(token + "\n")
        (folder / "ca.crt").write_text(self.authority.read_text())
        (folder / "namespace").write_text(namespace)
        return folder


def environment(container, namespace, api_server):
    """`NAME=value` of everything that the container's process finds in its environment."""
    server = urllib.parse.urlsplit(api_server)
    yield "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    yield f"KUBERNETES_SERVICE_HOST={server.hostname}"
    yield f"KUBERNETES_SERVICE_PORT={server.port}"
    for variable in container["env"]:
        yield f"{variable['name']}={resolved(variable, namespace)}"


def resolved(variable, namespace):
    """The value of one entry of `env`; of the pod's own fields the namespace is all that is known here."""
    if "valueFrom" not in variable:
        return variable["value"]
    assert variable["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}, variable
    return namespace


def privileges(pod, container):
    """The security contexts as setpriv's options."""
    user, own = pod["securityContext"], container["securityContext"]
    assert own["readOnlyRootFilesystem"] and not own["allowPrivilegeEscalation"]
    assert own["capabilities"] == {"drop": ["ALL"]}
    return [
        "setpriv", f"--reuid={user['runAsUser']}", f"--regid={user['runAsGroup']}", "--clear-groups",
        "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all",
    ]  # fmt: skip
