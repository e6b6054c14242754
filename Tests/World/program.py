"""The etcd-backup binary as a Job starts it: environment only, nothing on stdin, its log and its output in files."""

import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from processes import AT_ONCE, CLEAN_ENVIRONMENT, PATIENCE, ROOT

BINARY = ROOT / ".build" / "release" / "etcd-backup"


@functools.cache
def measure() -> Path:
    """The compiled measure.c, gone with this process."""
    folder = Path(tempfile.mkdtemp(prefix="measure-"))
    atexit.register(shutil.rmtree, folder)
    source = Path(__file__).with_name("measure.c")
    subprocess.run(["cc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", folder / "measure", source], check=True)
    return folder / "measure"


@dataclass(frozen=True)
class Run:
    """How one run ended. `status` is the exit status, or minus the signal that killed it."""

    status: int
    log: str
    output: bytes
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    written_bytes: int

    @property
    def text(self) -> str:
        """What went to standard output."""
        return self.output.decode()

    @property
    def json(self) -> dict:
        """Standard output as one JSON document."""
        return json.loads(self.output)

    @property
    def events(self) -> list[dict]:
        """The log, one JSON object per line; fails on a line that is none."""
        return [json.loads(line) for line in self.log.splitlines()]

    def __str__(self) -> str:
        return f"exit status {self.status} after {self.seconds:.2f} s\n{self.log}"


class Program:
    """One run in the background. Use `wait()` for its outcome."""

    _count = 0

    def __init__(self, env: dict[str, str], folder: Path, arguments: tuple[str, ...] = (),
                 output: Path | None = None):
        Program._count += 1
        name = f"run-{Program._count}"
        self.log = folder / f"{name}.log"
        self.log.touch()
        self.output_file = output or folder / f"{name}.out"
        self._report = folder / f"{name}.json"
        self.working_directory = folder / f"{name}.cwd"
        self.working_directory.mkdir()
        self._launcher = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", str(measure()),
             str(self.log), str(self.output_file), str(self._report), str(BINARY), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=CLEAN_ENVIRONMENT | {"HOME": "/nonexistent"} | env,
            cwd=self.working_directory,
            text=True,
            start_new_session=True,
        )
        self.pid = int(self._launcher.stdout.readline())
        self._launcher.stdout.close()

    @property
    def is_running(self) -> bool:
        return self._launcher.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Sends a signal; a run that has just ended is as good."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait_for_log(self, text: str, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.output():
            assert self.is_running, f"ended without logging {text!r}:\n{self.output()}"
            assert time.monotonic() < deadline, f"no {text!r} in {seconds} s:\n{self.output()}"
            time.sleep(0.005)

    def ended_by(self, number: signal.Signals) -> Run:
        """Sends a signal that ends it at once; returns how it ended."""
        self.send(number)
        return self.wait(AT_ONCE)

    def wait(self, seconds: float = 300) -> Run:
        try:
            self._launcher.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"etcd-backup still ran after {seconds} s:\n{self.output()}") from None
        outcome = json.loads(self._report.read_text())
        written = self.output_file.read_bytes() if self.output_file.is_file() else b""
        return Run(log=self.output(), output=written, **outcome)

    def kill(self) -> None:
        if self.is_running:
            self.send(signal.SIGKILL)
        self._launcher.wait()
