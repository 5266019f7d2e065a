# Events about orders and trades as ITCH 5.0 messages.

from libc.stdint cimport uint8_t

from ironcore.market_data.itch_facts cimport ItchFeed
from ironcore.wire.record cimport Event

# The event's message: its bytes, 0 when the public does not see the event or it is of another kind.
cdef size_t itch_order_message(const ItchFeed* feed, const Event* event,
                               uint8_t* out) noexcept nogil
