"""Packets that came before their turn, found by message: any overlap of packets is right, and no
step looks at more than the packet in hand.

A slot belongs to all sequences that are equal under the mask; only those within one turn of the
mask from the expected message are ever put, so no two of them meet.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from ironcore.base.status cimport STATUS_FULL, STATUS_IGNORED, STATUS_LIMIT, STATUS_OK
from ironcore.net.datagrams cimport DATAGRAM_PLACE_BYTES
from ironcore.wire.codec cimport load_u16_be
from ironcore.wire.moldudp64 cimport (
    MOLD_BLOCK_HEADER_BYTES, MoldReader, mold_reader_next, mold_reader_open,
)


cdef int hold_open(Hold* hold, uint32_t packets_max, uint64_t messages_max) noexcept nogil:
    cdef uint32_t i
    memset(hold, 0, sizeof(hold[0]))
    hold.mask = messages_max - 1
    hold.bytes = <uint8_t*>malloc(<size_t>packets_max * DATAGRAM_PLACE_BYTES)
    hold.waiting = <uint16_t*>calloc(packets_max, sizeof(uint16_t))
    hold.free_places = <uint32_t*>malloc(packets_max * sizeof(uint32_t))
    hold.slots = <HeldMessage*>calloc(messages_max, sizeof(HeldMessage))
    if (hold.bytes == NULL or hold.waiting == NULL or hold.free_places == NULL
            or hold.slots == NULL):
        hold_close(hold)
        return STATUS_LIMIT
    for i in range(packets_max):
        hold.free_places[i] = packets_max - 1 - i
    hold.free_count = packets_max
    return STATUS_OK


cdef void hold_close(Hold* hold) noexcept nogil:
    free(hold.bytes)
    free(hold.waiting)
    free(hold.free_places)
    free(hold.slots)
    memset(hold, 0, sizeof(hold[0]))


cdef bint hold_has(const Hold* hold, uint64_t sequence) noexcept nogil:
    # A slot that was never used says 0, and no message has that number.
    return hold.slots[sequence & hold.mask].sequence == sequence


cdef int hold_put(Hold* hold, const uint8_t* packet, size_t packet_bytes, uint64_t expected,
                  uint32_t source) noexcept nogil:
    cdef MoldReader reader
    cdef HeldMessage* slot
    cdef const uint8_t* message = NULL
    cdef uint16_t message_bytes = 0
    cdef uint64_t sequence
    cdef uint64_t end = expected + hold.mask + 1
    cdef uint32_t place = 0
    cdef bint placed = False
    mold_reader_open(&reader, packet, packet_bytes)
    sequence = reader.header.sequence_number
    if sequence >= end:
        return STATUS_FULL
    while sequence < end and mold_reader_next(&reader, &message, &message_bytes) == STATUS_OK:
        if not hold_has(hold, sequence):
            if not placed:
                if hold.free_count == 0:
                    return STATUS_FULL
                hold.free_count -= 1
                place = hold.free_places[hold.free_count]
                memcpy(hold.bytes + <size_t>place * DATAGRAM_PLACE_BYTES, packet, packet_bytes)
                placed = True
            slot = &hold.slots[sequence & hold.mask]
            slot.sequence = sequence
            slot.source = source
            slot.position = place * DATAGRAM_PLACE_BYTES + <uint32_t>(
                message - packet - MOLD_BLOCK_HEADER_BYTES)
            hold.waiting[place] += 1
            hold.count += 1
        sequence += 1
    return STATUS_OK if placed else STATUS_IGNORED


cdef const uint8_t* hold_find(const Hold* hold, uint64_t sequence, uint16_t* message_bytes,
                              uint32_t* source) noexcept nogil:
    cdef const HeldMessage* slot = &hold.slots[sequence & hold.mask]
    if slot.sequence != sequence:
        return NULL
    source[0] = slot.source
    message_bytes[0] = load_u16_be(hold.bytes + slot.position)
    return hold.bytes + slot.position + MOLD_BLOCK_HEADER_BYTES


cdef void hold_release(Hold* hold, uint64_t sequence) noexcept nogil:
    cdef HeldMessage* slot = &hold.slots[sequence & hold.mask]
    cdef uint32_t place
    if slot.sequence != sequence:
        return
    slot.sequence = 0
    place = slot.position // DATAGRAM_PLACE_BYTES
    hold.count -= 1
    hold.waiting[place] -= 1
    if hold.waiting[place] == 0:
        hold.free_places[hold.free_count] = place
        hold.free_count += 1


cdef uint64_t hold_next(const Hold* hold, uint64_t sequence, uint64_t end) noexcept nogil:
    if hold.count == 0 or sequence >= end:
        return end
    # Nothing is held further ahead than this.
    cdef uint64_t last = sequence + hold.mask + 1
    while sequence < end and sequence < last:
        if hold_has(hold, sequence):
            return sequence
        sequence += 1
    return end


cdef void hold_trim(Hold* hold, uint64_t first, uint64_t end) noexcept nogil:
    cdef uint64_t i
    cdef uint64_t sequence
    for i in range(hold.mask + 1):
        sequence = hold.slots[i].sequence
        if sequence != 0 and not first <= sequence < end:
            hold_release(hold, sequence)
