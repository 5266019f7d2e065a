# How live orders leave, in whole or in part.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine

cdef enum CancelReason:              # OUCH 5.0
    CANCEL_REASON_CLOSED = 69        # 'E'
    CANCEL_REASON_POST_ONLY_HIDDEN = 70  # 'F'
    CANCEL_REASON_POST_ONLY = 71     # 'G'
    CANCEL_REASON_IOC = 73           # 'I'
    CANCEL_REASON_COLLAR = 75        # 'K'
    CANCEL_REASON_PAIR = 79          # 'O', the venue's own: one cancels the other
    CANCEL_REASON_PROTECTION = 80    # 'P', the venue's own: of a quote
    CANCEL_REASON_SELF_TRADE = 81    # 'Q'
    CANCEL_REASON_TIMEOUT = 84       # 'T'
    CANCEL_REASON_USER = 85          # 'U'
    CANCEL_REASON_SYSTEM = 90        # 'Z'

# Takes the order from wherever it is, without an event; its unit is free then.
cdef void order_remove(Engine* engine, uint32_t unit) noexcept nogil
# Takes a dormant stop from its queue and its peers; it stays live, and is the caller's to place.
cdef void order_wake(Engine* engine, uint32_t unit) noexcept nogil
# What is taken from what it displays, of a decrement that is less than all of it: the reserve goes
# first (rule 9.5). Without an event.
cdef uint32_t order_shrink(Engine* engine, uint32_t unit, uint32_t decrement) noexcept nogil
# With their events; `other` is the upper half of theirs (rule 8.3), or 0.
cdef void cancel_whole(Engine* engine, uint32_t unit, uint8_t reason, uint64_t other) noexcept nogil
cdef void cancel_part(Engine* engine, uint32_t unit, uint32_t decrement,
                      uint8_t reason) noexcept nogil
# Says that the displayed part of an iceberg has shrunk to what it is now (rule 9.6).
cdef void emit_reduced(Engine* engine, uint32_t unit, uint32_t decrement,
                       uint64_t other) noexcept nogil
# Rule 21.4: what it was a pair with has executed, or was activated.
cdef void pair_end(Engine* engine, uint32_t other) noexcept nogil
