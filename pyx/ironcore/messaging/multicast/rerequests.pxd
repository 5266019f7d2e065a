# The server that answers MoldUDP64 requests for what was lost. See rerequests.pyx.

from libc.stdint cimport uint32_t, uint64_t

from ironcore.messaging.multicast.window cimport MessageWindow
from ironcore.net.sockets cimport Sockets

cdef enum:
    REQUESTERS_MAX = 1024            # addresses that are told apart; a power of two

cdef enum Answer:                    # what became of a request
    ANSWER_SENT = 0
    ANSWER_REFUSED = 1               # the host did not send it; errno in `os_error`
    ANSWER_GONE = 2                  # older than what is held
    ANSWER_EARLY = 3                 # not sent yet, or nothing asked for
    ANSWER_MALFORMED = 4             # no request, or for another session
    ANSWER_LIMITED = 5               # this address asks too often
    ANSWERS = 6

# A token bucket as the one time at which it would be full again (the generic cell rate algorithm).
cdef struct Requester:
    uint64_t full_ns
    uint32_t address
    uint32_t reserved

cdef struct RerequestServer:
    Sockets sockets
    int fd                           # where requests come in, -1: nowhere
    char session[10]
    uint32_t packet_bytes_max
    MessageWindow window
    uint64_t interval_ns             # between two answers to one address in the long run; 0: any
    uint64_t burst_ns                # `burst` intervals: what may come at once
    int os_error
    Requester requesters[REQUESTERS_MAX]

# Takes up to REQUESTS_MAX of the requests that wait and counts each under its Answer: how many.
# Messages from `sent_next` on have not been sent to the group, and nobody is told of them.
cdef int rerequests_serve(RerequestServer* server, uint64_t sent_next, uint64_t now_ns,
                          uint64_t** answers) noexcept nogil
# Whether this address may have one more answer now; takes its token.
cdef bint rerequests_allowed(RerequestServer* server, uint32_t address,
                             uint64_t now_ns) noexcept nogil
