# What one order session of the load generator has sent, and what the venue answered.
#
# Every Enter and Replace is to be acknowledged exactly once. OUCH 5.0 answers a session in the
# order of its messages, so an acknowledgement proves that all earlier messages were processed: an
# earlier Replace without an answer was ignored, which is right only if its order was dead by then.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.histogram cimport Histogram
from ironcore.base.status cimport Status

cdef struct OrderState:              # one for each user reference, 24 bytes
    uint64_t intended_ns             # when its message should have been sent
    uint32_t open                    # quantity that is on the book
    uint32_t replaces                # REPLACE: the order that it takes the place of
    uint8_t kind                     # 'O', 'U'; 0: not sent yet
    uint8_t acknowledgements
    uint8_t live
    uint8_t reserved[5]

cdef struct ReplyCounts:
    uint64_t acknowledged            # Enters and Replaces with their one acknowledgement
    uint64_t duplicates              # acknowledgements beyond the first
    uint64_t missing                 # passed over without a reason
    uint64_t ignored                 # Replaces of orders that were dead, passed over by rule
    uint64_t rejected                # of the acknowledged
    uint64_t canceled                # Canceled messages
    uint64_t executions              # Executed messages: two for each trade within our sessions
    uint64_t executed_quantity
    uint64_t others                  # other messages, and those about orders from before
    uint64_t unknown                 # about orders that were never sent
    uint64_t malformed

cdef struct Replies:
    OrderState* orders               # index: user reference less user_ref_base
    uint32_t user_ref_base           # the last that was used before; the flow counts from 1
    uint32_t user_refs_max           # highest index
    uint32_t user_ref_sent           # highest that was sent
    uint32_t user_ref_passed         # all up to this one are acknowledged or passed over
    uint32_t user_ref_next           # as the last answer to an account query says
    uint64_t enters_unacknowledged
    uint64_t queries_answered
    ReplyCounts counts

cdef void replies_sent(Replies* replies, uint8_t kind, uint32_t user_ref, uint32_t replaces,
                       uint64_t intended_ns) noexcept nogil
# One OUCH message. Anything but STATUS_OK was counted as malformed.
cdef Status replies_take(Replies* replies, const uint8_t* message, size_t bytes, uint64_t now_ns,
                         Histogram* latency) noexcept nogil
