from collections.abc import Sequence

from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd
from ironcore.runtime.bench_course import BothWays

Ends = tuple[PublicationEnd, SubscriptionEnd]

class TransportConversation(BothWays):
    def __init__(
        self, near: Ends, far: Ends, cpus: Sequence[int], *, timed: bool = True, window: int = 0
    ) -> None: ...
    @property
    def lost(self) -> int: ...
