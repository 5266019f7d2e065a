# Connections and datagrams in memory behind the sockets interface. See network.pyx.

from libc.stdint cimport uint8_t, uint32_t

from ironcore.net.sockets cimport Network
from ironcore.simulation.world cimport World

cdef enum:
    LINKS_MAX = 32
    PIPE_BYTES = 2048                # small, so that senders find them full
    DATAGRAMS_MAX = 64
    DATAGRAM_BYTES_MAX = 1500
    GATEWAYS_MAX = 2                 # each with a listener and a poller of its own
    MEMBERS_ADDRESS = 0x0A000001     # 10.0.0.1
    LISTENER_FD = 3                  # the first gateway's; the next one's follows
    POLLER_FD = 5                    # likewise
    FEED_FD = 7
    REQUEST_FD = 8
    LINK_FD_FIRST = 16

cdef enum LinkState:
    LINK_FREE = 0
    LINK_OFFERED = 1                 # the member has connected; not accepted yet
    LINK_OPEN = 2

cdef struct Pipe:                    # bytes on their way in one direction
    uint32_t start
    uint32_t end
    uint8_t data[PIPE_BYTES]

cdef struct Link:
    LinkState state
    int gateway                      # that the member has connected to
    bint member_closed
    bint abandoned                   # the member is gone, and the venue has not been told
    bint venue_closed                # what is in to_member can still be read
    bint broken                      # both sides get an error
    bint watched
    Pipe to_venue
    Pipe to_member

cdef struct Datagram:
    uint32_t bytes
    uint8_t data[DATAGRAM_BYTES_MAX]

cdef struct DatagramQueue:
    uint32_t count
    Datagram datagrams[DATAGRAMS_MAX]

cdef struct Net:
    World* world
    bint listening[GATEWAYS_MAX]     # somebody accepts connections
    Link links[LINKS_MAX]
    DatagramQueue feed               # publisher to subscriber, answers to re-requests as well
    DatagramQueue requests           # subscriber to publisher

cdef void net_open(Net* net, World* world) noexcept nogil
# The member's side. A link number, or -1: refused.
cdef int net_connect(Net* net, int gateway) noexcept nogil
# Bytes, 0: nothing now, -1: the connection is gone.
cdef long net_member_send(Net* net, int number, const uint8_t* buffer,
                          uint32_t bytes) noexcept nogil
cdef long net_member_receive(Net* net, int number, uint8_t* buffer, uint32_t bytes) noexcept nogil
cdef void net_member_close(Net* net, int number) noexcept nogil
# Leaves the connection half open: the venue hears nothing more, and is not told.
cdef void net_member_abandon(Net* net, int number) noexcept nogil
# The subscriber's side. Bytes, 0: nothing now.
cdef uint32_t net_subscriber_receive(Net* net, uint8_t* buffer) noexcept nogil
cdef void net_subscriber_request(Net* net, const uint8_t* request, uint32_t bytes) noexcept nogil
# Breaks one connection, if there is any.
cdef void net_break_one(Net* net) noexcept nogil
# The gateway's process, or the whole host, is gone: what it had sent arrives up to some point.
cdef void net_gateway_gone(Net* net, int gateway) noexcept nogil
# How many connections it has accepted and not closed.
cdef int net_connections(const Net* net, int gateway) noexcept nogil

cdef class SimulatedNetwork(Network):
    cdef Net* net
    cdef int gateway                 # whose poller is opened next
