"""Every reply of one session, kept as its protocol sends it, so that to resume is to point there.

The log is derived from the stream alone: a gateway that restarts fills it again by reading the
journal, so it needs no file. Its memory is reserved at the start and becomes resident as it is
used.
"""

from libc.stdint cimport uint8_t, uint64_t

from ironcore.base.check cimport iron_assert
from ironcore.base.status cimport STATUS_IO, STATUS_OK

cdef extern from * nogil:
    """
    #include <stdint.h>
    #include <sys/mman.h>
    static void *iron_reserve(uint64_t bytes) {
        void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return p == MAP_FAILED ? NULL : p;
    }
    static void iron_unreserve(void *p, uint64_t bytes) { if (p) munmap(p, bytes); }
    """
    void* iron_reserve(uint64_t bytes)
    void iron_unreserve(void* p, uint64_t bytes)

cdef enum:
    FRAME_BYTES_MIN = 8              # more replies than of this length are not kept


cdef int reply_log_open(ReplyLog* log, uint64_t bytes_max) noexcept nogil:
    log.bytes_max = bytes_max
    log.count_max = bytes_max // FRAME_BYTES_MIN
    log.data = <uint8_t*>iron_reserve(log.bytes_max)
    log.ends = <uint64_t*>iron_reserve(log.count_max * sizeof(uint64_t))
    log.bytes = 0
    log.count = 0
    if log.data == NULL or log.ends == NULL:
        reply_log_close(log)
        return STATUS_IO
    return STATUS_OK


cdef void reply_log_close(ReplyLog* log) noexcept nogil:
    iron_unreserve(log.data, log.bytes_max)
    iron_unreserve(log.ends, log.count_max * sizeof(uint64_t))
    log.data = NULL
    log.ends = NULL


cdef uint64_t reply_log_offset(const ReplyLog* log, uint64_t sequence) noexcept nogil:
    iron_assert(1 <= sequence <= log.count + 1, "a reply that exists, or the next one")
    return log.ends[sequence - 2] if sequence > 1 else 0
