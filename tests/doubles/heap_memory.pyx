"""Takes the place of ironcore.base.memory where AddressSanitizer watches: what is reserved is a
heap block of exactly its size, so that one byte more is seen, and so is a use after its release.

Blocks are kept for the next one who wants as many bytes: the sanitizer's own calloc of megabytes
would take most of the fuzzer's time.
"""

from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc
from libc.string cimport memset
from posix.mman cimport MADV_DONTNEED, madvise

from ironcore.base.check cimport iron_assert

cdef extern from "<sanitizer/asan_interface.h>" nogil:
    void ASAN_POISON_MEMORY_REGION(void* base, size_t bytes)
    void ASAN_UNPOISON_MEMORY_REGION(void* base, size_t bytes)

cdef enum:
    BLOCKS_MAX = 256
    PAGE_BYTES = 4096
    LARGE_BYTES = 65536              # worth more to forget than to overwrite

cdef struct Block:
    void* base
    uint64_t bytes
    bint is_free

cdef Block[BLOCKS_MAX] _blocks
cdef uint32_t _blocks_count = 0


cdef void _clear(char* base, uint64_t bytes) noexcept nogil:
    cdef uint64_t head = (PAGE_BYTES - <uintptr_t>base % PAGE_BYTES) % PAGE_BYTES
    cdef uint64_t pages
    if bytes < LARGE_BYTES:
        memset(base, 0, bytes)
        return
    pages = (bytes - head) & ~<uint64_t>(PAGE_BYTES - 1)
    memset(base, 0, head)
    madvise(base + head, pages, MADV_DONTNEED)
    memset(base + head + pages, 0, bytes - head - pages)


cdef void* memory_reserve(uint64_t bytes) noexcept nogil:
    global _blocks_count
    cdef uint32_t index
    cdef Block* block
    for index in range(_blocks_count):
        block = &_blocks[index]
        if block.is_free and block.bytes == bytes:
            ASAN_UNPOISON_MEMORY_REGION(block.base, bytes)
            _clear(<char*>block.base, bytes)
            block.is_free = False
            return block.base
    iron_assert(_blocks_count < BLOCKS_MAX, "engines of few sizes")
    block = &_blocks[_blocks_count]
    _blocks_count += 1
    block.base = calloc(bytes, 1)
    block.bytes = bytes
    block.is_free = False
    return block.base


cdef void memory_release(void* base, uint64_t bytes) noexcept nogil:
    cdef uint32_t index
    if base == NULL:
        return
    for index in range(_blocks_count):
        if _blocks[index].base == base:
            iron_assert(_blocks[index].bytes == bytes and not _blocks[index].is_free,
                        "what is given back was reserved, once and so large")
            ASAN_POISON_MEMORY_REGION(base, bytes)
            _blocks[index].is_free = True
            return
    iron_assert(False, "what is given back was reserved")


cdef void memory_prefault(void* base, uint64_t bytes) noexcept nogil:
    pass


cdef void memory_prefer_huge(void* base, uint64_t bytes) noexcept nogil:
    pass


cdef bint memory_populate(void* base, uint64_t bytes) noexcept nogil:
    return True


cdef uint64_t memory_resident_bytes(const Reservation* reservation) noexcept nogil:
    return reservation.bytes
