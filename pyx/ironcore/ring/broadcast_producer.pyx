"""Makes room in a broadcast ring: who gates, who is evicted, and which frame is the oldest then.

`oldest` moves on to where the first frame of the next block begins. That was noted when the frame
was written, so no frame is looked at again, however large the ring is and whatever it holds. The
notes are the producer's own and not in the file. A successor makes them anew: once, when it comes,
it walks over the frames that are held.

The protocol is described in broadcast.pyx.
"""

from libc.stdint cimport uint32_t, uint64_t

from ironcore.base.atomics cimport (
    compare_exchange_u32, fence_full, fence_release, load_acquire_u32, load_acquire_u64,
    load_relaxed_u64, store_release_u64)
from ironcore.base.check cimport iron_assert
from ironcore.base.status cimport STATUS_FULL, STATUS_OK
from ironcore.ring.broadcast_file cimport (
    PATIENCE_FOREVER, SLOT_EVICTED, SLOT_GATING, SLOT_JOINING, ReaderSlot, broadcast_followed)
from ironcore.ring.frame cimport frame_next, frame_stamp

# Is it late only because it follows a reader that is waited for without end, and has seen all that
# this one has released? Then it is not its fault, and evicting it would make no room.
cdef bint _waits_for_another(BroadcastProducer* ring, uint32_t index) noexcept nogil:
    cdef uint32_t followed = broadcast_followed(ring.header, index)
    cdef uint64_t position = load_acquire_u64(&ring.header.slots[index].position)
    cdef ReaderSlot* leader
    cdef uint32_t i
    for i in range(ring.header.segment.readers_count):
        leader = &ring.header.slots[i]
        if (followed >> i & 1 and leader.patience_ns == PATIENCE_FOREVER
                and load_acquire_u32(&leader.state) == SLOT_GATING
                and position >= load_acquire_u64(&leader.position)):
            return True
    return False


# Is there such a reader below the target? Its patience begins when it can go on.
cdef bint _follower_waits(BroadcastProducer* ring, uint64_t target) noexcept nogil:
    cdef uint32_t i
    cdef ReaderSlot* slot
    for i in range(ring.header.segment.readers_count):
        slot = &ring.header.slots[i]
        if (load_acquire_u32(&slot.state) == SLOT_GATING
                and load_acquire_u64(&slot.position) < target and _waits_for_another(ring, i)):
            return True
    return False


# The lowest position of a slot that gates; the tail if there is none. With `target`, slots below it
# whose patience is over are evicted on the way. `may_join` says whether there is a slot that does
# not gate: its reader could join at any instant.
cdef uint64_t _lowest_gate(BroadcastProducer* ring, uint64_t target, uint64_t now_ns,
                           bint* may_join) noexcept nogil:
    cdef uint64_t lowest = ring.tail
    cdef uint64_t position
    cdef uint64_t full_ns = now_ns - ring.full_since_ns if ring.full_since_ns else 0
    cdef uint32_t state, i
    cdef ReaderSlot* slot
    may_join[0] = False
    for i in range(ring.header.segment.readers_count):
        slot = &ring.header.slots[i]
        state = load_acquire_u32(&slot.state)
        if state != SLOT_GATING and state != SLOT_JOINING:
            may_join[0] = True
            continue
        position = load_acquire_u64(&slot.position)
        if position < target and slot.patience_ns != PATIENCE_FOREVER \
                and full_ns >= slot.patience_ns:
            slot.evicted_mono_ns = now_ns
            slot.evicted_full_ns = full_ns
            slot.evicted_lag_bytes = ring.tail - position
            if compare_exchange_u32(&slot.state, state, SLOT_EVICTED):
                slot.evictions += 1
                may_join[0] = True
                continue
            # It became GATING, left or was joined anew this instant: it counts, once more at least.
        lowest = min(lowest, position)
    return lowest


# Where the first frame begins in the first block that begins at `position` or behind it.
cdef uint64_t _first_frame(const BroadcastProducer* ring, uint64_t position) noexcept nogil:
    cdef uint64_t block = (position + ring.block_bytes - 1) // ring.block_bytes
    cdef uint64_t start = ring.first_frames[block & (ring.blocks_count - 1)]
    iron_assert(position <= start <= ring.tail, "the first frame of a block is noted")
    return start


cdef int broadcast_make_room(BroadcastProducer* ring, uint64_t needed_bytes,
                             uint64_t now_ns) noexcept nogil:
    cdef uint64_t end = ring.tail + needed_bytes
    cdef uint64_t target = end - ring.capacity_bytes if end > ring.capacity_bytes else 0
    cdef uint64_t oldest = load_relaxed_u64(&ring.header.oldest.oldest)
    cdef uint64_t gate
    cdef bint may_join = False
    if ring.full_since_ns and _follower_waits(ring, target):
        ring.full_since_ns = max(now_ns, <uint64_t>1)
    gate = _lowest_gate(ring, target, now_ns, &may_join)
    if gate >= target:
        if oldest < target:
            oldest = min(gate, _first_frame(ring, target))
            store_release_u64(&ring.header.oldest.oldest, oldest)
        if may_join:
            fence_full()
            gate = _lowest_gate(ring, 0, now_ns, &may_join)
        else:
            fence_release()
    ring.gate_cached = min(oldest, gate)
    if ring.gate_cached >= target:
        ring.full_since_ns = 0
        return STATUS_OK
    if ring.full_since_ns == 0:
        ring.full_since_ns = max(now_ns, <uint64_t>1)
    store_release_u64(&ring.header.tail.full_count, ring.header.tail.full_count + 1)
    return STATUS_FULL


cdef void broadcast_note(BroadcastProducer* ring, uint64_t start) noexcept nogil:
    cdef uint64_t block
    while ring.block_next <= start:
        block = ring.block_next // ring.block_bytes
        ring.first_frames[block & (ring.blocks_count - 1)] = start
        ring.block_next += ring.block_bytes


cdef uint64_t broadcast_note_held(BroadcastProducer* ring) noexcept nogil:
    cdef uint64_t mask = ring.capacity_bytes - 1
    cdef uint64_t position = load_relaxed_u64(&ring.header.oldest.oldest)
    cdef uint64_t word
    ring.block_bytes = ring.capacity_bytes // ring.blocks_count
    ring.block_next = (position + ring.block_bytes - 1) // ring.block_bytes * ring.block_bytes
    broadcast_note(ring, position)
    while position < ring.tail:
        word = load_relaxed_u64(&(<FrameHeader*>(ring.data + (position & mask))).commit)
        if word >> 32 != frame_stamp(position):
            break
        position = frame_next(position, word, mask)
        broadcast_note(ring, position)
    return position
