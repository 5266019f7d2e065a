# What takes the frames of a stream one after the other, in compiled code. See frame_taker.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

# STATUS_OK; or why the frame cannot be taken. The payload is valid during the call, 8-byte aligned.
ctypedef int (*FrameTake)(void* self, uint64_t sequence, const uint8_t* payload,
                          uint32_t payload_bytes) noexcept nogil

cdef class FrameTaker:
    cdef FrameTake take
    cdef void* self                  # what `take` is called with; lives as long as this object

cdef struct Chosen:
    uint8_t wanted[256]              # by type of a frame's first record
    void* frames                     # the ChosenFrames that this is part of

cdef class ChosenFrames(FrameTaker):
    cdef Chosen chosen
    cdef object call
    cdef object error                # what `call` has raised

cdef class SourceSequences(FrameTaker):
    cdef uint64_t* last              # by number of the order ring
