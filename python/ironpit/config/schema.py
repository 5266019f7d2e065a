"""The schema of a venue's configuration file: one Struct for each mapping in it.

Attribute names carry their units; the key in the file is the same word without the unit
(`capacity_bytes` is `capacity`). Ranges stand beside the fields that they bound; what concerns
several keys is in `rules`.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import field

from ironpit.common.decimals import DECIMALS_MAX, PRICE_MAX, Decimals
from ironpit.config import gateways, protocol_kinds, scalars, stage_kinds, transport_kinds
from ironpit.config.calendar import WEEKDAYS, Weekday
from ironpit.config.reader import OTHERS

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
UNSAID = 0  # no price is 0
MS, S, HOUR = 1_000_000, 1_000_000_000, 3_600_000_000_000

Stage = Annotated[str, stage_kinds.scalar()]
OnRefusal = Literal["degrade", "refuse"]
Transport = Annotated[str, transport_kinds.scalar()]
Way = Literal["kernel", "af_xdp", "auto"]
InitialState = Literal[
    "continuous",
    "pre-open",
    "opening-auction",
    "halted",
    "paused",
    "quote-only",
    "closing-auction",
    "trade-at-close",
    "closed",
]
SelfTradePrevention = Literal[
    "none", "cancel-newest", "cancel-oldest", "cancel-both", "decrement-and-cancel"
]

FilePath = Annotated[Path, scalars.path()]
Listen = Annotated[scalars.Endpoint, scalars.endpoint()]
Symbol = Annotated[
    str, scalars.pattern(r"[A-Z0-9.+*=#^-]{1,8}", "1 to 8 characters out of A-Z 0-9 . + * = # ^ -")
]
RingBytes = Annotated[int, scalars.size(64 * KIB, 4 * GIB, power_of_two=False)]
Lock = Literal["off", "auto", "require"]
NumaNode = Annotated[int, scalars.integer(0, 1023)]
ReaderRule = Annotated[scalars.ReaderRule, scalars.reader_rule()]
BasisPoints = Annotated[int, scalars.basis_points()]
WindowBytes = Annotated[int, scalars.size(64 * KIB, 4 * GIB)]
OnloadProfile = Literal["latency", "latency-best", "safe", "cloud"]
OnloadValue = Annotated[str, scalars.pattern(r"[^\s]*", "a number or a word")]
GatewayName = Annotated[
    str, scalars.pattern(r"[a-z][a-z0-9-]{0,14}", "1 to 15 characters out of a-z 0-9 -")
]
OrderProtocol = Annotated[str, protocol_kinds.scalar()]
HeartbeatNs = Annotated[int, scalars.duration(10 * MS, 10 * S)]


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping in the file: immutable, and a key that it does not have is an error."""


class Calendar(Mapping, frozen=True, kw_only=True):
    """The days on which the venue trades; each is a UTC day."""

    trading_days: tuple[Weekday, ...] = WEEKDAYS
    holidays: tuple[Annotated[date, scalars.day()], ...] = ()


class Venue(Mapping, frozen=True, kw_only=True):
    """Who the venue is and where it keeps its data. Without a calendar it trades for one day."""

    name: Annotated[str, scalars.pattern(r"[A-Z0-9]{1,10}", "1 to 10 characters out of A-Z 0-9")]
    data_directory: FilePath
    calendar: Calendar | None = None


class Limits(Mapping, frozen=True, kw_only=True):
    """What is allocated at start; nothing grows later."""

    orders_max: Annotated[int, scalars.integer(1024, (1 << 22) - 1)] = 262_144
    sessions_max: Annotated[int, scalars.integer(1, 4094)] = 16
    instruments_max: Annotated[int, scalars.integer(1, 65_535)] = 64
    user_refs_max: Annotated[int, scalars.integer(1024, 1 << 28, power_of_two=True)] = 1_048_576
    step_actions_max: Annotated[int, scalars.integer(0, (1 << 32) - 1)] = 16_384


class TickBand(Mapping, frozen=True, kw_only=True):
    """From this price on, prices are multiples of this tick size."""

    from_price: Annotated[int, scalars.price()] = field(name="from")
    tick_size: Annotated[int, scalars.price()]


class Collars(Mapping, frozen=True, kw_only=True):
    """How far prices may be from a reference; 0: no such collar."""

    static_bp: BasisPoints = field(name="static", default=0)
    dynamic_bp: BasisPoints = field(name="dynamic", default=0)
    auction_bp: BasisPoints = field(name="auction", default=0)
    entry_bp: BasisPoints = field(name="entry", default=0)


class Instrument(Mapping, frozen=True, kw_only=True):
    """One book. Its id is its place in the list, from 0."""

    symbol: Symbol
    price_decimals: Annotated[int, scalars.integer(0, DECIMALS_MAX)] = Decimals().price
    quantity_decimals: Annotated[int, scalars.integer(0, DECIMALS_MAX)] = Decimals().quantity
    tick_size: Annotated[int, scalars.price()] = UNSAID
    lot_size: Annotated[int, scalars.quantity()] = 1
    price_min: Annotated[int, scalars.price()] = UNSAID
    price_max: Annotated[int, scalars.price()] = UNSAID
    quantity_max: Annotated[int, scalars.quantity()] = 999_999
    tick_table: tuple[TickBand, ...] = ()
    reference_price: Annotated[int, scalars.price()] | None = None
    collars: Collars = Collars()
    market_protection_bp: BasisPoints = field(name="market_protection", default=0)
    pause_ns: Annotated[int, scalars.duration(0, 65_535 * S)] = field(name="pause", default=0)
    pause_random_ns: Annotated[int, scalars.duration(0, 65_535 * S)] = field(
        name="pause_random", default=0
    )
    post_only: Literal["reject", "reprice"] = "reject"
    allocation: Literal["price-time", "pro-rata", "size-time"] = "price-time"
    allocation_min: Annotated[int, scalars.quantity()] | None = None
    initial_state: InitialState = "continuous"
    auction_extensions_max: Annotated[int, scalars.integer(0, 255)] = 0
    followers_max: Annotated[int, scalars.integer(1, 65_535)] = 256
    min_quantity_max: Annotated[int, scalars.integer(1, 65_535)] = 256

    def __post_init__(self) -> None:
        """Defaults that depend on the decimals and the tick sizes."""
        tick_size = self.tick_size or 10 ** max(self.price_decimals - 2, 0)
        highest_tick = self.tick_table[-1].tick_size if self.tick_table else tick_size
        for name, value in (
            ("tick_size", tick_size),
            ("price_min", self.price_min or tick_size),
            ("price_max", self.price_max or PRICE_MAX - PRICE_MAX % highest_tick),
        ):
            msgspec.structs.force_setattr(self, name, value)

    @property
    def decimals(self) -> Decimals:
        """By which its prices and quantities are read and shown."""
        return Decimals(self.price_decimals, self.quantity_decimals)


FirmName = Annotated[str, scalars.pattern(r"[A-Z0-9]{1,8}", "1 to 8 characters out of A-Z 0-9")]


class Session(Mapping, frozen=True, kw_only=True):
    """One member's order-entry session. Its id is its place in the list, from 1."""

    username: Annotated[
        str, scalars.pattern(r"[A-Z0-9]{1,16}", "1 to 16 characters out of A-Z 0-9")
    ]
    firm: FirmName
    clearing_firm: FirmName | None = None
    cancel_on_disconnect: bool = False
    stp_group: Annotated[int, scalars.integer(0, 0xFFFF_FFFF)] = 0
    stp_mode: SelfTradePrevention = "none"
    gateway: GatewayName | None = None


class OrderEntry(Mapping, frozen=True, kw_only=True):
    """A gateway's listener, what its members speak, and their timers."""

    listen: Listen
    protocol: OrderProtocol = protocol_kinds.DEFAULT
    connections_max: Annotated[int, scalars.integer(1, 65_536)] = 64
    heartbeat_ns: HeartbeatNs = field(name="heartbeat", default=S)
    peer_timeout_ns: Annotated[int, scalars.duration(100 * MS, HOUR)] = field(
        name="peer_timeout", default=15 * S
    )
    login_timeout_ns: Annotated[int, scalars.duration(100 * MS, HOUR)] = field(
        name="login_timeout", default=30 * S
    )
    logins_max: Annotated[int, scalars.integer(1, 65_536)] | None = None
    logins_per_address_max: Annotated[int, scalars.integer(1, 65_536)] | None = None
    wrong_logins_per_address_max: Annotated[int, scalars.integer(0, 1_000_000)] = 20
    failed_login_delay_ns: Annotated[int, scalars.duration(0, 60 * S)] = field(
        name="failed_login_delay", default=S
    )
    replies_bytes_max: Annotated[int, scalars.size(64 * KIB, 64 * GIB)] = field(
        name="replies_max", default=256 * MIB
    )


class OrdersStream(Mapping, frozen=True, kw_only=True):
    """An order ring: gateway to matcher."""

    path: FilePath
    transport: Literal["shm"] = "shm"
    capacity_bytes: RingBytes = field(name="capacity", default=4 * MIB)
    huge_pages: Literal["auto", "off"] = "auto"
    lock: Lock = "off"
    numa_node: NumaNode | None = None


class Gateway(OrderEntry, frozen=True, kw_only=True):
    """One of several gateways, with its order ring."""

    orders: OrdersStream


class AfXdp(Mapping, frozen=True, kw_only=True):
    """How a feed uses an interface when it goes by AF_XDP."""

    receive_queue: Annotated[int, scalars.integer(0, 1023)] = 0
    send_queue: Annotated[int, scalars.integer(0, 1023)] = 0
    busy_poll_ns: Annotated[int, scalars.duration(0, MS)] = field(name="busy_poll", default=0)
    busy_poll_budget: Annotated[int, scalars.integer(1, 65_535)] = 64


class MulticastGroup(Mapping, frozen=True, kw_only=True):
    """Where one feed's datagrams go, and whether past the kernel's stack."""

    group: Annotated[scalars.Endpoint, scalars.endpoint(multicast=True)]
    interface: Annotated[str, scalars.interface()]
    send: Way = "kernel"
    receive: Way = "kernel"
    af_xdp: AfXdp = AfXdp()


class Rerequest(Mapping, frozen=True, kw_only=True):
    """The unicast server that answers MoldUDP64 requests for what was lost."""

    listen: Listen
    window: Annotated[
        scalars.Window,
        scalars.window(scalars.size(64 * KIB, 4 * GIB), scalars.duration(S, 24 * HOUR)),
    ] = scalars.Window(size_bytes=4 * MIB)
    memory_bytes: WindowBytes = field(name="memory", default=64 * MIB)
    rate: Annotated[int, scalars.integer(0, 1_000_000)] = 20_000


class Snapshot(Mapping, frozen=True, kw_only=True):
    """The server of whole books, for those who join late."""

    listen: Listen


class SlowReader(Mapping, frozen=True, kw_only=True):
    """How far a reader may lag, and what becomes of it then."""

    queue_bytes: Annotated[int, scalars.size(4 * KIB, 4 * GIB, power_of_two=False)] = field(
        name="queue", default=8 * MIB
    )
    policy: Literal["disconnect", "conflate"] = "disconnect"


class CarriedStream(Mapping, frozen=True, kw_only=True):
    """A stream that any transport can carry. Each transport reads its own keys, so that another one
    is another `transport` and nothing else."""

    a: MulticastGroup | None = None
    b: MulticastGroup | None = None
    ttl: Annotated[int, scalars.integer(0, 255)] = 0
    loop: bool = True
    rerequest: Rerequest | None = None
    listen: Listen | None = None
    slow_reader: SlowReader = SlowReader()
    connections_max: Annotated[int, scalars.integer(1, 256)] = 64
    window_bytes: Annotated[int, scalars.size(64 * KIB, 4 * GIB, power_of_two=True)] = field(
        name="window", default=64 * MIB
    )
    heartbeat_ns: HeartbeatNs = field(name="heartbeat", default=S)
    huge_pages: Literal["auto", "off"] = "auto"


class EventsStream(CarriedStream, frozen=True, kw_only=True):
    """The event stream: matcher to gateway, journal and publisher. They share a ring; another
    transport than shm carries it from there to a ring of the publisher's own."""

    path: FilePath
    transport: Transport = "shm"
    capacity_bytes: RingBytes = field(name="capacity", default=64 * MIB)
    patience_ns: Annotated[int, scalars.duration(0, HOUR)] = field(name="patience", default=5 * S)
    readers: dict[str, ReaderRule] = field(default_factory=dict)
    lock: Lock = "off"
    numa_node: NumaNode | None = None


class MarketDataStream(CarriedStream, frozen=True, kw_only=True):
    """ITCH 5.0 to subscribers."""

    transport: Transport = "multicast"
    path: FilePath = Path("market-data.ring")
    snapshot: Snapshot | None = None
    capacity_bytes: RingBytes = field(name="capacity", default=16 * MIB)

    @property
    def place(self) -> str:
        """Where subscribers find it, in words."""
        return transport_kinds.kind_of(self).place(self)


class Tls(Mapping, frozen=True, kw_only=True):
    """TLS 1.3: the venue's certificate and key, and who signs its readers' certificates."""

    certificate: FilePath
    key: FilePath
    client_ca: FilePath


class BridgedStream(Mapping, frozen=True, kw_only=True):
    """A stream of the venue, carried over TCP to where shared memory and multicast do not go."""

    transport: Literal["tcp"]
    listen: Listen
    source: Literal["events", "market_data"] = "events"
    tls: Tls | None = None
    slow_reader: SlowReader = SlowReader()
    window_bytes: WindowBytes = field(name="window", default=64 * MIB)
    connections_max: Annotated[int, scalars.integer(1, 256)] = 16
    heartbeat_ns: HeartbeatNs = field(name="heartbeat", default=S)
    peer_timeout_ns: Annotated[int, scalars.duration(100 * MS, HOUR)] = field(
        name="peer_timeout", default=15 * S
    )
    login_timeout_ns: Annotated[int, scalars.duration(100 * MS, HOUR)] = field(
        name="login_timeout", default=30 * S
    )
    patience_ns: Annotated[int, scalars.duration(10 * MS, HOUR)] = field(name="patience", default=S)


class Streams(Mapping, frozen=True, kw_only=True):
    """What joins the stages, and the venue with its subscribers.

    Mappings of other names that say their transport are streams that the bridge carries.
    """

    orders_given: OrdersStream | None = field(name="orders", default=None)
    events: EventsStream
    market_data: MarketDataStream
    bridged: dict[str, BridgedStream] = field(name=OTHERS, default_factory=dict)

    @property
    def orders(self) -> OrdersStream:
        """The order ring of a venue whose only gateway has the short form."""
        assert self.orders_given is not None
        return self.orders_given


class Journal(Mapping, frozen=True, kw_only=True):
    """Where the event stream is kept, and when it counts as durable."""

    directory: FilePath
    segment_bytes: Annotated[int, scalars.size(1 * MIB, 4 * GIB)] = field(
        name="segment", default=64 * MIB
    )
    durability: Literal["off", "interval", "before-reply"] = "interval"
    interval_ns: Annotated[int, scalars.duration(MS, 60 * S)] = field(
        name="interval", default=10 * MS
    )


class Thread(Mapping, frozen=True, kw_only=True):
    """One thread: its stages in poll order, its core, and what it does when there is no work."""

    name: Annotated[
        str, scalars.pattern(r"[a-z][a-z0-9-]{0,14}", "1 to 15 characters out of a-z 0-9 -")
    ]
    stages: tuple[Stage, ...]
    cpu: Annotated[int, scalars.integer(0, 8191)] | None = None
    priority: Annotated[int, scalars.integer(1, 98)] | None = None
    idle: Literal["spin", "yield", "backoff"] = "backoff"
    isolation: Literal["require", "warn", "off"] = "off"


class Process(Mapping, frozen=True, kw_only=True):
    """One operating-system process."""

    threads: tuple[Thread, ...]


class Placement(Mapping, frozen=True, kw_only=True):
    """Which stages share a thread and a process."""

    processes: dict[str, Process]
    restarts_max: Annotated[int, scalars.integer(0, 10_000)] = 5


class Degrade(Mapping, frozen=True, kw_only=True):
    """What to do when the host refuses a feature that was asked for."""

    huge_pages: OnRefusal = "degrade"
    multicast: OnRefusal = "degrade"
    af_xdp: OnRefusal = "degrade"
    onload_version: OnRefusal = "degrade"


class Onload(Mapping, frozen=True, kw_only=True):
    """Kernel bypass: the profile that the venue is started with, and what is set besides."""

    profile: OnloadProfile | None = None
    options: dict[str, OnloadValue] = field(default_factory=dict)


class Config(Mapping, frozen=True, kw_only=True):
    """A venue. Paths are absolute once `ironpit.config.load` returned it."""

    venue: Venue
    instruments: tuple[Instrument, ...]
    sessions: tuple[Session, ...]
    credentials: FilePath
    order_entry_given: OrderEntry | None = field(name="order_entry", default=None)
    gateways_given: dict[str, Gateway] = field(name="gateways", default_factory=dict)
    streams: Streams
    journal: Journal
    placement: Placement
    limits: Limits = Limits()
    degrade: Degrade = Degrade()
    onload: Onload = Onload()
    require_onload: bool = False

    @property
    def decimals(self) -> dict[str, Decimals]:
        """Of every instrument, by symbol."""
        return {instrument.symbol: instrument.decimals for instrument in self.instruments}

    @property
    def gateways(self) -> tuple[gateways.Gateway, ...]:
        """All of them, in one form; the number of an order ring is its gateway's place, from 1."""
        return gateways.of(self)

    @property
    def order_entry(self) -> OrderEntry:
        """The first gateway's settings."""
        settings: OrderEntry = self.gateways[0].settings
        return settings
