"""Child processes that cannot outlive their test, what they cost, and free ports for them."""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The children see this and nothing else of the developer's environment: no proxies, no ETCDCTL_* settings.
CLEAN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

# For programs of Go that live for a moment: collecting their garbage is a quarter of their work.
SHORT_LIVED = {"GOGC": "off"}

# How many seconds something may take that takes milliseconds on a machine with nothing else to do.
AT_ONCE = 15.0
# How many seconds a test waits for what is sure to happen.
PATIENCE = 120.0


class Child:
    """A program in the background, its output in a file; the kernel kills it should this process die first."""

    def __init__(self, command: list[str], log: Path, env: dict[str, str] | None = None, cwd: Path | None = None):
        self.command = command
        self.log = log
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=CLEAN_ENVIRONMENT | (env or {}),
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self, seconds: float) -> int:
        """Waits for its own end and returns the exit status; nothing of it is left in any case."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.command} still ran after {seconds} s:\n{self.output()}") from None
        finally:
            self.kill()

    def kill(self) -> None:
        """Kills it and what it has started, also when it is stopped or dead already, and reaps it."""
        if self.process.returncode is None:  # not reaped yet, so the number still is that of its own group
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()


class StartFailed(Exception):
    """A server ended instead of serving."""


def wait_until(condition, what: str, seconds: float = PATIENCE, child: Child | None = None) -> None:
    """Waits for `condition()`; says what did not happen, with the last output of the child that was to make it happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        ended = child is not None and not child.is_running
        if ended or time.monotonic() > deadline:
            reason = "its process ended" if ended else f"{seconds} s passed"
            tail = child.output()[-2000:] if child else ""
            raise StartFailed(f"{what} did not happen: {reason}\n{tail}")
        time.sleep(0.02)


def catches(process: int, number: signal.Signals) -> bool:
    """Whether it has a handler for that signal."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    return bool(int(re.search(r"^SigCgt:\s*(\w+)", status, re.M)[1], 16) >> (number - 1) & 1)


def processor_seconds(pid: int) -> float:
    """Of all threads since the process began, in the kernel's steps of 10 ms; see proc_pid_stat(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A TCP port nobody listens on, below the range that the kernel hands out to clients."""
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
