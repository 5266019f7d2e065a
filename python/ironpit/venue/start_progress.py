"""How far a start has read the journal: to the service manager, and to a person at a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ironpit.common.lifecycle import Lifecycle
from ironpit.common.output import Progress

READING = "reading the journal"


class StartProgress:
    """What the steps of a start say about how far they are. Without a lifecycle nobody hears."""

    def __init__(self, lifecycle: Lifecycle | None = None) -> None:
        self._lifecycle = lifecycle

    @contextmanager
    def reading(self, who: str, last: int) -> Iterator[Callable[[int], None]]:
        """To be called with the number of the last frame that was read, of those up to `last`."""
        lifecycle = self._lifecycle
        if lifecycle is None:
            yield lambda sequence: None
            return
        # Who has started this process shows what it says.
        with Progress(quiet=lifecycle.notifier.is_heard) as line:

            def read(sequence: int) -> None:
                lifecycle.progress(f"{who}: {READING}, frame {sequence:,} of {last:,}")
                line.show(f"{who}: {READING}", sequence, last)

            yield read

    def alive(self) -> None:
        """Something else goes on."""
        if self._lifecycle is not None:
            self._lifecycle.progress("the next trading day is made ready")


UNHEARD = StartProgress()
