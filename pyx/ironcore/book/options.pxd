# What an order asks for in its options, and which of it is refused (rule 4.9). Pure: options in,
# OUCH 5.0 reject reasons out.

from libc.stdint cimport int32_t, uint8_t, uint32_t

from ironcore.book.limits cimport TIME_IN_FORCE_GTT
from ironcore.wire.order_options cimport NAMED_STOP_PRICE, NAMED_TRAIL_OFFSET, OrderOptions

cdef enum:
    PRICE_TYPE_LIMIT = 76            # 'L'
    PRICE_TYPE_MARKET_PEG = 80       # 'P', the opposite side's best
    PRICE_TYPE_PRIMARY_PEG = 82      # 'R', the own side's best
    PRICE_TYPE_MIDPOINT_PEG = 77     # 'M'
    PRICE_TYPE_TO_LIMIT = 75         # 'K', market-to-limit; 'L' once it has its limit
    PRICE_TYPE_IMBALANCE = 73        # 'I', imbalance-only: an auction's surplus (14.11)
    POST_ONLY = 80                   # 'P'
    POST_ONLY_NOT = 78               # 'N'
    SECONDS_A_DAY = 86400

cdef enum StpMode:                   # self-trade prevention, rule 12.1
    STP_NEWEST = 78                  # 'N'
    STP_OLDEST = 79                  # 'O'
    STP_BOTH = 66                    # 'B'
    STP_DECREMENT = 68               # 'D'
    STP_NONE = 45                    # '-'

# Of the engine's own ones, what is not named has its default.
ctypedef OrderOptions Options

cdef struct OptionsContext:          # what an order's options are judged by, besides themselves
    uint32_t lot_size
    uint32_t quantity                # open
    uint32_t second_next             # the first second of the day that CLOCK has not reached
    int32_t last_price            # of the instrument; 0: none
    bint is_market                   # the price is a market price
    bint stop_price_is_valid         # on the grid and in range; where there is one
    uint8_t time_in_force
    uint8_t display
    uint8_t cross_type

cdef inline bint stp_mode_is_valid(uint8_t mode) noexcept nogil:
    return (mode == STP_NEWEST or mode == STP_OLDEST or mode == STP_BOTH or mode == STP_DECREMENT
            or mode == STP_NONE)


cdef void options_clear(Options* options) noexcept nogil
# The options of a record. STATUS_MALFORMED: it names some that there are not.
cdef int options_take(const OrderOptions* given, Options* options) noexcept nogil
# The options of a replacement: what it does not name is as it was (rule 7.5).
cdef void options_inherit(Options* options, const Options* old) noexcept nogil
# Fits what was inherited, and is not among what the replacement named, to its open quantity (7.5).
# is_market: its price is a market price. may_show: it is neither hidden nor sure to leave at once.
cdef void options_fit(Options* options, uint32_t named, uint32_t quantity, bint is_market,
                      bint may_show) noexcept nogil
cdef void options_stop_no_more(Options* options) noexcept nogil
# The reject reason of the first of 4.9.1 to 4.9.10 that applies, or REJECT_NONE.
cdef uint32_t options_reject(const Options* options, const OptionsContext* context) noexcept nogil


cdef inline bint options_are_pegged(const Options* options) noexcept nogil:
    return (options.price_type == PRICE_TYPE_MARKET_PEG
            or options.price_type == PRICE_TYPE_PRIMARY_PEG
            or options.price_type == PRICE_TYPE_MIDPOINT_PEG)


cdef inline bint options_expire_today(const Options* options,
                                      uint8_t time_in_force) noexcept nogil:
    """Whether an order leaves with a CLOCK of this day: good till a time, and not one of a later
    day."""
    return time_in_force == TIME_IN_FORCE_GTT and options.expire_second < SECONDS_A_DAY


cdef inline bint options_find_price(const Options* options) noexcept nogil:
    """Whether an order with a market price may rest all the same, as it finds a price there."""
    return options_are_pegged(options) or options.price_type == PRICE_TYPE_TO_LIMIT


cdef inline bint options_are_stop(const Options* options) noexcept nogil:
    return options.named & (NAMED_STOP_PRICE | NAMED_TRAIL_OFFSET) != 0
