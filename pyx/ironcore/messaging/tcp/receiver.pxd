# What a TCP subscription holds of its connection, and the bytes that it takes from the host. See
# receiver.pyx.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.net.sockets cimport Sockets

cdef enum:
    RECEIVER_TX_BYTES = 128
    RECEIVER_TOLD_BYTES = 32

cdef extern from *:
    """
    // A stream of 10^9 frames a second lasts 146 years.
    #define SEQUENCE_MAX ((uint64_t)1 << 62)
    """
    const uint64_t SEQUENCE_MAX

cdef enum ReceiverState:
    RECEIVER_WAITING = 0             # until it is time to connect
    RECEIVER_CONNECTING = 1          # the login is not sent, or not answered
    RECEIVER_LIVE = 2
    RECEIVER_ENDED = 3

cdef enum:                           # counters, in the order of SUBSCRIPTION_COUNTERS
    TCP_FRAMES = 0
    TCP_GAPS = 1
    TCP_GAP_FRAMES = 2
    TCP_DUPLICATES = 3
    TCP_ATTEMPTS = 4
    TCP_CONNECTS = 5
    TCP_RESUMES = 6
    TCP_REFUSED = 7
    TCP_TOO_OLD = 8
    TCP_CUTS = 9
    TCP_STALE = 10
    TCP_MALFORMED = 11
    TCP_UNREACHABLE = 12
    TCP_LOGIN_TIMEOUTS = 13
    TCP_DISPLACED = 14

cdef struct ReceiverSettings:
    uint64_t heartbeat_ns
    uint64_t stale_ns
    uint64_t login_timeout_ns
    uint64_t backoff_min_ns
    uint64_t backoff_max_ns
    uint32_t address
    uint16_t port
    bint dialled                     # by another thread: see take_dialled
    char username[6]
    char password[10]

cdef struct TcpReceiver:
    Sockets sockets
    ReceiverSettings settings
    uint64_t** counters
    int fd
    ReceiverState state
    bint known                       # it has been admitted once: the next login is a resumption
    bint heard_live                  # since the login: the next back-off is the shortest again
    bint displaced                   # the server says: by another login of our name
    bint drained                     # the last receive took all that there was
    bint quiet                       # little comes: it is peeked at, and discarded later
    uint32_t failures                # in a row
    char session[10]                 # blank until the server has said it
    uint64_t expected                # number of the next frame; 0: not known
    uint64_t counted                 # number of the next sequenced packet, as this login counts
    char told[RECEIVER_TOLD_BYTES]   # the beginning of the last debug packet
    uint64_t oldest_told             # by a debug packet in front of a rejection; 0: none
    uint64_t opened_ns
    uint64_t rx_ns
    uint64_t tx_ns
    uint64_t retry_ns
    uint64_t random
    uint64_t dial                    # descriptor + 1 for the thread that dials; 0: none
    uint32_t tx_start
    uint32_t tx_end
    uint32_t rx_start
    uint32_t rx_end
    uint32_t rx_bytes_max
    uint32_t peeked                  # bytes in front of rx_end that the host holds as well
    uint32_t peeked_before           # of them, those in front of what was peeked at last
    uint32_t empties                 # receives in a row that found nothing
    uint32_t peeks                   # with something new, since the host held nothing
    uint8_t* rx
    uint8_t tx[RECEIVER_TX_BYTES]

# New bytes behind rx_end, as of a recv.
cdef long receiver_take(TcpReceiver* r, uint64_t now_ns) noexcept nogil
# Let the host drop the first of the bytes that were peeked at: 1, or why it cannot.
cdef long receiver_discard(TcpReceiver* r, uint32_t bytes) noexcept nogil
