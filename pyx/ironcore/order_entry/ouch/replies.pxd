# What one execution report tells its session.

from ironcore.order_entry.protocol cimport Report
from ironcore.order_entry.session_state cimport Sessions

cdef enum:
    REPLY_BYTES_MAX = 1024           # the longest reply, appendage included

# Appends the reply to the session's log; always STATUS_OK.
cdef int ouch_report(Sessions* s, const Report* report) noexcept nogil
