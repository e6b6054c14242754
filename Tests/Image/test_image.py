"""The image as Kubernetes would run it: read-only, without capabilities, in 128 MB, on a database of 500 MB.

`.ci/image-test` builds it first.
"""

import json
import pathlib
import re
import subprocess
import threading
import time

import pytest

from admission import TOKEN_PATH
from certificates import TLS
from etcd import Cluster
from helm import Helm
from installation import NAMESPACE, TOKEN, Installation
from pods import environment
from processes import ROOT
from sandbox import Sandbox

CI_IMAGE = ROOT / ".ci" / "image"
VERSION = re.search(r'^appVersion: "(.+)"', (ROOT / "chart/Chart.yaml").read_text(), re.M)[1]
IMAGE = f"localhost/etcd-backup:{VERSION}"
MEBIBYTE = 1 << 20
CONFINED = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--memory=128m", "--user=65532:65532"]


class Container:
    """One run of the image; `peak_bytes` is the most memory its process ever had resident."""

    def __init__(self, options, folder, arguments=()):
        self.peak_bytes = 0
        pid_file = folder / "pid"
        self.process = subprocess.Popen(
            [CI_IMAGE, "run", *CONFINED, f"--pidfile={pid_file}", *options, IMAGE, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        watch = threading.Thread(target=self._watch, args=(pid_file,))
        watch.start()
        self.output, self.log = self.process.communicate(timeout=300)
        watch.join()
        self.status = self.process.returncode

    def _watch(self, pid_file: pathlib.Path):
        """The kernel keeps the high-water mark, so only what happens in the last hundredth of a second is missed."""
        while self.process.poll() is None:
            time.sleep(0.01)
            try:
                status = pathlib.Path(f"/proc/{pid_file.read_text().strip()}/status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            mark = re.search(r"VmHWM:\s+(\d+) kB", status)
            if mark and "Name:\tetcd-backup" in status:
                self.peak_bytes = int(mark[1]) * 1024


def inspect(image=IMAGE):
    store = ROOT / ".build" / "images"
    options = [f"--root={store / 'store'}", f"--runroot={store / 'run'}", "--storage-driver=overlay"]
    found = subprocess.run(["podman", *options, "image", "inspect", image], capture_output=True, text=True, check=True)
    return json.loads(found.stdout)[0]


@pytest.fixture(scope="module")
def etcd(tmp_path_factory):
    """One member with TLS and client certificates, and half a gigabyte in it."""
    folder = tmp_path_factory.mktemp("etcd")
    with Cluster(folder / "data", tls=TLS.make(folder / "tls")) as cluster:
        cluster.fill(500, value_size=MEBIBYTE)
        yield cluster


def test_the_image_backs_up_500_mb_confined_as_its_pod_is(etcd, tmp_path):
    with Sandbox(state=tmp_path / "sandbox") as sandbox:
        installation = Installation(Helm("4", tmp_path), sandbox, etcd, tmp_path)
        account = tmp_path / "serviceaccount"
        account.mkdir()
        for name, text in {"token": TOKEN, "ca.crt": sandbox.ca_file.read_text(), "namespace": NAMESPACE}.items():
            (account / name).write_text(text)
        message = tmp_path / "termination-log"
        message.write_text("")
        message.chmod(0o666)
        pod = {"metadata": {"name": "run", "namespace": NAMESPACE}}
        variables = environment(pod, installation.objects.container, sandbox.kubernetes_url)
        options = ["--network=host", *(f"--env={name}={value}" for name, value in variables.items())]
        options += [f"--volume={account}:{TOKEN_PATH.replace('/var/run', '/run')}:ro", f"--volume={message}:/dev/termination-log"]
        started = time.monotonic()
        container = Container(options, tmp_path)
        seconds = time.monotonic() - started

        assert container.status == 0, container.log
        result = json.loads(message.read_text())
        assert result["result"] == "success" and result["bytes"] > 500 * MEBIBYTE
        blobs = sandbox.blob_service_client().get_container_client(installation.container)
        assert [blob.size for blob in blobs.list_blobs()] == [result["bytes"]]
        assert installation.recorded_path == result["path"]
        assert 10 * MEBIBYTE < container.peak_bytes <= 64 * MEBIBYTE
    print(
        f"{result['bytes'] / 1e6:.0f} MB in {seconds:.1f} s, start and end of the container included;"
        f" peak memory {container.peak_bytes / MEBIBYTE:.1f} MiB of 64"
    )


def test_the_image_runs_without_anything_but_its_program(tmp_path):
    container = Container(["--network=none"], tmp_path, ["--version"])
    assert (container.status, container.output.strip()) == (0, VERSION)


def test_a_wrong_configuration_ends_with_the_status_that_the_job_looks_at(tmp_path):
    container = Container(["--network=none"], tmp_path)
    assert container.status == 78
    assert "APP_ABS_CONTAINER_NAME is required, but not set" in container.log


def test_the_image_says_what_it_is():
    image = inspect()
    assert image["Config"]["User"] == "65532:65532"
    assert image["Config"]["Entrypoint"] == ["/usr/local/bin/etcd-backup"]
    assert not image["Config"].get("Cmd")
    assert image["Healthcheck"] == {"Test": ["NONE"]}
    labels = image["Labels"]
    assert labels["org.opencontainers.image.title"] == "etcd-backup"
    assert labels["org.opencontainers.image.version"] == VERSION
    revision = ["git", "cat-file", "-t", labels["org.opencontainers.image.revision"]]
    assert subprocess.run(revision, cwd=ROOT, capture_output=True, text=True).stdout == "commit\n"


def test_the_program_takes_at_most_20_mb():
    size = subprocess.run(
        [CI_IMAGE, "run", "--network=none", "--entrypoint=stat", IMAGE, "--format=%s", "/usr/local/bin/etcd-backup"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(size.stdout) <= 20_000_000
