"""What is written for a processor of its own, run for arm64 by qemu where Debian's qemu-user and cross compiler are installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from processes import ROOT

COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"
SOURCE = ROOT / "Tests" / "World" / "crc64.c"
# Of Microsoft's own library, as in CRC64Tests.
KNOWN = [
    (b"", "0000000000000000"),
    (b"123456789", "ae8b14860a799888"),
    (b"hello world", "8d29d5c3f6ea8ebe"),
    (bytes(range(256)), "ff71e21279d9966e"),
    (bytes(4096), "6482d367eb22b64e"),
]


def programs(folder: Path) -> dict[str, list[str]]:
    """By what they show: folding, and what a processor without carry-less multiplication does."""
    found = {}
    native = [["cc"], []]
    emulated = [[COMPILER, "-static"], [EMULATOR]]
    for machine, (compiler, runner) in {"this": native, "arm64": emulated}.items():
        if machine == "arm64" and not (shutil.which(COMPILER) and shutil.which(EMULATOR)):
            continue
        for name, options in {"folded": [], "bit by bit": ["-Wl,--wrap=getauxval"]}.items():
            if (machine, name) == ("this", "bit by bit"):
                continue
            program = folder / f"{machine}-{name.replace(' ', '-')}"
            subprocess.run([*compiler, "-O2", "-Wall", "-Werror", "-o", program, SOURCE, *options], check=True)
            found[f"{machine} {name}"] = [*runner, str(program)]
    return found


def test_the_folded_checksum_is_the_known_one_on_every_processor_that_is_at_hand(tmp_path):
    # Longer than all the strands, at every length up to a whole step more.
    cases = [*KNOWN, *((bytes(number % 251 for number in range(length)), "") for length in range(64, 400, 37))]
    tried = programs(tmp_path)
    for name, command in tried.items():
        for data, known in cases:
            done = subprocess.run(command, input=data, capture_output=True, check=True, timeout=60)
            fast, slow, how = done.stdout.decode().split(maxsplit=2)
            assert fast == slow and known in ("", fast), f"{name}: {len(data)} bytes"
            folds = name.endswith("folded") and len(data) >= 64
            assert how.strip() == ("folded" if folds else "bit by bit"), name
    if "arm64 folded" not in tried:
        pytest.skip(f"only this processor was tried: {COMPILER} or {EMULATOR} is not installed")
