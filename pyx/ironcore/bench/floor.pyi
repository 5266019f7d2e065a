from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

FLOORS: Final[dict[str, int]]

class Floor:
    def __init__(self, floor: str, cpus: Sequence[int], capacity_bytes: int = ...) -> None: ...
    def round_trips(
        self, blocks: int, block_messages: int, trips: int
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """(ns of each block, ns of each single trip)."""

    def one_way(self, blocks: int, block_messages: int) -> NDArray[np.uint64]:
        """The ns that each block of messages took to arrive."""
