from collections.abc import Sequence

from ironcore.bench.course import BothWays
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd

Ends = tuple[PublicationEnd, SubscriptionEnd]

class TransportConversation(BothWays):
    def __init__(
        self, near: Ends, far: Ends, cpus: Sequence[int], *, timed: bool = True, window: int = 0
    ) -> None: ...
    @property
    def lost(self) -> int: ...
