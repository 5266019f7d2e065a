"""Joins and leaves a broadcast ring, and reads it without a place of its own.

The protocol is described in broadcast.pyx.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from ironcore.base.atomics cimport (
    compare_exchange_u32, fence_acquire, fence_full, load_acquire_u32, load_acquire_u64,
    load_relaxed_u64, store_relaxed_u64, store_release_u32, store_release_u64)
from ironcore.base.status cimport STATUS_CORRUPT, STATUS_EMPTY, STATUS_OK, STATUS_OVERRUN
from ironcore.ring.broadcast_file cimport (
    SLOT_GATING, SLOT_JOINING, SLOT_LEFT, ReaderSlot, broadcast_sequence_at)
from ironcore.ring.frame cimport (
    FRAME_CAPACITY_SHARE, FRAME_HEADER_BYTES, FRAME_PADDING, FrameHeader, frame_sequence_at,
    frame_span, frame_stamp)


cdef void broadcast_join(BroadcastReader* reader) noexcept nogil:
    cdef ReaderSlot* slot = reader.slot
    cdef uint64_t mask = reader.capacity_bytes - 1
    cdef uint64_t oldest, position
    while load_acquire_u32(&slot.state) != SLOT_GATING:
        # Never back: what is still held behind an eviction or a killed joiner is not lost.
        position = max(load_acquire_u64(&slot.position),
                       load_acquire_u64(&reader.header.oldest.oldest))
        store_relaxed_u64(&slot.position, position)
        store_release_u32(&slot.state, SLOT_JOINING)
        while True:
            fence_full()
            oldest = load_acquire_u64(&reader.header.oldest.oldest)
            if oldest <= position:
                break
            position = oldest
            store_release_u64(&slot.position, position)
        # Fails if it was evicted while it joined.
        compare_exchange_u32(&slot.state, SLOT_JOINING, SLOT_GATING)
    reader.position = load_acquire_u64(&slot.position)
    reader.frame_end = reader.position
    reader.limit_cached = 0
    reader.sequence_next = frame_sequence_at(reader.data, reader.position & mask)
    reader.frame_sequence = reader.sequence_next - 1


cdef void broadcast_leave(BroadcastReader* reader) noexcept nogil:
    compare_exchange_u32(&reader.slot.state, SLOT_GATING, SLOT_LEFT)


# The lossy reader was lapped: on to the oldest frame, counting what lies between.
cdef int _catch_up(BroadcastReader* reader) noexcept nogil:
    cdef uint64_t sequence = 0
    cdef uint64_t lost
    while sequence == 0:
        reader.position = load_acquire_u64(&reader.header.oldest.oldest)
        sequence = broadcast_sequence_at(reader.data, reader.header, reader.position)
    # A ring that was made anew repeats what was read from the one before it: that is no loss.
    lost = sequence - reader.sequence_next if sequence > reader.sequence_next else 0
    reader.sequence_next += lost
    reader.frame_sequence = reader.sequence_next - 1
    reader.frame_end = reader.position
    reader.lost_frames += lost
    # Only padding may have been overtaken.
    return STATUS_OVERRUN if lost else STATUS_OK


cdef int broadcast_peek_lossy(BroadcastReader* reader, const uint8_t** payload,
                              uint32_t* payload_bytes, uint64_t* sequence) noexcept nogil:
    cdef uint64_t mask = reader.capacity_bytes - 1
    cdef uint64_t word, found, index
    cdef uint32_t length
    cdef bint whole
    cdef const FrameHeader* header
    while True:
        if broadcast_waits(reader):
            return STATUS_EMPTY
        index = reader.position & mask
        header = <const FrameHeader*>(reader.data + index)
        word = load_acquire_u64(&header.commit)
        found = load_relaxed_u64(&header.sequence)
        length = <uint32_t>word & ~<uint32_t>FRAME_PADDING
        whole = (word >> 32 == frame_stamp(reader.position)
                 and length <= reader.capacity_bytes // FRAME_CAPACITY_SHARE
                 and index + frame_span(length) <= reader.capacity_bytes)
        if whole:
            memcpy(reader.scratch, <const uint8_t*>header + FRAME_HEADER_BYTES, length)
        fence_acquire()
        if load_relaxed_u64(&reader.header.oldest.oldest) > reader.position:
            if _catch_up(reader) == STATUS_OVERRUN:
                return STATUS_OVERRUN
            continue
        if word >> 32 != frame_stamp(reader.position):
            return STATUS_EMPTY
        if not whole:
            return STATUS_CORRUPT
        if not word & FRAME_PADDING:
            break
        reader.position = (reader.position | mask) + 1
    reader.frame_end = reader.position + frame_span(length)
    reader.frame_sequence = found
    payload[0] = reader.scratch
    payload_bytes[0] = length
    sequence[0] = found
    return STATUS_OK
