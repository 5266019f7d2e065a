from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd

Ends = tuple[PublicationEnd, SubscriptionEnd]

class TransportConversation:
    def __init__(
        self, near: Ends, far: Ends, cpus: Sequence[int], *, timed: bool = True, window: int = 0
    ) -> None: ...
    def round_trips(
        self, blocks: int, block_messages: int, trips: int
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]: ...
    def one_way(self, blocks: int, block_messages: int) -> NDArray[np.uint64]: ...
    @property
    def lost(self) -> int: ...
