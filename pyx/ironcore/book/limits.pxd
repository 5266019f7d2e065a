# What an order must satisfy before it may touch a book. Pure: an order's fields and its
# instrument's limits in, an OUCH 5.0 reject reason out. The rules are 4.3 to 4.9
# of docs/MATCHING_RULES.md; of several faults the first in that order is the one reported.

from libc.stdint cimport int32_t, uint8_t, uint32_t

from ironcore.wire.record cimport PRICE_MARKET, PRICE_MARKET_CROSS

cdef enum RejectReason:              # OUCH 5.0 "Rejected" reasons; from 0x80 on the venue's own
    REJECT_NONE = 0
    REJECT_NO_PRICE = 0x01           # nothing to price a peg or a trailing stop by
    REJECT_DESTINATION_CLOSED = 0x02   # order entry is disabled for the session
    REJECT_DISPLAY = 0x03
    REJECT_MAX_FLOOR = 0x04
    REJECT_PRICE_TYPE = 0x05
    REJECT_COLLAR = 0x06
    REJECT_HALTED = 0x07
    REJECT_SIDE = 0x09
    REJECT_PROCESSING = 0x0A         # the UserRefNum is beyond what this venue can keep
    REJECT_MIN_QUANTITY = 0x0D
    REJECT_OTHER = 0x0F              # not supported here
    REJECT_PEGGING = 0x11
    REJECT_QUANTITY = 0x13
    REJECT_CROSS_ORDER = 0x14
    REJECT_ROUTING = 0x16
    REJECT_SYMBOL = 0x17
    REJECT_PRICE = 0x1D
    REJECT_NOT_NOW = 0x2D            # an order that this time does not allow
    REJECT_QUANTITY_MAX = 0x31
    REJECT_NO_ROOM = 0x80            # the order pool is exhausted, or the order references are
    REJECT_QUOTE_CROSSED = 0x91      # the bid of a quote is not below its ask
    REJECT_PROTECTED = 0x92          # its session's protection was reached
    REJECT_PAIR = 0x93               # OcoRef names no order that it can be a pair with

cdef enum:
    SIDE_BUY = 66                    # 'B'
    SIDE_SELL = 83                   # 'S'
    SIDE_SHORT = 84                  # 'T'
    SIDE_SHORT_EXEMPT = 69           # 'E'
    TIME_IN_FORCE_DAY = 48           # '0'
    TIME_IN_FORCE_GTC = 49           # '1'
    TIME_IN_FORCE_IOC = 51           # '3'
    TIME_IN_FORCE_FOK = 52           # '4'
    TIME_IN_FORCE_GTT = 54           # '6'
    DISPLAY_YES = 89                 # 'Y'
    DISPLAY_NO = 78                  # 'N'
    DISPLAY_ATTRIBUTABLE = 65        # 'A'
    CROSS_NONE = 78                  # 'N'
    CROSS_OPENING = 79               # 'O'
    CROSS_CLOSING = 67               # 'C'
    CROSS_HALT = 72                  # 'H'

cdef struct InstrumentLimits:        # 8 bytes
    uint32_t lot_size
    uint32_t quantity_max

# False when no quantity could ever satisfy these limits.
cdef bint limits_are_valid(const InstrumentLimits* limits) noexcept nogil


cdef inline bint price_is_market(int32_t price) noexcept nogil:
    return price == PRICE_MARKET or price == PRICE_MARKET_CROSS


cdef inline bint side_is_sell(uint8_t side) noexcept nogil:
    return side == SIDE_SELL or side == SIDE_SHORT or side == SIDE_SHORT_EXEMPT


cdef inline bint quantity_fits(const InstrumentLimits* limits, uint32_t quantity) noexcept nogil:
    """Whether quantity_reject has nothing against it."""
    return (quantity - 1 < limits.quantity_max
            and (limits.lot_size == 1 or quantity % limits.lot_size == 0))


cdef inline uint32_t quantity_reject(const InstrumentLimits* limits,
                                     uint32_t quantity) noexcept nogil:
    if quantity == 0:
        return REJECT_QUANTITY
    if quantity > limits.quantity_max:
        return REJECT_QUANTITY_MAX
    if limits.lot_size != 1 and quantity % limits.lot_size:
        return REJECT_QUANTITY
    return REJECT_NONE


cdef inline uint32_t instructions_reject(uint8_t time_in_force, uint8_t display) noexcept nogil:
    if (time_in_force != TIME_IN_FORCE_DAY and time_in_force != TIME_IN_FORCE_GTC
            and time_in_force != TIME_IN_FORCE_IOC and time_in_force != TIME_IN_FORCE_FOK
            and time_in_force != TIME_IN_FORCE_GTT):
        return REJECT_OTHER
    if display != DISPLAY_YES and display != DISPLAY_ATTRIBUTABLE and display != DISPLAY_NO:
        return REJECT_DISPLAY
    return REJECT_NONE
