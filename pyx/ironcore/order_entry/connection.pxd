# The gateway's connections: how they come, log in, and end; and the state that its files share.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.clock cimport Clock
from ironcore.net.sockets cimport Sockets
from ironcore.ring.broadcast_reader cimport BroadcastReader
from ironcore.ring.spsc cimport SpscProducer
from ironcore.order_entry.protocol cimport PASSWORD_BYTES, STREAM_NAME_BYTES, Protocol
from ironcore.order_entry.seeds cimport SeedPool
from ironcore.order_entry.session_state cimport SESSION_NAME_BYTES, Sessions

cdef enum:
    RX_BYTES = 16384                 # of one connection; a frame is no longer than half of it
    SMALL_BYTES = 256                # two frames that are no replies
    DESCRIPTORS_MAX = 4096
    READY_MAX = 64
    TIMER_NS = 10000000              # how often heartbeats and time-outs are looked at

cdef enum ConnectionState:
    CONNECTION_FREE = 0
    CONNECTION_NEW = 1               # has to log in
    CONNECTION_JUDGED = 2            # its password is being checked
    CONNECTION_LIVE = 3
    CONNECTION_REFUSED = 4           # its password was wrong, which it is told after a delay

cdef enum LoginVerdict:
    VERDICT_NONE = 0
    VERDICT_ACCEPTED = 1
    VERDICT_REFUSED = 2
    VERDICT_UNACCELERATED = 3        # its socket is the kernel's and must not be

cdef enum:                           # counters, in the order of COUNTERS
    GATEWAY_MESSAGES = 0
    GATEWAY_REPLIES_BYTES = 1
    GATEWAY_FRAMES = 2
    GATEWAY_CONNECTIONS = 3
    GATEWAY_LOGINS = 4
    GATEWAY_BACK_PRESSURE = 5
    GATEWAY_FOREIGN_FIRM = 6
    GATEWAY_SESSION_CANCELS = 7
    GATEWAY_REPLIES_LOST = 8
    GATEWAY_TABLE_FULL = 9
    # Why connections were closed: one counter each (close reasons).
    CLOSED_BY_PEER = 10
    CLOSED_LOGOUT = 11
    CLOSED_MALFORMED = 12
    CLOSED_OVERSIZED = 13
    CLOSED_UNEXPECTED = 14
    CLOSED_LOGIN_REFUSED = 15
    CLOSED_NO_SESSION = 16
    CLOSED_LOGIN_TIMEOUT = 17
    CLOSED_PEER_TIMEOUT = 18
    CLOSED_DISPLACED = 19
    CLOSED_ERROR = 20
    CLOSED_REPLIES_FULL = 21
    CLOSED_CROWDED_OUT = 22
    CLOSED_UNACCELERATED = 23
    CLOSED_ELSEWHERE = 24

cdef struct Login:                   # mailbox between the gateway's thread and the judge's
    uint64_t asked                   # generation of the connection that asks; stored last, release
    uint64_t answer                  # generation << 2 | LoginVerdict; stored last by the judge
    char username[SESSION_NAME_BYTES]
    char password[PASSWORD_BYTES]
    uint32_t address                 # where it comes from: IPv4, host byte order

cdef struct Connection:
    int fd
    ConnectionState state
    uint32_t session
    uint32_t address                 # where it comes from: IPv4, host byte order
    uint32_t of_address              # it was so manieth of its address that waited to log in
    uint32_t rx_start
    uint32_t rx_end
    bint stalled                     # the order ring had no room for the message at rx_start
    uint64_t generation
    uint64_t opened_ns
    uint64_t asked_ns                # when it sent its login
    uint64_t rx_ns                   # when it was last heard
    uint64_t tx_ns                   # when it was last spoken to
    uint64_t tx_offset               # in its session's reply log
    uint64_t peer_timeout_ns
    uint64_t login_sequence          # the reply that it wants next
    char login_stream_name[STREAM_NAME_BYTES]
    Login login
    uint32_t small_start             # what is left of frames that are no replies
    uint32_t small_end
    uint8_t small[SMALL_BYTES]
    uint8_t rx[RX_BYTES]

cdef struct GatewaySettings:
    uint64_t heartbeat_ns
    uint64_t peer_timeout_ns
    uint64_t login_timeout_ns
    uint64_t failed_login_delay_ns
    uint32_t connections_max         # logged in
    uint32_t logins_max              # not logged in yet
    uint32_t logins_per_address_max
    uint32_t sessions_expected       # logins wait until the stream has defined so many

cdef struct Gateway:
    const Protocol* protocol
    Sessions sessions
    Connection* connection           # connections_max + logins_max of them
    uint32_t places
    int* by_descriptor               # connection index, or -1
    SpscProducer* orders
    BroadcastReader* stream
    Sockets sockets
    Clock clock
    SeedPool seeds
    GatewaySettings settings
    uint64_t** counters
    uint32_t* sending                # sessions whose connection has replies to be sent
    uint32_t sending_count
    uint32_t live                    # connections that are logged in
    uint32_t newcomers               # connections that are not, yet
    uint32_t stalled
    uint64_t answers                 # verdicts that the judge has given
    uint64_t answers_seen
    bint look_for_answers            # there may be one that `answers` does not tell of any more
    int listener
    int poller
    uint64_t now_ns
    uint64_t timer_ns
    uint64_t generation
    bint cancels_due

# Close it for the reason that this counter stands for; cancel on disconnect becomes due.
cdef void connection_close(Gateway* g, Connection* c, int reason) noexcept nogil
# Whether its next message waits for room in the order ring.
cdef void connection_stall(Gateway* g, Connection* c, bint stalled) noexcept nogil
# Sends what is left of frames that are no replies: True when nothing is.
cdef bint connection_flush(Gateway* g, Connection* c) noexcept nogil
# Accept one connection, if there is one: the work done.
cdef int connection_accept(Gateway* g) noexcept nogil
# A login request: into the mailbox, for the judge.
cdef void connection_ask(Gateway* g, Connection* c, const uint8_t* payload,
                         size_t bytes) noexcept nogil
# If the judge has answered: admit or refuse.
cdef void connection_judged(Gateway* g, Connection* c) noexcept nogil
# Tells a member that has got every reply that its session is over.
cdef void connection_end(Gateway* g, Connection* c) noexcept nogil
# Heartbeats and time-outs of all connections.
cdef void connection_timers(Gateway* g) noexcept nogil
