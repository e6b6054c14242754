"""What the measurements say: medians, ranges, ratios, and which targets they meet."""

from dataclasses import dataclass
from statistics import median

from experiments import TRANSPORTS, Results
from meter import Cost

GIBIBYTE = 1 << 30
MEBIBYTE = 1 << 20
PAGE_CHECK = 24 / 4096 / MEBIBYTE  # MiB that the check of the pages may take, for each byte of the database


@dataclass(frozen=True)
class Spread:
    """Median and range of some rounds."""

    middle: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        return cls(median(values), min(values), max(values))


def seconds(costs: list[Cost]) -> Spread:
    return Spread.of([cost.seconds for cost in costs])


def ratio(costs: list[Cost], floor: list[Cost]) -> Spread:
    """How many times as long as the floor of the same round."""
    return Spread.of([one.seconds / other.seconds for one, other in zip(costs, floor, strict=True)])


def cpu_per_gibibyte(costs: list[Cost], size: int) -> float:
    return median(cost.cpu_seconds for cost in costs) / (size / GIBIBYTE)


def peak(costs: list[Cost]) -> float:
    """MiB, the worst of all rounds."""
    return max(cost.peak_bytes for cost in costs) / MEBIBYTE


@dataclass(frozen=True)
class Target:
    """One promise about speed and what came of it."""

    promise: str
    measured: str
    is_met: bool


def targets(results: Results) -> list[Target]:
    """Every target there is; of those whose measurement was left out, nothing."""
    found = [
        _at_most("through the gateway, times its floor", 1.05, _ratio(results, "gateway", "curl-gateway")),
        _at_most("through gRPC, times its floor", 1.15, _ratio(results, "grpc", "curl-grpc")),
    ]
    if "rclone" in results.comparison:
        faster = _ratio(results, "rclone", "grpc")
        found.append(Target(
            "through gRPC, times as fast as etcdctl and rclone: at least 2", f"{faster:.2f}", faster >= 2))
    encrypted, plain, sha256 = (results.comparison[name] for name in ("grpc-age", "grpc", "sha256"))
    excess_time = Spread.of([
        (ours.seconds - hashing.seconds) / run.seconds - 1
        for ours, run, hashing in zip(encrypted, plain, sha256, strict=True)]).middle
    found.append(_at_most(
        "encryption through gRPC, beyond one SHA-256 of the stored bytes, part of a run's time", 0.15, excess_time))
    for transport, limit in (("gRPC", 2.5), ("gateway", 5.0)):
        used = cpu_per_gibibyte(results.comparison[transport.lower()], results.size)
        found.append(_at_most(f"our CPU through {transport}, seconds for a GiB", limit, used))
    peaks = [peak(sized["grpc-unchecked"]) for sized in results.sizes.values()]
    found.append(_at_most("peak memory at every size, without the check of the pages, MiB", 64, max(peaks)))
    excess = [peak(sized[transport]) - PAGE_CHECK * size
              for size, sized in results.sizes.items() for transport in TRANSPORTS]
    found.append(_at_most("peak memory at every size, less 24 bytes a page for their check, MiB", 64, max(excess)))
    empty = max(seconds(costs).middle for costs in results.empty.values())
    found.append(_at_most("an empty etcd, from start to exit, ms", 150, empty * 1000))
    return found


def _ratio(results: Results, name: str, floor: str) -> float:
    return ratio(results.comparison[name], results.comparison[floor]).middle


def _at_most(what: str, limit: float, measured: float) -> Target:
    return Target(f"{what}: at most {limit:g}", f"{measured:.2f}" if limit < 50 else f"{measured:.0f}", measured <= limit)
