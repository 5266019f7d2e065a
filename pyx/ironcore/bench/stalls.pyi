from typing import NamedTuple

from ironcore.base.counter_set import CounterSet
from ironcore.stage.agent import Stage

class PollSeen(NamedTuple):
    cpu_ns: int
    excess_ns: int
    work: int
    at_ns: int
    page_faults: int
    counted: dict[str, int]

class Watched(Stage):
    """A stage as it is, and what each of its polls costs; a runner drives it as it would the
    stage. long_ns: polls that cost more than that beyond their work are counted as long."""

    counters: CounterSet
    def __init__(self, stage: Stage, counters: CounterSet, long_ns: int) -> None: ...
    def poll_once(self, batch_max: int = 256) -> int:
        """One duty cycle: the work done."""
    def polls(self) -> dict[str, int]:
        """How many polls there were, idle and not, what they cost and did, and how many were
        long."""
    def counted(self) -> dict[str, int]:
        """How far each count of the stage has moved while it was watched."""
    def longest(self) -> list[PollSeen]:
        """The polls that cost most beyond their work, the dearest first."""
