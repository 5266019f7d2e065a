"""Gives the frames of a stream to all who want them, in one pass and in compiled code.

A start reads the journal to know what the venue was: with a loop over its frames in Python the
restart of a long day would take minutes.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from ironcore.base.status cimport STATUS_CORRUPT, STATUS_OK
from ironcore.stream.journal_cursor cimport (
    JournalCursor, journal_cursor_next, journal_cursor_seek,
)
from ironcore.stream.journal_reader cimport CursorOwner, journal_raise
from ironcore.wire.record cimport COMMAND_HEADER_BYTES, EVENT_ACCEPTED, CommandHeader

cdef enum:
    TAKERS_MAX = 4
    FRAMES_AT_ONCE = 1 << 18         # between two looks at signals: less than 0.1 s
    SOURCES = 1 << 16                # numbers that CommandHeader.source can have
    EVENT_TYPE_MIN = EVENT_ACCEPTED


cdef int _take_nothing(void* self, uint64_t sequence, const uint8_t* payload,
                       uint32_t payload_bytes) noexcept nogil:
    return STATUS_OK


cdef class FrameTaker:
    """Takes the frames of a stream one after the other, in compiled code; what it makes of them is
    a subclass's business."""

    def __cinit__(self, *arguments):
        self.take = _take_nothing

    def __call__(self, uint64_t sequence, const uint8_t[::1] payload):
        """Take one frame. ValueError when it cannot be taken."""
        if self.take(self.self, sequence, &payload[0], <uint32_t>payload.shape[0]) != STATUS_OK:
            self.refused(sequence)

    def refused(self, uint64_t sequence):
        """Raises what there is to say about a frame that could not be taken."""
        raise ValueError(f"frame {sequence} cannot be taken")


cdef int _call(void* itself, uint64_t sequence, const uint8_t* payload,
               uint32_t payload_bytes) noexcept with gil:
    cdef ChosenFrames frames = <ChosenFrames>itself
    try:
        frames.call(sequence, payload[:payload_bytes])
    except Exception as error:
        frames.error = error
        return STATUS_CORRUPT
    return STATUS_OK


cdef int _chosen_take(void* self, uint64_t sequence, const uint8_t* payload,
                      uint32_t payload_bytes) noexcept nogil:
    cdef const Chosen* chosen = <const Chosen*>self
    if not chosen.wanted[payload[0]]:
        return STATUS_OK
    return _call(chosen.frames, sequence, payload, payload_bytes)


cdef class ChosenFrames(FrameTaker):
    """Calls `call` with the sequence and the frame, for each frame whose first record is of one of
    these types. types: None for every frame."""

    def __cinit__(self, types, call):
        cdef uint8_t type
        for type in range(256) if types is None else types:
            self.chosen.wanted[type] = True
        self.chosen.frames = <void*>self
        self.call = call
        self.take = _chosen_take
        self.self = &self.chosen

    def refused(self, uint64_t sequence):
        """Raises what `call` has raised."""
        raise self.error


cdef int _source_take(void* self, uint64_t sequence, const uint8_t* payload,
                      uint32_t payload_bytes) noexcept nogil:
    cdef const CommandHeader* header = <const CommandHeader*>payload
    if header.type < EVENT_TYPE_MIN and payload_bytes >= COMMAND_HEADER_BYTES:
        (<uint64_t*>self)[header.source] = header.source_sequence
    return STATUS_OK


cdef class SourceSequences(FrameTaker):
    """Of each order ring, the last frame whose command is in the stream."""

    def __cinit__(self):
        self.last = <uint64_t*>calloc(SOURCES, sizeof(uint64_t))
        if self.last == NULL:
            raise MemoryError
        self.take = _source_take
        self.self = self.last

    def __dealloc__(self):
        free(self.last)

    def by_source(self):
        """By the ring's number; a ring without any is not in it. 0 is the venue itself."""
        cdef uint32_t i
        return {i: self.last[i] for i in range(1, <uint32_t>SOURCES) if self.last[i]}


cdef struct Pass:
    FrameTake take[TAKERS_MAX]
    void* self[TAKERS_MAX]
    int count
    int refused                      # who did not take a frame, -1: nobody
    uint64_t before                  # a frame with this sequence is not wanted any more
    uint64_t sequence_next


cdef int _some(Pass* given, JournalCursor* cursor) noexcept nogil:
    """Up to FRAMES_AT_ONCE frames: STATUS_OK when there may be more."""
    cdef const uint8_t* payload = NULL
    cdef uint32_t payload_bytes = 0
    cdef uint64_t sequence = 0
    cdef int status = STATUS_OK
    cdef int left = FRAMES_AT_ONCE
    cdef int i
    while left > 0 and given.sequence_next < given.before:
        left -= 1
        status = journal_cursor_next(cursor, &payload, &payload_bytes, &sequence)
        if status != STATUS_OK:
            return status
        if sequence >= given.before:
            given.sequence_next = given.before
            break
        for i in range(given.count):
            status = given.take[i](given.self[i], sequence, payload, payload_bytes)
            if status != STATUS_OK:
                given.refused = i
                given.sequence_next = sequence
                return status
        given.sequence_next = sequence + 1
    return STATUS_OK


def give_journal(directory, takers, uint64_t first=1, uint64_t before=0xFFFFFFFFFFFFFFFF, *,
                 progress=lambda sequence: None):
    """Give the frames of a journal, synced or not, from `first` on and before `before`, to all
    takers: the sequence behind the last one.

    progress: called again and again meanwhile, with the sequence of the last frame. Raises what a
    taker says about a frame that it does not take (ValueError), OSError, JournalVersionError or
    JournalCorruptError where the journal cannot be read.
    """
    cdef CursorOwner owner = CursorOwner(directory)
    cdef FrameTaker taker
    cdef Pass given
    cdef int status = STATUS_OK
    if not 0 < len(takers) <= TAKERS_MAX:
        raise ValueError(f"takers: found {len(takers)}, expected 1 to {TAKERS_MAX}")
    given.count = 0
    for taker in takers:
        given.take[given.count] = taker.take
        given.self[given.count] = taker.self
        given.count += 1
    given.refused = -1
    given.before = before
    given.sequence_next = first
    if first > 1:
        status = journal_cursor_seek(&owner.cursor, first)
    while status == STATUS_OK and given.sequence_next < before:
        with nogil:
            status = _some(&given, &owner.cursor)
        PyErr_CheckSignals()
        progress(given.sequence_next - 1)
    if given.refused >= 0:
        takers[given.refused].refused(given.sequence_next)
    journal_raise(&owner.cursor, status)
    return given.sequence_next
