"""The receiving end of a stream as Python sees it, whatever the transport.

The data plane does not call back into Python: a poll collects what is there into memory of its own
first, without the interpreter, and then calls the handler for each.
"""

from collections import deque

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.status cimport STATUS_FULL, STATUS_OK

cdef enum:
    COLLECTED_BYTES_START = 1 << 16

cdef struct Collected:
    uint8_t* data                    # records: sequence, bytes (or GAP_BYTES, then a count), frame
    size_t bytes
    size_t capacity_bytes

cdef struct CollectedHeader:
    uint64_t sequence
    uint64_t gap_frames              # 0: a frame
    uint64_t frame_bytes


cdef int _collect(Collected* into, uint64_t sequence, uint64_t gap_frames, const uint8_t* frame,
                  uint32_t frame_bytes) noexcept nogil:
    cdef size_t needed = into.bytes + sizeof(CollectedHeader) + frame_bytes
    cdef CollectedHeader header
    cdef uint8_t* grown
    if needed > into.capacity_bytes:
        grown = <uint8_t*>realloc(into.data, 2 * needed)
        if grown == NULL:
            return STATUS_FULL
        into.data = grown
        into.capacity_bytes = 2 * needed
    header.sequence = sequence
    header.gap_frames = gap_frames
    header.frame_bytes = frame_bytes
    memcpy(into.data + into.bytes, &header, sizeof(header))
    memcpy(into.data + into.bytes + sizeof(header), frame, frame_bytes)
    into.bytes = needed
    return STATUS_OK


cdef int _frame(void* context, uint64_t sequence, const uint8_t* frame,
                uint32_t frame_bytes) noexcept nogil:
    return _collect(<Collected*>context, sequence, 0, frame, frame_bytes)


cdef void _gap(void* context, uint64_t first, uint64_t count) noexcept nogil:
    _collect(<Collected*>context, first, count, NULL, 0)


cdef class SubscriptionEnd:
    """A subscription. Its transports derive from it and fill the table of subscription.pxd."""

    def __init__(self):
        self.pending = deque()

    def poll(self, handler, int batch_max=256, on_gap=None):
        """Call handler(sequence, frame) for up to `batch_max` frames: how many it was called for.

        `on_gap(first, count)` is called between them for frames that will never come; without it a
        gap is counted only. What the handler has not seen when it raises comes with the next poll.
        A negative result is minus a Status: CLOSED after the last frame of a stream that has ended,
        EVICTED when the producer waits no longer (the next poll goes on, after a gap), CORRUPT or
        IO when nothing can come any more.
        """
        cdef int work = 0
        if not self.pending:
            work = self._fill(batch_max)
        taken = 0
        while self.pending:
            sequence, gap_frames, frame = self.pending.popleft()
            if not gap_frames:
                taken += 1
                handler(sequence, frame)
            elif on_gap is not None:
                on_gap(sequence, gap_frames)
        return work if taken == 0 and work < 0 else taken

    cdef int _fill(self, int batch_max) except? -1000:
        cdef Collected into
        cdef CollectedHeader header
        cdef FrameHandler handler
        cdef size_t at = 0
        cdef int work
        into.data = <uint8_t*>malloc(COLLECTED_BYTES_START)
        into.bytes = 0
        into.capacity_bytes = COLLECTED_BYTES_START
        if into.data == NULL:
            raise MemoryError
        handler.context = &into
        handler.frame = _frame
        handler.gap = _gap
        try:
            with nogil:
                work = self.subscription.poll(self.subscription.self, &handler, batch_max,
                                              iron_clock_mono_ns())
            while at < into.bytes:
                memcpy(&header, into.data + at, sizeof(header))
                at += sizeof(header)
                frame = (<const uint8_t*>into.data)[at:at + header.frame_bytes]
                at += header.frame_bytes
                self.pending.append((header.sequence, header.gap_frames, frame))
        finally:
            free(into.data)
        return work

    def reattach(self):
        """Over shared memory, after -REPLACED: move to the ring that was made anew."""
        raise ValueError(f"{type(self).__name__}: found no ring, expected a subscription over "
                         "shared memory")

    @property
    def sequence_next(self):
        """The number that the next frame should have; 0 before that is known."""
        if self.pending:
            return self.pending[0][0]
        return self.subscription.sequence_next(self.subscription.self)
