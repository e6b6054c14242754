"""`etcd-backup inspect` as a process: what it reads stands in a local file, and nothing is configured."""

import os
import signal
import subprocess
from pathlib import Path

from program import BINARY
from processes import wait_until


def test_a_signal_ends_it_also_while_it_waits_for_its_file(tmp_path):
    pipe = tmp_path / "snapshot.db"
    os.mkfifo(pipe)  # without anybody who writes into it
    with subprocess.Popen([BINARY, "inspect", pipe], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: " S " in Path(f"/proc/{process.pid}/stat").read_text(), "it sleeps")
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 143
        finally:
            process.kill()
