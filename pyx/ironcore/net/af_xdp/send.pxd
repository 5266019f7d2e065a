# Datagrams sent through an AF_XDP socket, each as a whole Ethernet frame. See send.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.counter_set cimport CounterSet
from ironcore.net.af_xdp.frames cimport FrameRoute
from ironcore.net.af_xdp.rings cimport XDP_FRAMES, XdpSocket, XdpSocketOwner

cdef enum:                           # counters: XDP_SEND_COUNTERS, after `mode`
    XDP_SENT = 1
    XDP_SEND_FULL = 2
    XDP_SEND_CALLS = 3
    XDP_SEND_REFUSED = 4

# What the feeds on one queue of an interface share.
cdef struct XdpOutbox:
    XdpSocket* socket
    uint32_t free_count
    bint wake_due                    # the kernel was called, and had not done everything
    uint64_t free[XDP_FRAMES]        # places that hold nothing, by their offsets

cdef struct XdpSender:
    XdpOutbox* box
    uint64_t** counters
    FrameRoute route
    uint32_t payload_bytes_max

# One datagram to the group: 0, or -errno: -EAGAIN without room, -EMSGSIZE: longer than the
# interface's packets.
cdef int xdp_send(XdpSender* sender, const uint8_t* data, size_t bytes) noexcept nogil
# Call the kernel again for what it had no room for.
cdef void xdp_send_turn(XdpSender* sender) noexcept nogil

cdef class XdpSendSocket:
    cdef XdpOutbox box
    cdef XdpSocketOwner owner
    cdef readonly str mode           # "zero-copy" or "copy"
    cdef readonly str reason         # why it is no better

cdef class XdpFeedSender:
    cdef XdpSender sender
    cdef XdpSendSocket shared
    cdef readonly CounterSet counters
