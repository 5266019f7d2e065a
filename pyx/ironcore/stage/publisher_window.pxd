# The newest messages of a feed, kept in a bounded piece of memory for those who lost some.

from libc.stdint cimport uint8_t, uint16_t, uint64_t

from ironcore.wire.moldudp64 cimport MoldBuilder

cdef struct MessageWindow:
    uint8_t* data                    # blocks (u16 length and message), none across the end
    uint64_t* positions              # of the blocks, by sequence; never wrap, as those of a ring
    uint64_t bytes_max               # powers of two, both
    uint64_t messages_max
    uint64_t position_next
    uint64_t sequence_first          # of the oldest message held
    uint64_t sequence_next           # of the next message to add

# bytes_max is rounded up to a power of two. STATUS_LIMIT: no memory.
cdef int window_open(MessageWindow* window, uint64_t bytes_max) noexcept nogil
cdef void window_close(MessageWindow* window) noexcept nogil
# Adds the next message; the oldest give way.
cdef void window_add(MessageWindow* window, const uint8_t* block,
                     uint16_t block_bytes) noexcept nogil
# Puts messages from this sequence on into the packet, up to `count` and as many as fit: how many.
cdef uint16_t window_copy(const MessageWindow* window, uint64_t sequence, uint16_t count,
                          MoldBuilder* builder) noexcept nogil
