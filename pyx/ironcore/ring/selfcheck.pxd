# Counts what a ring must never do, with payloads that say themselves what they should be.

from libc.stdint cimport uint64_t

cdef enum Fault:
    FAULT_NONE = 0
    FAULT_COMMIT_FIRST = 1           # the producer publishes frames before it has written them
    FAULT_IGNORE_STAMP = 2           # the reader takes whatever is at its position for a frame
    FAULT_IGNORE_OVERRUN = 3         # the lossy reader does not look whether it was lapped
    FAULT_SKIP_FRAME = 4             # the reader forgets one frame in 1,024
    FAULT_REPEAT_FRAME = 5           # the reader takes one frame in 1,024 twice

cdef struct Counts:
    uint64_t frames
    uint64_t payload_bytes
    uint64_t torn                    # not the payload of its sequence number
    uint64_t lost                    # skipped, and not reported as lost
    uint64_t duplicated              # the same sequence number as the frame before
    uint64_t reordered               # a lower one
    uint64_t reported_lost           # lossy: what the ring said was lost
    uint64_t sequence_first
    uint64_t sequence_next           # that the next frame should have
    uint64_t* progress               # NULL, or where the last number judged goes
