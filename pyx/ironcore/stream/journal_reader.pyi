import os
from collections.abc import Iterator
from typing import NamedTuple

from ironcore.base.files import FileDirectory

class JournalReport(NamedTuple):
    stream_name: str
    segments: int
    frames: int
    first_sequence: int
    last_sequence: int
    segment: str
    offset: int
    durable_offset: int
    torn_bytes: int
    fault: str
    mark_sequence: int = ...
    mark_doubt: str = ...
    set_aside: str = ...

class JournalCorruptError(ValueError):
    report: JournalReport
    segment: str
    offset: int
    last_sequence: int
    def __init__(self, report: JournalReport, advice: str = ...) -> None: ...

class JournalVersionError(ValueError):
    report: JournalReport
    def __init__(self, report: JournalReport) -> None: ...

class JournalMarked(NamedTuple):
    sequence: int = ...
    segment: str = ...
    identity: str = ...
    stream_name: str = ...
    fault: str = ...

class JournalReader:
    def __init__(
        self,
        directory: str | os.PathLike[str] | FileDirectory,
        first_sequence: int = ...,
        *,
        unsynced: bool = ...,
    ) -> None: ...
    def __iter__(self) -> Iterator[tuple[int, bytes]]: ...
    def verify(self) -> JournalReport: ...

def stream_name(directory: str | os.PathLike[str] | FileDirectory) -> str: ...
def read_mark(directory: str | os.PathLike[str] | FileDirectory) -> JournalMarked | None: ...
