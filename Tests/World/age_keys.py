"""Key pairs of age, as age-keygen makes them, and the programs that read what a run has encoded."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class KeyPair:
    """`file` is what age-keygen wrote: comments and the identity."""

    file: Path
    recipient: str

    @property
    def text(self) -> str:
        return self.file.read_text()

    @property
    def identity(self) -> str:
        return self.text.splitlines()[-1]

    @property
    def fingerprint(self) -> str:
        done = subprocess.run(["sha256sum"], input=self.recipient, capture_output=True, text=True, check=True)
        return done.stdout[:8]


def key_pair(file: Path) -> KeyPair:
    subprocess.run(["age-keygen", "-o", file], check=True, capture_output=True)
    done = subprocess.run(["age-keygen", "-y", file], check=True, capture_output=True, text=True)
    return KeyPair(file, done.stdout.strip())


def decoded(blob: bytes, encoding: dict[str, str], key: KeyPair) -> bytes:
    """What the programs age and zstd make of a blob that was stored with these variables."""
    if "APP_BACKUP_ENCRYPTION_RECIPIENTS" in encoding:
        blob = piped(["age", "-d", "-i", str(key.file)], blob)
    return piped(["zstd", "-d"], blob) if "APP_BACKUP_COMPRESSION" in encoding else blob


def piped(command: list[str], data: bytes) -> bytes:
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout
