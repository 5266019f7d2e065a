"""The orders that stay when a trading day ends, as the commands that enter them on the next one."""

from ironcore.engine.matching_engine import MatchingEngine
from ironcore.stream.frame_taker import FrameTaker

class OrderNames(FrameTaker):
    """What members said of their orders that the core does not know: account, capacity, the
    member's own name for it; from the day's stream, all of its frames in order. engine: whose slots
    the orders have."""

    def __init__(self, engine: MatchingEngine) -> None: ...

def carried_orders(engine: MatchingEngine, instrument: int, names: OrderNames) -> list[bytes]:
    """ENTER_ORDER for each live order of the instrument, the order that goes first in front: by
    kind of queue, in each buys before sells, and by priority. Sessions, UserRefNums and OcoRef are
    those of the day that ends."""

def reference_price(engine: MatchingEngine, instrument: int) -> int:
    """The last price, or what the instrument's reference price is without one; 0: neither."""
