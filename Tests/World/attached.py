"""The program with its standard descriptors where a test wants them: closed, full, or a terminal."""

import contextlib
import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator

from processes import AT_ONCE, CLEAN_ENVIRONMENT, PATIENCE
from program import BINARY
from world import World


class Attached:
    """A run whose output goes to `stdout` and `stderr`: file descriptors, or files to append to.

    `closing` are a shell's redirections, `privileges` are options of setpriv; with `terminal`, standard input becomes
    the controlling terminal."""

    def __init__(self, world: World, *arguments: str, stdin=subprocess.DEVNULL, stdout, stderr, closing: str = "",
                 ignoring: str = "", privileges: tuple[str, ...] = (), terminal: bool = False, **env: str):
        own = [end if isinstance(end, int) else os.open(end, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
               for end in (stdout, stderr)]
        command = ["setpriv", *privileges, "--pdeathsig", "KILL", "--", str(BINARY), *arguments]
        if closing or ignoring:
            ignore = f"trap '' {ignoring};" if ignoring else ""
            command = ["sh", "-c", f'{ignore} exec "$@" {closing}', "sh", *command]
        if terminal:
            command = ["setsid", "--ctty", *command]
        self.process = subprocess.Popen(
            command, stdin=stdin, stdout=own[0], stderr=own[1],
            env=CLEAN_ENVIRONMENT | {"HOME": "/nonexistent"} | world.env | env)
        for end, given in zip(own, (stdout, stderr), strict=True):
            if end is not given:
                os.close(end)
        world.programs.append(self)

    @property
    def pid(self) -> int:
        return self.process.pid

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended_by(self, number: signal.Signals) -> int:
        """Sends a signal that ends it at once; returns the exit status."""
        self.send(number)
        return self.wait(AT_ONCE)

    def wait(self, seconds: float = PATIENCE) -> int:
        """The exit status."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"etcd-backup still ran after {seconds} s") from None
        finally:
            self.kill()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class FullPipe:
    """A pipe that takes nothing until somebody reads."""

    def __init__(self):
        self.reading, self.writing = os.pipe()
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(self.writing, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.writing, b"#" * 512)
        # The program gets it as a shell hands it over, where a write waits.
        os.set_blocking(self.writing, True)
        os.set_blocking(self.reading, False)

    def read(self) -> str:
        data = b""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self.reading, 65536):
                data += piece
        return data.decode().lstrip("#")

    def widen(self) -> None:
        """Makes room for all that is still to come."""
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, 1 << 20)

    def close(self) -> None:
        os.close(self.reading)
        os.close(self.writing)


@contextlib.contextmanager
def full_pipe() -> Iterator[FullPipe]:
    pipe = FullPipe()
    try:
        yield pipe
    finally:
        pipe.close()
