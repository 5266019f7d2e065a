# Packets that came before their turn, and where each of their messages is. See hold.pyx.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef struct HeldMessage:
    uint64_t sequence                # of what this slot is about; it is held if it is not yet taken
    uint32_t position                # of its block in `bytes`
    uint32_t source                  # the caller's

cdef struct Hold:
    uint8_t* bytes                   # places of DATAGRAM_PLACE_BYTES each
    uint16_t* waiting                # messages of each place that are held
    uint32_t* free_places
    uint32_t free_count
    HeldMessage* slots               # by sequence and mask
    uint64_t mask
    uint64_t count                   # messages held

# packets_max and messages_max are bounds; messages_max is a power of two. STATUS_LIMIT: no memory.
cdef int hold_open(Hold* hold, uint32_t packets_max, uint64_t messages_max) noexcept nogil
cdef void hold_close(Hold* hold) noexcept nogil
# Keeps the messages of a whole, well-formed packet that are not held yet. All are from `expected`
# on. STATUS_IGNORED: there is none; STATUS_FULL: no room, or all are too far ahead.
cdef int hold_put(Hold* hold, const uint8_t* packet, size_t packet_bytes, uint64_t expected,
                  uint32_t source) noexcept nogil
cdef bint hold_has(const Hold* hold, uint64_t sequence) noexcept nogil
# Where the message is, NULL: not held.
cdef const uint8_t* hold_find(const Hold* hold, uint64_t sequence, uint16_t* message_bytes,
                              uint32_t* source) noexcept nogil
# The message is not needed any more. It may not be held.
cdef void hold_release(Hold* hold, uint64_t sequence) noexcept nogil
# Keeps only messages from `first` on and before `end`.
cdef void hold_trim(Hold* hold, uint64_t first, uint64_t end) noexcept nogil
# The first message from `sequence` on, and before `end`, that is held; `end` if none is.
cdef uint64_t hold_next(const Hold* hold, uint64_t sequence, uint64_t end) noexcept nogil
