# A frame in a ring: header, payload, padding to FRAME_ALIGNMENT.
#
# The commit word is stored last, with release. It holds the payload's length and a stamp made of the
# frame's own position, so that what an earlier lap left behind is never taken for a frame.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    FRAME_HEADER_BYTES = 16
    FRAME_ALIGNMENT = 16
    FRAME_PADDING = 0x80000000       # flag in the commit word's length: skip to the start of the ring

cdef struct FrameHeader:             # 16 bytes
    uint64_t commit                  # stamp << 32 | length (with FRAME_PADDING)
    uint64_t sequence                # of the frame in its stream, from 1
