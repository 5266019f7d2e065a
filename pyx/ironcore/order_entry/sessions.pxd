# The event stream turned into execution reports, session by session, and those into replies.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.order_entry.protocol cimport Protocol
from ironcore.order_entry.session_state cimport Sessions

# The next frame of the stream: reports what it means in this protocol, which appends the replies to
# the logs. STATUS_CORRUPT for a frame that does not follow, or that no matcher writes.
cdef int sessions_apply(Sessions* s, const Protocol* protocol, uint64_t sequence,
                        const uint8_t* payload, uint32_t payload_bytes) noexcept nogil
