from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

def on_both_cores(
    cpus: Sequence[int], near: Callable[[], object], far: Callable[[], object]
) -> None: ...

class BothWays:
    """Two ends that are joined both ways, and the cores of the near and the far one."""

    def __init__(self, cpus: Sequence[int]) -> None: ...
    def round_trips(
        self, blocks: int, block_messages: int, trips: int
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """(ns of each block, ns of each single trip)."""

    def one_way(self, blocks: int, block_messages: int) -> NDArray[np.uint64]:
        """The ns that each block of messages took to arrive."""
