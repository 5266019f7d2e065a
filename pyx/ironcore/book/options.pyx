"""What an order asks for in its options, and which of it is refused (rule 4.9)."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.status cimport STATUS_MALFORMED, STATUS_OK
from ironcore.book.limits cimport (
    CROSS_HALT, CROSS_NONE, DISPLAY_NO, REJECT_CROSS_ORDER, REJECT_DISPLAY, REJECT_MAX_FLOOR,
    REJECT_MIN_QUANTITY, REJECT_NONE, REJECT_NO_PRICE, REJECT_OTHER, REJECT_PEGGING,
    REJECT_PRICE, REJECT_PRICE_TYPE, REJECT_ROUTING, TIME_IN_FORCE_DAY, TIME_IN_FORCE_FOK,
    TIME_IN_FORCE_GTT, TIME_IN_FORCE_IOC,
)
from ironcore.wire.order_options cimport (
    NAMED_ALL, NAMED_DISCRETION_PRICE, NAMED_EXPIRE_TIME, NAMED_MAX_FLOOR, NAMED_MIN_QUANTITY,
    NAMED_PRICE_TYPE, NAMED_RANDOM_RESERVES, NAMED_ROUTE, NAMED_SELF_TRADE_PREVENTION,
    NAMED_STOP_PRICE, NAMED_TRAIL_OFFSET, options_complete, options_keep,
)
from ironcore.wire.record cimport PRICE_MAX

cdef enum:
    ICEBERG_SHARE_MAX = 20           # a peak is at least this part of the order


cdef void options_clear(Options* options) noexcept nogil:
    memset(options, 0, sizeof(Options))
    options_complete(options)


cdef int options_take(const OrderOptions* given, Options* options) noexcept nogil:
    if given.named & ~<uint32_t>NAMED_ALL:
        return STATUS_MALFORMED
    options[0] = given[0]
    options_complete(options)
    return STATUS_OK


cdef void options_inherit(Options* options, const Options* old) noexcept nogil:
    cdef uint32_t named = options.named
    options_keep(options, old)
    if (named & NAMED_STOP_PRICE and options.stop_price == 0
            or named & NAMED_TRAIL_OFFSET and options.trail_offset == 0):
        options_stop_no_more(options)


cdef void options_fit(Options* options, uint32_t named, uint32_t quantity, bint is_market,
                      bint may_show) noexcept nogil:
    if (options.price_type == PRICE_TYPE_TO_LIMIT and not named & NAMED_PRICE_TYPE
            and not is_market):
        options.price_type = PRICE_TYPE_LIMIT
    if not named & NAMED_MIN_QUANTITY:
        options.min_quantity = min(options.min_quantity, quantity)
    if not named & NAMED_MAX_FLOOR:
        may_show = may_show and not options_are_pegged(options)
        options.max_floor = min(options.max_floor, quantity) if may_show else 0
    if not named & NAMED_RANDOM_RESERVES:
        if options.max_floor == 0 or options.max_floor == quantity:
            options.random_reserves = 0


cdef void options_stop_no_more(Options* options) noexcept nogil:
    options.named &= ~<uint32_t>(NAMED_STOP_PRICE | NAMED_TRAIL_OFFSET)
    options.stop_price = 0
    options.trail_offset = 0


cdef inline bint _may_rest(const Options* options, const OptionsContext* context) noexcept nogil:
    return (context.time_in_force != TIME_IN_FORCE_IOC
            and context.time_in_force != TIME_IN_FORCE_FOK
            and (not context.is_market or options_find_price(options)))


cdef uint32_t _reserve_reject(const Options* options, const OptionsContext* context,
                              bint may_rest) noexcept nogil:
    """4.9.3 to 4.9.5."""
    cdef uint32_t lot_size = context.lot_size
    cdef uint32_t floor = options.max_floor
    cdef bint hidden = context.display == DISPLAY_NO
    if options.min_quantity:
        if options.min_quantity > context.quantity or options.min_quantity % lot_size:
            return REJECT_MIN_QUANTITY
        if may_rest and not hidden:
            return REJECT_MIN_QUANTITY
    if floor:
        if (floor > context.quantity or floor % lot_size or hidden or not may_rest
                or options_are_pegged(options)):
            return REJECT_MAX_FLOOR
        if <uint64_t>floor * ICEBERG_SHARE_MAX < context.quantity:
            return REJECT_MAX_FLOOR
    if options.random_reserves:
        if floor == 0 or floor == context.quantity or options.random_reserves % lot_size:
            return REJECT_OTHER
        if <uint64_t>options.random_reserves * 2 > floor:
            return REJECT_OTHER
    return REJECT_NONE


cdef uint32_t _stop_reject(const Options* options, const OptionsContext* context) noexcept nogil:
    """4.9.9."""
    if options.named & NAMED_STOP_PRICE and not context.stop_price_is_valid:
        return REJECT_PRICE
    if options.named & NAMED_TRAIL_OFFSET:
        if options.trail_offset == 0 or options.trail_offset > PRICE_MAX:
            return REJECT_PRICE
    if options_find_price(options) or options.post_only == POST_ONLY:
        return REJECT_OTHER
    if options.min_quantity or context.time_in_force == TIME_IN_FORCE_FOK:
        return REJECT_OTHER
    if not options.named & NAMED_STOP_PRICE and context.last_price == 0:
        return REJECT_NO_PRICE
    return REJECT_NONE


cdef inline bint _waits_with(uint8_t price_type, uint8_t cross_type) noexcept nogil:
    """Whether an order of this kind may wait for this auction (4.9.2)."""
    if price_type == PRICE_TYPE_IMBALANCE:
        return cross_type != CROSS_HALT
    return price_type == PRICE_TYPE_LIMIT or price_type == PRICE_TYPE_TO_LIMIT


cdef uint32_t options_reject(const Options* options, const OptionsContext* context) noexcept nogil:
    cdef bint pegged = options_are_pegged(options)
    cdef bint may_rest = _may_rest(options, context)
    cdef uint32_t reason
    if options.named & NAMED_ROUTE:
        return REJECT_ROUTING
    if options.named & NAMED_DISCRETION_PRICE:
        return REJECT_OTHER
    if context.cross_type != CROSS_NONE and (
            options.min_quantity or options.max_floor or options.peg_offset
            or not _waits_with(options.price_type, context.cross_type)
            or options.post_only == POST_ONLY
            or options_are_stop(options) or (context.time_in_force != TIME_IN_FORCE_DAY
                                             and context.time_in_force != TIME_IN_FORCE_IOC)):
        return REJECT_CROSS_ORDER
    reason = _reserve_reject(options, context, may_rest)
    if reason:
        return reason
    if not options_find_price(options) and options.price_type != PRICE_TYPE_LIMIT and (
            options.price_type != PRICE_TYPE_IMBALANCE or context.cross_type == CROSS_NONE):
        return REJECT_PRICE_TYPE
    if options.price_type == PRICE_TYPE_TO_LIMIT and not context.is_market:
        return REJECT_PRICE
    if options.price_type == PRICE_TYPE_IMBALANCE and context.is_market:
        return REJECT_PRICE
    if pegged and context.display != DISPLAY_NO and (
            options.price_type != PRICE_TYPE_PRIMARY_PEG or options.peg_offset):
        return REJECT_DISPLAY
    if pegged and (context.time_in_force == TIME_IN_FORCE_IOC
                   or context.time_in_force == TIME_IN_FORCE_FOK):
        return REJECT_PEGGING
    if pegged and options.min_quantity:
        return REJECT_OTHER
    if options.post_only == POST_ONLY and (options_find_price(options) or not may_rest):
        return REJECT_OTHER
    if options.post_only != POST_ONLY and options.post_only != POST_ONLY_NOT:
        return REJECT_OTHER
    if context.time_in_force == TIME_IN_FORCE_GTT and (
            not options.named & NAMED_EXPIRE_TIME
            or options.expire_second < context.second_next):
        return REJECT_OTHER
    if options_are_stop(options):
        reason = _stop_reject(options, context)
        if reason:
            return reason
    if options.named & NAMED_SELF_TRADE_PREVENTION and not stp_mode_is_valid(options.stp_mode):
        return REJECT_OTHER
    return REJECT_NONE
