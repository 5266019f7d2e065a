# What one event tells the sessions that it concerns.

from ironcore.order_entry.session_state cimport Sessions
from ironcore.wire.record cimport Event

cdef enum:
    REPLY_BYTES_MAX = 1024           # the longest reply, appendage included

# Appends the event's replies to the logs. STATUS_OK, or STATUS_CORRUPT for an event that no matcher
# writes behind the command in hand.
cdef int session_event_replies(Sessions* s, const Event* event) noexcept nogil
