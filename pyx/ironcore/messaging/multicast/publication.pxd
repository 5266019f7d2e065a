# Streams over UDP multicast: the sending end. See publication.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.messaging.multicast.rerequests cimport RerequestServer
from ironcore.messaging.publication cimport PublicationEnd
from ironcore.net.af_xdp.send cimport XdpSender
from ironcore.net.sockets cimport Network, Sockets
from ironcore.wire.moldudp64 cimport MOLD_PACKET_BYTES_MAX, MoldBuilder

cdef enum:
    FEEDS_MAX = 2                    # A and B

cdef enum:                           # counters, in the order of PUBLICATION_COUNTERS
    MULTICAST_OFFERED = 0
    MULTICAST_BACK_PRESSURE = 1
    MULTICAST_TOO_LARGE = 2
    MULTICAST_PACKETS = 3
    MULTICAST_HEARTBEATS = 4
    MULTICAST_RETRIES = 5
    MULTICAST_SEND_ERRORS = 6
    MULTICAST_PACKETS_LEFT = 7
    MULTICAST_RECALLED = 8
    MULTICAST_ANSWERS = 9            # the first of six, in the order of multicast_rerequests.Answer

cdef struct MulticastSender:
    Sockets sockets
    uint64_t** counters
    RerequestServer server
    int feeds[FEEDS_MAX]             # sockets connected to a group each
    XdpSender* xdp[FEEDS_MAX]        # what sends in the place of a feed's socket, NULL: nothing
    int feeds_count
    uint32_t feeds_left              # one bit for each that the complete packet has not gone to
    uint64_t heartbeat_ns
    uint32_t packet_bytes_max
    uint32_t retries_max             # of one packet
    uint8_t packet[MOLD_PACKET_BYTES_MAX]
    MoldBuilder builder              # of the packet in hand
    uint32_t packet_bytes            # once it is complete, until it is sent or given up
    uint32_t retries                 # of it so far
    uint64_t sequence_next
    uint64_t listen_ns               # when re-requests are looked for again
    uint64_t sent_ns                 # when something was sent last
    bint ended
    int ends_told                    # times that the end was told, as far as it matters
    int os_error                     # errno of the last send that was refused

cdef class MulticastPublication(PublicationEnd):
    cdef MulticastSender sender
    cdef Network network
    cdef object sockets_owner
    cdef tuple xdp
