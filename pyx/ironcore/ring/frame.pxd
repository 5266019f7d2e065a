# A frame in a ring: header, payload, padding to FRAME_ALIGNMENT.
#
# The commit word is stored last, with release. It holds the payload's length and a stamp made of
# the frame's own position, so that what an earlier lap left behind is never taken for a frame.
#
# Behind the last committed frame there always stands a terminator: a header with commit 0 and the
# sequence number that the next frame will have. It is written before the frame in front of it is
# committed. Thus bytes of an old payload can never be read as a commit word, however they were
# chosen, and whoever finds the end of the stream finds the next sequence number there as well.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64

cdef enum:
    FRAME_HEADER_BYTES = 16
    FRAME_ALIGNMENT = 16
    FRAME_PADDING = 0x80000000       # flag in the length: go on at the start of the ring
    FRAME_CAPACITY_SHARE = 8         # a payload is at most one in this many of the ring's bytes

cdef struct FrameHeader:             # 16 bytes
    uint64_t commit                  # stamp << 32 | length (with FRAME_PADDING)
    uint64_t sequence                # of the frame in its stream, from 1


# Odd, hence never the 0 of a terminator; differs between the laps of 32 GiB of stream.
cdef inline uint32_t frame_stamp(uint64_t position) noexcept nogil:
    return <uint32_t>(position >> 3) | 1


cdef inline uint64_t frame_commit_word(uint64_t position, uint32_t length) noexcept nogil:
    return <uint64_t>frame_stamp(position) << 32 | length


# Bytes from one frame's header to the next one's.
cdef inline uint64_t frame_span(uint32_t payload_bytes) noexcept nogil:
    return (<uint64_t>payload_bytes + FRAME_HEADER_BYTES + FRAME_ALIGNMENT - 1) & ~<uint64_t>(
        FRAME_ALIGNMENT - 1)


cdef inline void frame_terminate(uint8_t* data, uint64_t index,
                                 uint64_t sequence_next) noexcept nogil:
    cdef FrameHeader* header = <FrameHeader*>(data + index)
    header.commit = 0
    header.sequence = sequence_next


# Makes readers that come to `position` go on at the start of the ring, where a terminator is put
# first.
cdef inline void frame_pad(uint8_t* data, uint64_t position, uint64_t mask,
                           uint64_t sequence_next) noexcept nogil:
    cdef FrameHeader* header = <FrameHeader*>(data + (position & mask))
    frame_terminate(data, 0, sequence_next)
    store_release_u64(&header.commit, frame_commit_word(position, <uint32_t>FRAME_PADDING))


cdef inline uint64_t frame_sequence_at(const uint8_t* data, uint64_t index) noexcept nogil:
    return load_acquire_u64(&(<const FrameHeader*>(data + index)).sequence)


# The position of the frame behind the one, or behind the padding, with this commit word.
cdef inline uint64_t frame_next(uint64_t position, uint64_t word, uint64_t mask) noexcept nogil:
    if word & FRAME_PADDING:
        return (position | mask) + 1
    return position + frame_span(<uint32_t>word)


# The end of what is committed, walking from a frame's or terminator's position: what a producer
# that was killed had finished.
cdef inline uint64_t frame_find_end(const uint8_t* data, uint64_t position,
                                    uint64_t mask) noexcept nogil:
    cdef uint64_t word
    while True:
        word = load_acquire_u64(&(<FrameHeader*>(data + (position & mask))).commit)
        if word >> 32 != frame_stamp(position):
            return position
        position = frame_next(position, word, mask)
