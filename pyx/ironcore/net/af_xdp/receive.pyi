from collections.abc import Callable
from typing import Literal

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet

XDP_RECEIVE_COUNTERS: tuple[Declaration, ...]

class XdpFeedReceiver:
    @property
    def counters(self) -> CounterSet: ...
    @property
    def mode(self) -> Literal["zero-copy", "copy", "generic"]: ...
    @property
    def reason(self) -> str: ...
    def __init__(
        self,
        ifindex: int,
        group: str,
        port: int,
        *,
        queue: int = 0,
        busy_poll_us: int = 0,
        budget: int = 64,
        counters: Callable[[str, str], CounterSet] | None = None,
    ) -> None: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...
