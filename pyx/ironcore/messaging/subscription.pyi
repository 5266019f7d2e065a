from collections.abc import Callable

from ironcore.base.counter_set import CounterSet

class SubscriptionEnd:
    counters: CounterSet
    def reattach(self) -> bool: ...
    def poll(
        self,
        handler: Callable[[int, bytes], object],
        batch_max: int = 256,
        on_gap: Callable[[int, int], object] | None = None,
    ) -> int: ...
    @property
    def sequence_next(self) -> int: ...
