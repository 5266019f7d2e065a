# Memory that is reserved once at start. Reserving costs address space only; what the hot path will
# touch is faulted in beforehand, the rest when (and if) its user grows into it.

from libc.stdint cimport uint64_t

cdef struct Reservation:             # what memory_reserve gave
    void* base
    uint64_t bytes

# Zeroed pages, aligned to 2 MiB; NULL with errno ENOMEM when the host refuses.
cdef void* memory_reserve(uint64_t bytes) noexcept nogil
cdef void memory_release(void* base, uint64_t bytes) noexcept nogil

# Faults the range in, on huge pages where the host has them to give; contents stay.
cdef void memory_prefault(void* base, uint64_t bytes) noexcept nogil
# From here on a page that is touched first is a huge one, where the host has one to give and all of
# it is in the range.
cdef void memory_prefer_huge(void* base, uint64_t bytes) noexcept nogil
# Faults the range in from a thread that is not its user's: nothing is written there. False when the
# kernel cannot (before Linux 5.14).
cdef bint memory_populate(void* base, uint64_t bytes) noexcept nogil
# How much of a reservation is in the process's memory.
cdef uint64_t memory_resident_bytes(const Reservation* reservation) noexcept nogil
