# What has become of a segment file that is mapped: for the idle moments of its readers.

from libc.stdint cimport uint64_t

from ironcore.ring.mapped_file cimport Segment

cdef enum SegmentPlace:
    PLACE_KEPT = 0                   # the path still leads to the file that is mapped
    PLACE_EMPTY = 1                  # to nothing
    PLACE_TAKEN = 2                  # to another file
    PLACE_CUT = 3                    # the file is shorter than what is mapped of it

cdef struct SegmentWatch:
    const char* path                 # of the SegmentWatcher
    int descriptor
    uint64_t file_bytes              # as long as the mapping at least

# Three system calls each, so not in front of every poll.
cdef SegmentPlace segment_place(const SegmentWatch* watch) noexcept nogil
# Whether a living process holds the producer's place; another mapping of it in this process counts.
cdef bint segment_produced(const SegmentWatch* watch) noexcept nogil

cdef class SegmentWatcher:
    cdef SegmentWatch watch
    cdef Segment segment
    cdef bytes path
