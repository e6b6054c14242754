"""A real etcd with as much in it as is asked for, reachable in the clear and with TLS at once."""

from pathlib import Path

from certificates import TLS
from etcd import Cluster, Release
from processes import free_port

MEGABYTE = 1_000_000
VALUE_SIZE = 4096  # about what a Kubernetes object takes
RECORD_SIZE = 6400  # what one such value adds to the file


class Database:
    """A cluster of one, whose file only grows. A context manager, as Cluster is."""

    def __init__(self, folder: Path, release: Release, largest: int):
        self.tls = TLS.make(folder / "tls")
        tls_port = free_port()
        self.cluster = Cluster(
            folder, release, quota=2 * largest + (2 << 30),
            flags=(
                f"--cert-file={self.tls.folder / 'server.crt'}",
                f"--key-file={self.tls.folder / 'server.key'}",
                f"--trusted-ca-file={self.tls.folder / 'ca.crt'}",
                "--client-cert-auth",
                "--snapshot-count=100",  # so that a restart has little to read again
            ))
        self.tls_url = f"https://127.0.0.1:{tls_port}"
        # The last mention of a flag counts, so this adds an address to the one that the cluster knows.
        self.cluster.flags.append(f"--listen-client-urls={self.url},{self.tls_url}")

    def __enter__(self) -> "Database":
        self.cluster.__enter__()
        return self

    def __exit__(self, *_) -> None:
        self.cluster.stop()

    @property
    def url(self) -> str:
        return self.cluster.first.url

    @property
    def pid(self) -> int:
        return self.cluster.first.pid

    @property
    def size(self) -> int:
        """Bytes, and so, but for 32, those of its snapshot."""
        return int(self.cluster.first.status()["dbSize"])

    def grow(self, size: int) -> None:
        """Writes until the file has `size` bytes; then starts etcd anew, so that it holds nothing but the database."""
        while (missing := size - self.size) > 0:
            self.cluster.fill(max(1, missing // RECORD_SIZE), value_size=VALUE_SIZE)
        self.cluster.first.kill()
        self.cluster.first.restart()
