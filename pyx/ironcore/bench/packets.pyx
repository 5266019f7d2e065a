"""The CPU time of packets, one frame in each: sent, taken when all of them are there, and of looks
that find nothing. By the thread's own clock, so that what else runs on the host is not in it; what
the kernel does for a packet in the thread's time is.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.status cimport STATUS_OK
from ironcore.messaging.publication cimport Publication, PublicationEnd
from ironcore.messaging.subscription cimport FrameHandler, Subscription, SubscriptionEnd

cdef extern from * nogil:
    """
    #include <time.h>
    static uint64_t iron_packets_cpu_ns(void) {
        struct timespec t;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    }
    """
    uint64_t iron_packets_cpu_ns()

cdef enum:
    FRAME_BYTES = 64
    BATCH_MAX = 64
    LOOKS_MAX = 1 << 20              # without a packet, until what is missing is taken for lost


cdef int _frame(void* context, uint64_t sequence, const uint8_t* frame,
                uint32_t frame_bytes) noexcept nogil:
    (<PacketsTaken*>context).packets += 1
    return STATUS_OK


cdef void _gap(void* context, uint64_t first, uint64_t count) noexcept nogil:
    pass


cdef uint64_t _send(Publication* p, uint64_t count) noexcept nogil:
    cdef uint8_t frame[FRAME_BYTES]
    cdef uint64_t before_ns
    cdef uint64_t now_ns
    cdef uint64_t _i
    memset(frame, 0, FRAME_BYTES)
    before_ns = iron_packets_cpu_ns()
    for _i in range(count):
        now_ns = iron_clock_mono_ns()
        while p.offer(p.self, frame, FRAME_BYTES, now_ns) != STATUS_OK:
            p.turn(p.self, now_ns)
        p.turn(p.self, now_ns)
    return iron_packets_cpu_ns() - before_ns


cdef void _take(Subscription* s, uint64_t count, PacketsTaken* taken) noexcept nogil:
    cdef FrameHandler handler
    cdef uint64_t before_ns = iron_packets_cpu_ns()
    cdef int looks = 0
    handler.context = taken
    handler.frame = _frame
    handler.gap = _gap
    while taken.packets < count and looks < LOOKS_MAX:
        if s.poll(s.self, &handler, BATCH_MAX, iron_clock_mono_ns()) <= 0:
            looks += 1
    taken.cpu_ns = iron_packets_cpu_ns() - before_ns


cdef uint64_t _look(Subscription* s, uint64_t count) noexcept nogil:
    cdef PacketsTaken taken
    cdef FrameHandler handler
    cdef uint64_t before_ns = iron_packets_cpu_ns()
    cdef uint64_t _i
    handler.context = &taken
    handler.frame = _frame
    handler.gap = _gap
    for _i in range(count):
        s.poll(s.self, &handler, BATCH_MAX, iron_clock_mono_ns())
    return iron_packets_cpu_ns() - before_ns


def send_packets(PublicationEnd end, uint64_t count):
    """Offer 64-byte frames, each with a turn of its own and so in a packet of its own: the ns."""
    cdef uint64_t cpu_ns
    with nogil:
        cpu_ns = _send(&end.publication, count)
    return cpu_ns


def take_packets(SubscriptionEnd end, uint64_t count):
    """Take so many frames: (how many came, the ns)."""
    cdef PacketsTaken taken
    memset(&taken, 0, sizeof(taken))
    with nogil:
        _take(&end.subscription, count, &taken)
    return taken.packets, taken.cpu_ns


def look(SubscriptionEnd end, uint64_t count):
    """Look so many times where nothing is: the ns."""
    cdef uint64_t cpu_ns
    with nogil:
        cpu_ns = _look(&end.subscription, count)
    return cpu_ns
