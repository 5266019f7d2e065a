"""The newest messages of a stream, found by sequence."""

from libc.stdint cimport uint8_t, uint16_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from ironcore.base.status cimport STATUS_LIMIT, STATUS_OK
from ironcore.wire.codec cimport load_u16_be, store_u16_be
from ironcore.wire.moldudp64 cimport MOLD_BLOCK_HEADER_BYTES, MoldBuilder, mold_builder_add

cdef enum:
    WINDOW_BYTES_MIN = 4096
    # The shortest ITCH message and its length are 14 bytes: the index never ends before the data.
    BLOCK_BYTES_MIN = 8


cdef int window_open(MessageWindow* window, uint64_t bytes_max, uint64_t time_ns) noexcept nogil:
    memset(window, 0, sizeof(window[0]))
    window.bytes_max = WINDOW_BYTES_MIN
    while window.bytes_max < bytes_max:
        window.bytes_max *= 2
    window.messages_max = window.bytes_max // BLOCK_BYTES_MIN
    window.time_ns = time_ns
    window.sequence_first = 1
    window.sequence_next = 1
    window.data = <uint8_t*>malloc(window.bytes_max)
    window.positions = <uint64_t*>malloc(window.messages_max * sizeof(uint64_t))
    if window.data == NULL or window.positions == NULL:
        window_close(window)
        return STATUS_LIMIT
    return STATUS_OK


cdef void window_close(MessageWindow* window) noexcept nogil:
    free(window.data)
    free(window.positions)
    window.data = NULL
    window.positions = NULL


cdef void window_add(MessageWindow* window, const uint8_t* message,
                     uint16_t message_bytes) noexcept nogil:
    cdef uint64_t data_mask = window.bytes_max - 1
    cdef uint64_t index_mask = window.messages_max - 1
    cdef uint64_t position = window.position_next
    cdef uint64_t block_bytes = MOLD_BLOCK_HEADER_BYTES + message_bytes
    cdef uint8_t* block
    if (position & data_mask) + block_bytes > window.bytes_max:
        position = (position | data_mask) + 1
    while (window.sequence_first < window.sequence_next
            and (window.positions[window.sequence_first & index_mask] + window.bytes_max
                 < position + block_bytes
                 or window.sequence_next - window.sequence_first == window.messages_max)):
        window.sequence_first += 1
    block = window.data + (position & data_mask)
    store_u16_be(block, message_bytes)
    if message_bytes:
        memcpy(block + MOLD_BLOCK_HEADER_BYTES, message, message_bytes)
    window.positions[window.sequence_next & index_mask] = position
    window.sequence_next += 1
    window.position_next = position + block_bytes


cdef void window_skip(MessageWindow* window, uint64_t count) noexcept nogil:
    window.sequence_next += count
    window.sequence_first = window.sequence_next


cdef void window_age(MessageWindow* window, uint64_t now_ns) noexcept nogil:
    cdef WindowMark* mark
    if window.time_ns == 0:
        return
    while window.marks_first < window.marks_next:
        mark = &window.marks[window.marks_first % WINDOW_MARKS]
        if now_ns - mark.time_ns < window.time_ns:
            break
        window.sequence_first = max(window.sequence_first, mark.sequence_next)
        window.marks_first += 1
    if window.marks_next - window.marks_first == WINDOW_MARKS:
        return
    mark = &window.marks[(window.marks_next + WINDOW_MARKS - 1) % WINDOW_MARKS]
    if (window.marks_next == window.marks_first
            or now_ns - mark.time_ns >= window.time_ns // WINDOW_MARKS):
        mark = &window.marks[window.marks_next % WINDOW_MARKS]
        mark.time_ns = now_ns
        mark.sequence_next = window.sequence_next
        window.marks_next += 1


cdef uint16_t window_copy(const MessageWindow* window, uint64_t sequence, uint16_t count,
                          MoldBuilder* builder) noexcept nogil:
    cdef const uint8_t* block
    cdef uint16_t copied = 0
    if sequence < window.sequence_first:
        return 0
    while copied < count and sequence < window.sequence_next:
        block = window.data + (window.positions[sequence & (window.messages_max - 1)]
                               & (window.bytes_max - 1))
        if mold_builder_add(builder, block + MOLD_BLOCK_HEADER_BYTES,
                            load_u16_be(block)) != STATUS_OK:
            break
        copied += 1
        sequence += 1
    return copied
