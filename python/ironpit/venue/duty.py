"""Runs the stages of one process until it is told to stop, and stops them cleanly."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from ironcore.base.counter_set import CounterSet
from ironcore.runtime.runner import Runner
from ironpit.common.atomic_file import replace_json
from ironpit.common.errors import Exit
from ironpit.common.lifecycle import Lifecycle
from ironpit.config import Config, Thread, stage_kinds
from ironpit.onload.truth import Truth
from ironpit.venue import isolation
from ironpit.venue.assembly import ProcessStages, say
from ironpit.venue.day import Day, DayWatch
from ironpit.venue.sockets import COUNTERS as SOCKET_COUNTERS
from ironpit.venue.sockets import SocketReport, check_version, file_of
from ironpit.venue.start_progress import StartProgress

DRAIN_ROUNDS_MAX = 1_000_000
QUIET_ROUNDS = 20
QUIET_S = 0.002
SESSIONS_TIMEOUT_S = 60.0


class RunningStages:
    """What was built of one process, from the first turn of its runners to the last."""

    def __init__(self, built: ProcessStages) -> None:
        self.built = built
        sequencers = [stage.sequencer for stage in built.stages if stage.sequencer is not None]
        self.day = DayWatch(built.config.venue.name, next(iter(sequencers), None), say)

    def _threads(self) -> Iterator[tuple[Runner, Thread]]:
        return zip(self.built.runners, self.built.threads, strict=True)

    def _placed(self) -> Iterator[tuple[Runner, Thread]]:
        """Those that the placement names."""
        return zip(self.built.runners, self.built.process.threads, strict=False)

    def start(self) -> None:
        """Start the runners. A pinning or priority that the host refuses is degraded or refused as
        configured."""
        isolation.leave_stage_cores(self.built.config)
        for stage in self.built.stages:
            stage.start()
        for runner, thread in self._threads():
            while not self._started(runner, thread):
                runner.relent()

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
                for runner, thread in self._placed()
            ],
            "stages": [
                {
                    "stage": stage.name,
                    "kind": stage_kinds.kind_of(stage.name).name,
                    "thread": thread.name,
                    **stage.describe(),
                }
                for thread, stages in zip(self.built.threads, self.built.placed, strict=True)
                for stage in stages
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
        return sum(runner.counters.snapshot()["failures"] for runner, _ in self._placed())

    @property
    def turns(self) -> list[int]:
        """How often the threads of the placement have gone round."""
        return [runner.turns for runner, _ in self._placed()]

    def complaint(self) -> str:
        """What the host refuses, as far as a stage knows."""
        for stage in self.built.stages:
            for agent in stage.agents:
                if number := getattr(agent, "os_error", 0):
                    return f"{stage.name}: {os.strerror(number)}"
        return "a stage's poll failed"

    def failures(self) -> list[str]:
        """What ended a runner before it was asked to stop."""
        found = []
        for runner in self.built.runners:
            if runner.failure is not None:
                stage, status = runner.failure
                found.append(f"thread {runner.name}: stage {stage} cannot go on (status {status})")
        return found

    def stop(self) -> bool:
        """Stop the runners, then let each stage finish what its rings hold; whether all could."""
        for stage in self.built.stages:
            stage.quiet()
        for runner in self.built.runners:
            runner.stop()
        for runner in self.built.runners:
            runner.join()
        self._drain()
        # Against the stream: the journal before the books that it leads to.
        stages = sorted(self.built.stages, key=lambda stage: -stage_kinds.order_of(stage.name))
        complete = [stage.finish() for stage in stages]
        for stage in stages:
            stage.close()
        return all(complete)

    def _drain(self) -> None:
        """What is on its way through a network is not seen in any ring: look a few times more."""
        quiet = 0
        stages = self.built.stages
        through_network = any(stage.through_network for stage in stages)
        for _ in range(DRAIN_ROUNDS_MAX):
            if sum(stage.last_turn() for stage in stages):
                quiet = 0
            elif not through_network or quiet == QUIET_ROUNDS:
                break
            else:
                quiet += 1
                time.sleep(QUIET_S)


def run_process(
    config: Config,
    name: str,
    lifecycle: Lifecycle,
    announce: Callable[[], None] = lambda: None,
    next_day: Callable[[Day | None], bool] = lambda day: False,
) -> int:
    """Run the stages of one process until it is told to stop. The exit code.

    announce: called when it is ready. next_day: whether to end because another trading day follows
    the matcher's.
    """
    built = ProcessStages(config, name, progress=StartProgress(lifecycle))
    return run_stages(built, lifecycle, announce, next_day)


def run_stages(
    built: ProcessStages,
    lifecycle: Lifecycle,
    announce: Callable[[], None] = lambda: None,
    next_day: Callable[[Day | None], bool] = lambda day: False,
) -> int:
    """As `run_process`, with stages that are built already."""
    stages = RunningStages(built)
    sockets = _judged_sockets(built)
    for stage in built.stages:
        stage.judged(sockets)
    stages.start()
    for entry in built.degraded:
        say(f"{built.name}: degraded: {entry['feature']}: {entry['reason']}")
    stages.write_status()
    code = Exit.OK if _await_sessions(stages, lifecycle) else Exit.FAILED
    if code == Exit.OK:
        lifecycle.ready()
        announce()
        code = _watch(stages, sockets, lifecycle, next_day)
    if lifecycle.stopped or code != Exit.OK:
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
    """Until every stage has what it waits for; a gateway: whom to let in."""
    deadline_s = time.monotonic() + SESSIONS_TIMEOUT_S
    while (late := [s for s in stages.built.stages if not s.ready]) and not lifecycle.stopped:
        if stages.failures() or time.monotonic() > deadline_s:
            say(f"{stages.built.name}: {late[0].waits_for}")
            return False
        lifecycle.alive()
        lifecycle.wait(0.001)
    return True


def _watch(
    stages: RunningStages,
    sockets: SocketReport,
    lifecycle: Lifecycle,
    next_day: Callable[[Day | None], bool],
) -> Exit:
    """The process's own thread: what stages need beside their threads (logins, memory for
    replies), which path sockets take, signs of life, the end of a stage that cannot go on, and the
    next trading day."""
    built = stages.built
    turns = [-1] * len(stages.turns)
    trouble = 0
    turn_s = min(stage.turn_s for stage in built.stages)
    while not lifecycle.wait(turn_s):
        for stage in built.stages:
            stage.attend(time.monotonic_ns())
        sockets.turn(built.members, built.publications, time.monotonic_ns())
        sockets.write(file_of(built.config, built.name), built.name, os.getpid())
        now = stages.turns
        if all(after != before for after, before in zip(now, turns, strict=True)):
            turns = now
            lifecycle.alive()
        if text := stages.day.turn(time.time_ns()):
            lifecycle.status(text)
            stages.write_status()
        if next_day(stages.day.day):
            return Exit.OK
        if stages.trouble > trouble == 0:
            say(f"{stages.built.name}: {stages.complaint()}; the stage tries again")
        trouble = stages.trouble
        failures = stages.failures()
        if failures:
            for failure in failures:
                say(f"{stages.built.name}: {failure}")
            return Exit.FAILED
    return Exit.OK
