"""Builds the stages of one process from the configuration, runs them, and stops them cleanly."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ironcore.base.counter_set import CounterSet
from ironcore.base.counters import CountersFile
from ironcore.runtime import book_publication, pipeline
from ironcore.runtime.book_publication import BookPublication
from ironcore.runtime.host_clock import clock_degraded_reason, clock_report
from ironcore.runtime.runner import COUNTERS as RUNNER_COUNTERS
from ironcore.runtime.runner import Runner
from ironcore.stage import gateway, journal, matcher, publisher
from ironcore.stage.bridge import BridgeStage
from ironpit import credentials, crossing, isolation, listening
from ironpit.bridge.venue import BridgedEnd, counters_needed
from ironpit.config import Config, Process, Thread
from ironpit.definitions import Definitions, refused, user_ref_bits
from ironpit.errors import Exit, UserError
from ironpit.judge import Judge
from ironpit.lifecycle import Lifecycle
from ironpit.messaging import configured
from ironpit.preparation import control_ring
from ironpit.snapshot import COUNTERS as SNAPSHOT_COUNTERS
from ironpit.snapshot import SnapshotServer
from ironpit.visible import visible_digest

COUNTERS_MAX = 256
TURN_S = 0.1
LOGIN_TURN_S = 0.005
DRAIN_ROUNDS_MAX = 1_000_000
QUIET_ROUNDS = 20
QUIET_S = 0.002
SESSIONS_TIMEOUT_S = 60.0


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
        self.sockets: list[Any] = []
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
            for stage in thread.stages:
                if stage == "bridge":
                    self._bridges()
                else:
                    self.stages[stage] = build[stage]()
        for thread in self.process.threads:
            self.runners.append(
                Runner(
                    thread.name,
                    self._agents(thread),
                    cpu=isolation.checked(thread, self.degraded),
                    idle=thread.idle,
                    counters=self._counters(f"runner-{thread.name}", RUNNER_COUNTERS),
                )
            )

    def _counters(self, writer: str, names: tuple[tuple[str, str], ...]) -> CounterSet:
        return CounterSet(writer, names, self.counters)

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
        self.sockets.append(listener)
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
        return stage

    def _submit(self, stage: matcher.MatcherStage, command: bytes) -> None:
        try:
            while not stage.submit(command):
                stage.poll_once()
        except ValueError as error:
            raise refused(self.config, command) from error

    def _journal(self) -> journal.JournalStage:
        settings = self.config.journal
        return journal.JournalStage(
            self._reader("journal"),
            settings.directory,
            self.config.venue.name,
            self._counters("journal", journal.COUNTERS),
            policy=settings.durability,
            interval_ns=settings.interval_ns,
            segment_bytes=settings.segment_bytes,
        )

    def _publisher(self) -> publisher.PublisherStage:
        opened = configured.publish(
            self.config.streams.market_data,
            "streams.market_data",
            self.config.venue.name,
            "market-data",
            self._counters,
            self._without_group,
        )
        self.sockets += opened.sockets
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
        self.sockets += built.sockets
        self.crossings = built.bridges
        return pipeline.open_stream_reader(built.ring, "publisher")

    def _agents(self, thread: Thread) -> list[Any]:
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

    def _bridges(self) -> None:
        for name, stream in self.config.streams.bridged.items():
            end = BridgedEnd(self.config, name, stream, self.counters, say)
            self._note_huge_pages(end.huge_pages)
            self.bridged.append(end)
            self.stages[f"bridge-{name}"] = end.stage

    def _serve_snapshots(self) -> None:
        """The books for the snapshot server, kept by a publisher of their own on its own thread."""
        listener = listening.snapshot(self.config)
        if listener is None:
            return
        books = BookPublication(self._counters("snapshot-books", book_publication.COUNTERS))
        stage = publisher.PublisherStage(
            self._reader("snapshot"),
            books,
            self._counters("snapshot", publisher.COUNTERS),
            journal=self.config.journal.directory,
        )
        self.snapshots = SnapshotServer(
            listener,
            self.config.venue.name,
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

    def _all_runners(self) -> list[Runner]:
        return [*self.runners, *([self.snapshot_runner] if self.snapshot_runner else [])]

    def start(self) -> None:
        """Start the runners. What pinning is refused is degraded or refused as configured."""
        for end in self.bridged:
            end.start()
        for runner, thread in zip(self.runners, self.process.threads, strict=True):
            try:
                runner.start()
            except PermissionError as error:
                isolation.refused(thread, str(error), self.degraded)
                runner.unpin()
                runner.start()
        if self.snapshots is not None and self.snapshot_runner is not None:
            self.snapshot_runner.start()
            self.snapshots.start()

    def describe(self) -> dict[str, Any]:
        """What `ironpit stat` and the reports say of this process."""
        return {
            "process": self.name,
            "pid": os.getpid(),
            "threads": [
                {
                    "name": thread.name,
                    "stages": list(thread.stages),
                    "thread_id": runner.thread_id,
                    "cpu": runner.cpu,
                    "idle": thread.idle,
                }
                for runner, thread in zip(self.runners, self.process.threads, strict=True)
            ],
            "degraded": self.degraded,
        }

    @property
    def trouble(self) -> int:
        """Polls that failed and were tried again."""
        return sum(runner.counters.snapshot()["failures"] for runner in self.runners)

    def complaint(self) -> str:
        """What the host refuses, as far as a stage knows."""
        for name, stage in self.stages.items():
            if number := getattr(stage, "os_error", 0):
                return f"{name}: {os.strerror(number)}"
        return "a stage's poll failed"

    def failures(self) -> list[str]:
        """What ended a runner before it was asked to stop."""
        found = []
        for runner in self._all_runners():
            if runner.failure is not None:
                stage, status = runner.failure
                found.append(f"thread {runner.name}: stage {stage} cannot go on (status {status})")
        return found

    def stop(self) -> bool:
        """Stop the runners, then let each stage finish what its rings hold; whether all could."""
        if self.snapshots is not None:
            self.snapshots.close()
        for runner in self._all_runners():
            runner.stop()
        for runner in self._all_runners():
            runner.join()
        self._drain()
        complete = self._finish_journal()
        if self.engine is not None:
            self._keep_books()
        for end in self.bridged:
            end.close()
        for sock in self.sockets:
            if sock is not None:
                sock.close()
        return complete

    def _drain(self) -> None:
        """What is on its way through a network is not seen in any ring: look a few times more."""
        quiet = 0
        agents = [agent for thread in self.process.threads for agent in self._agents(thread)]
        for _ in range(DRAIN_ROUNDS_MAX):
            if sum(max(self._last_turn(agent), 0) for agent in agents):
                quiet = 0
            elif not self.crossings or quiet == QUIET_ROUNDS:
                break
            else:
                quiet += 1
                time.sleep(QUIET_S)

    def _finish_journal(self) -> bool:
        stage = self.stages.get("journal")
        try:
            if stage is not None:
                stage.finish()
        except OSError as error:
            say(
                f"{self.config.journal.directory}: {error.strerror}; what the ring still holds is "
                "kept in it and goes into the journal at the next start"
            )
            return False
        return True

    def _last_turn(self, stage: Any) -> int:
        if isinstance(stage, gateway.GatewayStage):
            return stage.finish()
        return int(stage.poll_once())

    def _keep_books(self) -> None:
        write_json(
            self.config.venue.data_directory / "books.json",
            {
                "schema": "ironpit-books-1",
                "stream_sequence": self.stages["matcher"].stream_sequence,
                "books_digest": self.engine.digest(),
                "visible_digest": visible_digest(self.engine),
            },
        )


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replace the file in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value, indent=2) + "\n")
    os.replace(temporary, path)


def run_process(
    config: Config,
    name: str,
    lifecycle: Lifecycle,
    announce: Callable[[], None] = lambda: None,
) -> int:
    """Run the stages of one process until it is told to stop. The exit code.

    announce: called when it is ready.
    """
    stages = ProcessStages(config, name)
    judge = None
    if stages.gateway is not None:
        known = credentials.load(config.credentials)
        judge = Judge(known, config.order_entry.failed_login_delay_ns)
    stages.start()
    for entry in stages.degraded:
        say(f"{name}: degraded: {entry['feature']}: {entry['reason']}")
    write_json(config.venue.data_directory / f"status-{name}.json", stages.describe())
    code = Exit.OK if _await_sessions(stages, lifecycle) else Exit.FAILED
    if code == Exit.OK:
        lifecycle.ready()
        announce()
        code = _watch(stages, judge, lifecycle)
    lifecycle.stopping()
    complete = stages.stop()
    return code if complete or code != Exit.OK else Exit.FAILED


def _await_sessions(stages: ProcessStages, lifecycle: Lifecycle) -> bool:
    """A gateway is ready when the stream has told it whom to let in."""
    deadline_s = time.monotonic() + SESSIONS_TIMEOUT_S
    while (
        stages.gateway is not None
        and stages.gateway.sessions_defined < len(stages.config.sessions)
        and not lifecycle.stopped
    ):
        if stages.failures() or time.monotonic() > deadline_s:
            say(f"{stages.name}: the stream does not define the sessions; is the matcher running?")
            return False
        lifecycle.alive()
        lifecycle.wait(0.001)
    return True


def _watch(stages: ProcessStages, judge: Judge | None, lifecycle: Lifecycle) -> Exit:
    """The process's own thread: logins, signs of life, and the end of a stage that cannot go on."""
    turns = [-1] * len(stages.runners)
    trouble = 0
    while not lifecycle.wait(LOGIN_TURN_S if judge is not None else TURN_S):
        if judge is not None and stages.gateway is not None:
            judge.turn(stages.gateway, time.monotonic_ns())
        now = [runner.turns for runner in stages.runners]
        if all(after != before for after, before in zip(now, turns, strict=True)):
            turns = now
            lifecycle.alive()
        if stages.trouble > trouble == 0:
            say(f"{stages.name}: {stages.complaint()}; tried again until it goes away")
        trouble = stages.trouble
        failures = stages.failures()
        if failures:
            for failure in failures:
                say(f"{stages.name}: {failure}")
            return Exit.FAILED
    return Exit.OK
