# Makes the memory that sessions grow into resident before the gateway's thread gets there.

from libc.stdint cimport uint64_t

from ironcore.order_entry.session_state cimport Sessions

cdef struct SessionMemory:           # of one session: how far it has been made resident, in bytes
    uint64_t replies_bytes
    uint64_t ends_bytes
    uint64_t orders_bytes
    uint64_t replies_seen_bytes      # of its log, when last looked at

# One look at every session, by a thread that is not the gateway's: it reads what the gateway
# writes, and populates pages, for those that have grown since the last look, without touching what
# they hold. memory: one for each session and
# one more (0 is not used). How many bytes were made resident; 0 when the kernel cannot (before
# Linux 5.14).
cdef uint64_t session_memory_ahead(const Sessions* s, SessionMemory* memory) noexcept nogil
