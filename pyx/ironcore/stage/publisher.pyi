import os

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.base.files import FileDirectory
from ironcore.messaging.publication import PublicationEnd
from ironcore.ring.broadcast import Reader
from ironcore.stage.agent import Stage

COUNTERS: tuple[Declaration, ...]

class PublisherStage(Stage):
    @property
    def counters(self) -> CounterSet: ...
    @property
    def publication(self) -> PublicationEnd: ...
    def __new__(
        cls,
        stream: Reader,
        publication: PublicationEnd,
        counters: CounterSet,
        *,
        journal: str | os.PathLike[str] | FileDirectory | None = ...,
    ) -> PublisherStage: ...
    def poll_once(self, batch_max: int = ...) -> int: ...
    def end_session(self) -> None: ...
    @property
    def ready(self) -> bool: ...
    @property
    def message_next(self) -> int: ...
    @property
    def os_error(self) -> int: ...
