"""A feed received through an AF_XDP socket: a look is a load from shared memory, not a system call.

The group is joined by an ordinary socket, which goes on to receive whatever the program does not
take: fragments, tagged frames, what arrives on another queue, or before the program is attached. So
it is looked at too, once in KERNEL_EVERY looks.

Datagrams are read where the kernel put them, and their places lent to it again with the next look.
"""

from socket import inet_aton

from libc.errno cimport EAGAIN, EBADF
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.counter_set cimport CounterSet
from ironcore.base.counters cimport counter_add
from ironcore.net.af_xdp.frames cimport FRAME_GOOD, FrameVerdict, frame_judge
from ironcore.net.af_xdp.program cimport XdpProgram
from ironcore.net.af_xdp.rings cimport (
    XDP_FRAME_BYTES, XDP_HEADROOM_BYTES, XdpRing, XdpSlot, XdpSocketOwner, ring_address,
    ring_filled, ring_put, ring_sleeps, ring_slot, ring_take, xdp_dropped, xdp_wake_receiving,
)
from ironcore.net.datagrams cimport (
    DATAGRAMS_MAX, Datagram, DatagramBatch, DatagramPace, datagrams_receive,
)

from ironcore.base.counter_declaration import Counter, Gauge

XDP_RECEIVE_COUNTERS = (
    Counter("received", "datagrams of the feed taken from the AF_XDP socket", unit="packets"),
    Counter("by_kernel", "datagrams of the feed that came by the kernel's path all the same",
            unit="packets"),
    Counter("foreign", "frames that are not of the feed, dropped", unit="packets"),
    Counter("malformed", "frames whose lengths or IPv4 checksum cannot be, dropped",
            unit="packets"),
    Counter("corrupt", "frames with a wrong UDP checksum, dropped", unit="packets"),
    Counter("unfilled", "frames that were on no wire: their checksum was left to a card",
            unit="packets"),
    Counter("calls", "system calls: the kernel asked for one, or is to poll the card",
            unit="calls"),
    Counter("drops", "frames that found no room in the socket's rings", unit="packets"),
)

cdef enum:
    KERNEL_EVERY = 64                # looks, of which one is at the socket that has joined
    DROPS_EVERY = 65536              # looks, of which one asks for what was dropped


cdef inline void _lend_again(XdpReceiver* r) noexcept nogil:
    cdef XdpRing* fill = &r.socket.fill
    cdef uint32_t i
    # There is always room: the ring has a slot for every place.
    for i in range(r.lent_count):
        ring_address(fill, fill.mine + i)[0] = r.lent[i]
    ring_put(fill, r.lent_count)
    r.lent_count = 0


cdef inline void _count_drops(XdpReceiver* r) noexcept nogil:
    cdef uint64_t dropped = xdp_dropped(r.socket)
    if dropped > r.drops_seen:
        counter_add(r.counters[XDP_DROPS], dropped - r.drops_seen)
        r.drops_seen = dropped


cdef inline int _by_kernel(XdpReceiver* r, DatagramBatch* batch, int fd,
                           DatagramPace* pace) noexcept nogil:
    cdef int count = datagrams_receive(batch, fd, pace)
    if count > 0:
        counter_add(r.counters[XDP_RECEIVED_BY_KERNEL], <uint64_t>count)
    return count


cdef inline int _judge(XdpReceiver* r, const XdpSlot* slot, Datagram* datagram) noexcept nogil:
    """Whether the frame in this slot is a datagram of the feed."""
    cdef const uint8_t* payload = NULL
    cdef uint32_t payload_bytes = 0
    cdef bint unfilled = False
    cdef FrameVerdict verdict = frame_judge(r.socket.memory + slot.address, slot.bytes, r.group,
                                            r.port, &payload, &payload_bytes, &unfilled)
    if verdict != FRAME_GOOD:
        counter_add(r.counters[XDP_FOREIGN + <int>verdict - 1], 1)
        return 0
    if unfilled:
        counter_add(r.counters[XDP_UNFILLED], 1)
    datagram.data = payload
    datagram.bytes = payload_bytes
    datagram.truncated = False
    datagram.stamp_ns = 0
    return 1


cdef int xdp_receive(XdpReceiver* r, DatagramBatch* batch, int fd,
                     DatagramPace* pace) noexcept nogil:
    cdef XdpRing* received = &r.socket.received
    cdef const XdpSlot* slot
    cdef uint32_t filled
    cdef uint32_t i
    cdef int count = 0
    batch.dropped_told = False
    if r.socket.fd < 0:
        return -EBADF
    if r.lent_count:
        _lend_again(r)
    r.looks += 1
    if r.looks % DROPS_EVERY == 0:
        _count_drops(r)
    if r.looks % KERNEL_EVERY == 0:
        count = _by_kernel(r, batch, fd, pace)
        if count > 0:
            return count
        count = 0
    filled = ring_filled(received)
    if filled == 0 and (r.socket.busy_poll or ring_sleeps(&r.socket.fill)):
        # Whatever it answers, what it has received is in the ring.
        counter_add(r.counters[XDP_RECEIVE_CALLS], 1)
        xdp_wake_receiving(r.socket)
        filled = ring_filled(received)
    if filled == 0:
        return -EAGAIN
    filled = min(filled, <uint32_t>DATAGRAMS_MAX)
    for i in range(filled):
        slot = ring_slot(received, received.mine + i)
        count += _judge(r, slot, &batch.datagrams[count])
        # The frame begins behind the headroom; a place is known by where it begins.
        r.lent[i] = slot.address - slot.address % XDP_FRAME_BYTES
    r.lent_count = filled
    ring_take(received, filled)
    counter_add(r.counters[XDP_RECEIVED], <uint64_t>count)
    return count


cdef class XdpFeedReceiver:
    """Takes a group's datagrams from one queue of an interface before the kernel's stack.

    busy_poll_us: for how long the kernel polls the card when it is called, 0: interrupts do it.
    counters: makes the CounterSet of a mode and its reason: one counter before those of
    XDP_RECEIVE_COUNTERS is the caller's own.
    OSError, whose text is the reason, when the host refuses: nothing is attached then.
    """

    def __init__(self, int ifindex, str group, int port, *, uint32_t queue=0, int busy_poll_us=0,
                 int budget=64, counters=None):
        cdef XdpReceiver* r = &self.receiver
        memset(r, 0, sizeof(r[0]))
        address, number = inet_aton(group), port.to_bytes(2, "big")
        memcpy(&r.group, <const char*>address, 4)
        memcpy(&r.port, <const char*>number, 2)
        self.program = XdpProgram(group, port, queue, XDP_FRAME_BYTES - XDP_HEADROOM_BYTES)
        # Bound before the program is there, so that nothing is taken that nobody reads.
        options = {"busy_poll": busy_poll_us, "budget": budget}
        self.owner = XdpSocketOwner(ifindex, queue, True, **options)
        self.program.insert(queue, self.owner.fileno())
        self.program.attach(ifindex)
        if self.program.attached == "generic" and self.owner.zero_copy:
            raise OSError(0, "a driver with zero-copy refused the XDP program")
        self.mode = ("generic" if self.program.attached == "generic"
                     else "zero-copy" if self.owner.zero_copy else "copy")
        reasons = (self.program.refused, self.owner.zero_copy_refused, self.owner.busy_poll_refused)
        self.reason = "; ".join(reason for reason in reasons if reason)
        r.socket = &self.owner.socket
        if counters is None:
            self.counters = CounterSet("receive", (Gauge("mode"), *XDP_RECEIVE_COUNTERS))
        else:
            self.counters = counters(self.mode, self.reason)
        r.counters = self.counters.values

    def fileno(self):
        """The AF_XDP socket's descriptor, for poll(2)."""
        return self.owner.fileno()

    def close(self):
        """Detach the program, then give the socket back: the feed goes the kernel's way again.
        Whoever polls has to have stopped."""
        self.program.close()
        self.owner.close()
