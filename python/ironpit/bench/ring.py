"""`ironpit bench ring`: round trips and throughput of the rings, beside bare cache lines.

A round trip is a 64-byte message from one thread to another and its equal back, from before the
first store to after the last load, through one ring each way, both threads spinning on a core of
their own. The floor is the same conversation over one bare cache line each way, in turn with it. A
framed ring in plain C, with the guarantees of the single-consumer ring, stands between the two.

The claims of the broadcast ring are timed by themselves as well, in rings of several sizes that
nobody reads, so that the dearest one shows: what the matcher waits for while the ring makes room.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ironcore.bench.floor import Floor
from ironcore.bench.ring import Conversation, claim_ns
from ironpit.bench import plans
from ironpit.bench.spread import spread
from ironpit.common.output import show_bytes, show_ns, table

QUANTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99_9": 99.9, "p99_99": 99.99}
BLOCKS = 50
CARRIERS = {
    "line": "bare cache line",
    "c_ring": "framed ring in C",
    "spsc": "single-consumer ring",
    "broadcast": "broadcast ring",
}
RINGS = [carrier for carrier in CARRIERS if carrier != "line"]
OWN_RINGS = [carrier for carrier in RINGS if carrier != "c_ring"]
TRIPS_BYTES = 1 << 16
WAY_BYTES = 1 << 18
CLAIM_CAPACITIES = [1 << 16, 1 << 20, 1 << 24, 1 << 26]
CLAIM_LAPS = 8
CLAIM_HEADER = ["broadcast ring of", "claim, median", "p99.9", "longest", "rounds"]
HEADER = ["carrier", "round trip", "median", "to line", "rounds", "to C ring", "rounds"]
# tmpfs where there is one: a disk's file system would write pages back in between.
DIRECTORY = "/dev/shm" if Path("/dev/shm").is_dir() else "."


@dataclass(frozen=True)
class Plan:
    """How often and where."""

    round_trips: int = plans.number(100_000, "messages there and back in each round")
    messages: int = plans.number(1_000_000, "messages one way in each round")
    rounds: int = plans.rounds(7)
    near_cpu: int = plans.cpu(0, "the thread that asks")
    far_cpu: int = plans.cpu(1, "the thread that answers")


def _percentiles(latency_ns: NDArray[np.uint64]) -> dict[str, float]:
    """Nearest-rank percentiles and the maximum, in ns."""
    ordered = np.sort(latency_ns)
    found = {
        name: float(ordered[max(0, int(np.ceil(q / 100 * len(ordered))) - 1)])
        for name, q in QUANTILES.items()
    }
    found["max"] = float(ordered[-1])
    return found


def _join(carrier: str, cpus: tuple[int, int], capacity_bytes: int) -> Any:
    if carrier == "c_ring":
        return Floor("ring", cpus, capacity_bytes)
    return Conversation(carrier, cpus, capacity_bytes, DIRECTORY)


def _round(carrier: str, plan: Plan) -> dict[str, float]:
    """One measurement of one carrier: percentiles of trips, and ns a message of median blocks."""
    cpus = (plan.near_cpu, plan.far_cpu)
    per_block = max(1, plan.round_trips // BLOCKS)
    talk = _join(carrier, cpus, TRIPS_BYTES)
    block_ns, trip_ns = talk.round_trips(BLOCKS, per_block, plan.round_trips)
    found = _percentiles(trip_ns)
    found["mean_of_median_block"] = float(np.median(block_ns)) / per_block
    if carrier in RINGS:
        per_block = max(1, plan.messages // BLOCKS)
        way = _join(carrier, cpus, WAY_BYTES)
        found["one_way"] = float(np.median(way.one_way(BLOCKS, per_block))) / per_block
    return found


def _claims(plan: Plan, capacities: list[int]) -> dict[int, dict[str, float]]:
    """Of each capacity the median, p99.9 and longest claim, in ns, on the near CPU."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {plan.near_cpu})
    try:
        found = {capacity: claim_ns(capacity, CLAIM_LAPS, DIRECTORY) for capacity in capacities}
    finally:
        os.sched_setaffinity(0, before)
    return {
        capacity: {
            "median": float(np.median(ns)),
            "p99_9": float(np.percentile(ns, 99.9, method="inverted_cdf")),
            "longest": float(ns.max()),
        }
        for capacity, ns in found.items()
    }


def run(plan: Plan) -> dict[str, Any]:
    """The report. The carriers take turns, `rounds` times."""
    notes = []
    if (os.cpu_count() or 1) < 2 or plan.near_cpu == plan.far_cpu:
        notes.append("needs two cores: both threads share one, so that these are no latencies")
    free = shutil.disk_usage(DIRECTORY).free
    capacities = [capacity for capacity in CLAIM_CAPACITIES if 2 * capacity < free]
    if capacities != CLAIM_CAPACITIES:
        notes.append(f"{DIRECTORY} has no room for rings of {show_bytes(CLAIM_CAPACITIES[-1])}")
    rounds, claims = [], []
    for _ in range(plan.rounds):
        rounds.append({carrier: _round(carrier, plan) for carrier in CARRIERS})
        claims.append(_claims(plan, capacities))
    report: dict[str, Any] = {
        "schema": "ironpit-bench-ring-1",
        "measured": "64-byte messages between two spinning threads: a round trip from before the "
        "first store to after the last load of the answer, single trips with one look at the clock "
        "each; throughput one way; claims of the broadcast ring with nobody reading, each with two "
        f"looks at the clock and the least of {CLAIM_LAPS} laps",
        "round_trips": plan.round_trips,
        "messages": plan.messages,
        "rounds": plan.rounds,
        "cpus": {"near": plan.near_cpu, "far": plan.far_cpu},
        "floor_line_ns": _spread([r["line"] for r in rounds]),
        "broadcast_claim_ns": {
            str(capacity): _spread([r[capacity] for r in claims]) for capacity in capacities
        },
        "notes": notes,
    }
    for carrier in RINGS:
        of_ring = [r[carrier] for r in rounds]
        report[f"{carrier}_ns"] = _spread(of_ring)
        report[f"{carrier}_messages_per_s"] = spread([1e9 / r["one_way"] for r in of_ring])
        report[f"{carrier}_ratio"] = {
            name: spread([r[carrier][name] / r["line"][name] for r in rounds])
            for name in rounds[0]["line"]
        }
        if carrier in OWN_RINGS:
            report[f"{carrier}_to_c_ring"] = {
                name: spread([r[carrier][name] / r["c_ring"][name] for r in rounds])
                for name in rounds[0]["line"]
            }
            report[f"{carrier}_throughput_to_c_ring"] = spread(
                [r["c_ring"]["one_way"] / r[carrier]["one_way"] for r in rounds]
            )
    return report


def _spread(rounds: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {name: spread([r[name] for r in rounds]) for name in rounds[0]}


def _claim_rows(report: dict[str, Any]) -> list[list[str]]:
    rows = []
    for capacity, figures in report["broadcast_claim_ns"].items():
        longest = figures["longest"]
        row = [show_bytes(int(capacity))]
        row += [show_ns(round(figures[name]["median"])) for name in ("median", "p99_9", "longest")]
        rows.append([*row, f"{show_ns(round(longest['min']))} to {show_ns(round(longest['max']))}"])
    return rows


def text_of(report: dict[str, Any]) -> str:
    """The report as a person reads it: medians of the rounds, and the ratio's range."""
    rows = []
    for carrier, words in CARRIERS.items():
        figures = report["floor_line_ns" if carrier == "line" else f"{carrier}_ns"]
        for name in QUANTILES:
            row = [words, name.replace("_", "."), show_ns(round(figures[name]["median"]))]
            if carrier in RINGS:
                ratio = report[f"{carrier}_ratio"][name]
                row += [f"{ratio['median']:.2f}", f"{ratio['min']:.2f} to {ratio['max']:.2f}"]
            if carrier in OWN_RINGS:
                ratio = report[f"{carrier}_to_c_ring"][name]
                row += [f"{ratio['median']:.2f}", f"{ratio['min']:.2f} to {ratio['max']:.2f}"]
            rows.append(row + [""] * (len(HEADER) - len(row)))
    lines = [table(rows, HEADER)]
    for carrier in RINGS:
        rate = report[f"{carrier}_messages_per_s"]
        line = (
            f"{CARRIERS[carrier]}: {rate['median']:,.0f} messages a second one way "
            f"({rate['min']:,.0f} to {rate['max']:,.0f})"
        )
        if carrier in OWN_RINGS:
            ratio = report[f"{carrier}_throughput_to_c_ring"]
            line += f", {ratio['median']:.2f} of the C ring's ({ratio['min']:.2f} to "
            line += f"{ratio['max']:.2f})"
        lines.append(line)
    lines.append(table(_claim_rows(report), CLAIM_HEADER))
    return "\n".join([*lines, report["measured"], *report["notes"]])
