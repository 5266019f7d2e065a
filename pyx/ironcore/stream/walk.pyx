"""One walk over the transactions of the event stream.

A transaction is a command and the events that it caused. It begins with a frame that holds the
command and goes on, when it is long, in frames that hold events only, up to RECORD_LAST
(docs/WIRE.md). What a reader makes of commands and events is its own business.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from ironcore.base.check cimport iron_static_assert
from ironcore.base.status cimport STATUS_CORRUPT, STATUS_OK
from ironcore.wire.record cimport (
    COMMAND_HEADER_BYTES, EVENT_BYTES, FRAME_PAYLOAD_BYTES_MAX, RECORD_LAST, CommandHeader, Event,
    record_check_command, record_is_known_event,
)


cdef inline bint _is_command(const CommandHeader* header, uint32_t payload_bytes) noexcept nogil:
    """A whole one, of a known type and of that type's size: its struct can be read."""
    return (payload_bytes >= COMMAND_HEADER_BYTES and header.record_bytes <= payload_bytes
            and record_check_command(<const uint8_t*>header, header.record_bytes) == STATUS_OK)


cdef int walk_take(Walk* walk, uint64_t sequence, const uint8_t* payload,
                   uint32_t payload_bytes) noexcept nogil:
    iron_static_assert(sizeof(Event) == EVENT_BYTES)
    cdef const CommandHeader* header = <const CommandHeader*>payload
    cdef uint32_t command_bytes = 0
    cdef bint is_last = False
    cdef const Event* events
    cdef uint32_t count, i
    if (sequence != walk.sequence + 1 or payload_bytes == 0
            or payload_bytes > FRAME_PAYLOAD_BYTES_MAX):
        return STATUS_CORRUPT
    if not walk.open:
        if not _is_command(header, payload_bytes):
            return STATUS_CORRUPT
        command_bytes = header.record_bytes
        is_last = header.flags & RECORD_LAST
    if (payload_bytes - command_bytes) % EVENT_BYTES:
        return STATUS_CORRUPT
    events = <const Event*>(payload + command_bytes)
    count = (payload_bytes - command_bytes) // EVENT_BYTES
    for i in range(count):
        # Nothing follows what is marked as the last record, and a frame of events has no command.
        if is_last or not record_is_known_event(events[i].type):
            return STATUS_CORRUPT
        is_last = events[i].flags & RECORD_LAST
    walk.begins = not walk.open
    if walk.begins:
        memcpy(walk.command, payload, command_bytes)
    walk.sequence = sequence
    walk.events = events
    walk.events_count = count
    walk.open = not is_last
    return STATUS_OK


cdef class Transactions:
    """Whole transactions of a stream, for the control plane; `first` is the number of the first
    frame that will be given, and has to begin one."""

    def __cinit__(self, uint64_t first=1):
        self.walk.sequence = first - 1
        self.walk.open = False
        self.parts = []

    def take(self, uint64_t sequence, bytes payload not None):
        """The transaction that this frame ends, as (number of its first frame, command and events),
        or None while it goes on. ValueError: not the frame that follows, or none of a stream."""
        if walk_take(&self.walk, sequence, <const uint8_t*><const char*>payload,
                     <uint32_t>len(payload)) != STATUS_OK:
            raise ValueError(f"frame {sequence} does not continue the stream after frame "
                             f"{self.walk.sequence}")
        if self.walk.begins:
            self.first = sequence
        self.parts.append(payload)
        if self.walk.open:
            return None
        transaction = b"".join(self.parts)
        self.parts.clear()
        return self.first, transaction
