"""Runs simulations, seed by seed, and says which failed and how to see it again.

python tests/simulation/seeds.py 1000                 # seeds 1 to 1000
python tests/simulation/seeds.py 1 --first 4711 --trace
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(root / part) for part in ("python", "pyx")]

from ironcore.simulation.simulator import PLANTS, SimulationError, simulate

FAILURES_MAX = 10


def run(first: int, count: int, plant: str, policy: str, gateways: int, trace: bool) -> int:
    """Simulate seeds first, first + 1, ...: how many failed."""
    began = time.monotonic()
    failures = 0
    happened: Counter[str] = Counter()
    for seed in range(first, first + count):
        # The last seed in the output is to blame when an invariant ends the whole process.
        print(f"seed {seed}", flush=True)
        try:
            report = simulate(
                seed,
                plant=plant,
                policy=policy,
                gateways=gateways,
                trace=print if trace else None,
            )
        except SimulationError as error:
            failures += 1
            print(f"FAILED {error}")
            print(f"  again: python tests/simulation/seeds.py 1 --first {seed} --trace", flush=True)
            if failures == FAILURES_MAX:
                break
        else:
            happened.update(report.happened)
            happened.update({"frames": report.frames, "crashes": report.crashes})
            happened[f"venues_with_{report.gateways}_gateways"] += 1
    print(
        f"{count} seeds, {failures} failed, {happened['frames']} frames, "
        f"{happened['crashes']} crashes, {time.monotonic() - began:.1f} s"
    )
    if trace:
        for name, times in sorted(happened.items()):
            print(f"  {name} {times}")
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("count", type=int, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first of them (default 1)")
    parser.add_argument("--plant", default="", choices=sorted(PLANTS), help="put in a bug")
    parser.add_argument("--policy", default="", choices=["off", "interval", "before-reply"])
    parser.add_argument("--gateways", type=int, default=0, choices=[1, 2])
    parser.add_argument("--trace", action="store_true", help="tell of starts and crashes")
    options = parser.parse_args()
    return 1 if run(**vars(options)) else 0


if __name__ == "__main__":
    raise SystemExit(main())
