"""File systems in memory, of the size that a test wants, in a mount namespace of their own: nothing else on this
machine sees them, and nothing is left of them however the test ends. Needs root.
"""

import subprocess
from pathlib import Path

from processes import Child, wait_until


class Volumes:
    """Named volumes below `folder`. A context manager: they end with it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __enter__(self) -> "Volumes":
        self.folder.mkdir(parents=True, exist_ok=True)
        self._keeper = Child(
            ["unshare", "--mount", "--propagation", "private", "sleep", "infinity"], self.folder / "keeper.log")
        wait_until(self._is_apart, "a mount namespace of its own", child=self._keeper)
        return self

    def __exit__(self, *_) -> None:
        self._keeper.kill()

    def _is_apart(self) -> bool:
        """Also the mounts are private by the time that unshare has become the command it runs."""
        return Path(f"/proc/{self._keeper.pid}/comm").read_text() == "sleep\n"

    @property
    def enter(self) -> list[str]:
        """What to put before a command that is to see the volumes in `folder`."""
        return ["nsenter", f"--mount=/proc/{self._keeper.pid}/ns/mnt", "--"]

    def make(self, name: str, megabytes: int) -> Path:
        """Mounts a new volume; returns its folder, as this process can reach it."""
        (self.folder / name).mkdir()
        self._run("mount", "-t", "tmpfs", "-o", f"mode=755,size={megabytes}m", "tmpfs", str(self.folder / name))
        return self[name]

    def resize(self, name: str, megabytes: int) -> None:
        self._run("mount", "-o", f"remount,size={megabytes}m", str(self.folder / name))

    def __getitem__(self, name: str) -> Path:
        """The volume's folder, as this process can reach it."""
        return Path(f"/proc/{self._keeper.pid}/root{self.folder / name}")

    def _run(self, *command: str) -> None:
        subprocess.run([*self.enter, *command], check=True)
