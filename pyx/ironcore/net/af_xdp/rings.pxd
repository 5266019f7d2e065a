# An AF_XDP socket: its memory, its four rings and what the kernel granted. See rings.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.atomics cimport load_acquire_u32, store_release_u32

cdef enum:
    XDP_FRAME_BYTES = 2048           # of a place in the socket's memory
    XDP_HEADROOM_BYTES = 256         # of it the kernel keeps for itself when it receives
    XDP_FRAMES = 4096                # places: as many as the ring that lends them has

# A ring shared with the kernel; `mine` is the index that we publish, `theirs` the kernel's as last
# seen. Both only grow, and wrap at 2**32.
cdef struct XdpRing:
    uint32_t* producer
    uint32_t* consumer
    uint32_t* flags
    uint8_t* slots
    uint32_t mask
    uint32_t mine
    uint32_t theirs
    void* mapped
    size_t mapped_bytes

cdef struct XdpSlot:                 # laid out as struct xdp_desc
    uint64_t address
    uint32_t bytes
    uint32_t options

cdef struct XdpSocket:
    int fd                           # -1: none
    uint8_t* memory                  # XDP_FRAMES places
    XdpRing fill                     # places lent to the kernel, to receive into
    XdpRing completion               # places that it has sent from
    XdpRing received
    XdpRing sent
    bint zero_copy
    bint busy_poll                   # the kernel polls the card when it is called, and only then

# What the kernel has put into a ring that we take from.
cdef inline uint32_t ring_filled(XdpRing* ring) noexcept nogil:
    if ring.theirs == ring.mine:
        ring.theirs = load_acquire_u32(ring.producer)
    return ring.theirs - ring.mine

# Give `count` slots that were taken from back to the kernel.
cdef inline void ring_take(XdpRing* ring, uint32_t count) noexcept nogil:
    ring.mine += count
    store_release_u32(ring.consumer, ring.mine)

# Whether the kernel has left room in a ring that we put into.
cdef inline bint ring_has_room(XdpRing* ring) noexcept nogil:
    if ring.mine - ring.theirs > ring.mask:
        ring.theirs = load_acquire_u32(ring.consumer)
    return ring.mine - ring.theirs <= ring.mask

# Show the kernel `count` slots that were written from `mine` on.
cdef inline void ring_put(XdpRing* ring, uint32_t count) noexcept nogil:
    ring.mine += count
    store_release_u32(ring.producer, ring.mine)

cdef inline bint ring_sleeps(const XdpRing* ring) noexcept nogil:
    """Whether the kernel asks to be called before it works on this ring."""
    return ring.flags[0] & 1         # XDP_RING_NEED_WAKEUP

cdef inline uint64_t* ring_address(const XdpRing* ring, uint32_t index) noexcept nogil:
    return <uint64_t*>ring.slots + (index & ring.mask)

cdef inline XdpSlot* ring_slot(const XdpRing* ring, uint32_t index) noexcept nogil:
    return <XdpSlot*>ring.slots + (index & ring.mask)

# Have the kernel work on what the rings hold: 0 or -errno. -EAGAIN and -EBUSY: it is at it, or had
# no room, and is to be called again.
cdef int xdp_wake_receiving(const XdpSocket* socket) noexcept nogil
cdef int xdp_wake_sending(const XdpSocket* socket) noexcept nogil
# What the kernel dropped for this socket, ever: no room in the ring, no place to receive into, and
# what could not be received at all; or nothing when it does not say.
cdef uint64_t xdp_dropped(const XdpSocket* socket) noexcept nogil

cdef class XdpSocketOwner:
    cdef XdpSocket socket
    cdef readonly str zero_copy_refused  # why frames are copied; "" when they are not
    cdef readonly str busy_poll_refused  # why the kernel does not poll; "" when it does
    cdef int _bind_patiently(self, int ifindex, uint32_t queue, unsigned short flags) except? -1
    cdef void _close(self) noexcept
