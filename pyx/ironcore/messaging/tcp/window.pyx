"""The newest packets of a stream, in one buffer for all readers.

A frame is copied once, when it is offered, whatever the number of readers; each reader is sent the
bytes from its own position on. Where packets begin is kept beside them, so that a reader can come
in at any frame that is held, and leave its place at the end of a packet.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.check cimport iron_assert
from ironcore.base.memory cimport memory_prefault, memory_release, memory_reserve
from ironcore.base.status cimport STATUS_EMPTY, STATUS_FULL, STATUS_OK, STATUS_OVERRUN
from ironcore.wire.soupbin cimport SOUP_HEADER_BYTES, soupbin_encode_header

cdef enum:
    PACKET_BYTES_TYPICAL = 32        # shorter ones on average, and fewer are held than would fit


cdef int packet_window_open(PacketWindow* w, uint64_t capacity_bytes,
                            uint64_t sequence_next) noexcept nogil:
    iron_assert(capacity_bytes & (capacity_bytes - 1) == 0
                and capacity_bytes >= PACKET_BYTES_TYPICAL, "the window is a power of two")
    memset(w, 0, sizeof(w[0]))
    w.capacity_bytes = capacity_bytes
    w.packets_max = capacity_bytes // PACKET_BYTES_TYPICAL
    w.sequence_next = sequence_next
    w.data = <uint8_t*>memory_reserve(capacity_bytes)
    w.packets = <WindowPacket*>memory_reserve(w.packets_max * sizeof(WindowPacket))
    if w.data == NULL or w.packets == NULL:
        packet_window_close(w)
        return STATUS_FULL
    memory_prefault(w.data, capacity_bytes)
    memory_prefault(w.packets, w.packets_max * sizeof(WindowPacket))
    return STATUS_OK


cdef void packet_window_close(PacketWindow* w) noexcept nogil:
    memory_release(w.data, w.capacity_bytes)
    memory_release(w.packets, w.packets_max * sizeof(WindowPacket))
    w.data = NULL
    w.packets = NULL


cdef inline WindowPacket* _packet(const PacketWindow* w, uint64_t count) noexcept nogil:
    return &w.packets[count & (w.packets_max - 1)]


cdef uint64_t packet_window_limit(const PacketWindow* w, size_t packet_bytes) noexcept nogil:
    cdef uint64_t end = w.head + packet_bytes
    cdef uint64_t limit = end - w.capacity_bytes if end > w.capacity_bytes else 0
    # The place of the oldest packet is needed for the new one: who has not begun to get it, or the
    # one in front of it, has to leave.
    if w.end - w.first == w.packets_max:
        limit = max(limit, _packet(w, w.first).position + 1)
    return limit


cdef void _put(PacketWindow* w, const uint8_t* data, size_t bytes) noexcept nogil:
    cdef uint64_t index = w.head & (w.capacity_bytes - 1)
    cdef size_t to_end = <size_t>min(<uint64_t>bytes, w.capacity_bytes - index)
    memcpy(w.data + index, data, to_end)
    memcpy(w.data, data + to_end, bytes - to_end)
    w.head += bytes


cdef void packet_window_add(PacketWindow* w, uint8_t packet_type, const uint8_t* payload,
                            uint32_t payload_bytes, uint64_t count) noexcept nogil:
    cdef uint8_t header[SOUP_HEADER_BYTES]
    cdef uint64_t limit = packet_window_limit(w, SOUP_HEADER_BYTES + payload_bytes)
    cdef WindowPacket* packet
    iron_assert(SOUP_HEADER_BYTES + <uint64_t>payload_bytes <= w.capacity_bytes,
                "a packet fits the window")
    while w.first < w.end and _packet(w, w.first).position < limit:
        w.first += 1
    packet = _packet(w, w.end)
    packet.position = w.head
    packet.sequence = w.sequence_next
    w.end += 1
    w.sequence_next += count
    soupbin_encode_header(header, packet_type, payload_bytes)
    _put(w, header, SOUP_HEADER_BYTES)
    if payload_bytes:
        _put(w, payload, payload_bytes)


cdef WindowPacket packet_window_at(const PacketWindow* w, uint64_t position) noexcept nogil:
    cdef uint64_t low = w.first
    cdef uint64_t high = w.end
    cdef uint64_t middle
    cdef WindowPacket none
    while low < high:
        middle = low + (high - low) // 2
        if _packet(w, middle).position < position:
            low = middle + 1
        else:
            high = middle
    if low < w.end:
        return _packet(w, low)[0]
    none.position = w.head
    none.sequence = w.sequence_next
    return none


cdef int packet_window_find(const PacketWindow* w, uint64_t sequence,
                            WindowPacket* packet) noexcept nogil:
    cdef uint64_t low = w.first
    cdef uint64_t high = w.end
    cdef uint64_t middle
    if sequence >= w.sequence_next:
        packet.position = w.head
        packet.sequence = w.sequence_next
        return STATUS_EMPTY
    while low < high:                # the last one that does not begin behind the sequence
        middle = low + (high - low) // 2
        if _packet(w, middle).sequence <= sequence:
            low = middle + 1
        else:
            high = middle
    if low == w.first:
        return STATUS_OVERRUN
    packet[0] = _packet(w, low - 1)[0]
    return STATUS_OK


cdef uint64_t packet_window_oldest(const PacketWindow* w) noexcept nogil:
    return w.sequence_next if w.first == w.end else _packet(w, w.first).sequence


cdef void packet_window_copy(const PacketWindow* w, uint64_t position, uint8_t* out,
                             size_t bytes) noexcept nogil:
    cdef uint64_t index = position & (w.capacity_bytes - 1)
    cdef size_t to_end = <size_t>min(<uint64_t>bytes, w.capacity_bytes - index)
    memcpy(out, w.data + index, to_end)
    memcpy(out + to_end, w.data, bytes - to_end)
