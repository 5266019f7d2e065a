from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.net.sockets import Network

SUBSCRIPTION_COUNTERS: tuple[Declaration, ...]

class TcpSubscription(SubscriptionEnd):
    def __init__(
        self,
        address: str,
        port: int,
        name: str = "",
        *,
        sequence: int = 1,
        session: str = "",
        password: str = "",
        heartbeat_ns: int = ...,
        stale_ns: int = ...,
        login_timeout_ns: int = ...,
        backoff_min_ns: int = ...,
        backoff_max_ns: int = ...,
        seed: int = 1,
        buffer_bytes: int = ...,
        dialled: bool = False,
        counters: CounterSet | None = None,
        network: Network | None = None,
    ) -> None: ...
    def take_dialled(self) -> int: ...
    def close(self) -> None: ...
    @property
    def session(self) -> str: ...
    @property
    def told(self) -> str: ...
    @property
    def live(self) -> bool: ...
