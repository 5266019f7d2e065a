"""The segment file of a broadcast ring: its creation, and how the ring and its named readers stand.

The protocol that the producer and the readers follow on it is in broadcast.pyx.
"""

import os
from typing import NamedTuple

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from ironcore.base.atomics cimport fence_acquire, load_acquire_u64, load_relaxed_u64
from ironcore.base.check cimport iron_static_assert
from ironcore.ring.frame cimport FRAME_HEADER_BYTES, FrameHeader, frame_sequence_at, frame_terminate
from ironcore.ring.mapped_file cimport (
    LOCK_PRODUCER, LOCK_READER_FIRST, SEGMENT_BROADCAST, SEGMENT_PAIR_BYTES, segment_create,
    segment_open)

from ironcore.ring.mapped_file import (
    Created, OwnerState, SegmentError, round_capacity, session_of_its_own)

_STATE_NAMES = {SLOT_GATING: "gating", SLOT_JOINING: "joining", SLOT_EVICTED: "evicted",
                SLOT_LEFT: "left"}


class Gating(NamedTuple):
    """A named reader that the producer waits for."""

    patience_ns: int = 0             # how long with the ring full; 0: for ever
    after: str | None = None         # see only what this other reader has released as well


class ReaderState(NamedTuple):
    """How a named reader stands."""

    name: str
    state: str                       # gating, joining, evicted, left
    position: int                    # behind the last frame that it released
    lag_bytes: int                   # from there to the tail
    patience_ns: int                 # 0: for ever
    after: str | None
    follows: tuple[str, ...]         # sees only what all of these have released
    evictions: int
    evicted_mono_ns: int             # of the last eviction: when,
    evicted_full_ns: int             # how long the ring had been full,
    evicted_lag_bytes: int           # and how far behind the reader was
    owner: OwnerState


class Positions(NamedTuple):
    """Where a ring stands. Positions are byte counts since its creation."""

    tail: int                        # behind the last committed frame
    oldest: int                      # of the oldest frame surely held
    used_bytes: int
    capacity_bytes: int
    sequence_oldest: int
    sequence_next: int               # of the next frame to be offered
    full_count: int                  # claims refused because the ring was full
    producer: OwnerState
    session: str                     # of the stream; "": not said yet
    identity: str                    # of the stream; "": not known
    ended: bool                      # no frame comes any more
    keepers: tuple[str, ...]         # readers see only what all of these have released


cdef void _check_layout() noexcept nogil:
    iron_static_assert(sizeof(FrameHeader) == FRAME_HEADER_BYTES)
    iron_static_assert(sizeof(ReaderSlot) == 256)
    iron_static_assert(<size_t>&(<ReaderSlot*>NULL).position == SEGMENT_PAIR_BYTES)
    iron_static_assert(sizeof(OldestPair) == SEGMENT_PAIR_BYTES)
    iron_static_assert(<size_t>&(<BroadcastHeader*>NULL).oldest == 384)
    iron_static_assert(<size_t>&(<BroadcastHeader*>NULL).keepers == 512)
    iron_static_assert(<size_t>&(<BroadcastHeader*>NULL).slots == 1024)
    iron_static_assert(READERS_MAX <= 32)
    iron_static_assert(sizeof(BroadcastHeader) == 1024 + READERS_MAX * 256)


cdef uint64_t broadcast_sequence_at(const uint8_t* data, const BroadcastHeader* header,
                                    uint64_t position) noexcept nogil:
    cdef uint64_t mask = header.segment.capacity_bytes - 1
    cdef uint64_t sequence = frame_sequence_at(data, position & mask)
    fence_acquire()
    return sequence if load_relaxed_u64(&header.oldest.oldest) <= position else 0


cdef uint32_t broadcast_followed(const BroadcastHeader* header, uint32_t index) noexcept nogil:
    cdef uint32_t followed = header.keepers
    if index >= READERS_MAX:
        return followed
    if followed >> index & 1:
        followed = 0
    if header.slots[index].after < READERS_MAX:
        followed |= <uint32_t>1 << header.slots[index].after
    return followed


cdef uint64_t broadcast_oldest_sequence(const uint8_t* data,
                                        const BroadcastHeader* header) noexcept nogil:
    cdef uint64_t sequence = 0
    while sequence == 0:
        sequence = broadcast_sequence_at(data, header, load_acquire_u64(&header.oldest.oldest))
    return sequence


cdef uint64_t broadcast_tail_sequence(const uint8_t* data,
                                      const BroadcastHeader* header) noexcept nogil:
    cdef uint64_t sequence = 0
    while sequence == 0:
        sequence = broadcast_sequence_at(data, header, load_acquire_u64(&header.tail.tail))
    return sequence


def create(path, capacity_bytes, readers, sequence_next=1, huge_pages="off", lock="off",
           numa_node=None, session=None, identity="", keepers=()):
    """Make the segment file of a ring for payloads of up to an eighth of its capacity.

    `readers` maps the names of the gating readers to their `Gating`. Each gates from the first
    frame on, whether it has come yet or not. `session` names the stream: a ring that is made anew
    with the same name goes on with it; None makes a name of its own, "" leaves it to the producer
    to say before the first frame. `identity` tells the stream from others with the same session's
    name: 32 hexadecimal digits, "" when that is not known. `keepers` names readers that make the
    stream safe (the journal): every other reader, with a place of its own or without, sees only
    what all of them have released. They are waited for without end. The capacity is rounded up to
    a power of two; see `Created`. FileExistsError when the path is taken, SegmentError when the
    request cannot be met, OSError when the system refuses.
    """
    cdef Segment segment
    cdef BroadcastHeader* header
    cdef ReaderSlot* slot
    path = os.fspath(path)
    capacity = round_capacity(path, capacity_bytes)
    _check_readers(path, readers)
    _check_keepers(path, readers, keepers)
    segment = segment_create(path, SEGMENT_BROADCAST, capacity, sequence_next, huge_pages, lock,
                             numa_node)
    header = <BroadcastHeader*>segment.header
    names = list(readers)
    for i, (name, gating) in enumerate(readers.items()):
        slot = &header.slots[<int>i]
        encoded = name.encode()
        memcpy(slot.name, <const char*>encoded, len(encoded))
        slot.patience_ns = gating.patience_ns
        slot.after = AFTER_NOBODY if gating.after is None else names.index(gating.after)
        slot.state = SLOT_GATING
    header.segment.readers_count = len(names)
    for name in keepers:
        header.keepers |= <uint32_t>1 << <uint32_t>names.index(name)
    if session != "":
        segment.name_session(session_of_its_own() if session is None else session, identity)
    frame_terminate(segment.data, 0, sequence_next)
    segment.complete()
    return Created(path, capacity, capacity_bytes, segment.huge_pages, segment.locked,
                   segment.numa)


def _check_readers(path, readers):
    if len(readers) > READERS_MAX:
        raise SegmentError(path, "readers", len(readers), f"at most {READERS_MAX}")
    for name, gating in readers.items():
        if not 0 < len(name.encode()) <= READER_NAME_BYTES_MAX or "\0" in name:
            raise SegmentError(path, "reader's name", repr(name),
                               f"1 to {READER_NAME_BYTES_MAX} bytes of UTF-8")
        if not 0 <= gating.patience_ns < 1 << 63:
            raise SegmentError(path, f"patience_ns of {name}", gating.patience_ns,
                               "nanoseconds, 0 for ever")
        seen = {name}
        follows = gating.after
        while follows is not None:
            if follows not in readers or follows in seen:
                raise SegmentError(path, f"reader that {name} comes after", repr(follows),
                                   "another reader, in no circle")
            seen.add(follows)
            follows = readers[follows].after


def _check_keepers(path, readers, keepers):
    for name in keepers:
        if name not in readers:
            raise SegmentError(path, "keeper", repr(name), f"one of {', '.join(readers)}")
        # One that is evicted has lost frames, and its position says nothing any more.
        if readers[name].patience_ns != PATIENCE_FOREVER:
            raise SegmentError(path, f"patience_ns of the keeper {name}",
                               readers[name].patience_ns, "0, for ever")
        # Readers would wait for it, and it for a reader that waits for it.
        if readers[name].after not in (None, *keepers):
            raise SegmentError(path, f"reader that the keeper {name} comes after",
                               repr(readers[name].after), "another keeper, or none")


cdef list broadcast_slot_names(BroadcastHeader* header):
    return [header.slots[<int>i].name[:READER_NAME_BYTES_MAX].rstrip(b"\0").decode()
            for i in range(header.segment.readers_count)]


cdef Segment broadcast_open(str path, bint header_writable, bint data_writable):
    """A broadcast ring's segment, its layout checked."""
    cdef Segment segment = segment_open(path, SEGMENT_BROADCAST, header_writable, data_writable)
    cdef BroadcastHeader* header = <BroadcastHeader*>segment.header
    cdef uint64_t oldest, tail
    if header.segment.readers_count > READERS_MAX:
        raise SegmentError(path, "readers", header.segment.readers_count, f"at most {READERS_MAX}")
    if header.keepers >> header.segment.readers_count:
        raise SegmentError(path, "keepers", f"{header.keepers:#x}",
                           f"a bit for each of {header.segment.readers_count} readers at most")
    oldest = load_acquire_u64(&header.oldest.oldest)
    tail = load_acquire_u64(&header.tail.tail)
    segment.check_position("oldest position", oldest)
    segment.check_position("tail position", tail)
    if oldest > tail:
        raise SegmentError(path, "oldest position", oldest, f"at most the tail's, {tail}")
    for i, name in enumerate(broadcast_slot_names(header)):
        segment.check_position(f"position of reader {name}", header.slots[<int>i].position)
    return segment


def positions(path):
    """Where the ring in `path` stands, alive or dead."""
    cdef Segment segment = broadcast_open(os.fspath(path), False, False)
    cdef BroadcastHeader* header = <BroadcastHeader*>segment.header
    cdef uint64_t oldest = load_acquire_u64(&header.oldest.oldest)
    cdef uint64_t tail = load_acquire_u64(&header.tail.tail)
    return Positions(tail, oldest, tail - oldest, segment.capacity_bytes,
                     broadcast_oldest_sequence(segment.data, header),
                     broadcast_tail_sequence(segment.data, header), header.tail.full_count,
                     segment.owner_state(LOCK_PRODUCER, &header.segment.producer),
                     segment.session(), segment.identity(),
                     load_acquire_u64(&header.oldest.end_sequence) != 0,
                     _names_of(broadcast_slot_names(header), header.keepers))


cdef tuple _names_of(list names, uint32_t slots):
    return tuple([name for i, name in enumerate(names) if slots >> <uint32_t>i & 1])


def reader_states(path):
    """How the named readers of the ring in `path` stand, alive or dead."""
    cdef Segment segment = broadcast_open(os.fspath(path), False, False)
    cdef BroadcastHeader* header = <BroadcastHeader*>segment.header
    cdef ReaderSlot* slot
    cdef uint64_t position, tail
    states = []
    names = broadcast_slot_names(header)
    for i, name in enumerate(names):
        slot = &header.slots[<int>i]
        position = load_acquire_u64(&slot.position)
        tail = max(load_acquire_u64(&header.tail.tail), position)
        states.append(ReaderState(
            name, _STATE_NAMES.get(slot.state, "unknown"), position, tail - position,
            slot.patience_ns, names[slot.after] if slot.after < <uint32_t>len(names) else None,
            _names_of(names, broadcast_followed(header, <uint32_t>i)),
            slot.evictions, slot.evicted_mono_ns, slot.evicted_full_ns, slot.evicted_lag_bytes,
            segment.owner_state(LOCK_READER_FIRST + <int>i, &slot.owner)))
    return states
