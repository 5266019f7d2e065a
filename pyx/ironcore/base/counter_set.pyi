from ironcore.base.counters import CountersFile

class CounterSet:
    """Counters named by a part, each (name, label); without a file they live in memory."""

    names: tuple[str, ...]
    def __init__(
        self, writer: str, names: tuple[tuple[str, str], ...], file: CountersFile | None = None
    ) -> None: ...
    def add(self, name: str, n: int = 1) -> None:
        """Add to a counter; only its one writer may."""

    def snapshot(self) -> dict[str, int]:
        """Values now, by name."""
