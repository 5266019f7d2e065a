# A feed received through an AF_XDP socket, beside the socket that has joined its group. See
# receive.pyx.

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from ironcore.base.counter_set cimport CounterSet
from ironcore.net.af_xdp.program cimport XdpProgram
from ironcore.net.af_xdp.rings cimport XdpSocket, XdpSocketOwner
from ironcore.net.datagrams cimport DATAGRAMS_MAX, DatagramBatch, DatagramPace

cdef enum:                           # counters: XDP_RECEIVE_COUNTERS, after `mode`
    XDP_RECEIVED = 1
    XDP_RECEIVED_BY_KERNEL = 2
    XDP_FOREIGN = 3                  # the first of three, in the order of FrameVerdict
    XDP_MALFORMED = 4
    XDP_CORRUPT = 5
    XDP_UNFILLED = 6
    XDP_RECEIVE_CALLS = 7
    XDP_DROPS = 8

cdef struct XdpReceiver:
    XdpSocket* socket
    uint64_t** counters
    uint32_t group                   # in the order of the wire, as port
    uint16_t port
    uint32_t looks
    uint64_t drops_seen
    uint32_t lent_count              # places whose datagrams the caller still reads
    uint64_t lent[DATAGRAMS_MAX]

# As datagrams_receive; fd and pace are of the socket that has joined the group. The datagrams stay
# where they are until the next call.
cdef int xdp_receive(XdpReceiver* receiver, DatagramBatch* batch, int fd,
                     DatagramPace* pace) noexcept nogil

cdef class XdpFeedReceiver:
    cdef XdpReceiver receiver
    cdef XdpSocketOwner owner
    cdef XdpProgram program
    cdef readonly CounterSet counters
    cdef readonly str mode           # "zero-copy", "copy" or "generic"
    cdef readonly str reason         # why it is no better; "" for zero-copy
