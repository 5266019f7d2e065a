"""Builds the stages of one process from the configuration."""

import socket
import sys
from collections.abc import Callable
from typing import Any

from ironcore.base.counter_set import CounterSet
from ironcore.base.counters import CountersFile
from ironcore.market_data import book_publication
from ironcore.market_data.book_publication import BookPublication
from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.runtime import pipeline
from ironcore.runtime.host_clock import clock_degraded_reason, clock_report
from ironcore.runtime.runner import COUNTERS as RUNNER_COUNTERS
from ironcore.runtime.runner import Runner
from ironcore.stage import gateway, journal, matcher, publisher
from ironcore.stage.bridge import BridgeStage
from ironpit.common.errors import Exit, UserError
from ironpit.config import Config, Process, Thread
from ironpit.market_data.snapshot_server import COUNTERS as SNAPSHOT_COUNTERS
from ironpit.market_data.snapshot_server import SnapshotServer
from ironpit.transport import configured
from ironpit.transport.af_xdp import Truth
from ironpit.venue import crossing, isolation
from ironpit.venue import listeners as listening
from ironpit.venue.bridged_stream import BridgedEnd, counters_needed
from ironpit.venue.definitions import Definitions, refused, user_ref_bits
from ironpit.venue.recovery import control_ring
from ironpit.venue.sockets import ORDERS, Open, Publication, stack_of
from ironpit.venue.stream_identity import recorded, session_of

COUNTERS_MAX = 256
LOGINS_SPARE = 64  # places to log in that one address, with as many as there are members, leaves


def say(text: str) -> None:
    """One line to the operator."""
    print(f"ironpit: {text}", file=sys.stderr, flush=True)


class ProcessStages:
    """The stages of one process, their runners, and what was degraded on the way."""

    def __init__(self, config: Config, name: str) -> None:
        self.config = config
        self.name = name
        self.process: Process = config.placement.processes[name]
        self.degraded: list[dict[str, str]] = []
        self.truths: list[Truth] = []
        self.sockets: list[Any] = []
        self.opened: list[Open] = []
        self.publications: list[tuple[str, Publication]] = []
        self.engine: Any = None
        self.gateway: gateway.GatewayStage | None = None
        self.snapshots: SnapshotServer | None = None
        self.snapshot_runner: Runner | None = None
        self.counters = CountersFile.create(
            config.venue.data_directory / f"counters-{name}.dat",
            COUNTERS_MAX + sum(map(counters_needed, config.streams.bridged.values())),
        )
        build: dict[str, Callable[[], Any]] = {
            "gateway": self._gateway,
            "matcher": self._matcher,
            "journal": self._journal,
            "publisher": self._publisher,
        }
        self._note_clock()
        self.stages: dict[str, Any] = {}
        self.crossings: list[BridgeStage] = []
        self.runners: list[Runner] = []
        self.bridged: list[BridgedEnd] = []
        for thread in self.process.threads:
            with stack_of(thread, self.degraded):
                for stage in thread.stages:
                    if stage == "bridge":
                        self._bridges()
                    else:
                        self.stages[stage] = build[stage]()
        for thread in self.process.threads:
            cpu = isolation.checked(thread, self.degraded)
            self.runners.append(
                Runner(
                    thread.name,
                    self.agents(thread),
                    cpu=cpu,
                    priority=None if cpu is None else thread.priority,
                    idle=thread.idle,
                    counters=self._counters(f"runner-{thread.name}", RUNNER_COUNTERS),
                )
            )

    def _counters(self, writer: str, names: tuple[tuple[str, str], ...]) -> CounterSet:
        return CounterSet(writer, names, self.counters)

    def _keep(self, role: str, sockets: list[Any]) -> None:
        """Sockets that are closed at the end, and whose path is told; that of AF_XDP's is told with
        its feed."""
        self.sockets += sockets
        plain = [sock for sock in sockets if isinstance(sock, socket.socket)]
        self.opened += [Open(role, sock.fileno()) for sock in plain]

    def _note_clock(self) -> None:
        reason = clock_degraded_reason(clock_report())
        if reason:
            self.degraded.append({"feature": "clock", "reason": reason})

    def _reader(self, name: str) -> Any:
        reader = pipeline.open_stream_reader(self.config.streams.events.path, name)
        self._note_huge_pages(reader.huge_pages)
        entry = {"feature": "lock", "reason": reader.locked}
        if reader.locked.startswith("not") and entry not in self.degraded:
            self.degraded.append(entry)
        return reader

    def _note_huge_pages(self, found: str) -> None:
        wanted = self.config.streams.events.huge_pages != "off"
        entry = {"feature": "huge_pages", "reason": found}
        # "N of N bytes in huge pages" is all of the ring; fewer, or "not in use", is not.
        words = found.split()
        complete = words[2:3] == words[:1]
        if wanted and not complete and entry not in self.degraded:
            if self.config.degrade.huge_pages == "refuse":
                raise UserError(f"streams.events.huge_pages: {found}", Exit.REFUSED)
            self.degraded.append(entry)

    def _gateway(self) -> gateway.GatewayStage:
        config, entry = self.config, self.config.order_entry
        listener = listening.order_entry(config)
        self._keep(ORDERS, [listener])
        reader = self._reader("gateway")
        self.gateway = gateway.GatewayStage(
            listener.fileno(),
            pipeline.open_order_producer(config.streams.orders.path),
            reader,
            self._counters("gateway", gateway.COUNTERS),
            sessions_max=config.limits.sessions_max,
            instruments_max=config.limits.instruments_max,
            user_ref_bits=user_ref_bits(config),
            replies_bytes_max=entry.replies_bytes_max,
            connections_max=entry.connections_max,
            sessions_expected=len(config.sessions),
            heartbeat_ns=entry.heartbeat_ns,
            peer_timeout_ns=entry.peer_timeout_ns,
            login_timeout_ns=entry.login_timeout_ns,
            logins_max=entry.logins_max or entry.connections_max + LOGINS_SPARE,
            logins_per_address_max=entry.logins_per_address_max or entry.connections_max,
            failed_login_delay_ns=entry.failed_login_delay_ns,
        )
        for sequence, payload in pipeline.frames_before(
            config.journal.directory, config.streams.events.path, reader.first_sequence
        ):
            self.gateway.catch_up(sequence, payload)
        self.gateway.caught_up()
        return self.gateway

    def _matcher(self) -> matcher.MatcherStage:
        config = self.config
        self.engine = pipeline.make_engine(
            instruments_max=config.limits.instruments_max,
            sessions_max=config.limits.sessions_max,
            orders_max=config.limits.orders_max,
            user_ref_bits=user_ref_bits(config),
        )
        stage = matcher.MatcherStage(
            pipeline.open_order_consumer(config.streams.orders.path),
            pipeline.open_stream_producer(config.streams.events.path),
            self.engine,
            self._counters("matcher", matcher.COUNTERS),
            pipeline.open_control_consumer(control_ring(config)),
        )
        definitions = Definitions()
        for sequence, payload in pipeline.whole_stream(
            config.journal.directory, config.streams.events.path
        ):
            stage.replay(sequence, payload)
            definitions.observe(payload)
        for command in definitions.missing(config):
            self._submit(stage, command)
        for note in definitions.left_out(config):
            say(f"{self.name}: {note}")
        return stage

    def _submit(self, stage: matcher.MatcherStage, command: bytes) -> None:
        try:
            while not stage.submit(command):
                stage.poll_once()
        except ValueError as error:
            raise refused(self.config, command) from error

    def _journal(self) -> journal.JournalStage:
        settings = self.config.journal
        stream = recorded(settings.directory)
        return journal.JournalStage(
            self._reader("journal"),
            settings.directory,
            session_of(self.config),
            self._counters("journal", journal.COUNTERS),
            policy=settings.durability,
            interval_ns=settings.interval_ns,
            segment_bytes=settings.segment_bytes,
            identity=stream.identity if stream is not None else "",
        )

    def _publisher(self) -> publisher.PublisherStage:
        opened = configured.publish(
            self.config.streams.market_data,
            "streams.market_data",
            session_of(self.config),
            "market-data",
            self._counters,
            self._without_group,
            refuse=self.config.degrade.af_xdp == "refuse",
        )
        self._keep("market data", opened.sockets)
        if isinstance(opened.end, TcpPublication):
            self.publications.append(("market data", opened.end))
        self._note_truths(opened.truths)
        self._serve_snapshots()
        return publisher.PublisherStage(
            self._publisher_reader(),
            opened.end,
            self._counters("publisher", publisher.COUNTERS),
            journal=self.config.journal.directory,
        )

    def _publisher_reader(self) -> Any:
        events = self.config.streams.events
        if events.transport == "shm":
            return self._reader("publisher")
        built = crossing.build(self.config, self._counters)
        self._note_huge_pages(built.huge_pages)
        self._keep("events", built.sockets)
        self._note_truths(built.truths)
        self.crossings = built.bridges
        return pipeline.open_stream_reader(built.ring, "publisher")

    def agents(self, thread: Thread) -> list[Any]:
        """What a thread polls, in the order of the duty cycle: its stages, what brings the stream
        to the publisher right before it, and of the bridge one stage for each stream."""
        agents: list[Any] = []
        for name in thread.stages:
            if name == "bridge":
                agents += [end.stage for end in self.bridged]
                continue
            agents += self.crossings if name == "publisher" else []
            agents.append(self.stages[name])
        return agents

    def _without_group(self, key: str, reason: str) -> None:
        if self.config.degrade.multicast == "refuse":
            raise UserError(f"{key}: {reason}", Exit.REFUSED)
        self.degraded.append({"feature": "multicast", "reason": reason})

    def _note_truths(self, truths: list[Truth]) -> None:
        """How the feeds that ask for AF_XDP are carried: said at start, and kept for reports."""
        for truth in truths:
            say(f"{self.name}: {truth}")
            if truth.degraded:
                self.degraded.append({"feature": "af_xdp", "reason": str(truth)})
        self.truths += truths

    def _bridges(self) -> None:
        for name, stream in self.config.streams.bridged.items():
            end = BridgedEnd(self.config, name, stream, self.counters, say)
            self._note_huge_pages(end.huge_pages)
            self.bridged.append(end)
            self.opened.append(Open(f"stream {name}", end.listener.fileno()))
            self.publications.append((f"stream {name}", end.publication))
            self.stages[f"bridge-{name}"] = end.stage

    def _serve_snapshots(self) -> None:
        """The books for the snapshot server, kept by a publisher of their own on its own thread."""
        listener = listening.snapshot(self.config)
        if listener is None:
            return
        self.opened.append(Open("snapshots", listener.fileno()))
        books = BookPublication(self._counters("snapshot-books", book_publication.COUNTERS))
        stage = publisher.PublisherStage(
            self._reader("snapshot"),
            books,
            self._counters("snapshot", publisher.COUNTERS),
            journal=self.config.journal.directory,
        )
        self.snapshots = SnapshotServer(
            listener,
            session_of(self.config),
            books.books,
            lambda: stage.ready,
            counters=self._counters("snapshot-server", SNAPSHOT_COUNTERS),
            say=say,
        )
        self.snapshot_runner = Runner(
            "snapshot",
            [stage],
            idle="backoff",
            counters=self._counters("runner-snapshot", RUNNER_COUNTERS),
        )
