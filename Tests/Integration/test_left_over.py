"""What the tests start ends with them, also when they are killed from outside."""

import os
import signal
import subprocess
import sys

import pytest

from pods import Image, privileges
from processes import ROOT, wait_until

STARTER = """
import sys, time
from pathlib import Path
from processes import Child
child = Child(sys.argv[2:], Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(1000)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run containers of pods")
def test_a_member_that_runs_as_another_user_ends_with_tests_that_are_killed(tmp_path):
    spec = {"securityContext": {"runAsUser": 1000, "runAsGroup": 1000}}
    command = [*privileges(spec, {"securityContext": {}}, Image({})), "sleep", "1000"]
    tests = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path / "log"), *command], stdout=subprocess.PIPE, text=True,
        env={"PYTHONPATH": str(ROOT / "Tests" / "World"), "PATH": os.environ["PATH"]})
    pid = int(tests.stdout.readline())
    wait_until(lambda: uid_of(pid) == 1000, "the change of the user")
    tests.send_signal(signal.SIGKILL)
    tests.communicate()
    wait_until(lambda: uid_of(pid) is None, "the end of the member")


def uid_of(pid: int) -> int | None:
    """`None` for a process that has ended, though nobody has reaped it yet."""
    try:
        with open(f"/proc/{pid}/status") as file:
            status = dict(line.split(":", 1) for line in file)
    except OSError:
        return None
    return None if status["State"].strip().startswith("Z") else int(status["Uid"].split()[0])
