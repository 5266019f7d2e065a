"""What an order asks for in its appendage, and which of it is refused (rule 4.9)."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.check cimport iron_static_assert
from ironcore.base.status cimport STATUS_MALFORMED, STATUS_OK
from ironcore.book.limits cimport (
    CROSS_NONE, DISPLAY_NO, REJECT_CROSS_ORDER, REJECT_DISPLAY, REJECT_MAX_FLOOR,
    REJECT_MIN_QUANTITY, REJECT_NONE, REJECT_NO_PRICE, REJECT_OTHER, REJECT_PEGGING,
    REJECT_PRICE, REJECT_PRICE_TYPE, REJECT_ROUTING, TIME_IN_FORCE_DAY, TIME_IN_FORCE_FOK,
    TIME_IN_FORCE_GTT, TIME_IN_FORCE_IOC,
)
from ironcore.wire.record cimport (
    OPTION_RESERVE_SEED, OPTION_SELF_TRADE_PREVENTION, OPTION_STOP_PRICE, OPTION_TRAIL_OFFSET,
    PRICE_MAX,
)

cdef enum:
    ICEBERG_SHARE_MAX = 20           # a peak is at least this part of the order


cdef void options_clear(Options* options) noexcept nogil:
    iron_static_assert(sizeof(Options) == 48)
    memset(options, 0, sizeof(Options))
    options.price_type = PRICE_TYPE_LIMIT
    options.post_only = POST_ONLY_NOT


cdef inline uint64_t _big_endian(const uint8_t* value, uint32_t bytes) noexcept nogil:
    cdef uint64_t number = 0
    cdef uint32_t i
    for i in range(bytes):
        number = number << 8 | value[i]
    return number


cdef bint _parse_number(Options* options, uint8_t tag, const uint8_t* value,
                        uint32_t bytes) noexcept nogil:
    """An option of 4 or 8 bytes; false when it has another length."""
    cdef uint64_t number = _big_endian(value, bytes)
    if tag == OPTION_STOP_PRICE or tag == OPTION_RESERVE_SEED or tag == OPTION_DISCRETION_PRICE:
        if bytes != 8:
            return False
    elif bytes != 4:
        return False
    if tag == OPTION_MIN_QUANTITY:
        options.min_quantity = <uint32_t>number
        options.named |= NAMED_MIN_QUANTITY
    elif tag == OPTION_MAX_FLOOR:
        options.max_floor = <uint32_t>number
        options.named |= NAMED_MAX_FLOOR
    elif tag == OPTION_PEG_OFFSET:
        options.peg_offset = <int32_t><uint32_t>number
        options.named |= NAMED_PEG_OFFSET
    elif tag == OPTION_RANDOM_RESERVES:
        options.random_reserves = <uint32_t>number
        options.named |= NAMED_RANDOM_RESERVES
    elif tag == OPTION_EXPIRE_TIME:
        options.expire_second = <uint32_t>number
        options.named |= NAMED_EXPIRE_TIME
    elif tag == OPTION_TRAIL_OFFSET:
        options.trail_offset = <uint32_t>number
        options.named |= NAMED_TRAIL_OFFSET
    elif tag == OPTION_RESERVE_SEED:
        options.reserve_seed = number
        options.named |= NAMED_RESERVE_SEED
    elif tag == OPTION_STOP_PRICE:
        options.stop_price = <int32_t>number if number <= PRICE_MAX else STOP_PRICE_INVALID
        options.named |= NAMED_STOP_PRICE
    elif tag == OPTION_DISCRETION_PRICE:
        options.named |= NAMED_DISCRETION_PRICE
    else:
        options.named |= NAMED_ROUTE
    return True


cdef bint _parse_option(Options* options, uint8_t tag, const uint8_t* value,
                        uint32_t bytes) noexcept nogil:
    """False when a known option has the wrong length."""
    if tag == OPTION_GROUP_ID:
        options.group = <uint16_t>_big_endian(value, bytes)
        options.named |= NAMED_GROUP
        return bytes == 2
    if (tag == OPTION_PRICE_TYPE or tag == OPTION_POST_ONLY or tag == OPTION_SIDE
            or tag == OPTION_SELF_TRADE_PREVENTION):
        if bytes != 1:
            return False
        if tag == OPTION_PRICE_TYPE:
            options.price_type = value[0]
            options.named |= NAMED_PRICE_TYPE
        elif tag == OPTION_POST_ONLY:
            options.post_only = value[0]
            options.named |= NAMED_POST_ONLY
        elif tag == OPTION_SIDE:
            options.side = value[0]
            options.named |= NAMED_SIDE
        else:
            options.stp_mode = value[0]
            options.named |= NAMED_SELF_TRADE_PREVENTION
        return True
    if (tag == OPTION_MIN_QUANTITY or tag == OPTION_MAX_FLOOR or tag == OPTION_PEG_OFFSET
            or tag == OPTION_DISCRETION_PRICE or tag == OPTION_RANDOM_RESERVES
            or tag == OPTION_ROUTE or tag == OPTION_EXPIRE_TIME or tag == OPTION_STOP_PRICE
            or tag == OPTION_TRAIL_OFFSET or tag == OPTION_RESERVE_SEED):
        return _parse_number(options, tag, value, bytes)
    return True


cdef int options_parse(const uint8_t* appendage, uint32_t bytes, Options* options) noexcept nogil:
    cdef uint32_t at = 0
    cdef uint32_t element_bytes
    options_clear(options)
    while at < bytes:
        element_bytes = appendage[at]
        if element_bytes == 0 or at + 1 + element_bytes > bytes:
            return STATUS_MALFORMED
        if not _parse_option(options, appendage[at + 1], &appendage[at + 2], element_bytes - 1):
            return STATUS_MALFORMED
        at += 1 + element_bytes
    return STATUS_OK


cdef void options_inherit(Options* options, const Options* old) noexcept nogil:
    cdef uint32_t named = options.named
    if not named & NAMED_MIN_QUANTITY:
        options.min_quantity = old.min_quantity
    if not named & NAMED_MAX_FLOOR:
        options.max_floor = old.max_floor
    if not named & NAMED_RANDOM_RESERVES:
        options.random_reserves = old.random_reserves
    if not named & NAMED_RESERVE_SEED:
        options.reserve_seed = old.reserve_seed
    if not named & NAMED_PRICE_TYPE:
        options.price_type = old.price_type
    if not named & NAMED_PEG_OFFSET:
        options.peg_offset = old.peg_offset
    if not named & NAMED_POST_ONLY:
        options.post_only = old.post_only
    if not named & NAMED_EXPIRE_TIME:
        options.expire_second = old.expire_second
    if not named & NAMED_SELF_TRADE_PREVENTION:
        options.stp_mode = old.stp_mode
    if not named & NAMED_GROUP:
        options.group = old.group
    if not named & NAMED_STOP_PRICE:
        options.stop_price = old.stop_price
    if not named & NAMED_TRAIL_OFFSET:
        options.trail_offset = old.trail_offset
    options.named |= old.named & <uint16_t>~NAMED_SIDE
    if (named & NAMED_STOP_PRICE and options.stop_price == 0
            or named & NAMED_TRAIL_OFFSET and options.trail_offset == 0):
        options_stop_no_more(options)


cdef void options_fit(Options* options, uint32_t named, uint32_t quantity,
                      bint may_show) noexcept nogil:
    if not named & NAMED_MIN_QUANTITY:
        options.min_quantity = min(options.min_quantity, quantity)
    if not named & NAMED_MAX_FLOOR:
        options.max_floor = min(options.max_floor, quantity) if may_show else 0
    if not named & NAMED_RANDOM_RESERVES:
        if options.max_floor == 0 or options.max_floor == quantity:
            options.random_reserves = 0


cdef void options_stop_no_more(Options* options) noexcept nogil:
    options.named &= <uint16_t>~NAMED_STOP
    options.stop_price = 0
    options.trail_offset = 0


cdef inline bint _may_rest(const Options* options, const OptionsContext* context) noexcept nogil:
    return (context.time_in_force != TIME_IN_FORCE_IOC
            and context.time_in_force != TIME_IN_FORCE_FOK
            and (not context.is_market or options_are_pegged(options)))


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
        if floor > context.quantity or floor % lot_size or hidden or not may_rest:
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
    if options_are_pegged(options) or options.post_only == POST_ONLY:
        return REJECT_OTHER
    if options.min_quantity or context.time_in_force == TIME_IN_FORCE_FOK:
        return REJECT_OTHER
    if not options.named & NAMED_STOP_PRICE and context.last_price == 0:
        return REJECT_NO_PRICE
    return REJECT_NONE


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
            or options.price_type != PRICE_TYPE_LIMIT or options.post_only == POST_ONLY
            or options_are_stop(options) or (context.time_in_force != TIME_IN_FORCE_DAY
                                             and context.time_in_force != TIME_IN_FORCE_IOC)):
        return REJECT_CROSS_ORDER
    reason = _reserve_reject(options, context, may_rest)
    if reason:
        return reason
    if not pegged and options.price_type != PRICE_TYPE_LIMIT:
        return REJECT_PRICE_TYPE
    if pegged and context.display != DISPLAY_NO:
        return REJECT_DISPLAY
    if pegged and (context.time_in_force == TIME_IN_FORCE_IOC
                   or context.time_in_force == TIME_IN_FORCE_FOK):
        return REJECT_PEGGING
    if pegged and options.min_quantity:
        return REJECT_OTHER
    if options.post_only == POST_ONLY and (pegged or not may_rest):
        return REJECT_OTHER
    if options.post_only != POST_ONLY and options.post_only != POST_ONLY_NOT:
        return REJECT_OTHER
    if context.time_in_force == TIME_IN_FORCE_GTT and (
            not options.named & NAMED_EXPIRE_TIME or options.expire_second >= SECONDS_A_DAY
            or options.expire_second < context.second_next):
        return REJECT_OTHER
    if options_are_stop(options):
        reason = _stop_reject(options, context)
        if reason:
            return reason
    if options.named & NAMED_SELF_TRADE_PREVENTION and not stp_mode_is_valid(options.stp_mode):
        return REJECT_OTHER
    return REJECT_NONE
