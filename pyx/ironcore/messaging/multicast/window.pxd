# The newest messages of a stream, kept in a bounded piece of memory, and for a bounded time, for
# those who lost some.

from libc.stdint cimport uint8_t, uint16_t, uint64_t

from ironcore.wire.moldudp64 cimport MoldBuilder

cdef enum:
    WINDOW_MARKS = 64                # a message leaves up to 1/64 of the window's time late

cdef struct WindowMark:
    uint64_t time_ns
    uint64_t sequence_next           # of the window at that time

cdef struct MessageWindow:
    uint8_t* data                    # blocks (u16 length and message), none across the end
    uint64_t* positions              # of the blocks, by sequence; never wrap, as those of a ring
    uint64_t bytes_max               # powers of two, both
    uint64_t messages_max
    uint64_t position_next
    uint64_t sequence_first          # of the oldest message held
    uint64_t sequence_next           # of the next message to add
    uint64_t time_ns                 # how long a message is held; 0: as long as there is room
    uint64_t marks_first             # marks taken and not yet given up
    uint64_t marks_next
    WindowMark marks[WINDOW_MARKS]

# bytes_max is rounded up to a power of two. STATUS_LIMIT: no memory.
cdef int window_open(MessageWindow* window, uint64_t bytes_max, uint64_t time_ns) noexcept nogil
cdef void window_close(MessageWindow* window) noexcept nogil
# Adds the next message; the oldest give way.
cdef void window_add(MessageWindow* window, const uint8_t* message,
                     uint16_t message_bytes) noexcept nogil
# The next `count` messages do not exist; those before them are given up.
cdef void window_skip(MessageWindow* window, uint64_t count) noexcept nogil
# Gives up what is older than the window's time. To be called every now and then.
cdef void window_age(MessageWindow* window, uint64_t now_ns) noexcept nogil
# Puts messages from this sequence on into the packet, up to `count` and as many as fit: how many.
cdef uint16_t window_copy(const MessageWindow* window, uint64_t sequence, uint16_t count,
                          MoldBuilder* builder) noexcept nogil
