"""Runs the cases of counting.py, one after the other; a line in JSON for each."""

import sys
import time

import numpy as np
from numpy.typing import NDArray

from ironcore.engine.matching_engine import MatchingEngine

REJECTED = 129


def pieces(data: NDArray[np.uint8], sizes: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
    return np.split(data, np.cumsum(sizes)[:-1])


def opened(
    limits: list[int], steps: list[int], opening: NDArray[np.uint8]
) -> tuple[MatchingEngine, int]:
    """A core, and how many commands of its opening had no effect."""
    core = MatchingEngine(*limits)
    core.dry_run_steps_max, core.allocation_orders_max = steps
    statuses, _, said = core.apply_batch(opening)
    return core, int(np.count_nonzero(statuses) + np.count_nonzero(said["type"] == REJECTED))


def run(core: MatchingEngine, number: int, refused: int, command: bytes) -> None:
    start_ns = time.thread_time_ns()
    status, events = core.apply(command)
    cpu_ns = time.thread_time_ns() - start_ns
    line = f"[{number}, {refused}, {status}, {len(events)}, {cpu_ns}]"
    print(line, flush=True)


def main() -> None:
    found = dict(np.load(sys.argv[1]))
    openings = pieces(found["openings"], found["openings_bytes"])
    records = pieces(found["records"], found["records_bytes"])
    for number, record in enumerate(records):
        limits, steps = found["limits"][number].tolist(), found["steps"][number].tolist()
        core, refused = opened(limits, steps, openings[found["opening"][number]])
        run(core, number, refused, record.tobytes())


main()
