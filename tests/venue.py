"""A whole venue in the test's own thread: every stage polled by hand, real rings, files and
sockets.

Nothing runs unless a test says so (`turn`, `settle`), so that what is seen is seen at a known
point.
"""

import socket
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ironcore.base.counter_set import CounterSet
from ironcore.base.counters import CountersFile
from ironcore.runtime import pipeline
from ironcore.stage import gateway, journal, matcher, publisher
from ironpit import config as configs
from ironpit.config import gateways
from ironpit.config.gateways import Gateway
from ironpit.demo.temporary_venue import free_port
from ironpit.transport import stream_ends
from ironpit.venue import listeners as listening
from ironpit.venue import order_sources
from ironpit.venue import recovery as preparation
from ironpit.venue.definitions import Definitions, user_ref_bits
from ironpit.venue.stages.gateway import protocol_of
from ironpit.venue.stream_identity import session_of

PASSWORD = "OPEN"
TURNS_MAX = 10_000
COUNTERS_MAX = 64

CONFIG = """
venue: {{name: TEST, data_directory: {directory}}}
limits: {{orders_max: 4096, sessions_max: 4, instruments_max: 4, user_refs_max: 4096}}
instruments:
  - {{symbol: BTCUSD, tick_size: "0.01", price_min: "0.01", price_max: "1000.00"}}
  - {{symbol: ETHUSD, tick_size: "0.05", lot_size: 10, price_min: "0.05", price_max: "1000.00"}}
sessions:
  - {{username: ALFA1, firm: ALFA}}
  - {{username: BETA1, firm: BETA}}
  - {{username: GAMA1, firm: GAMA, cancel_on_disconnect: true}}
credentials: credentials.yaml
order_entry: {{listen: "127.0.0.1:{order_port}", heartbeat: 1s, peer_timeout: 15s}}
streams:
  orders: {{path: {directory}/orders.ring, capacity: 64KiB}}
  events: {{path: {directory}/events.ring, capacity: {events_capacity}, huge_pages: "off"}}
  market_data:
    a: {{group: "239.192.7.1:{feed_port}", interface: 127.0.0.1}}
    rerequest: {{listen: "127.0.0.1:{rerequest_port}"}}
journal: {{directory: {directory}/journal, segment: 1MiB, durability: {durability}}}
placement:
  processes:
    venue: {{threads: [{{name: all, stages: [gateway, matcher, journal, publisher]}}]}}
"""


def write_config(directory: Path, durability: str = "off", events_capacity: str = "1MiB") -> Path:
    """A small venue's configuration file in the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "venue.yaml"
    file.write_text(
        CONFIG.format(
            directory=directory,
            order_port=free_port(),
            feed_port=free_port(socket.SOCK_DGRAM),
            rerequest_port=free_port(socket.SOCK_DGRAM),
            durability=durability,
            events_capacity=events_capacity,
        )
    )
    return file


def with_gateways(file: Path, served: dict[str, list[str]]) -> Path:
    """The same file with these gateways, and the sessions that each serves."""
    text = file.read_text()
    directory = file.parent
    lines = []
    for line in text.splitlines():
        if line.startswith("order_entry:"):
            lines.append("gateways:")
            for name in served:
                orders = f"{{path: {directory}/orders-{name}.ring, capacity: 64KiB}}"
                listen = f'listen: "127.0.0.1:{free_port()}"'
                lines.append(f"  {name}: {{{listen}, heartbeat: 100ms, orders: {orders}}}")
        elif not line.startswith("  orders:"):
            for name, usernames in served.items():
                for username in usernames:
                    line = line.replace(
                        f"username: {username},", f"username: {username}, gateway: {name},"
                    )
            lines.append(line)
    file.write_text("\n".join(lines) + "\n")
    return file


class HandVenue:
    """The stages on their rings. `crash` forgets them as SIGKILL would; restart by making a
    new one."""

    def __init__(
        self,
        file: Path,
        replies_bytes_max: int = 1 << 20,
        *,
        defined: bool = True,
        connections_max: int = 4,
        logins_per_address_max: int = 4,
        failed_login_delay_ns: int = 0,
    ) -> None:
        self.config = configs.load(file)
        self.said: list[str] = []
        preparation.prepare(self.config, None, self.said.append)
        limits = self.config.limits
        events = self.config.streams.events.path
        directory = self.config.journal.directory
        self.counters = CountersFile.create(
            self.config.venue.data_directory / "counters-venue.dat", COUNTERS_MAX
        )
        self.listeners = [listening.order_entry(one) for one in self.config.gateways]
        self.engine = pipeline.make_engine(
            instruments_max=limits.instruments_max,
            sessions_max=limits.sessions_max,
            orders_max=limits.orders_max,
            user_ref_bits=user_ref_bits(self.config),
        )
        self._replies_bytes_max = replies_bytes_max
        self._connections_max = connections_max
        self._logins_per_address_max = logins_per_address_max
        self._failed_login_delay_ns = failed_login_delay_ns
        self._open_gateways()
        self.matcher = matcher.MatcherStage(
            [pipeline.open_order_consumer(one.orders.path) for one in self.config.gateways],
            pipeline.open_stream_producer(events),
            self.engine,
            CounterSet("matcher", matcher.COUNTERS, self.counters),
            pipeline.open_control_consumer(preparation.control_ring(self.config)),
        )
        self.definitions = Definitions()
        pipeline.give_stream(
            directory, events, [matcher.MatcherReplay(self.matcher), self.definitions.taker()]
        )
        if defined:
            self.define()
        self.journal = journal.JournalStage(
            pipeline.open_stream_reader(events, "journal"),
            directory,
            session_of(self.config),
            CounterSet("journal", journal.COUNTERS),
            policy=self.config.journal.durability,
            interval_ns=self.config.journal.interval_ns,
            segment_bytes=self.config.journal.segment_bytes,
        )
        self.market_data = stream_ends.publish(
            self.config.streams.market_data,
            "streams.market_data",
            session_of(self.config),
            "market-data",
            lambda name, names: CounterSet(name, names),
            lambda key, reason: None,
        )
        self.publisher = publisher.PublisherStage(
            pipeline.open_stream_reader(events, "publisher"),
            self.market_data.end,
            CounterSet("publisher", publisher.COUNTERS),
            journal=directory,
        )

    def _open_gateways(self) -> None:
        """The gateways, caught up with the stream that exists; `gateway` is the first."""
        opened = zip(self.config.gateways, self.listeners, strict=True)
        self.gateways = [self._gateway(one, listener) for one, listener in opened]
        self.gateway = self.gateways[0]

    def _gateway(self, one: Gateway, listener: socket.socket) -> gateway.GatewayStage:
        events, entry = self.config.streams.events.path, one.settings
        sources = order_sources.check(self.config)
        reader = pipeline.open_stream_reader(events, one.stage)
        stage = gateway.GatewayStage(
            listener.fileno(),
            pipeline.open_order_producer(one.orders.path),
            reader,
            CounterSet(one.stage, gateway.COUNTERS),
            protocol_of(one.protocol),
            sessions_max=self.config.limits.sessions_max,
            instruments_max=self.config.limits.instruments_max,
            user_ref_bits=user_ref_bits(self.config),
            replies_bytes_max=self._replies_bytes_max,
            connections_max=self._connections_max,
            logins_max=4,
            logins_per_address_max=self._logins_per_address_max,
            sessions_expected=len(self.config.sessions),
            heartbeat_ns=entry.heartbeat_ns,
            peer_timeout_ns=entry.peer_timeout_ns,
            login_timeout_ns=entry.login_timeout_ns,
            failed_login_delay_ns=self._failed_login_delay_ns,
            name=one.stage,
            serves=order_sources.served(sources, one.name),
            elsewhere=order_sources.elsewhere(sources, one.name),
        )
        pipeline.give_before(
            self.config.journal.directory,
            events,
            reader.first_sequence,
            [gateway.GatewayCatchUp(stage)],
        )
        stage.caught_up()
        return stage

    def define(self) -> None:
        """Submit what the configuration defines and the stream does not."""
        for command in self.definitions.missing(self.config):
            assert self.matcher.submit(command)

    @property
    def stages(self) -> list[Any]:
        return [*self.gateways, self.matcher, self.journal, self.publisher]

    def turn(self, *stages: Any) -> int:
        """One poll of each stage (all of them unless named), logins judged: the work done."""
        work = 0
        for stage in stages or self.stages:
            done = stage.poll_once()
            assert done >= 0, f"{type(stage).__name__} failed with status {-done}"
            work += done
        for one in self.gateways:
            for connection, generation, _, password, _ in one.logins():
                one.judge(connection, generation, password == PASSWORD)
                work += 1
        return work

    def settle(self, quiet: int = 3) -> None:
        """Turn until nothing has moved several times in a row."""
        still = 0
        for _ in range(TURNS_MAX):
            still = 0 if self.turn() else still + 1
            if still >= quiet:
                return
        raise AssertionError("the venue does not come to rest")

    def crash(self) -> None:
        """Forget the stages and close what the kernel would close."""
        for name in ("gateway", "gateways", "matcher", "journal", "publisher", "engine"):
            delattr(self, name)
        for listener in self.listeners:
            listener.close()
        self.market_data.close()


@dataclass
class Member:
    """A member's raw SoupBinTCP connection to a hand-turned venue."""

    venue: HandVenue
    username: str = "ALFA1"
    sequence: int = 1
    packets: list[tuple[str, bytes]] = field(default_factory=list)
    buffer: bytes = b""
    gateway: str = ""  # where it logs in, if not where its session belongs

    def __post_init__(self) -> None:
        config = self.venue.config
        named = [one for one in config.gateways if one.name == self.gateway]
        own = [
            gateways.of_session(config, session)
            for session in config.sessions
            if session.username == self.username
        ]
        listen = [*named, *own, config.gateways[0]][0].settings.listen
        self.socket = socket.create_connection((listen.address, listen.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.closed = False

    def login(self, password: str = PASSWORD, session: str = "", sequence: int = 1) -> None:
        """Ask to be let in, and wait for the answer."""
        payload = f"{self.username:<6}{password:<10}{session:>10}{sequence:>20}".encode()
        self.send("L", payload)
        self.wait(lambda: any(kind in "AJ" for kind, _ in self.packets) or self.closed)

    def send(self, kind: str, payload: bytes = b"") -> None:
        """One packet."""
        self.socket.sendall(struct.pack(">H", len(payload) + 1) + kind.encode() + payload)

    def read(self) -> None:
        """Take in what has arrived."""
        try:
            while data := self.socket.recv(65536):
                self.buffer += data
            self.closed = True
        except BlockingIOError:
            pass
        except ConnectionResetError:
            self.closed = True
        while len(self.buffer) >= 2:
            (length,) = struct.unpack_from(">H", self.buffer)
            if len(self.buffer) < 2 + length:
                break
            packet, self.buffer = self.buffer[2 : 2 + length], self.buffer[2 + length :]
            self.packets.append((chr(packet[0]), packet[1:]))

    def wait(self, condition: Any) -> None:
        """Turn the venue until the condition holds."""
        deadline = time.monotonic() + 20
        while not condition():
            self.venue.turn()
            self.read()
            assert time.monotonic() < deadline, f"waited in vain; got {self.packets}"

    def replies(self) -> list[bytes]:
        """The OUCH messages received so far, after the venue has come to rest."""
        self.venue.settle()
        self.read()
        return [payload for kind, payload in self.packets if kind == "S"]

    def enter(
        self,
        user_ref: int,
        side: str = "B",
        quantity: int = 100,
        price: int = 1_000_000,
        symbol: str = "BTCUSD",
        tif: str = "0",
        appendage: bytes = b"",
    ) -> None:
        """An Enter Order message."""
        self.send(
            "U",
            struct.pack(
                ">cIcI8sQccccc14sH",
                b"O",
                user_ref,
                side.encode(),
                quantity,
                symbol.ljust(8).encode(),
                price,
                tif.encode(),
                b"Y",
                b"P",
                b"N",
                b"N",
                b"%-14d" % user_ref,
                len(appendage),
            )
            + appendage,
        )

    def cancel(self, user_ref: int, quantity: int = 0) -> None:
        """A Cancel Order message."""
        self.send("U", struct.pack(">cII", b"X", user_ref, quantity))

    def replace(self, orig: int, user_ref: int, quantity: int, price: int) -> None:
        """A Replace Order message."""
        self.send(
            "U",
            struct.pack(
                ">cIIIQccc14sH",
                b"U",
                orig,
                user_ref,
                quantity,
                price,
                b"0",
                b"Y",
                b"N",
                b"%-14d" % user_ref,
                0,
            ),
        )
