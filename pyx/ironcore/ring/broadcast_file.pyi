import os
from collections.abc import Collection, Mapping
from typing import NamedTuple

from ironcore.ring.mapped_file import Created, OwnerState

class Gating(NamedTuple):
    patience_ns: int = 0
    after: str | None = None

class ReaderState(NamedTuple):
    name: str
    state: str
    position: int
    lag_bytes: int
    patience_ns: int
    after: str | None
    follows: tuple[str, ...]
    evictions: int
    evicted_mono_ns: int
    evicted_full_ns: int
    evicted_lag_bytes: int
    owner: OwnerState

class Positions(NamedTuple):
    tail: int
    oldest: int
    used_bytes: int
    capacity_bytes: int
    sequence_oldest: int
    sequence_next: int
    full_count: int
    producer: OwnerState
    session: str
    identity: str
    ended: bool
    keepers: tuple[str, ...]

def create(
    path: str | os.PathLike[str],
    capacity_bytes: int,
    readers: Mapping[str, Gating],
    sequence_next: int = 1,
    huge_pages: str = "off",
    lock: str = "off",
    numa_node: int | None = None,
    session: str | None = None,
    identity: str = "",
    keepers: Collection[str] = (),
) -> Created: ...
def positions(path: str | os.PathLike[str]) -> Positions: ...
def reader_states(path: str | os.PathLike[str]) -> list[ReaderState]: ...
