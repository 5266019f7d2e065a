from collections.abc import Sequence

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.net.sockets import Network
from ironcore.order_entry.protocol import OrderEntryProtocol
from ironcore.ring import broadcast, spsc
from ironcore.stage.agent import Stage
from ironcore.stream.frame_taker import FrameTaker

COUNTERS: tuple[Declaration, ...]

class GatewayStage(Stage):
    """The gateway on its rings and its listening socket."""

    counters: CounterSet
    protocol: OrderEntryProtocol
    def __init__(
        self,
        listener: int,
        orders: spsc.Producer,
        stream: broadcast.Reader,
        counters: CounterSet,
        protocol: OrderEntryProtocol,
        *,
        sessions_max: int,
        instruments_max: int,
        user_ref_bits: int,
        replies_bytes_max: int,
        connections_max: int,
        sessions_expected: int,
        heartbeat_ns: int,
        peer_timeout_ns: int,
        login_timeout_ns: int,
        logins_max: int,
        logins_per_address_max: int,
        failed_login_delay_ns: int = 0,
        network: Network | None = None,
        name: str = "gateway",
        serves: Sequence[str] | None = None,
        elsewhere: Sequence[str] = (),
    ) -> None: ...
    @property
    def stream_sequence(self) -> int:
        """Sequence of the last frame of the stream that was applied."""
    @property
    def sessions_defined(self) -> int:
        """How many sessions the stream has defined."""
    def catch_up(self, sequence: int, payload: bytes | memoryview) -> None:
        """Apply one frame of a stream that exists already. Raises ValueError for a gap in it."""
    def caught_up(self) -> None:
        """After a restart: members that want it are cancelled, for no connection survived."""
    def logins(self) -> list[tuple[int, int, str, str, int]]:
        """Logins that wait for a verdict: (connection, generation, user name, password, IPv4
        address in host byte order)."""
    def judge(self, connection: int, generation: int, accepted: bool) -> None:
        """The verdict on one login."""
    def make_resident(self) -> int:
        """Take the page faults of the replies to come, on a thread that is not the gateway's:
        the bytes that became resident. To be called every few milliseconds, by one thread."""
    def connections(self) -> list[tuple[int, int, int]]:
        """Connections in use: (connection, generation, descriptor)."""
    def unaccelerated(self, connection: int, generation: int) -> None:
        """The socket of a connection is the kernel's and must not be: its login is refused, or its
        session ends."""
    def finish(self, batch_max: int = 256) -> int:
        """Towards the stop: tell the members what the stream still holds, and read nothing more."""
    def end_session(self) -> None:
        """Tell the members who have got every reply that the day's session is over."""
    def poll_once(self, batch_max: int = 256) -> int:
        """One duty cycle: the work done, or -Status."""

class GatewayCatchUp(FrameTaker):
    """Applies the frames of a stream that exists already to a gateway."""

    def __init__(self, stage: GatewayStage) -> None: ...
