"""Single-producer many-consumer ring of variable-length frames in a segment file.

The protocol. `oldest` is the position of a frame; everything from there to the tail is there,
whole. The producer may write below G + capacity, where G is the smaller of `oldest` and the
lowest position of a slot that gates (GATING or JOINING). When that is not enough it

    1. looks at the gating slots; where one stands in the way for longer than its patience, evicts
       it (compare-and-exchange of its state), otherwise says STATUS_FULL;
    2. moves `oldest` on to where the first frame of the next block (a sixteenth of the ring, 64 KiB
       at most) begins, or to the lowest position of a slot that gates, if that comes before it;
    3. if there is a slot that does not gate: full fence;
    4. and looks at the slots again: whoever joined meanwhile counts for G.

Where the first frame of each block begins was noted when it was written, and a slot's position is
always one where a frame begins. So no frame is looked at again.

A slot's position never moves back, whatever its reader does, and there are no more slots than the
ring was made with. If all of them gate in step 1, nobody can come to stand below G any more, and
steps 3 and 4 are left out.

A lossy reader copies a frame and then looks at `oldest`: while that is not past the frame, no
byte of it can have been overwritten, because step 2 comes before the first such store (a release
fence sees to it where there is no full one). The acquire fence keeps the copy in front of the look.

A reader that joins (1) stores a position and the state JOINING, (2) full fence, (3) looks at
`oldest` and, if that has passed its position, moves there and does (2) again; then it becomes
GATING. Of the two fences one comes first: either the producer's step 4 sees the joiner, or the
joiner's (3) sees the new `oldest`. JOINING gates like GATING, but a successor does not resume
from it.

An evicted reader finds its state changed. Its slot gates no more, so there is a fence. The change
precedes the fence and the fence precedes the stores into its frames, so a look at the state after
reading (broadcast_intact) settles whether what was read was whole.

A reader that follows others (broadcast_followed) stops at the lowest of their positions, which each
of them stores with release behind what it did with the frames: the journal behind fdatasync. The
keepers have patience without end, so that the producer overwrites nothing from there on, and a
position that was looked at once stays true: they only move on. Who is made a reader "from now on"
begins there as well, not at the tail: everything before its first frame is kept.

Killed at any instant, a producer leaves what spsc.pxd describes, plus perhaps an `oldest` that
ran ahead of the need or an eviction that it did not profit from: both are states that a running
producer passes through as well. Where frames begin, its successor finds by walking once over those
that are held. A reader leaves its slot, GATING at what it last released, or JOINING.
"""

import os

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.status cimport (
    STATUS_EMPTY, STATUS_EVICTED, STATUS_OK, STATUS_TOO_LARGE)
from ironcore.ring.broadcast_file cimport (
    READERS_MAX, BroadcastHeader, ReaderSlot, broadcast_followed, broadcast_oldest_sequence,
    broadcast_open, broadcast_sequence_at, broadcast_slot_names, broadcast_tail_sequence)
from ironcore.ring.broadcast_producer cimport (
    BLOCK_BYTES_MAX, BLOCKS_MIN, broadcast_note_held, broadcast_offer)
from ironcore.ring.broadcast_reader cimport (
    broadcast_advance, broadcast_intact, broadcast_join, broadcast_leave, broadcast_limit,
    broadcast_peek, broadcast_release)
from ironcore.ring.frame cimport FRAME_CAPACITY_SHARE, frame_find_end, frame_sequence_at
from ironcore.ring.mapped_file cimport LOCK_PRODUCER, LOCK_READER_FIRST

from ironcore.ring.broadcast_file import Gating, create, positions, reader_states
from ironcore.ring.mapped_file import SegmentError

__all__ = ["Gating", "LossyReader", "Producer", "Reader", "create", "positions", "read_frames",
           "reader_states"]


cdef class Producer:
    """The one producer of a ring. Goes on behind the last frame that was ever committed.

    SegmentError when the file is not such a ring, SegmentHeldError while another producer lives.
    """

    def __init__(self, path):
        cdef Segment segment = broadcast_open(os.fspath(path), True, True)
        cdef BroadcastHeader* header = <BroadcastHeader*>segment.header
        cdef uint64_t mask = segment.capacity_bytes - 1
        segment.hold(LOCK_PRODUCER, &header.segment.producer, "producer")
        self.segment = segment
        self.ring.data = segment.data
        self.ring.header = header
        self.ring.capacity_bytes = segment.capacity_bytes
        self.ring.tail = frame_find_end(segment.data, header.tail.tail, mask)
        self.ring.blocks_count = max(<uint64_t>BLOCKS_MIN,
                                     segment.capacity_bytes // BLOCK_BYTES_MAX)
        self.ring.first_frames = <uint64_t*>PyMem_RawMalloc(self.ring.blocks_count * 8)
        if self.ring.first_frames == NULL:
            raise MemoryError(self.ring.blocks_count * 8)
        # Touched now: no claim is to wait for a page.
        memset(self.ring.first_frames, 0, self.ring.blocks_count * 8)
        held_end = broadcast_note_held(&self.ring)
        if held_end != self.ring.tail:
            raise SegmentError(segment.path, f"frames from position {header.oldest.oldest} on",
                               f"no whole one at {held_end}",
                               f"whole ones up to the tail, {self.ring.tail}")
        self.ring.claimed = self.ring.tail - 1
        self.ring.sequence_next = frame_sequence_at(segment.data, self.ring.tail & mask)
        store_release_u64(&header.tail.tail, self.ring.tail)
        # Room is looked for, with the fence, before the first byte that is not free for certain.
        self.ring.gate_cached = 0
        # A producer that comes after the end goes on with the stream.
        store_release_u64(&header.oldest.end_sequence, 0)

    def __dealloc__(self):
        PyMem_RawFree(self.ring.first_frames)

    def offer(self, const uint8_t[::1] payload, now_ns=None):
        """Append one frame: STATUS_OK, STATUS_FULL or STATUS_TOO_LARGE as a number.

        `now_ns` is the monotonic time that patience is measured with, by default the host's.
        """
        cdef const uint8_t* start = &payload[0] if payload.shape[0] else NULL
        if payload.shape[0] > <Py_ssize_t>(self.ring.capacity_bytes // FRAME_CAPACITY_SHARE):
            return STATUS_TOO_LARGE
        return broadcast_offer(&self.ring, start, <uint32_t>payload.shape[0],
                               iron_clock_mono_ns() if now_ns is None else now_ns)

    @property
    def session(self):
        """The session of the stream that the ring holds, "" while that is not said."""
        return self.segment.session()

    @property
    def identity(self):
        """Of the stream that the ring holds: 32 hexadecimal digits, "" while that is not known."""
        return self.segment.identity()

    def name_session(self, str session, str identity=""):
        """Say whose frames the ring will hold, before the first of them. What stream a session is
        of may be said later on.

        SegmentError when it holds another session's or stream's, or the text is no session's name.
        """
        found = self.segment.session()
        stream = self.segment.identity()
        if found not in ("", session):
            raise SegmentError(self.segment.path, "session", found, session)
        if stream and identity not in ("", stream):
            raise SegmentError(self.segment.path, "identity", stream, identity)
        if not found or identity != stream:
            self.segment.name_session(session, identity or stream)

    def oldest_sequence(self):
        """Sequence number of the oldest frame that is held for late joiners."""
        return broadcast_oldest_sequence(self.ring.data, self.ring.header)

    def tail_sequence(self):
        """Sequence number of the next frame; when it equals the oldest one's, none is held."""
        return self.ring.sequence_next

    @property
    def payload_bytes_max(self):
        """The longest payload that a claim accepts."""
        return self.ring.capacity_bytes // FRAME_CAPACITY_SHARE

    @property
    def full_count(self):
        """How many claims were refused because the ring was full, ever."""
        return self.ring.header.tail.full_count

    @property
    def huge_pages(self):
        """How many bytes of the ring lie in huge pages here, or why none do."""
        return self.segment.huge_pages

    @property
    def locked(self):
        """Whether this process keeps the ring in memory: "off", "locked in memory", or why not."""
        return self.segment.locked


cdef class Reader:
    """The one owner of a named gating slot.

    Goes on behind the last frame that was released under this name, or, if the slot was evicted
    or left meanwhile, with the oldest frame still held. SegmentError when the file is not such a
    ring or has no such slot, SegmentHeldError while another owner lives.
    """

    def __init__(self, path, str name):
        cdef Segment segment = broadcast_open(os.fspath(path), True, False)
        cdef BroadcastHeader* header = <BroadcastHeader*>segment.header
        cdef ReaderSlot* slot = NULL
        names = broadcast_slot_names(header)
        if name not in names:
            raise SegmentError(segment.path, "reader", repr(name), f"one of {', '.join(names)}")
        index = names.index(name)
        slot = &header.slots[<int>index]
        segment.hold(LOCK_READER_FIRST + index, &slot.owner, f"reader {name!r}")
        self.name = name
        self._attach(segment)
        self.ring.slot = slot
        self.ring.followed = broadcast_followed(header, <uint32_t>index)
        broadcast_join(&self.ring)
        self.first_sequence = self.ring.sequence_next

    def __dealloc__(self):
        PyMem_RawFree(self.ring.scratch)

    cdef int _attach(self, Segment segment) except -1:
        self.segment = segment
        self.ring.data = segment.data
        self.ring.header = <BroadcastHeader*>segment.header
        self.ring.capacity_bytes = segment.capacity_bytes
        return 0

    @property
    def session(self):
        """The session of the stream that the ring holds, "" while that is not said."""
        return self.segment.session()

    @property
    def identity(self):
        """Of the stream that the ring holds: 32 hexadecimal digits, "" while that is not known."""
        return self.segment.identity()

    def rejoin(self):
        """After an eviction: gate again, from the oldest frame still held. The frames missed."""
        self._check_gating()
        missed_from = self.ring.sequence_next
        broadcast_join(&self.ring)
        self.first_sequence = self.ring.sequence_next
        return self.first_sequence - missed_from

    def leave(self):
        """Give the slot up: the producer waits for this reader no longer."""
        self._check_gating()
        broadcast_leave(&self.ring)

    cdef int _check_gating(self) except -1:
        if self.ring.slot == NULL:
            raise ValueError("a lossy reader has no slot")
        return 0

    def peek(self):
        """Look at the next frame: (status, sequence, payload); (status, 0, b"") when not OK."""
        cdef const uint8_t* payload = NULL
        cdef uint32_t payload_bytes = 0
        cdef uint64_t sequence = 0
        cdef int status = broadcast_peek(&self.ring, &payload, &payload_bytes, &sequence)
        if status != STATUS_OK:
            return status, 0, b""
        copy = payload[:payload_bytes]
        status = broadcast_intact(&self.ring)
        return (status, sequence, copy) if status == STATUS_OK else (status, 0, b"")

    def advance(self):
        """Step past the frame that was peeked last."""
        broadcast_advance(&self.ring)

    def release(self):
        """Give everything stepped past back to the producer: STATUS_OK or STATUS_EVICTED."""
        return broadcast_release(&self.ring)

    def poll(self, int frames_max):
        """Take up to `frames_max` frames and release them: (status, [(sequence, payload)]).

        The status is what ended it: STATUS_OK (there may be more), STATUS_EMPTY, STATUS_EVICTED or
        STATUS_OVERRUN.
        """
        frames = []
        status = STATUS_OK
        while len(frames) < frames_max:
            status, sequence, payload = self.peek()
            if status != STATUS_OK:
                break
            frames.append((sequence, payload))
            broadcast_advance(&self.ring)
        if broadcast_release(&self.ring) != STATUS_OK:
            status = STATUS_EVICTED
        return status, frames

    def oldest_sequence(self):
        """Sequence number of the oldest frame that is held for late joiners."""
        return broadcast_oldest_sequence(self.ring.data, self.ring.header)

    def tail_sequence(self):
        """Sequence number of the next frame that will be offered."""
        return broadcast_tail_sequence(self.ring.data, self.ring.header)

    @property
    def sequence_next(self):
        """Sequence number that the next frame peeked should have."""
        return self.ring.sequence_next

    @property
    def lost_frames(self):
        """Lossy: how many frames were overwritten before they were read, ever."""
        return self.ring.lost_frames

    @property
    def huge_pages(self):
        """How many bytes of the ring lie in huge pages here, or why none do."""
        return self.segment.huge_pages

    @property
    def locked(self):
        """Whether this process keeps the ring in memory: "off", "locked in memory", or why not."""
        return self.segment.locked


cdef class LossyReader(Reader):
    """A reader that nobody waits for, and that knows how many frames it lost.

    It maps the segment read-only.
    """

    def __init__(self, path, from_="now"):
        """Begin with the next frame that readers may see ("now") or with the oldest one still held
        ("oldest")."""
        cdef Segment segment = broadcast_open(os.fspath(path), False, False)
        cdef BroadcastHeader* header = <BroadcastHeader*>segment.header
        if from_ not in ("now", "oldest"):
            raise ValueError(f"from_: found {from_!r}, expected 'now' or 'oldest'")
        self.name = ""
        self._attach(segment)
        self.ring.scratch = <uint8_t*>PyMem_RawMalloc(
            segment.capacity_bytes // FRAME_CAPACITY_SHARE)
        if self.ring.scratch == NULL:
            raise MemoryError(segment.capacity_bytes // FRAME_CAPACITY_SHARE)
        self.ring.followed = broadcast_followed(header, READERS_MAX)
        self.first_sequence = 0
        while self.first_sequence == 0:
            self.ring.position = load_acquire_u64(&header.oldest.oldest)
            if from_ == "now":
                # A keeper that has left says nothing of what is held; nobody sees more of it then.
                self.ring.position = max(self.ring.position,
                                         broadcast_limit(header, self.ring.followed)
                                         if self.ring.followed
                                         else load_acquire_u64(&header.tail.tail))
            self.first_sequence = broadcast_sequence_at(segment.data, header, self.ring.position)
        self.ring.frame_end = self.ring.position
        self.ring.sequence_next = self.first_sequence
        self.ring.frame_sequence = self.first_sequence - 1


def read_frames(path, from_sequence=None):
    """Every committed frame from a sequence number on to the tail: [(sequence, payload)].

    For recovery: reads the ring of a dead producer as far as it was committed, also what no keeper
    has released, changes nothing, and needs no lock. What it gives is not to leave the host.
    SegmentError when the first frame asked for is not held any more.
    """
    cdef LossyReader reader = LossyReader(path, "oldest")
    reader.ring.followed = 0
    if from_sequence is not None and from_sequence < reader.first_sequence:
        raise SegmentError(os.fspath(path), "oldest frame held", reader.first_sequence,
                           f"frames from {from_sequence} on")
    frames = []
    while True:
        status, sequence, payload = reader.peek()
        if status == STATUS_EMPTY:
            return frames
        if status != STATUS_OK:
            raise SegmentError(os.fspath(path), f"frame {reader.sequence_next}",
                               f"status {status}", "a ring that nobody writes")
        if from_sequence is None or sequence >= from_sequence:
            frames.append((sequence, payload))
        reader.advance()
