"""Runs one program and reports its process id, then how it ended and what it used; started by program.py.

    measure.py LOG OUTPUT REPORT PROGRAM [ARGUMENT...]

A process of its own, because the kernel counts the starter's memory towards the peak of what it starts: this one is
small enough not to matter.
"""

import json
import os
import sys
import time


def main() -> None:
    log, output, report, *command = sys.argv[1:]
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        for path, descriptor in [(output, 1), (log, 2)]:
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(opened, descriptor)
            os.close(opened)
        os.execv("/usr/bin/setpriv", ["setpriv", "--pdeathsig", "KILL", "--", *command])
    print(pid, flush=True)
    _, status, usage = os.wait4(pid, 0)
    outcome = {
        "status": os.waitstatus_to_exitcode(status),
        "seconds": time.monotonic() - started,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * 1024,
        "written_bytes": usage.ru_oublock * 512,
    }
    with open(report + ".new", "w", encoding="utf-8") as file:
        json.dump(outcome, file)
    os.rename(report + ".new", report)


main()
