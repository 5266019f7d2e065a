# The event stream turned into OUCH 5.0 replies, session by session.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.order_entry.session_state cimport Sessions

# The next frame of the stream: appends the replies that it means to the logs. STATUS_CORRUPT for a
# frame that does not follow, or that no matcher writes.
cdef int sessions_apply(Sessions* s, uint64_t sequence, const uint8_t* payload,
                        uint32_t payload_bytes) noexcept nogil
