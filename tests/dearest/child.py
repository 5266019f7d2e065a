"""Runs the cases of counting.py, one after the other; a line in JSON for each."""

import sys
import time

import numpy as np
from numpy.typing import NDArray

from ironcore.engine.matching_engine import MatchingEngine

REJECTED = 129


def pieces(data: NDArray[np.uint8], sizes: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
    return np.split(data, np.cumsum(sizes)[:-1])


def main() -> None:
    found = dict(np.load(sys.argv[1]))
    openings = pieces(found["openings"], found["openings_bytes"])
    records = pieces(found["records"], found["records_bytes"])
    for number, record in enumerate(records):
        core = MatchingEngine(*found["limits"][number].tolist())
        core.dry_run_steps_max = int(found["steps"][number])
        statuses, _, said = core.apply_batch(openings[found["opening"][number]])
        refused = np.count_nonzero(statuses) + np.count_nonzero(said["type"] == REJECTED)
        command = record.tobytes()
        start_ns = time.thread_time_ns()
        status, events = core.apply(command)
        cpu_ns = time.thread_time_ns() - start_ns
        print(f"[{number}, {refused}, {status}, {len(events)}, {cpu_ns}]")


main()
