"""Stands in for what needs a kubelet or Azure when README's procedure is run: `kubectl exec` and `kubectl cp` into the
stand-in's pods, `az storage blob download` through Microsoft's Python client. Everything else is the real kubectl.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path


def process_of(pod: str) -> Path:
    """The container's process, as /proc shows it."""
    return Path("/proc") / (Path(os.environ["PODS"]) / pod).read_text()


def entering(process: Path) -> list[str]:
    return ["nsenter", f"--mount={process / 'ns' / 'mnt'}"]


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

    assert arguments[:3] == ["storage", "blob", "download"], arguments
    parser = argparse.ArgumentParser()
    for option in ("--container-name", "--name", "--file"):
        parser.add_argument(option, required=True)
    wanted = parser.parse_args(arguments[3:])
    service = BlobServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"])
    with open(wanted.file, "wb") as file:
        service.get_blob_client(wanted.container_name, wanted.name).download_blob().readinto(file)


if __name__ == "__main__":
    {"kubectl": kubectl, "az": az}[sys.argv[1]](sys.argv[2:])
