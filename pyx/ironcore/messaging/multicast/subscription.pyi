from collections.abc import Sequence

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.net.af_xdp.receive import XdpFeedReceiver

SUBSCRIPTION_COUNTERS: tuple[Declaration, ...]

class MulticastSubscription(SubscriptionEnd):
    def __init__(
        self,
        a: int,
        b: int = -1,
        rerequest: int = -1,
        *,
        session: str = "",
        expected: int = 1,
        ask_after_ns: int = ...,
        ask_again_ns: int = ...,
        give_up_ns: int = ...,
        silence_ns: int = ...,
        jump_max: int = ...,
        held_packets_max: int = ...,
        held_frames_max: int = ...,
        stamps: bool = False,
        xdp: Sequence[XdpFeedReceiver | None] = ...,
        counters: CounterSet | None = None,
        owner: object = None,
    ) -> None: ...
    def hold(self) -> None: ...
    def splice(self, sequence: int) -> None: ...
    @property
    def session(self) -> str: ...
    @property
    def session_next(self) -> str: ...
    @property
    def known_end(self) -> int: ...
    @property
    def complete(self) -> bool: ...
    @property
    def ended(self) -> bool: ...
    @property
    def received_ns(self) -> int: ...
    @property
    def silent_ns(self) -> int: ...
    @property
    def silent_from_ns(self) -> tuple[int | None, int | None, int | None]: ...
