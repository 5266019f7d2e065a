import os

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.base.files import FileDirectory
from ironcore.ring.broadcast import Reader
from ironcore.stage.agent import Stage
from ironcore.stream.journal_reader import JournalReport

COUNTERS: tuple[Declaration, ...]
POLICIES: dict[str, int]

class JournalStage(Stage):
    @property
    def counters(self) -> CounterSet: ...
    @property
    def recovered(self) -> JournalReport: ...
    def __new__(
        cls,
        stream: Reader,
        directory: str | os.PathLike[str] | FileDirectory,
        stream_name: str,
        counters: CounterSet,
        *,
        policy: str = ...,
        interval_ns: int = ...,
        segment_bytes: int = ...,
        batch_bytes_max: int = ...,
        identity: str = ...,
    ) -> JournalStage: ...
    def poll_once(self, batch_max: int = ...) -> int: ...
    def finish(self) -> None: ...
    @property
    def sequence(self) -> int: ...
    @property
    def os_error(self) -> int: ...
    @property
    def gap_sequence(self) -> int: ...
