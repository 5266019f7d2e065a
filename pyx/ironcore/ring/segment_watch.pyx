"""What has become of a segment file that is mapped.

A mapping outlives the name of its file: who reads a ring that was removed and made anew would wait
on the old one for ever. And a file that is cut short kills who touches the pages that it has lost
(SIGBUS). Both are the file's owner's doing alone; readers look now and then, when they are idle.
"""

import os

from ironcore.ring.mapped_file cimport LOCK_PRODUCER, Segment

cdef extern from * nogil:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE 1
    #endif
    #include <fcntl.h>
    #include <stdint.h>
    #include <sys/stat.h>
    #include <unistd.h>
    /* SegmentPlace of segment_watch.pxd, by its numbers. */
    static int iron_segment_place(const char *path, int descriptor, uint64_t file_bytes) {
        struct stat here, there;
        if (fstat(descriptor, &here) != 0 || (uint64_t)here.st_size < file_bytes) return 3;
        if (stat(path, &there) != 0) return 1;
        return here.st_dev == there.st_dev && here.st_ino == there.st_ino ? 0 : 2;
    }
    /* Unknown is alive: nobody is to be called dead for a lock that cannot be asked for. */
    static int iron_segment_locked(int descriptor, long byte) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
        return fcntl(descriptor, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
    }
    """
    int iron_segment_place(const char* path, int descriptor, uint64_t file_bytes)
    int iron_segment_locked(int descriptor, long byte)


cdef SegmentPlace segment_place(const SegmentWatch* watch) noexcept nogil:
    return <SegmentPlace>iron_segment_place(watch.path, watch.descriptor, watch.file_bytes)


cdef bint segment_produced(const SegmentWatch* watch) noexcept nogil:
    return iron_segment_locked(watch.descriptor, LOCK_PRODUCER) != 0


cdef class SegmentWatcher:
    """Keeps what `segment_place` and `segment_produced` ask with: the segment, and its path, which
    stays the same whatever becomes of the working directory."""

    def __cinit__(self, Segment segment not None):
        self.segment = segment
        self.path = os.path.abspath(segment.path).encode("utf-8", "surrogateescape")
        self.watch.path = self.path
        self.watch.descriptor = segment.descriptor
        self.watch.file_bytes = segment.data_offset + segment.capacity_bytes
