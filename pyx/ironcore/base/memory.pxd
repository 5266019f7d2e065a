# Memory that is reserved once at start. Reserving costs address space only; what the hot path will
# touch is faulted in beforehand, the rest when (and if) its user grows into it.

from libc.stdint cimport uint64_t

# Zeroed pages, aligned to 2 MiB; NULL with errno ENOMEM when the host refuses.
cdef void* memory_reserve(uint64_t bytes) noexcept nogil
cdef void memory_release(void* base, uint64_t bytes) noexcept nogil

# Faults the range in, on huge pages where the host has them to give; contents stay.
cdef void memory_prefault(void* base, uint64_t bytes) noexcept nogil
