"""Runs the stages of one process until it is told to stop, and stops them cleanly."""

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ironcore.base.counter_set import CounterSet
from ironcore.runtime.runner import Runner
from ironcore.stage import gateway
from ironpit.common.atomic_file import replace_json
from ironpit.common.digest import visible_digest
from ironpit.common.errors import Exit
from ironpit.common.lifecycle import Lifecycle
from ironpit.config import Config, Thread
from ironpit.onload.truth import Truth
from ironpit.venue import credentials, isolation
from ironpit.venue.assembly import ProcessStages, say
from ironpit.venue.authenticator import COUNTERS as LOGIN_COUNTERS
from ironpit.venue.authenticator import Judge
from ironpit.venue.day import DayWatch
from ironpit.venue.sockets import COUNTERS as SOCKET_COUNTERS
from ironpit.venue.sockets import SocketReport, check_version, file_of

TURN_S = 0.1
LOGIN_TURN_S = 0.005
DRAIN_ROUNDS_MAX = 1_000_000
QUIET_ROUNDS = 20
QUIET_S = 0.002
SESSIONS_TIMEOUT_S = 60.0


class RunningStages:
    """What was built of one process, from the first turn of its runners to the last."""

    def __init__(self, built: ProcessStages) -> None:
        self.built = built
        self.day = DayWatch(built.config.venue.name, built.stages.get("matcher"), say)

    def _all_runners(self) -> list[Runner]:
        snapshot = self.built.snapshot_runner
        return self.built.runners if snapshot is None else [*self.built.runners, snapshot]

    def _threads(self) -> Iterator[tuple[Runner, Thread]]:
        return zip(self.built.runners, self.built.process.threads, strict=True)

    def start(self) -> None:
        """Start the runners. A pinning or priority that the host refuses is degraded or refused as
        configured."""
        isolation.leave_stage_cores(self.built.config)
        for end in self.built.bridged:
            end.start()
        for runner, thread in self._threads():
            while not self._started(runner, thread):
                runner.relent()
        if self.built.snapshots is not None and self.built.snapshot_runner is not None:
            self.built.snapshot_runner.start()
            self.built.snapshots.start()

    def _started(self, runner: Runner, thread: Thread) -> bool:
        try:
            runner.start()
        except PermissionError as error:
            isolation.refused(thread, str(error), self.built.degraded)
            return False
        return True

    def describe(self) -> dict[str, Any]:
        """What `ironpit stat` and the reports say of this process."""
        return {
            "process": self.built.name,
            "pid": os.getpid(),
            "threads": [
                {
                    "name": thread.name,
                    "stages": list(thread.stages),
                    "thread_id": runner.thread_id,
                    "cpu": runner.cpu,
                    "priority": runner.priority,
                    "idle": thread.idle,
                }
                for runner, thread in self._threads()
            ],
            "degraded": self.built.degraded,
            "feeds": [truth.as_json() for truth in self.built.truths],
            "day": None if self.day.day is None else self.day.day.as_json(),
        }

    def write_status(self) -> None:
        """Keep what `describe` says where reports look for it."""
        directory = self.built.config.venue.data_directory
        replace_json(directory / f"status-{self.built.name}.json", self.describe())

    @property
    def trouble(self) -> int:
        """Polls that failed and were tried again."""
        return sum(runner.counters.snapshot()["failures"] for runner in self.built.runners)

    def complaint(self) -> str:
        """What the host refuses, as far as a stage knows."""
        for name, stage in self.built.stages.items():
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
        if self.built.snapshots is not None:
            self.built.snapshots.close()
        for runner in self._all_runners():
            runner.stop()
        for runner in self._all_runners():
            runner.join()
        self._drain()
        complete = self._finish_journal()
        if self.built.engine is not None:
            self._keep_books()
        for end in self.built.bridged:
            end.close()
        for sock in self.built.sockets:
            if sock is not None:
                sock.close()
        return complete

    def _drain(self) -> None:
        """What is on its way through a network is not seen in any ring: look a few times more."""
        quiet = 0
        threads = self.built.process.threads
        agents = [agent for thread in threads for agent in self.built.agents(thread)]
        for _ in range(DRAIN_ROUNDS_MAX):
            if sum(max(self._last_turn(agent), 0) for agent in agents):
                quiet = 0
            elif not self.built.crossings or quiet == QUIET_ROUNDS:
                break
            else:
                quiet += 1
                time.sleep(QUIET_S)

    def _finish_journal(self) -> bool:
        stage = self.built.stages.get("journal")
        try:
            if stage is not None:
                stage.finish()
        except OSError as error:
            say(
                f"{self.built.config.journal.directory}: {error.strerror}; what the ring still "
                "holds is kept in it and goes into the journal at the next start"
            )
            return False
        return True

    def _last_turn(self, stage: Any) -> int:
        if isinstance(stage, gateway.GatewayStage):
            return stage.finish()
        return int(stage.poll_once())

    def _keep_books(self) -> None:
        replace_json(
            self.built.config.venue.data_directory / "books.json",
            {
                "schema": "ironpit-books-1",
                "stream_sequence": self.built.stages["matcher"].stream_sequence,
                "books_digest": self.built.engine.digest(),
                "visible_digest": visible_digest(self.built.engine),
            },
        )


def run_process(
    config: Config,
    name: str,
    lifecycle: Lifecycle,
    announce: Callable[[], None] = lambda: None,
) -> int:
    """Run the stages of one process until it is told to stop. The exit code.

    announce: called when it is ready.
    """
    built = ProcessStages(config, name)
    stages = RunningStages(built)
    sockets = _judged_sockets(built)
    judge = None
    if built.gateway is not None:
        known = credentials.load(config.credentials)
        if note := credentials.without_check(known):
            say(f"{name}: {note}")
        judge = Judge(
            known,
            partial(sockets.admit, built.gateway),
            wrong_logins_max=config.order_entry.wrong_logins_per_address_max,
            counters=CounterSet("logins", LOGIN_COUNTERS, built.counters),
            say=lambda text: say(f"{name}: {text}"),
        )
    stages.start()
    for entry in built.degraded:
        say(f"{name}: degraded: {entry['feature']}: {entry['reason']}")
    stages.write_status()
    code = Exit.OK if _await_sessions(stages, lifecycle) else Exit.FAILED
    if code == Exit.OK:
        lifecycle.ready()
        announce()
        code = _watch(stages, judge, sockets, lifecycle)
    lifecycle.stopping()
    complete = stages.stop()
    return code if complete or code != Exit.OK else Exit.FAILED


def _judged_sockets(built: ProcessStages) -> SocketReport:
    """What was opened, and which path it takes; UserError when that may not be."""
    config, truth = built.config, Truth()
    check_version(config, truth, built.degraded)
    sockets = SocketReport(
        built.opened,
        CounterSet("sockets", SOCKET_COUNTERS, built.counters),
        lambda text: say(f"{built.name}: {text}"),
        require=config.require_onload,
        truth=truth,
    )
    for line in sockets.summary():
        say(f"{built.name}: {line}")
    if config.require_onload:
        sockets.refuse_unproved()
    sockets.write(file_of(config, built.name), built.name, os.getpid())
    return sockets


def _await_sessions(stages: RunningStages, lifecycle: Lifecycle) -> bool:
    """A gateway is ready when the stream has told it whom to let in."""
    deadline_s = time.monotonic() + SESSIONS_TIMEOUT_S
    while (
        stages.built.gateway is not None
        and stages.built.gateway.sessions_defined < len(stages.built.config.sessions)
        and not lifecycle.stopped
    ):
        if stages.failures() or time.monotonic() > deadline_s:
            name = stages.built.name
            say(f"{name}: the stream does not define the sessions; is the matcher running?")
            return False
        lifecycle.alive()
        lifecycle.wait(0.001)
    return True


def _watch(
    stages: RunningStages, judge: Judge | None, sockets: SocketReport, lifecycle: Lifecycle
) -> Exit:
    """The process's own thread: logins, memory for replies, which path sockets take, signs of
    life, and the end of a stage that cannot go on."""
    built = stages.built
    turns = [-1] * len(stages.built.runners)
    trouble = 0
    while not lifecycle.wait(LOGIN_TURN_S if judge is not None else TURN_S):
        if judge is not None and stages.built.gateway is not None:
            judge.turn(stages.built.gateway, time.monotonic_ns())
            stages.built.gateway.make_resident()
        sockets.turn(built.gateway, built.publications, time.monotonic_ns())
        sockets.write(file_of(built.config, built.name), built.name, os.getpid())
        now = [runner.turns for runner in stages.built.runners]
        if all(after != before for after, before in zip(now, turns, strict=True)):
            turns = now
            lifecycle.alive()
        if text := stages.day.turn(time.time_ns()):
            lifecycle.status(text)
            stages.write_status()
        if stages.trouble > trouble == 0:
            say(f"{stages.built.name}: {stages.complaint()}; tried again until it goes away")
        trouble = stages.trouble
        failures = stages.failures()
        if failures:
            for failure in failures:
                say(f"{stages.built.name}: {failure}")
            return Exit.FAILED
    return Exit.OK
