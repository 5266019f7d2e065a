import os

from ironcore.base.counter_set import CounterSet
from ironcore.base.files import FileDirectory
from ironcore.net.sockets import Network
from ironcore.ring.broadcast import Reader
from ironcore.stage.agent import Stage

COUNTERS: tuple[tuple[str, str], ...]

class PublisherStage(Stage):
    @property
    def counters(self) -> CounterSet: ...
    def __new__(
        cls,
        stream: Reader,
        feed_fd: int,
        counters: CounterSet,
        *,
        request_fd: int = ...,
        journal: str | os.PathLike[str] | FileDirectory | None = ...,
        heartbeat_ns: int = ...,
        window_bytes: int = ...,
        retries_max: int = ...,
        packet_bytes_max: int = ...,
        network: Network | None = ...,
    ) -> PublisherStage: ...
    def poll_once(self, batch_max: int = ...) -> int: ...
    def end_session(self) -> None: ...
    @property
    def ready(self) -> bool: ...
    @property
    def message_next(self) -> int: ...
    @property
    def os_error(self) -> int: ...
