# One result code for every function of the data plane; 0 is the only success.
cdef enum Status:
    STATUS_OK = 0
    STATUS_EMPTY = 1          # nothing to read now
    STATUS_FULL = 2           # back-pressure: no room now, try again
    STATUS_TRUNCATED = 3      # the buffer ends before the message does: read more
    STATUS_MALFORMED = 4      # can never become valid
    STATUS_UNKNOWN_TYPE = 5
    STATUS_TOO_LARGE = 6      # over a named limit
    STATUS_OVERRUN = 7        # a lossy reader was lapped; it knows how many frames it lost
    STATUS_EVICTED = 8        # a gating reader was too slow and is no longer waited for
    STATUS_CLOSED = 9
    STATUS_CORRUPT = 10       # a checksum or an invariant of stored data does not hold
    STATUS_IO = 11            # the operating system refused; errno says why
    STATUS_IGNORED = 12       # valid, and has no effect (a retransmission, a superfluous cancel)
    STATUS_LIMIT = 13         # a pool that was sized at start is exhausted
    STATUS_REPLACED = 14      # another ring stands where the one that is read was
    STATUS_LATER = 15         # what has been begun comes first: try again behind it
