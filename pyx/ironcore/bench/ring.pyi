from collections.abc import Sequence
from typing import Final

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
