"""The ways to back up that are compared, each as the commands that a person would type."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from age_keys import KeyPair, key_pair
from database import Database
from etcd import Release
from meter import Command
from program import BINARY
from world import CONTAINER, NAMESPACE, TLS_SECRET, World

UPLOADER = Path(__file__).with_name("upload.py")
RCLONE = Path("/usr/bin/rclone")


@dataclass(frozen=True)
class Way:
    """One row of the table. `floor` names the way that does nothing but read what this one has to read."""

    name: str
    title: str
    floor: str
    commands: Callable[[], list[Command]]
    is_ours: bool = False
    # What makes a snapshot of the blob again, as a filter for a shell.
    decoder: str = ""


class Ways:
    """All ways over one database and one store. Files go to the working directory, under names that stay the same."""

    def __init__(self, database: Database, world: World, release: Release):
        self._database = database
        self._world = world
        self._release = release
        self._key: KeyPair = key_pair(world.folder / "key.txt")

    def all(self) -> list[Way]:
        gateway, grpc, tls = "curl-gateway", "curl-grpc", "-tls"
        ways = [
            Way(gateway, "curl drains the gateway", gateway, self._drain_gateway),
            Way("gateway", "**etcd-backup, gateway**", gateway, lambda: self.back_up("gateway"), True),
            Way(grpc, "curl drains gRPC", grpc, self._drain_grpc),
            Way("grpc", "**etcd-backup, gRPC**", grpc, lambda: self.back_up("grpc"), True),
            Way("grpc-unchecked", "etcd-backup, gRPC, pages not checked", grpc,
                lambda: self.back_up("grpc", APP_BACKUP_PAGE_CHECK="off"), True),
            *self._encoded(),
            Way("sha256", "sha256sum of as many bytes", grpc, self._hash),
            Way("curl-grpc-sha256", "curl drains gRPC into sha256sum", grpc, self._hash_grpc),
            Way("etcdctl", "etcdctl snapshot save", grpc, self._save),
            Way("azure", "etcdctl, then Microsoft's Python client", grpc, self._save_and_upload),
            Way(gateway + tls, "curl drains the gateway, TLS", gateway + tls,
                lambda: self._drain_gateway(tls=True)),
            Way("gateway-tls", "**etcd-backup, gateway, TLS**", gateway + tls,
                lambda: self.back_up("gateway", tls=True), True),
            Way(grpc + tls, "curl drains gRPC, TLS", grpc + tls, lambda: self._drain_grpc(tls=True)),
            Way("grpc-tls", "**etcd-backup, gRPC, TLS**", grpc + tls,
                lambda: self.back_up("grpc", tls=True), True),
        ]
        if RCLONE.exists():
            place = [way.name for way in ways].index("azure")
            ways[place:place] = [
                Way("rclone", "etcdctl, then rclone", grpc, self._save_and_rclone),
                Way("rclone-both", "etcdctl, then zstd, age and rclone in a pipe", grpc, self._save_and_encode)]
        return ways

    # Encrypted and compressed

    def _encoded(self) -> list[Way]:
        age, zstd = f"age -d -i {shlex.quote(str(self._key.file))}", "zstd -d"
        recipients = self._key.recipient

        def run(**settings: str) -> list[Command]:
            return self.back_up("grpc", tls=False, **settings)

        return [
            Way("grpc-age", "etcd-backup, gRPC, age", "curl-grpc",
                lambda: run(APP_BACKUP_ENCRYPTION_RECIPIENTS=recipients), True, age),
            Way("grpc-zstd", "etcd-backup, gRPC, zstd", "curl-grpc",
                lambda: run(APP_BACKUP_COMPRESSION="zstd"), True, zstd),
            Way("grpc-both", "etcd-backup, gRPC, zstd and age", "curl-grpc",
                lambda: run(APP_BACKUP_ENCRYPTION_RECIPIENTS=recipients, APP_BACKUP_COMPRESSION="zstd"), True,
                f"{age} | {zstd}"),
        ]

    def _hash(self) -> list[Command]:
        return [Command(
            ["bash", "-c", f"set -o pipefail; head -c {self._database.size} /dev/zero | sha256sum"], {})]

    # Ours

    def back_up(self, transport: str, tls: bool = False, **env: str) -> list[Command]:
        """One run as its CronJob would start it; with TLS on the way from etcd and on the way to the store."""
        env = self._world.env | {
            "APP_BACKUP_ETCD_ENDPOINTS": self._database.tls_url if tls else self._database.url,
            "APP_BACKUP_ETCD_TRANSPORT": transport,
        } | env
        if tls:
            sandbox = self._world.sandbox
            sandbox.put_secret(NAMESPACE, TLS_SECRET, self._database.tls.secret())
            env |= {
                "APP_BACKUP_CLIENT_TLS_SECRET": TLS_SECRET,
                "APP_ABS_ENDPOINT": sandbox.blob_tls_url,
                "APP_ABS_CA_FILE": str(sandbox.ca_file),
            }
        return [Command([str(BINARY)], env)]

    # The floors: the same streams, to nowhere

    def _drain_gateway(self, tls: bool = False) -> list[Command]:
        return self._drain(f"{self._release.gateway_prefix}/maintenance/snapshot", "application/json", "{}", tls)

    def _drain_grpc(self, tls: bool = False) -> list[Command]:
        """One message without fields: not compressed, 0 bytes long. The five zero bytes come from a file."""
        empty = self._world.folder / "empty-message"
        empty.write_bytes(bytes(5))
        return self._drain(
            "/etcdserverpb.Maintenance/Snapshot", "application/grpc", f"@{empty}", tls,
            "--http2" if tls else "--http2-prior-knowledge", "--header", "te: trailers")

    def _hash_grpc(self) -> list[Command]:
        """What it costs here to do anything with the stream: a second program, which only hashes it."""
        [drain] = self._drain_grpc()
        arguments = [argument for argument in drain.arguments if argument not in ("--output", "/dev/null")]
        return [Command(["bash", "-c", f"set -o pipefail; {shlex.join(arguments)} | sha256sum"], {})]

    def _drain(self, path: str, content_type: str, body: str, tls: bool, *options: str) -> list[Command]:
        url = self._database.tls_url if tls else self._database.url
        if tls:
            folder = self._database.tls.folder
            options += ("--cacert", str(folder / "ca.crt"), "--cert", str(folder / "client.crt"),
                        "--key", str(folder / "client.key"))
        return [Command([
            "curl", "--silent", "--show-error", "--fail", "--output", "/dev/null",
            "--header", f"content-type: {content_type}", "--data-binary", body, *options, url + path], {})]

    # What others do: a file first, then its upload

    def _save(self) -> list[Command]:
        return [Command(
            [str(self._release.folder / "etcdctl"), f"--endpoints={self._database.url}",
             "snapshot", "save", "snapshot.db"],
            {"ETCDCTL_API": "3"})]

    def _save_and_rclone(self) -> list[Command]:
        return self._save() + [Command(
            [str(RCLONE), "copyto", "--ignore-times", "snapshot.db", f"store:{CONTAINER}/rclone.db"],
            self._rclone_environment)]

    def _save_and_encode(self) -> list[Command]:
        pipe = (f"set -o pipefail; zstd -1 --single-thread --stdout snapshot.db | age -r {self._key.recipient} |"
                f" {RCLONE} rcat store:{CONTAINER}/rclone.age")
        return self._save() + [Command(["bash", "-c", pipe], self._rclone_environment)]

    @property
    def _rclone_environment(self) -> dict[str, str]:
        return {
            "RCLONE_CONFIG": "",
            "RCLONE_CONFIG_STORE_TYPE": "azureblob",
            "RCLONE_CONFIG_STORE_USE_EMULATOR": "true",
            "RCLONE_CONFIG_STORE_ENDPOINT": self._world.sandbox.blob_url}

    def _save_and_upload(self) -> list[Command]:
        sandbox = self._world.sandbox
        return self._save() + [Command(
            [sys.executable, str(UPLOADER), "snapshot.db", sandbox.blob_url, CONTAINER, "azure.db"],
            {"AZURE_STORAGE_ACCOUNT": sandbox.account, "AZURE_STORAGE_KEY": sandbox.account_key})]
