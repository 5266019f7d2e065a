from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.base.counters import CountersFile
from ironcore.messaging.publication import PublicationEnd
from ironcore.net.sockets import Network

PUBLICATION_COUNTERS: tuple[Declaration, ...]
READER_COUNTERS: tuple[Declaration, ...]

class TcpPublication(PublicationEnd):
    readers: tuple[CounterSet, ...]
    def __init__(
        self,
        listener: int = -1,
        session: str = "",
        counters: CounterSet | None = None,
        *,
        window_bytes: int = ...,
        queue_bytes: int = ...,
        policy: str = "disconnect",
        connections_max: int = 16,
        frame_bytes_max: int = ...,
        heartbeat_ns: int = ...,
        peer_timeout_ns: int = ...,
        login_timeout_ns: int = ...,
        sequence_next: int = 1,
        counters_file: CountersFile | None = None,
        writer: str = "tcp",
        network: Network | None = None,
    ) -> None: ...
    def adopt(self, fd: int, name: str = "") -> bool: ...
    def reader_counts(self) -> list[dict[str, int | str]]: ...
    def descriptors(self) -> list[int]: ...
    @property
    def oldest(self) -> int: ...
    @property
    def connected(self) -> int: ...
    def close(self) -> None: ...

def reader_name(packed: int) -> str: ...
