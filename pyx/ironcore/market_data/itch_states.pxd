# Events about instruments and the venue as ITCH 5.0 messages.

from libc.stdint cimport uint8_t

from ironcore.market_data.itch_facts cimport ItchFeed
from ironcore.wire.record cimport Event

# An instrument's definition: stock directory.
cdef size_t itch_stock_directory(const ItchFeed* feed, uint8_t* out) noexcept nogil
# An instrument's state as a trading action; `reason` has four characters.
cdef size_t itch_trading_action(const ItchFeed* feed, uint8_t state, const char* reason,
                                uint8_t* out) noexcept nogil
# The event's message: its bytes, 0 when the public does not see the event or it is of another kind.
cdef size_t itch_state_message(const ItchFeed* feed, const Event* event,
                               uint8_t* out) noexcept nogil
