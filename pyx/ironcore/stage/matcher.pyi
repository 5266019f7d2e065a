from collections.abc import Sequence

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet
from ironcore.engine.matching_engine import MatchingEngine
from ironcore.ring import broadcast, spsc
from ironcore.stage.agent import Stage
from ironcore.stream.frame_taker import FrameTaker

COUNTERS: tuple[Declaration, ...]

class MatcherStage(Stage):
    """The matcher on its rings."""

    counters: CounterSet
    def __init__(
        self,
        orders: spsc.Consumer | Sequence[spsc.Consumer],
        stream: broadcast.Producer,
        engine: MatchingEngine,
        counters: CounterSet,
        control: spsc.Consumer | None = None,
        ahead_orders_min: int = ...,
    ) -> None: ...
    @property
    def stream_sequence(self) -> int:
        """Sequence of the last frame of the stream."""
    @property
    def source_sequences(self) -> tuple[int, ...]:
        """Of each order ring, in the order of their numbers: the last frame whose command is in the
        stream."""
    @property
    def day_end_ns(self) -> int:
        """UNIX time at which the stream's day ends; 0: there is no stream yet, or it has none."""
    @property
    def day_over(self) -> bool:
        """Whether the day is over and every instrument is closed."""
    def replay(self, sequence: int, payload: bytes | memoryview) -> None:
        """Replay one frame. Raises ValueError where the stream and the engine disagree."""
    def submit(self, command: bytes) -> bool:
        """Sequence a command of the venue's own. False: the stream has no room, poll and repeat."""
    def poll_once(self, batch_max: int = 256) -> int:
        """One duty cycle: the work done."""

class MatcherReplay(FrameTaker):
    """Replays the frames of a stream that exists already through a matcher."""

    def __init__(self, stage: MatcherStage) -> None: ...
