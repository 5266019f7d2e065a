from ironcore.base.counter_declaration import Declaration
from ironcore.base.counters import CountersFile

class CounterSet:
    """Counters that a part declares; without a file they live in memory. TypeError: one of them is
    no Counter, Gauge or Maximum."""

    declared: tuple[Declaration, ...]
    names: tuple[str, ...]
    def __init__(
        self, writer: str, declared: tuple[Declaration, ...], file: CountersFile | None = None
    ) -> None: ...
    def add(self, name: str, n: int = 1) -> None:
        """Add to a count; only its one writer may. CountersError: it is none."""

    def set(self, name: str, value: int) -> None:
        """Set a gauge; only its one writer may. CountersError: it is none."""

    def snapshot(self) -> dict[str, int]:
        """Values now, by name."""
