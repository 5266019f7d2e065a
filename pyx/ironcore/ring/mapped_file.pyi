import os
from typing import Final, NamedTuple

CAPACITY_BYTES_MAX: Final[int]
HUGE_PAGES: Final[tuple[str, ...]]

class SegmentError(ValueError):
    path: str
    found: object
    expected: object
    def __init__(self, path: str, what: str, found: object, expected: object) -> None: ...

class SegmentHeldError(SegmentError):
    process_id: int
    def __init__(self, path: str, role: str, process_id: int) -> None: ...

class OwnerState(NamedTuple):
    alive: bool
    process_id: int
    attached_count: int
    attached_real_ns: int
    heartbeat_mono_ns: int

class Created(NamedTuple):
    path: str
    capacity_bytes: int
    capacity_bytes_asked: int
    huge_pages: str
    locked: str = "off"
    numa: str = "off"

def check_identity(path: str, identity: str) -> bytes: ...
def check_session(path: str, session: str) -> bytes: ...
def session_of_its_own() -> str: ...
def round_capacity(path: str | os.PathLike[str], capacity_bytes: int) -> int: ...

class Segment:
    path: Final[str]
    huge_pages: Final[str]
    capacity_bytes: Final[int]
