"""Runs the cases of counting.py, one after the other; a line in JSON for each.

`shared` as second argument: cases with the same opening share a core, and each is run in a process
of its own that is forked from it. That is much quicker under callgrind, but copies pages meanwhile,
which CPU time would show.
"""

import os
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
    return core, np.count_nonzero(statuses) + np.count_nonzero(said["type"] == REJECTED)


def run(core: MatchingEngine, number: int, refused: int, command: bytes) -> None:
    start_ns = time.thread_time_ns()
    status, events = core.apply(command)
    cpu_ns = time.thread_time_ns() - start_ns
    line = f"[{number}, {refused}, {status}, {len(events)}, {cpu_ns}, {os.getpid()}]\n"
    os.write(sys.stdout.fileno(), line.encode())


def main() -> None:
    found = dict(np.load(sys.argv[1]))
    is_shared = "shared" in sys.argv
    openings = pieces(found["openings"], found["openings_bytes"])
    records = pieces(found["records"], found["records_bytes"])
    before = None
    for number, record in enumerate(records):
        opening = found["opening"][number]
        if not is_shared or opening != before:
            limits, steps = found["limits"][number].tolist(), found["steps"][number].tolist()
            core, refused = opened(limits, steps, openings[opening])
            before = opening
        if not is_shared:
            run(core, number, refused, record.tobytes())
        elif os.fork() == 0:
            run(core, number, refused, record.tobytes())
            os._exit(0)
        elif os.wait()[1]:
            raise SystemExit(f"case {number} ended with an error")


main()
