from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ironcore.bench.course import BothWays

CARRIERS: Final[dict[str, int]]

class Conversation(BothWays):
    """Two ends that are joined both ways by one carrier."""

    def __init__(
        self,
        carrier: str,
        cpus: Sequence[int],
        capacity_bytes: int = ...,
        directory: str = "/dev/shm",
    ) -> None: ...

def claim_ns(capacity_bytes: int, laps: int, directory: str = "/dev/shm") -> NDArray[np.uint64]: ...
