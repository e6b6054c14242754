"""The sandbox is never what a measurement waits for."""

import os
import re

from sandbox import BlobRequest, Sandbox

BLOCK = bytes(os.urandom(1 << 20) * 8)
COUNT = 64


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_blocks_of_8_mib_cost_little_time_and_memory():
    """500 MB/s on two cores, half of them for the client: time of the processor, as others may be busy too."""
    with Sandbox(kubernetes=False) as service:
        service.create_container("speed")
        before = processor_seconds(service.pid)
        for number in range(COUNT):
            answer = BlobRequest(service, "PUT", f"/speed/b?comp=block&blockid=MDA{number:02}w%3D%3D", body=BLOCK)
            assert answer.status == 201
        spent = processor_seconds(service.pid) - before
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", open(f"/proc/{service.pid}/status").read()).group(1))
        assert COUNT * len(BLOCK) / spent > 300e6
        assert peak < 100_000
