"""An AF_XDP socket bound to one queue of an interface (the kernel's Documentation/networking/
af_xdp.rst): memory of our own in places of 2,048 bytes, and rings of places in user space.

One direction a socket: one that receives lends all its places to the kernel by the fill ring, one
that sends gets them back by the completion ring; the kernel wants both to be there. Zero-copy is
tried first, because the kernel says why only then.
"""

import os
import time

from libc.errno cimport EACCES, EBUSY, EINTR, EINVAL, ENOBUFS, ENODEV, EPERM, errno
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.check cimport iron_static_assert
from ironcore.base.memory cimport memory_prefault, memory_release, memory_reserve

cdef extern from * nogil:
    """
    #include <errno.h>
    #include <linux/if_xdp.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <sys/socket.h>
    #include <unistd.h>

    typedef struct {
        unsigned *producer, *consumer, *flags;
        unsigned char *slots;
        void *mapped;
        size_t mapped_bytes;
    } iron_xdp_view;

    static int iron_xdp_socket(void) { return socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0); }
    static int iron_xdp_memory(int fd, void *memory, size_t bytes, unsigned place_bytes) {
        struct xdp_umem_reg reg;
        memset(&reg, 0, sizeof reg);
        reg.addr = (unsigned long)memory;
        reg.len = bytes;
        reg.chunk_size = place_bytes;
        return setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof reg);
    }
    static int iron_xdp_ring(int fd, int which, unsigned entries) {
        return setsockopt(fd, SOL_XDP, which, &entries, sizeof entries);
    }
    static int iron_xdp_map(int fd, int which, unsigned entries, iron_xdp_view *view) {
        struct xdp_mmap_offsets all;
        struct xdp_ring_offset at;
        socklen_t length = sizeof all;
        long page = 0;
        size_t slot_bytes = sizeof(__u64);
        if (getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &all, &length) < 0) return -1;
        if (length != sizeof all) { errno = EPROTO; return -1; }  /* before 5.4: no flags */
        switch (which) {
        case XDP_RX_RING:
            at = all.rx; page = XDP_PGOFF_RX_RING; slot_bytes = sizeof(struct xdp_desc); break;
        case XDP_TX_RING:
            at = all.tx; page = XDP_PGOFF_TX_RING; slot_bytes = sizeof(struct xdp_desc); break;
        case XDP_UMEM_FILL_RING:
            at = all.fr; page = (long)XDP_UMEM_PGOFF_FILL_RING; break;
        default:
            at = all.cr; page = (long)XDP_UMEM_PGOFF_COMPLETION_RING; break;
        }
        view->mapped_bytes = at.desc + entries * slot_bytes;
        view->mapped = mmap(NULL, view->mapped_bytes, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_POPULATE, fd, page);
        if (view->mapped == MAP_FAILED) { view->mapped = NULL; return -1; }
        view->producer = (unsigned *)((char *)view->mapped + at.producer);
        view->consumer = (unsigned *)((char *)view->mapped + at.consumer);
        view->flags = (unsigned *)((char *)view->mapped + at.flags);
        view->slots = (unsigned char *)view->mapped + at.desc;
        return 0;
    }
    static void iron_xdp_unmap(void *mapped, size_t bytes) {
        if (mapped) munmap(mapped, bytes);
    }
    static int iron_xdp_bind(int fd, int ifindex, unsigned queue, unsigned short flags) {
        struct sockaddr_xdp address;
        memset(&address, 0, sizeof address);
        address.sxdp_family = AF_XDP;
        address.sxdp_ifindex = (unsigned)ifindex;
        address.sxdp_queue_id = queue;
        address.sxdp_flags = flags | XDP_USE_NEED_WAKEUP;
        return bind(fd, (struct sockaddr *)&address, sizeof address);
    }
    static int iron_xdp_is_zero_copy(int fd) {
        struct xdp_options options;
        socklen_t length = sizeof options;
        memset(&options, 0, sizeof options);
        getsockopt(fd, SOL_XDP, XDP_OPTIONS, &options, &length);
        return (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
    }
    /* SO_PREFER_BUSY_POLL and SO_BUSY_POLL_BUDGET: Linux 5.11. */
    static int iron_xdp_busy_poll(int fd, int time_us, int budget) {
        int one = 1;
        if (setsockopt(fd, SOL_SOCKET, 69, &one, sizeof one) < 0) return -1;
        if (setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &time_us, sizeof time_us) < 0) return -1;
        return setsockopt(fd, SOL_SOCKET, 70, &budget, sizeof budget);
    }
    static int iron_xdp_wake_receiving(int fd) {
        return (int)recvfrom(fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
    }
    static int iron_xdp_wake_sending(int fd) {
        return (int)sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
    }
    static unsigned long long iron_xdp_dropped(int fd) {
        struct xdp_statistics found;
        socklen_t length = sizeof found;
        memset(&found, 0, sizeof found);
        if (getsockopt(fd, SOL_XDP, XDP_STATISTICS, &found, &length) < 0) return 0;
        return found.rx_dropped + found.rx_ring_full;
    }
    static size_t iron_xdp_slot_bytes(void) { return sizeof(struct xdp_desc); }
    """
    enum:
        XDP_RX_RING
        XDP_TX_RING
        XDP_UMEM_FILL_RING
        XDP_UMEM_COMPLETION_RING
        XDP_COPY
        XDP_ZEROCOPY
    cdef struct xdp_desc:
        pass
    ctypedef struct iron_xdp_view:
        uint32_t* producer
        uint32_t* consumer
        uint32_t* flags
        uint8_t* slots
        void* mapped
        size_t mapped_bytes
    int iron_xdp_socket()
    int iron_xdp_memory(int fd, void* memory, size_t bytes, unsigned int place_bytes)
    int iron_xdp_ring(int fd, int which, unsigned int entries)
    int iron_xdp_map(int fd, int which, unsigned int entries, iron_xdp_view* view)
    void iron_xdp_unmap(void* mapped, size_t bytes)
    int iron_xdp_bind(int fd, int ifindex, unsigned int queue, unsigned short flags)
    bint iron_xdp_is_zero_copy(int fd)
    int iron_xdp_busy_poll(int fd, int time_us, int budget)
    int iron_xdp_wake_receiving(int fd)
    int iron_xdp_wake_sending(int fd)
    unsigned long long iron_xdp_dropped(int fd)
    int posix_close "close"(int fd)

BUSY_S = 0.5
BUSY_STEP_S = 0.005

cdef enum:
    DATA_SLOTS = 2048                # of the ring that frames come or leave by


cdef int xdp_wake_receiving(const XdpSocket* socket) noexcept nogil:
    return 0 if iron_xdp_wake_receiving(socket.fd) >= 0 else -errno


cdef int xdp_wake_sending(const XdpSocket* socket) noexcept nogil:
    cdef int result = iron_xdp_wake_sending(socket.fd)
    while result < 0 and errno == EINTR:
        result = iron_xdp_wake_sending(socket.fd)
    return 0 if result >= 0 else -errno


cdef uint64_t xdp_dropped(const XdpSocket* socket) noexcept nogil:
    return iron_xdp_dropped(socket.fd)


cdef object _refusal(int number, str what, tuple curable, str cure):
    """An OSError whose text says what was refused and, for some reasons, what would help."""
    help_ = f" ({cure})" if number in curable else ""
    return OSError(number, f"{what}: {os.strerror(number)}{help_}")


cdef int _map_ring(int fd, int which, uint32_t entries, XdpRing* ring) except -1:
    cdef iron_xdp_view view
    if iron_xdp_ring(fd, which, entries) < 0 or iron_xdp_map(fd, which, entries, &view) < 0:
        raise _refusal(errno, "a ring of the AF_XDP socket", (), "")
    ring.producer = view.producer
    ring.consumer = view.consumer
    ring.flags = view.flags
    ring.slots = view.slots
    ring.mapped = view.mapped
    ring.mapped_bytes = view.mapped_bytes
    ring.mask = entries - 1
    return 0


cdef void _unmap_ring(XdpRing* ring) noexcept nogil:
    iron_xdp_unmap(ring.mapped, ring.mapped_bytes)
    ring.mapped = NULL


cdef void _lend_everything(XdpSocket* socket) noexcept nogil:
    cdef int place
    for place in range(XDP_FRAMES):
        ring_address(&socket.fill, place)[0] = <uint64_t>place * XDP_FRAME_BYTES
    ring_put(&socket.fill, XDP_FRAMES)


cdef class XdpSocketOwner:
    """A bound AF_XDP socket that receives, or one that sends.

    zero_copy: False not to ask for it (a program attached in generic mode excludes it). busy_poll:
    for how many microseconds the kernel polls the card when it is called, at most so many frames
    (`budget`); 0: interrupts do it. OSError with the step that was refused.
    """

    def __cinit__(self, *args, **kwargs):
        memset(&self.socket, 0, sizeof(self.socket))
        self.socket.fd = -1
        self.zero_copy_refused = ""
        self.busy_poll_refused = ""

    def __init__(self, int ifindex, uint32_t queue, bint receives, *, bint zero_copy=True,
                 int busy_poll=0, int budget=64):
        cdef XdpSocket* s = &self.socket
        cdef uint64_t memory_bytes = <uint64_t>XDP_FRAMES * XDP_FRAME_BYTES
        iron_static_assert(sizeof(XdpSlot) == sizeof(xdp_desc))
        s.fd = iron_xdp_socket()
        if s.fd < 0:
            raise _refusal(errno, "an AF_XDP socket", (EPERM, EACCES), "CAP_NET_RAW is needed")
        s.memory = <uint8_t*>memory_reserve(memory_bytes)
        if s.memory == NULL:
            raise MemoryError
        memory_prefault(s.memory, memory_bytes)
        if iron_xdp_memory(s.fd, s.memory, memory_bytes, XDP_FRAME_BYTES) < 0:
            raise _refusal(errno, "memory for the AF_XDP socket", (EPERM, ENOBUFS),
                           "CAP_IPC_LOCK, or a higher RLIMIT_MEMLOCK, is needed")
        _map_ring(s.fd, XDP_UMEM_FILL_RING, XDP_FRAMES, &s.fill)
        _map_ring(s.fd, XDP_UMEM_COMPLETION_RING, XDP_FRAMES, &s.completion)
        if receives:
            _map_ring(s.fd, XDP_RX_RING, DATA_SLOTS, &s.received)
            _lend_everything(s)
        else:
            _map_ring(s.fd, XDP_TX_RING, DATA_SLOTS, &s.sent)
        self._bind(ifindex, queue, zero_copy)
        if busy_poll:
            if iron_xdp_busy_poll(s.fd, busy_poll, budget) < 0:
                self.busy_poll_refused = _refusal(errno, "busy polling", (EPERM,),
                                                  "CAP_NET_ADMIN is needed").strerror
            else:
                s.busy_poll = True

    cdef int _bind_patiently(self, int ifindex, uint32_t queue, unsigned short flags) except? -1:
        """The kernel gives a queue back some time after its last socket was closed, or its process
        killed (xp_put_pool schedules that)."""
        deadline_s = time.monotonic() + BUSY_S
        cdef int number
        while iron_xdp_bind(self.socket.fd, ifindex, queue, flags) < 0:
            number = errno
            if number != EBUSY or time.monotonic() > deadline_s:
                return number
            time.sleep(BUSY_STEP_S)
        return 0

    def _bind(self, ifindex, queue, zero_copy):
        cdef int number = self._bind_patiently(ifindex, queue, XDP_ZEROCOPY) if zero_copy else -1
        if number == 0:
            self.socket.zero_copy = iron_xdp_is_zero_copy(self.socket.fd)
            return
        # Not supported, or a queue that is not there: the attempt to copy tells the two apart.
        cdef int refused = self._bind_patiently(ifindex, queue, XDP_COPY)
        if refused:
            what = f"queue {queue}"
            if refused in (EINVAL, ENODEV):
                what += ", which the interface may not have"
            raise OSError(refused, f"binding the AF_XDP socket to {what}: {os.strerror(refused)}")
        if zero_copy:
            self.zero_copy_refused = f"the driver refused zero-copy: {os.strerror(number)}"
        self.socket.zero_copy = iron_xdp_is_zero_copy(self.socket.fd)

    @property
    def zero_copy(self):
        """Whether the card reads and writes the socket's memory itself, as the kernel says."""
        return bool(self.socket.zero_copy)

    def fileno(self):
        """The socket's descriptor, for poll(2); -1 once it is closed."""
        return self.socket.fd

    def close(self):
        """Give everything back. Whoever polls or sends has to have stopped."""
        self._close()

    def __dealloc__(self):
        self._close()

    cdef void _close(self) noexcept:
        cdef XdpSocket* s = &self.socket
        if s.fd >= 0:
            posix_close(s.fd)
        s.fd = -1
        _unmap_ring(&s.fill)
        _unmap_ring(&s.completion)
        _unmap_ring(&s.received)
        _unmap_ring(&s.sent)
        memory_release(s.memory, <uint64_t>XDP_FRAMES * XDP_FRAME_BYTES)
        s.memory = NULL
