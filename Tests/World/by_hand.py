"""Stands in for what needs a kubelet or Azure when docs/restore-by-hand.md is run: `kubectl exec` and `kubectl cp` into the
stand-in's pods, `az storage blob` through Microsoft's Python client. Everything else is the real kubectl.
"""

import itertools
import os
import subprocess
import sys
from pathlib import Path


def process_of(pod: str) -> Path:
    """The container's process, as /proc shows it."""
    return Path("/proc") / (Path(os.environ["PODS"]) / pod).read_text()


def entering(process: Path) -> list[str]:
    """As the container's own user, as `kubectl exec` does."""
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    user, group = status["Uid"].split()[0], status["Gid"].split()[0]
    groups = ",".join(status["Groups"].split())
    privileges = ["--inh-caps=-all", "--bounding-set=-all"] if status["CapBnd"].strip().strip("0") == "" else []
    return ["nsenter", f"--mount={process / 'ns' / 'mnt'}", "setpriv", f"--reuid={user}", f"--regid={group}",
            f"--groups={groups}" if groups else "--clear-groups", *privileges]


def kubectl(arguments: list[str]) -> None:
    if arguments[0] == "exec":
        options, command = arguments[1:arguments.index("--")], arguments[arguments.index("--") + 1:]
        pod = options[0] if not options[0].startswith("-") else options[2]
        process = process_of(pod)
        environment = dict(
            line.split("=", 1) for line in (process / "environ").read_text().split("\0") if "=" in line)
        os.execve("/usr/bin/nsenter", [*entering(process), *command], environment)
    if arguments[0] == "cp":
        source, (pod, target) = arguments[1], arguments[2].partition("/")[2].split(":")
        with open(source, "rb") as file:
            subprocess.run([*entering(process_of(pod)), "dd", f"of={target}", "status=none"], stdin=file, check=True)
        return
    if arguments[0] == "apply":
        arguments.append("--validate=false")  # the stand-in of the API server has no schemas to offer
    os.execv(os.environ["REAL_KUBECTL"], ["kubectl", *arguments])


def az(arguments: list[str]) -> None:
    from azure.storage.blob import BlobServiceClient

    service = BlobServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"])
    words = list(itertools.takewhile(lambda word: not word.startswith("--"), arguments))
    options = dict(zip(arguments[len(words)::2], arguments[len(words) + 1::2], strict=True))
    container = service.get_container_client(options.pop("--container-name"))
    match " ".join(words), options:
        case "storage blob list", {"--prefix": prefix, "--query": "[].name", "--output": "tsv", **rest} if not rest:
            print(*(blob.name for blob in container.list_blobs(prefix)), sep="\n")
        case "storage blob metadata show", {"--name": name, "--query": key, "--output": "tsv", **rest} if not rest:
            print(container.get_blob_client(name).get_blob_properties().metadata.get(key, ""))
        case "storage blob download", {"--name": name, "--file": target, **rest} if not rest:
            with open(target, "wb") as file:
                container.download_blob(name).readinto(file)
        case _:
            raise ValueError(f"docs/restore-by-hand.md has no such command: {arguments}")


if __name__ == "__main__":
    {"kubectl": kubectl, "az": az}[sys.argv[1]](sys.argv[2:])
