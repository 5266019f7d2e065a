import os
from typing import NamedTuple

from ironcore.base.files import FileDirectory
from ironcore.engine.matching_engine import MatchingEngine

class ReplayReport(NamedTuple):
    sequence: int
    commands: int
    trades: int
    time_ns: int
    stream_digest: str
    books_digest: str
    fault: str

class Replay:
    """The replay of one journal: `run`, then look at `engine`."""

    engine: MatchingEngine
    def __init__(self, journal: str | os.PathLike[str] | FileDirectory) -> None: ...
    def run(
        self, *, until_sequence: int | None = None, until_time_ns: int | None = None
    ) -> ReplayReport: ...
