"""Memory that is reserved once at start, and faulted in where the hot path will touch it."""

from libc.stdint cimport uint8_t, uint64_t, uintptr_t
from posix.mman cimport (
    MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_READ, PROT_WRITE, mmap, munmap,
)


cdef extern from "<sys/mman.h>" nogil:
    enum:
        MAP_NORESERVE
        MADV_HUGEPAGE
    int madvise(void* address, size_t bytes, int advice)
    int mincore(void* address, size_t bytes, unsigned char* pages)

cdef extern from *:
    """
    #ifndef MADV_POPULATE_WRITE
    #define MADV_POPULATE_WRITE 23
    #endif
    /* Writes what is there, so that the page becomes the process's own. */
    static inline void iron_touch(volatile char *p) { *p = *p; }
    """
    const int MADV_POPULATE_WRITE
    void iron_touch(char* address) noexcept nogil

cdef enum:
    PAGE_BYTES = 4096
    HUGE_PAGE_BYTES = 2097152
    COUNTED_PAGES = 4096             # that mincore is asked for at a time


cdef inline uint64_t _mapped_bytes(uint64_t bytes) noexcept nogil:
    return (bytes + HUGE_PAGE_BYTES - 1) & ~<uint64_t>(HUGE_PAGE_BYTES - 1)


cdef void* memory_reserve(uint64_t bytes) noexcept nogil:
    cdef uint64_t mapped = _mapped_bytes(bytes)
    cdef char* base = <char*>mmap(NULL, mapped + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    if base == <char*>MAP_FAILED:
        return NULL
    # A huge page has to start at its own multiple: map one more than needed, give the ends back.
    cdef uint64_t skip = (HUGE_PAGE_BYTES - <uintptr_t>base % HUGE_PAGE_BYTES) % HUGE_PAGE_BYTES
    if skip:
        munmap(base, skip)
    munmap(base + skip + mapped, HUGE_PAGE_BYTES - skip)
    return base + skip


cdef void memory_release(void* base, uint64_t bytes) noexcept nogil:
    if base != NULL:
        munmap(base, _mapped_bytes(bytes))


cdef void memory_prefault(void* base, uint64_t bytes) noexcept nogil:
    cdef char* start = <char*>(<uintptr_t>base & ~<uintptr_t>(PAGE_BYTES - 1))
    cdef uint64_t range_bytes = <uint64_t>(<char*>base - start) + bytes
    cdef uint64_t offset = 0
    if range_bytes >= HUGE_PAGE_BYTES:
        # Advice only: without huge pages the small ones below are faulted in all the same.
        madvise(start, range_bytes & ~<uint64_t>(HUGE_PAGE_BYTES - 1), MADV_HUGEPAGE)
    while offset < range_bytes:
        iron_touch(start + offset)
        offset += PAGE_BYTES


cdef void memory_prefer_huge(void* base, uint64_t bytes) noexcept nogil:
    if bytes >= HUGE_PAGE_BYTES:
        madvise(base, bytes & ~<uint64_t>(HUGE_PAGE_BYTES - 1), MADV_HUGEPAGE)


cdef bint memory_populate(void* base, uint64_t bytes) noexcept nogil:
    cdef uint64_t lead = <uintptr_t>base % PAGE_BYTES
    return madvise(<char*>base - lead, bytes + lead, MADV_POPULATE_WRITE) == 0


cdef uint64_t memory_resident_bytes(const Reservation* reservation) noexcept nogil:
    cdef uint8_t pages[COUNTED_PAGES]
    cdef uint64_t pages_left = (reservation.bytes + PAGE_BYTES - 1) // PAGE_BYTES
    cdef char* at = <char*>reservation.base
    cdef uint64_t resident = 0
    cdef uint64_t count, index
    while pages_left:
        count = min(pages_left, <uint64_t>COUNTED_PAGES)
        if mincore(at, count * PAGE_BYTES, pages) != 0:
            return 0
        for index in range(count):
            resident += pages[index] & 1
        at += count * PAGE_BYTES
        pages_left -= count
    return resident * PAGE_BYTES
