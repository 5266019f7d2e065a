import os
from typing import NamedTuple

from ironcore.ring.mapped_file import Created, OwnerState

class Positions(NamedTuple):
    tail: int
    head: int
    used_bytes: int
    capacity_bytes: int
    sequence_next: int
    full_count: int
    producer: OwnerState
    consumer: OwnerState

def create(
    path: str | os.PathLike[str],
    capacity_bytes: int,
    sequence_next: int = 1,
    huge_pages: str = "off",
    lock: str = "off",
    numa_node: int | None = None,
) -> Created: ...
def positions(path: str | os.PathLike[str]) -> Positions: ...

class Producer:
    def __init__(self, path: str | os.PathLike[str]) -> None: ...
    def offer(self, payload: bytes | bytearray | memoryview) -> int: ...
    @property
    def sequence_next(self) -> int: ...
    @property
    def payload_bytes_max(self) -> int: ...
    @property
    def full_count(self) -> int: ...
    @property
    def huge_pages(self) -> str: ...
    @property
    def locked(self) -> str: ...

class Consumer:
    def __init__(self, path: str | os.PathLike[str]) -> None: ...
    def poll(self, frames_max: int) -> list[tuple[int, bytes]]: ...
    @property
    def huge_pages(self) -> str: ...
    @property
    def locked(self) -> str: ...
