"""The results as a page of Markdown."""

import os
import platform
import re
import subprocess
import time
from pathlib import Path

from database import MEGABYTE
from experiments import EMPTY_ROUNDS, LONG, SWEEP_ROUNDS, TRANSPORTS, Results
from figures import Spread, cpu_per_gibibyte, peak, ratio, seconds, targets
from meter import Cost
from ways import RCLONE

TITLES = {"gateway": "gateway", "grpc": "gRPC"}


def page(results: Results, etcd_version: str, rounds: int, plot: str) -> str:
    """Everything, for a reader who was not there."""
    return "\n\n".join([
        "# How fast it is",
        "`make bench` wrote this page and its plot, and writes them anew wherever it is run.",
        _circumstances(etcd_version),
        f"![The same figures as a plot]({plot})",
        f"## Ways to back up {results.size / MEGABYTE:,.0f} MB",
        _comparison(results),
        f"Median and range of {rounds} rounds, in each of which every way had its turn. A floor is `curl` reading the"
        " same stream to nowhere; “× floor” compares within a round. Memory is the client's, the worst of all"
        " rounds. etcd, the client and the store share the processors of one machine, so what any of them computes"
        " slows the others down: `curl` into `sha256sum` shows what it costs here only to hash the stream.",
        "## Targets",
        _targets(results),
        "## Sizes",
        _sizes(results),
        "## Slow stores",
        _stores(results),
        "## An empty etcd",
        _empty(results),
        "## How it was measured",
        _method(results),
    ]) + "\n"


def _circumstances(etcd_version: str) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    kernel = ".".join(re.findall(r"\d+", platform.release())[:2])
    return (
        f"Machine: {os.cpu_count()} × {_processor()}, {memory:.0f} GiB of memory, Linux {kernel}; the servers share it"
        f" with what is measured. etcd {etcd_version}, {_first_line('curl', '--version')}"
        f"{', ' + _first_line(str(RCLONE), 'version') if RCLONE.exists() else ''}, {_client_version()}."
        f" {time.strftime('%Y-%m-%d', time.gmtime())}.")


def _comparison(results: Results) -> str:
    rows = []
    for way in results.ways:
        costs = results.comparison[way.name]
        rows.append([
            way.title, _spread(seconds(costs)), f"{ratio(costs, results.comparison[way.floor]).middle:.2f}",
            f"{cpu_per_gibibyte(costs, results.size):.2f}", f"{_median(costs, 'etcd_cpu_seconds'):.1f}",
            f"{_median(costs, 'store_cpu_seconds'):.1f}", f"{peak(costs):.0f}",
            f"{_median(costs, 'written_bytes') / MEGABYTE:,.0f}"])
    return _table(
        ["way", "seconds", "× floor", "client's CPU, s/GiB", "etcd's CPU, s", "store's CPU, s", "peak memory, MiB",
         "written to disk, MB"], rows)


def _targets(results: Results) -> str:
    return _table(["target", "measured", ""], [
        [target.promise, target.measured, "met" if target.is_met else "**missed**"] for target in targets(results)])


def _sizes(results: Results) -> str:
    rows = []
    for size, sized in sorted(results.sizes.items()):
        row = [f"{size / MEGABYTE:,.0f}"]
        for transport in TRANSPORTS:
            costs, floor = sized[transport], sized[f"curl-{transport}"]
            row += [_spread(seconds(costs)), f"{ratio(costs, floor).middle:.2f}",
                    f"{cpu_per_gibibyte(costs, size):.2f}", f"{peak(costs):.0f}"]
        unchecked = sized["grpc-unchecked"]
        rows.append(row + [f"{cpu_per_gibibyte(unchecked, size):.2f}", f"{peak(unchecked):.0f}"])
    heads = ["database, MB"]
    for transport in TRANSPORTS:
        heads += [f"{TITLES[transport]}, seconds", "× floor", "CPU, s/GiB", "peak, MiB"]
    return _table(heads + ["gRPC, pages not checked: CPU, s/GiB", "peak, MiB"], rows)


def _stores(results: Results) -> str:
    rows = []
    for store, costs in results.stores.items():
        row = [store]
        for transport in TRANSPORTS:
            slow, fast = seconds(costs[transport]), seconds(results.comparison[transport])
            row += [_spread(slow), f"{slow.middle / fast.middle:.2f}", f"{peak(costs[transport]):.0f}"]
        rows.append(row)
    heads = [f"store, {results.size / MEGABYTE:,.0f} MB"]
    for transport in TRANSPORTS:
        heads += [f"{TITLES[transport]}, seconds", "× fast store", "peak, MiB"]
    return _table(heads, rows)


def _empty(results: Results) -> str:
    rows = []
    for transport, costs in results.empty.items():
        milliseconds = Spread.of([cost.seconds * 1000 for cost in costs])
        rows.append([TITLES[transport], f"{milliseconds.middle:.0f} ({milliseconds.lowest:.0f}–{milliseconds.highest:.0f})",
                     f"{_median(costs, 'cpu_seconds') * 1000:.0f}", f"{peak(costs):.0f}"])
    return _table(["transport", "start to exit, ms", "CPU, ms", "peak memory, MiB"], rows)


def _method(results: Results) -> str:
    names = ", ".join(results.verified)
    return "\n".join([
        "- etcd is a real one of one member, filled with random values of 4 KiB and started anew before it is measured;"
        " its file is in the page cache. It serves the clear and TLS at once.",
        "- The store is the sandbox of the tests. It verifies signatures and checksums, but keeps only the number of bytes:"
        " its disk is not what is measured.",
        f"- Before that, each configuration ({names}) backed up to a store that keeps them, and what was read back proved"
        " itself by etcd's SHA-256.",
        "- Processor time and memory are the kernel's figures for the process and its children (`wait4`); of servers, the"
        " difference in `/proc/PID/stat`. Written bytes are what the kernel counts as output to a file system.",
        f"- Sizes and slow stores were measured in {SWEEP_ROUNDS} rounds, sizes above {LONG / MEGABYTE:,.0f} MB in one, the"
        f" empty etcd in {EMPTY_ROUNDS}.",
        "- The random values do not compress: with zstd the whole snapshot passes as it is, which is the worst case. Levels and"
        " real ratios: `make bench-encoding`.",
        "- TLS means TLS on both ways, with a client certificate for etcd.",
    ])


def _table(heads: list[str], rows: list[list[str]]) -> str:
    alignment = ["---"] + ["---:"] * (len(heads) - 1)
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, alignment, *rows])


def _spread(spread: Spread) -> str:
    return f"{spread.middle:.2f} ({spread.lowest:.2f}–{spread.highest:.2f})"


def _median(costs: list[Cost], name: str) -> float:
    return Spread.of([getattr(cost, name) for cost in costs]).middle


def _processor() -> str:
    names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return names[0] if names else platform.machine()


def _first_line(*command: str) -> str:
    """`name version` of what a program says about itself."""
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return " ".join(output.split()[:2])


def _client_version() -> str:
    from azure.storage.blob import __version__

    return f"azure-storage-blob {__version__}"
