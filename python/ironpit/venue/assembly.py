"""Builds the stages of one process from the configuration."""

from collections.abc import Callable
from typing import Any

from ironcore.base.counter_set import CounterSet
from ironcore.base.counters import CountersFile
from ironcore.runtime.host_clock import clock_degraded_reason, clock_report
from ironcore.runtime.runner import COUNTERS as RUNNER_COUNTERS
from ironcore.runtime.runner import Runner
from ironpit.config import Config, Process, Thread, stage_kinds
from ironpit.transport.af_xdp import Truth
from ironpit.venue import isolation
from ironpit.venue.sockets import Gateway, Open, Publication, stack_of
from ironpit.venue.stages import Context, Stage, builder_of
from ironpit.venue.stages.stage import say
from ironpit.venue.start_progress import UNHEARD, StartProgress

COUNTERS_MAX = 256

__all__ = ["ProcessStages", "say"]


class ProcessStages:
    """The stages of one process, their runners, and what was degraded on the way.

    Threads are those of the placement, then those of stages that it does not name. watch: what is
    polled in the place of an agent, by its stage's name. progress: who hears how far the stages are
    with what they read.
    """

    def __init__(
        self,
        config: Config,
        name: str,
        watch: Callable[[str, Any], Any] = lambda stage, agent: agent,
        progress: StartProgress = UNHEARD,
    ) -> None:
        self.watch = watch
        self.config = config
        self.name = name
        self.process: Process = config.placement.processes[name]
        self.degraded: list[dict[str, str]] = []
        own = stage_kinds.beside(config, self.process)
        self.threads = [
            *self.process.threads,
            *(Thread(name=stage, stages=(stage,), idle="backoff") for stage in own),
        ]
        placed = [stage_kinds.stages_on(config, thread) for thread in self.process.threads]
        placed += [(stage,) for stage in own]
        self.counters = CountersFile.create(
            config.venue.data_directory / f"counters-{name}.dat",
            COUNTERS_MAX
            + sum(builder_of(name).counters_max(config, name) for on in placed for name in on),
        )
        self.context = Context(config, name, self.counters, self.degraded, progress=progress)
        self._note_clock()
        self.placed: list[list[Stage]] = []
        for thread, names in zip(self.threads, placed, strict=True):
            with stack_of(thread, self.degraded):
                self.placed.append([builder_of(name)(name, self.context) for name in names])
        self.runners = [
            self._runner(thread, stages)
            for thread, stages in zip(self.threads, self.placed, strict=True)
        ]

    def _runner(self, thread: Thread, stages: list[Stage]) -> Runner:
        cpu = isolation.checked(thread, self.degraded)
        return Runner(
            thread.name,
            [self.watch(stage.name, agent) for stage in stages for agent in stage.agents],
            cpu=cpu,
            priority=None if cpu is None else thread.priority,
            idle=thread.idle,
            counters=CounterSet(f"runner-{thread.name}", RUNNER_COUNTERS, self.counters),
        )

    def _note_clock(self) -> None:
        reason = clock_degraded_reason(clock_report())
        if reason:
            self.degraded.append({"feature": "clock", "reason": reason})

    @property
    def stages(self) -> list[Stage]:
        """All of them, thread by thread."""
        return [stage for stages in self.placed for stage in stages]

    @property
    def opened(self) -> list[Open]:
        """Sockets whose path is told."""
        return [one for stage in self.stages for one in stage.opened]

    @property
    def members(self) -> list[Gateway]:
        """Who has members' connections."""
        return [one for stage in self.stages for one in stage.members]

    @property
    def publications(self) -> list[tuple[str, Publication]]:
        """Those with readers' connections, and what for."""
        return [one for stage in self.stages for one in stage.publications]

    @property
    def truths(self) -> list[Truth]:
        """How the feeds that ask for AF_XDP are carried."""
        return self.context.truths
