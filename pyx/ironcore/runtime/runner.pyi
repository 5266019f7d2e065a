from collections.abc import Sequence

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counter_set import CounterSet

COUNTERS: tuple[Declaration, ...]
IDLE_STRATEGIES: dict[str, int]

class Runner:
    """Runs stages on one thread: `start`, then `stop` and `join`."""

    name: str
    cpu: int | None
    priority: int | None
    thread_id: int
    counters: CounterSet
    stages: list[object]
    def __init__(
        self,
        name: str,
        stages: Sequence[object],
        *,
        cpu: int | None = None,
        priority: int | None = None,
        idle: str = "backoff",
        batch_max: int = 256,
        counters: CounterSet | None = None,
    ) -> None: ...
    def start(self) -> None:
        """Start the thread; returns when it runs. Raises PermissionError when pinning or its
        priority is refused."""
    def relent(self) -> None:
        """After a refusal: give up what was refused."""
    def stop(self) -> None:
        """Ask the thread to end after the turn in hand."""
    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread's end. True: it has ended."""
    @property
    def turns(self) -> int: ...
    @property
    def failure(self) -> tuple[str, int] | None: ...
