from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

CARRIERS: Final[dict[str, int]]

def on_both_cores(
    cpus: Sequence[int], near: Callable[[], object], far: Callable[[], object]
) -> None: ...

class Conversation:
    """Two ends that are joined both ways by one carrier, and the two cores that they run on."""

    def __init__(
        self,
        carrier: str,
        cpus: Sequence[int],
        capacity_bytes: int = ...,
        directory: str = "/dev/shm",
    ) -> None: ...
    def round_trips(
        self, blocks: int, block_messages: int, trips: int
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """(ns of each block, ns of each single trip)."""

    def one_way(self, blocks: int, block_messages: int) -> NDArray[np.uint64]:
        """The ns that each block of messages took to arrive."""
