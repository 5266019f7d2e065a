# The receiving end of a stream, the same for every transport.
#
# Frames are handed over in the order of their numbers, each once. What is lost for good is told to
# the same handler as a gap, between the frames before and after it: nothing is skipped silently.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef struct FrameHandler:
    void* context
    # The frame's bytes are the handler's until it returns. STATUS_OK: taken. Anything else: not
    # taken; the poll ends, and the next one begins with this frame again.
    int (*frame)(void* context, uint64_t sequence, const uint8_t* frame,
                 uint32_t frame_bytes) noexcept nogil
    # `count` frames from `first` on will never come.
    void (*gap)(void* context, uint64_t first, uint64_t count) noexcept nogil

cdef struct Subscription:
    void* self
    # Hand over up to batch_max frames: how many were taken, 0 for none now, or a negative status:
    # -STATUS_CLOSED after the last frame of a stream that has ended; -STATUS_EVICTED, once, when
    # the producer waits for this reader no longer (the next poll begins anew, with a gap);
    # -STATUS_CORRUPT, -STATUS_IO: no further poll can succeed; -STATUS_REPLACED, over shared
    # memory: another ring stands where this one's was, and the owner has to reattach. Never waits.
    int (*poll)(void* self, const FrameHandler* handler, int batch_max,
                uint64_t now_ns) noexcept nogil
    # The number that the next frame should have; 0 before that is known.
    uint64_t (*sequence_next)(void* self) noexcept nogil

cdef class SubscriptionEnd:
    cdef Subscription subscription
    cdef readonly object counters        # ironcore.base.counter_set.CounterSet
    cdef object pending                  # frames and gaps that a Python handler has not seen yet
    cdef int _fill(self, int batch_max) except? -1000
