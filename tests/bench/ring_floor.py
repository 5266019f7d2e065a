"""The rings beside a framed ring in plain C, and beside bare cache lines.

    python -m tests.bench.ring_floor

Each carrier is measured in every round, one after the other on the same two cores, and compared
within the round. Prints the medians and the spread of the ratios over the rounds.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from ironcore.bench.floor import Floor
from ironcore.bench.ring import Conversation

CARRIERS = ["line", "c", "spsc", "broadcast"]
BLOCKS = 50
BLOCK_MESSAGES = 2_000
TRIPS = 50_000
CAPACITY = {"round trip": 1 << 16, "one way": 1 << 18}

Round = dict[str, dict[str, float]]


def join(carrier: str, cpus: tuple[int, int], what: str) -> Conversation | Floor:
    if carrier == "c":
        return Floor("ring", cpus, CAPACITY[what])
    return Conversation(carrier, cpus, CAPACITY[what])


def measure(cpus: tuple[int, int], messages: int, trips: int) -> Round:
    """One round: ns a message by carrier, as the median of the blocks, and percentiles of trips."""
    found: Round = {}
    for carrier in CARRIERS:
        talk = join(carrier, cpus, "round trip")
        block_ns, trip_ns = talk.round_trips(BLOCKS, messages, trips)
        found[carrier] = {"round_trip_ns": float(np.median(block_ns)) / messages}
        for name, quantile in (("p50", 50), ("p99", 99), ("p99_9", 99.9)):
            found[carrier][f"round_trip_ns_{name}"] = float(np.percentile(trip_ns, quantile))
        if carrier != "line":
            way_ns = join(carrier, cpus, "one way").one_way(BLOCKS, messages)
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
    rounds = [
        measure((near, far), arguments.messages, arguments.trips) for _ in range(arguments.rounds)
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
