from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ironcore.bench.match_workloads import Workload

FLOOR: Final[str]
QUEUED: Final[str]
ONE_AT_A_TIME: Final[str]

class Took(NamedTuple):
    elapsed_ns: int
    cpu_ns: int
    events: int
    memory_bytes: int
    latencies: NDArray[np.int64] | None

class Loops:
    messages: int
    workload: Workload
    def __init__(self, workload: Workload) -> None: ...
    def run(self, way: str, timed: bool = False) -> Took: ...

def clock_ns() -> int: ...
def resident_bytes() -> int: ...
def outcome(workload: Workload) -> dict[str, Any]: ...
def memory_of(workload: Workload) -> dict[str, int]: ...
