"""A publisher's cost: frames offered at a steady pace, and readers that only count them.

Frames are offered in bursts, with one turn of the publication after each, as an agent does that
finds so many waiting. Between bursts the thread sleeps, so that its CPU time is what the frames
cost. An offer's time is taken alone, one look at the clock before and one after.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.histogram cimport Histogram, LatencyHistogram, histogram_record
from ironcore.base.status cimport STATUS_FULL, STATUS_OK
from ironcore.messaging.publication cimport Publication, PublicationEnd
from ironcore.messaging.subscription cimport FrameHandler, Subscription, SubscriptionEnd

cdef extern from * nogil:
    """
    #include <errno.h>
    #include <time.h>
    static uint64_t iron_thread_cpu_ns(void) {
        struct timespec t;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    }
    static void iron_sleep_until_ns(uint64_t due_ns) {
        struct timespec t = {(time_t)(due_ns / 1000000000u), (long)(due_ns % 1000000000u)};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {}
    }
    """
    uint64_t iron_thread_cpu_ns()
    void iron_sleep_until_ns(uint64_t due_ns)

cdef enum:
    FRAME_BYTES_MIN = 16             # its number and the time
    FRAME_BYTES_MAX = 1024
    TAKE_BATCH = 4096

cdef struct Taken:
    uint64_t frames
    uint64_t gap_frames
    uint64_t gaps


cdef int _offer_burst(Publication* p, uint8_t* frame, uint32_t frame_bytes, uint64_t count,
                      Histogram* times, Histogram* turns, Paced* paced) noexcept nogil:
    """STATUS_OK, or the status with which an offer failed for good."""
    cdef uint64_t before_ns, now_ns, sequence
    cdef uint64_t _i
    cdef int status
    for _i in range(count):
        sequence = p.sequence_next(p.self)
        now_ns = before_ns = iron_clock_mono_ns()
        memcpy(frame, &sequence, 8)
        memcpy(frame + 8, &before_ns, 8)
        while True:
            status = p.offer(p.self, frame, frame_bytes, now_ns)
            now_ns = iron_clock_mono_ns()
            if status != STATUS_FULL:
                break
            paced.refused += 1
            p.turn(p.self, now_ns)
        if status != STATUS_OK:
            return status
        if times != NULL:
            histogram_record(times, now_ns - before_ns)
    now_ns = iron_clock_mono_ns()
    p.turn(p.self, now_ns)
    if turns != NULL:
        histogram_record(turns, iron_clock_mono_ns() - now_ns)
    return STATUS_OK


cdef int _offer_paced(Publication* p, uint8_t* frame, uint32_t frame_bytes, Histogram* times,
                      Histogram* turns, bint spin, Paced* paced) noexcept nogil:
    cdef uint64_t cpu_ns = iron_thread_cpu_ns()
    cdef uint64_t start_ns = iron_clock_mono_ns()
    cdef uint64_t due_ns = start_ns
    cdef uint64_t left = paced.count
    cdef uint64_t count
    cdef int status = STATUS_OK
    while left and status == STATUS_OK:
        count = min(left, paced.burst)
        status = _offer_burst(p, frame, frame_bytes, count, times, turns, paced)
        left -= count
        due_ns += paced.interval_ns
        if iron_clock_mono_ns() >= due_ns:
            paced.late += 1
        elif spin:
            while iron_clock_mono_ns() < due_ns:
                pass
        else:
            iron_sleep_until_ns(due_ns)
    paced.elapsed_ns = iron_clock_mono_ns() - start_ns
    paced.cpu_ns = iron_thread_cpu_ns() - cpu_ns
    return status


def offer_paced(PublicationEnd end not None, uint64_t count, *, uint32_t frame_bytes=64,
                uint64_t burst=64, uint64_t interval_ns=640_000, bint spin=False,
                LatencyHistogram histogram=None, LatencyHistogram turns=None):
    """Offer `count` frames, `burst` of them every `interval_ns`, and sleep in between, or spin.

    The histogram gets the time of each offer, `turns` that of the turn after each burst. What is
    returned: elapsed_ns, cpu_ns of this thread, refused (offers answered with FULL, and repeated),
    late (bursts that took longer than their interval). RuntimeError when an offer fails
    otherwise; ValueError for settings that cannot be.
    """
    cdef uint8_t[FRAME_BYTES_MAX] frame
    cdef Paced paced
    cdef Histogram* times = NULL
    cdef Histogram* turn_times = NULL
    cdef int status
    if not FRAME_BYTES_MIN <= frame_bytes <= FRAME_BYTES_MAX or burst == 0:
        raise ValueError(f"found frames of {frame_bytes} bytes in bursts of {burst}, expected "
                         f"{FRAME_BYTES_MIN} to {FRAME_BYTES_MAX} bytes in bursts of 1 or more")
    if histogram is not None:
        times = &histogram.data
    if turns is not None:
        turn_times = &turns.data
    memset(frame, 0, FRAME_BYTES_MAX)
    memset(&paced, 0, sizeof(paced))
    paced.count = count
    paced.burst = burst
    paced.interval_ns = interval_ns
    with nogil:
        status = _offer_paced(&end.publication, frame, frame_bytes, times, turn_times, spin,
                              &paced)
    if status != STATUS_OK:
        raise RuntimeError(f"an offer failed with status {status}")
    return {"elapsed_ns": paced.elapsed_ns, "cpu_ns": paced.cpu_ns, "refused": paced.refused,
            "late": paced.late}


cdef int _count_frame(void* context, uint64_t sequence, const uint8_t* frame,
                      uint32_t frame_bytes) noexcept nogil:
    (<Taken*>context).frames += 1
    return STATUS_OK


cdef void _count_gap(void* context, uint64_t first, uint64_t count) noexcept nogil:
    (<Taken*>context).gaps += 1
    (<Taken*>context).gap_frames += count


def take_until(SubscriptionEnd end not None, uint64_t sequence_end, *,
               uint64_t timeout_ns=60_000_000_000, uint64_t idle_ns=1_000_000):
    """Take frames until the next one would be `sequence_end`, the stream ends, or nothing comes for
    `timeout_ns`; sleep `idle_ns` when there is none. What is returned: frames, gaps, gap_frames,
    and status, 0 or minus what ended it."""
    cdef Taken taken
    cdef FrameHandler handler
    cdef Subscription* s = &end.subscription
    cdef int work = 0
    cdef uint64_t now_ns, heard_ns
    memset(&taken, 0, sizeof(taken))
    handler.context = &taken
    handler.frame = _count_frame
    handler.gap = _count_gap
    with nogil:
        heard_ns = iron_clock_mono_ns()
        while s.sequence_next(s.self) < sequence_end:
            now_ns = iron_clock_mono_ns()
            work = s.poll(s.self, &handler, TAKE_BATCH, now_ns)
            if work < 0 or (work == 0 and now_ns - heard_ns > timeout_ns):
                break
            if work > 0:
                heard_ns = now_ns
            elif idle_ns:
                iron_sleep_until_ns(now_ns + idle_ns)
    return {"frames": taken.frames, "gaps": taken.gaps, "gap_frames": taken.gap_frames,
            "status": min(work, 0)}
