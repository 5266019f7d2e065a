from collections.abc import Sequence

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.messaging.publication import PublicationEnd
from ironcore.net.af_xdp.send import XdpFeedSender
from ironcore.net.sockets import Network

PUBLICATION_COUNTERS: tuple[Declaration, ...]

class MulticastPublication(PublicationEnd):
    def __init__(
        self,
        feeds: Sequence[int],
        session: str,
        *,
        request_fd: int = -1,
        heartbeat_ns: int = 1_000_000_000,
        window_bytes: int = ...,
        window_ns: int = 0,
        rate: int = ...,
        burst: int = ...,
        retries_max: int = 1000,
        packet_bytes_max: int = ...,
        xdp: Sequence[XdpFeedSender | None] = ...,
        counters: CounterSet | None = None,
        network: Network | None = None,
        owner: object = None,
    ) -> None: ...
    @property
    def os_error(self) -> int: ...
