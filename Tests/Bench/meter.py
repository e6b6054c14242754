"""What commands cost: time, processor, memory and disk of their own, and the processor of the servers they talk to."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from processes import CLEAN_ENVIRONMENT, processor_seconds
from program import measure as program_that_measures


@dataclass(frozen=True)
class Command:
    """One program to run to its end, which must be a success."""

    arguments: list[str]
    env: dict[str, str]


@dataclass(frozen=True)
class Cost:
    """One measurement. Processor times and `seconds` add up over the commands; of the memory it is the largest."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    written_bytes: int
    etcd_cpu_seconds: float
    store_cpu_seconds: float


class Failed(Exception):
    """A command ended with another status than 0, so that what it cost means nothing."""


def measure(commands: list[Command], folder: Path, etcd_pid: int, store_pid: int) -> Cost:
    """Runs the commands one after the other, with `folder` as their working directory."""
    before = processor_seconds(etcd_pid), processor_seconds(store_pid)
    outcomes = [_run(command, folder) for command in commands]
    after = processor_seconds(etcd_pid), processor_seconds(store_pid)
    return Cost(
        seconds=sum(o["seconds"] for o in outcomes),
        cpu_seconds=sum(o["cpu_seconds"] for o in outcomes),
        peak_bytes=max(o["peak_bytes"] for o in outcomes),
        written_bytes=sum(o["written_bytes"] for o in outcomes),
        etcd_cpu_seconds=after[0] - before[0],
        store_cpu_seconds=after[1] - before[1],
    )


def _run(command: Command, folder: Path) -> dict:
    log, report = folder / "log", folder / "report.json"
    log.unlink(missing_ok=True)
    subprocess.run(
        [str(program_that_measures()), str(log), str(log), str(report), *command.arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, cwd=folder,
        env=CLEAN_ENVIRONMENT | {"HOME": "/nonexistent"} | command.env)
    outcome = json.loads(report.read_text())
    if outcome["status"] != 0:
        raise Failed(f"{' '.join(command.arguments)} ended with {outcome['status']}:\n{log.read_text()[-2000:]}")
    return outcome
