"""The rings beside a framed ring in plain C, and beside bare cache lines.

    python -m tests.bench.ring_floor

framed_ring.c is compiled with the flags of the release build; each carrier is measured in every
round, one after the other on the same two cores, and compared within the round. Prints the medians
and the spread of the ratios over the rounds.
"""

import argparse
import ctypes
import json
import os
import shlex
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ironcore.runtime.bench_ring import Conversation

SOURCE = Path(__file__).with_name("framed_ring.c")
FLAGS = ["-O3", "-std=gnu11", "-Wall", "-Wextra", "-shared", "-fPIC", "-pthread"]
CARRIERS = ["line", "c", "spsc", "broadcast"]
BLOCKS = 50
BLOCK_MESSAGES = 2_000
TRIPS = 50_000
CAPACITY = {"round trip": 1 << 16, "one way": 1 << 18}

Times = NDArray[np.uint64]
Round = dict[str, dict[str, float]]


def compile_framed_ring(directory: str) -> ctypes.CDLL:
    """The C ring as a loaded library; CalledProcessError when it cannot be compiled."""
    library = Path(directory) / "framed_ring.so"
    compiler = shlex.split(os.environ.get("CC", "cc"))
    subprocess.run([*compiler, *FLAGS, str(SOURCE), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


def run_c(
    library: ctypes.CDLL, what: str, cpus: tuple[int, int], messages: int, trips: int
) -> tuple[Times, Times]:
    """As Conversation.round_trips, or as its one_way without trips."""
    block_ns = np.zeros(BLOCKS, dtype=np.uint64)
    trip_ns = np.zeros(max(trips, 1), dtype=np.uint64)
    pointer = ctypes.POINTER(ctypes.c_uint64)
    failed = library.framed_ring_run(
        ctypes.c_int(what == "round trip"),
        ctypes.c_int(cpus[0]),
        ctypes.c_int(cpus[1]),
        ctypes.c_uint64(CAPACITY[what]),
        ctypes.c_uint64(BLOCKS),
        ctypes.c_uint64(messages),
        block_ns.ctypes.data_as(pointer),
        ctypes.c_uint64(trips),
        trip_ns.ctypes.data_as(pointer),
    )
    if failed:
        raise OSError(f"the C ring could not be run on CPUs {cpus}")
    return block_ns, trip_ns[:trips]


def measure(library: ctypes.CDLL, cpus: tuple[int, int], messages: int, trips: int) -> Round:
    """One round: ns a message by carrier, as the median of the blocks, and percentiles of trips."""
    found: Round = {}
    for carrier in CARRIERS:
        if carrier == "c":
            block_ns, trip_ns = run_c(library, "round trip", cpus, messages, trips)
            way_ns, _ = run_c(library, "one way", cpus, messages, 0)
        else:
            talk = Conversation(carrier, cpus, CAPACITY["round trip"])
            block_ns, trip_ns = talk.round_trips(BLOCKS, messages, trips)
            if carrier != "line":
                way_ns = Conversation(carrier, cpus, CAPACITY["one way"]).one_way(BLOCKS, messages)
        found[carrier] = {"round_trip_ns": float(np.median(block_ns)) / messages}
        for name, quantile in (("p50", 50), ("p99", 99), ("p99_9", 99.9)):
            found[carrier][f"round_trip_ns_{name}"] = float(np.percentile(trip_ns, quantile))
        if carrier != "line":
            found[carrier]["one_way_ns"] = float(np.median(way_ns)) / messages
    return found


def spread(values: list[float]) -> dict[str, float]:
    return {
        "min": round(min(values), 3),
        "median": round(statistics.median(values), 3),
        "max": round(max(values), 3),
    }


def report(rounds: list[Round]) -> dict[str, Any]:
    """Medians over the rounds, and ratios within them."""
    figures = {
        carrier: {name: spread([r[carrier][name] for r in rounds]) for name in rounds[0][carrier]}
        for carrier in CARRIERS
    }
    ratios = {}
    for carrier in ("spsc", "broadcast"):
        ratios[carrier] = {
            "round_trip_to_c": spread(
                [r[carrier]["round_trip_ns"] / r["c"]["round_trip_ns"] for r in rounds]
            ),
            "round_trip_to_line": spread(
                [r[carrier]["round_trip_ns"] / r["line"]["round_trip_ns"] for r in rounds]
            ),
            "throughput_to_c": spread(
                [r["c"]["one_way_ns"] / r[carrier]["one_way_ns"] for r in rounds]
            ),
        }
    return {"rounds": len(rounds), "figures": figures, "ratios": ratios}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--cpus", default="0,1", metavar="A,B")
    parser.add_argument("--messages", type=int, default=BLOCK_MESSAGES, help="in one block")
    parser.add_argument("--trips", type=int, default=TRIPS)
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    near, far = map(int, arguments.cpus.split(","))
    with tempfile.TemporaryDirectory() as directory:
        library = compile_framed_ring(directory)
        rounds = [
            measure(library, (near, far), arguments.messages, arguments.trips)
            for _ in range(arguments.rounds)
        ]
    result = report(rounds)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(result, indent=2) + "\n")
    for carrier, figures in result["figures"].items():
        line = ", ".join(
            f"{name} {value['median']:.1f} ({value['min']:.1f} to {value['max']:.1f})"
            for name, value in figures.items()
        )
        print(f"{carrier:10}{line}")
    for carrier, ratios in result["ratios"].items():
        line = ", ".join(
            f"{name} {value['median']:.3f} ({value['min']:.3f} to {value['max']:.3f})"
            for name, value in ratios.items()
        )
        print(f"{carrier:10}{line}")


if __name__ == "__main__":
    main()
