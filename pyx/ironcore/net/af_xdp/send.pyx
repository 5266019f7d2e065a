"""Datagrams sent through an AF_XDP socket: headers and payload are written once, into memory that
the card reads (zero-copy) or that the kernel makes a packet of (copy), past routing and queueing.

Each datagram asks for its own system call, when the kernel wants one: nothing waits for another
(docs/adr/0011-send-each-packet-with-its-own-call.md). What a call had no room for stays in the
ring, and the next call, or turn, takes it along.
"""

from socket import inet_aton

from libc.errno cimport EAGAIN, EBADF, EBUSY, EMSGSIZE, ENOBUFS
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.counter_set cimport CounterSet
from ironcore.base.counters cimport counter_add
from ironcore.net.af_xdp.frames cimport FRAME_HEADERS_BYTES, frame_build, frame_route
from ironcore.net.af_xdp.rings cimport (
    XDP_FRAME_BYTES, XDP_FRAMES, XdpRing, XdpSlot, XdpSocketOwner, ring_address, ring_filled,
    ring_has_room, ring_put, ring_sleeps, ring_slot, ring_take, xdp_wake_sending,
)

from ironcore.base.counter_declaration import Counter, Gauge

XDP_SEND_COUNTERS = (
    Counter("sent", "datagrams put into the ring of the AF_XDP socket", unit="packets"),
    Counter("full", "datagrams that found no room there, to be tried again", unit="packets"),
    Counter("calls", "system calls: the kernel asked to be told of datagrams", unit="calls"),
    Counter("refused", "calls that the kernel refused for another reason than room", unit="calls"),
)

cdef enum:
    IP_UDP_BYTES = 28                # of a packet of the interface's MTU


cdef inline void _reclaim(XdpOutbox* box) noexcept nogil:
    """Take back the places that were sent from."""
    cdef XdpRing* completion = &box.socket.completion
    cdef uint32_t filled = ring_filled(completion)
    cdef uint32_t i
    for i in range(filled):
        box.free[box.free_count] = ring_address(completion, completion.mine + i)[0]
        box.free_count += 1
    ring_take(completion, filled)


cdef inline int _wake(XdpSender* s) noexcept nogil:
    cdef int result
    s.box.wake_due = False
    if not ring_sleeps(&s.box.socket.sent):
        return 0
    counter_add(s.counters[XDP_SEND_CALLS], 1)
    result = xdp_wake_sending(s.box.socket)
    if result < 0:
        s.box.wake_due = True
        if result == -EAGAIN or result == -EBUSY or result == -ENOBUFS:
            return 0
        counter_add(s.counters[XDP_SEND_REFUSED], 1)
    return result


cdef int xdp_send(XdpSender* s, const uint8_t* data, size_t bytes) noexcept nogil:
    cdef XdpOutbox* box = s.box
    cdef XdpRing* sent = &box.socket.sent
    cdef XdpSlot* slot
    if box.socket.fd < 0:
        return -EBADF
    if bytes > s.payload_bytes_max:
        return -EMSGSIZE
    _reclaim(box)
    if box.free_count == 0 or not ring_has_room(sent):
        counter_add(s.counters[XDP_SEND_FULL], 1)
        _wake(s)
        return -EAGAIN
    box.free_count -= 1
    slot = ring_slot(sent, sent.mine)
    slot.address = box.free[box.free_count]
    slot.bytes = frame_build(box.socket.memory + slot.address, &s.route, data, <uint32_t>bytes)
    slot.options = 0
    ring_put(sent, 1)
    counter_add(s.counters[XDP_SENT], 1)
    return _wake(s)


cdef void xdp_send_turn(XdpSender* s) noexcept nogil:
    if s.box.wake_due and s.box.socket.fd >= 0:
        _wake(s)


cdef class XdpSendSocket:
    """An AF_XDP socket to send from one queue of an interface, for any number of feeds of one
    thread. OSError, whose text is the reason, when the host refuses."""

    def __init__(self, int ifindex, *, uint32_t queue=0):
        cdef XdpOutbox* box = &self.box
        cdef int place
        memset(box, 0, sizeof(box[0]))
        self.owner = XdpSocketOwner(ifindex, queue, False)
        self.mode = "zero-copy" if self.owner.zero_copy else "copy"
        self.reason = self.owner.zero_copy_refused
        box.socket = &self.owner.socket
        for place in range(XDP_FRAMES):
            box.free[place] = <uint64_t>(XDP_FRAMES - 1 - place) * XDP_FRAME_BYTES
        box.free_count = XDP_FRAMES

    def close(self):
        """Give the socket back. Whoever sends has to have stopped."""
        self.owner.close()


cdef class XdpFeedSender:
    """Sends to one group. mac: the interface's; source: its IPv4 address and the port that an
    ordinary socket holds; mtu: of the interface; counters: one of the caller's own, then
    XDP_SEND_COUNTERS. A group's members on this host get nothing."""

    def __init__(self, XdpSendSocket shared, bytes mac, source, group, *, int ttl, int mtu,
                 CounterSet counters=None):
        cdef XdpSender* s = &self.sender
        memset(s, 0, sizeof(s[0]))
        if counters is None:
            counters = CounterSet("send", (Gauge("mode"), *XDP_SEND_COUNTERS))
        if len(mac) != 6:
            raise ValueError(f"mac: found {len(mac)} bytes, expected 6")
        self.shared = shared
        self.counters = counters
        s.box = &shared.box
        s.counters = counters.values
        s.payload_bytes_max = min(mtu - IP_UDP_BYTES, XDP_FRAME_BYTES - FRAME_HEADERS_BYTES)
        frame_route(&s.route, <const uint8_t*><const char*>mac,
                    int.from_bytes(inet_aton(source[0]), "big"), source[1],
                    int.from_bytes(inet_aton(group[0]), "big"), group[1], <uint8_t>ttl)

    def send(self, bytes payload):
        """One datagram: 0, or the errno why not (EAGAIN: no room now)."""
        return -xdp_send(&self.sender, <const uint8_t*><const char*>payload,
                         <size_t>len(payload))

    def turn(self):
        """Call the kernel again for what it had no room for."""
        xdp_send_turn(&self.sender)
