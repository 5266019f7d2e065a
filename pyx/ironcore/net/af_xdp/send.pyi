from typing import Literal

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet

XDP_SEND_COUNTERS: tuple[Declaration, ...]

class XdpSendSocket:
    @property
    def mode(self) -> Literal["zero-copy", "copy"]: ...
    @property
    def reason(self) -> str: ...
    def __init__(self, ifindex: int, *, queue: int = 0) -> None: ...
    def close(self) -> None: ...

class XdpFeedSender:
    @property
    def counters(self) -> CounterSet: ...
    def __init__(
        self,
        shared: XdpSendSocket,
        mac: bytes,
        source: tuple[str, int],
        group: tuple[str, int],
        *,
        ttl: int,
        mtu: int,
        counters: CounterSet | None = None,
    ) -> None: ...
    def send(self, payload: bytes) -> int: ...
    def turn(self) -> None: ...
