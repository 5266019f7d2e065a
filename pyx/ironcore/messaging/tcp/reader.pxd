# One reader of a TCP publication, and the table of all. See reader.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.messaging.tcp.window cimport PacketWindow
from ironcore.net.sockets cimport Sockets

cdef enum:
    READER_RX_BYTES = 512            # no packet that a reader has to send is longer than 54
    READER_NAME_BYTES = 8
    READER_OUT_EXTRA_BYTES = 256     # besides the rest of a packet: what fits between two packets
    ADOPTIONS_MAX = 32
    READERS_MAX = 1024
    NEWCOMERS_MAX = 64               # connections that have to log in, beside the readers

cdef enum SlowPolicy:
    SLOW_DISCONNECT = 0
    SLOW_CONFLATE = 1

cdef enum ReaderState:
    READER_FREE = 0
    READER_LIVE = 1
    READER_ENDED = 2                 # has been told of the end; closes, or is closed after a while

cdef enum:                           # counters, in the order of PUBLICATION_COUNTERS
    TCP_OFFERED = 0
    TCP_TOO_LARGE = 1
    TCP_RECALLED = 2
    TCP_SKIPPED = 3
    TCP_OLDEST = 4
    TCP_READERS = 5
    TCP_CONNECTIONS = 6
    TCP_LOGINS = 7
    TCP_RESUMES = 8
    TCP_SENDS = 9
    TCP_SENT_BYTES = 10
    TCP_HEARTBEATS = 11
    TCP_CONFLATIONS = 12
    TCP_CONFLATED_FRAMES = 13
    TCP_TABLE_FULL = 14
    TCP_REFUSED_TOO_OLD = 15
    TCP_REFUSED_AHEAD = 16
    TCP_REFUSED_SESSION = 17
    # Why connections were closed: one counter each.
    TCP_CLOSED_SLOW = 18
    TCP_CLOSED_BY_PEER = 19
    TCP_CLOSED_LOGOUT = 20
    TCP_CLOSED_MALFORMED = 21
    TCP_CLOSED_REFUSED = 22
    TCP_CLOSED_LOGIN_TIMEOUT = 23
    TCP_CLOSED_PEER_TIMEOUT = 24
    TCP_CLOSED_DISPLACED = 25
    TCP_CLOSED_ENDED = 26
    TCP_CLOSED_ERROR = 27
    TCP_CLOSED_CROWDED_OUT = 28

cdef enum:                           # counters of one reader, in the order of READER_COUNTERS
    READER_NAME = 0
    READER_CONNECTED = 1
    READER_SEQUENCE = 2
    READER_LAG_BYTES = 3
    READER_SENT_BYTES = 4
    READER_LOGINS = 5
    READER_SLOW = 6
    READER_CONFLATED_FRAMES = 7
    READER_TIMEOUTS = 8
    READER_DISPLACED = 9

cdef struct TcpReader:
    int fd
    ReaderState state
    bint catching_up                 # came in behind: until it is not, its queue is the window
    bint greeting                    # its login is answered, and nothing else goes with the answer
    # Names have up to 8 characters, the first one in the lowest byte; 0: none.
    uint64_t name                    # whose counters these are, also when it has gone
    uint64_t position                # of what it is sent next from the window
    uint64_t gap_first               # to be told before that
    uint64_t gap_count
    uint64_t rx_ns                   # when it was last heard
    uint64_t tx_ns                   # when it last took something
    uint64_t retry_ns                # its socket is full: not tried before
    uint64_t retry_wait_ns
    uint64_t peer_timeout_ns
    uint64_t left_ns                 # free: since when
    uint64_t** counters
    uint8_t* out                     # what goes out before what is at its position
    uint32_t out_start
    uint32_t out_end
    uint32_t rx_end
    uint8_t rx[READER_RX_BYTES]

cdef struct Newcomer:                # a connection that has to log in
    int fd
    bint here
    uint64_t name_given              # by whoever accepted it: a login cannot change it
    uint64_t opened_ns
    uint32_t rx_end
    uint8_t rx[READER_RX_BYTES]

cdef struct Adoption:                # a connection that another thread has accepted
    int fd
    uint64_t name

cdef struct ServerSettings:
    uint64_t queue_bytes
    uint64_t heartbeat_ns
    uint64_t peer_timeout_ns
    uint64_t login_timeout_ns
    uint32_t readers_max
    uint32_t frame_bytes_max
    SlowPolicy policy

cdef struct TcpServer:
    PacketWindow window
    TcpReader* reader
    Sockets sockets
    ServerSettings settings
    uint64_t** counters
    char session[10]
    int listener                     # -1: none
    int poller
    bint ended
    uint32_t live                    # readers in use
    uint32_t waiting                 # newcomers
    Newcomer newcomer[NEWCOMERS_MAX]
    uint64_t gate                    # no live reader stands below this position
    uint64_t look_ns
    uint64_t timer_ns
    Adoption adoption[ADOPTIONS_MAX]
    uint64_t adopted_head            # stored last, by the thread that gives
    uint64_t adopted_tail            # stored last, by the publication's

# Close its connection for the reason that this counter stands for.
cdef void reader_close(TcpServer* s, TcpReader* r, int reason, uint64_t now_ns) noexcept nogil
# Add to what goes out before what is at its position. Between two packets of the window: whoever
# calls knows that the reader stands there.
cdef void reader_tell(TcpServer* s, TcpReader* r, const uint8_t* packet,
                      size_t bytes) noexcept nogil
