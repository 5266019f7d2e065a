"""The memory that sessions grow into, made resident ahead of the gateway's thread.

Replies and facts of orders are kept for the day, so their memory is reserved and becomes resident
as it is used: a page fault of the gateway's thread for every 36 orders or so. Another thread
takes them instead.
"""

from libc.stdint cimport uint32_t, uint64_t

from ironcore.base.atomics cimport load_acquire_u64
from ironcore.base.memory cimport memory_populate
from ironcore.order_entry.reply_log cimport ReplyLog
from ironcore.order_entry.session_state cimport OrderFacts, Sessions

cdef enum:
    PAGE_BYTES = 4096
    AHEAD_BYTES_MIN = 1 << 18        # of replies; about 3,000 orders
    GROWTHS_AHEAD = 8                # as much as came since the last look, so many times


cdef uint64_t _reach(char* base, uint64_t* resident, uint64_t wanted,
                     uint64_t bytes_max) noexcept nogil:
    """Resident from the first byte to `wanted`: the bytes that were not."""
    cdef uint64_t start = resident[0]
    cdef uint64_t end = min(wanted, bytes_max)
    end = (end + PAGE_BYTES - 1) & ~<uint64_t>(PAGE_BYTES - 1)
    if end <= start:
        return 0
    if not memory_populate(base + start, end - start):
        return 0
    resident[0] = end
    return end - start


cdef uint64_t session_memory_ahead(const Sessions* s, SessionMemory* memory) noexcept nogil:
    cdef const ReplyLog* log
    cdef SessionMemory* m
    cdef uint64_t used, seen, count, ahead, ahead_count
    cdef uint64_t made = 0
    cdef uint32_t i
    for i in range(1, s.sessions_max + 1):
        log = &s.session[i].log
        m = &memory[i]
        used = load_acquire_u64(&log.bytes)
        count = load_acquire_u64(&log.count)
        seen = m.replies_seen_bytes
        m.replies_seen_bytes = used
        if seen == 0 or used == seen:
            continue                 # nobody uses it: it may stay so all day
        ahead = max(<uint64_t>AHEAD_BYTES_MIN, GROWTHS_AHEAD * (used - seen))
        ahead = min(ahead, log.bytes_max - used)
        # An order has at least one reply, and its facts are at its user_ref, which members count
        # up from 1: where there will be so many replies, there are no more orders.
        ahead_count = count + ahead * count // used
        made += _reach(<char*>log.data, &m.replies_bytes, used + ahead, log.bytes_max)
        made += _reach(<char*>log.ends, &m.ends_bytes, (ahead_count + 1) * sizeof(uint64_t),
                       log.count_max * sizeof(uint64_t))
        made += _reach(<char*>s.session[i].orders, &m.orders_bytes,
                       (ahead_count + 1) * sizeof(OrderFacts),
                       sizeof(OrderFacts) << s.user_ref_bits)
    return made
