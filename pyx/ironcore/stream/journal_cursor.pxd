# Reads the frames of a journal in order, over all of its segments; also while it is being appended.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.files cimport Files
from ironcore.stream.journal_format cimport SEGMENT_NAME_BYTES

cdef enum JournalFault:
    FAULT_NONE = 0
    FAULT_HEADER = 1                 # not the header of a segment of this name
    FAULT_RECORD = 2                 # incomplete, or its checksum does not hold
    FAULT_SEQUENCE = 3               # a sound record, with a sequence that is not the next one
    FAULT_SEGMENT = 4                # the segment with the next sequence is missing
    FAULT_VERSION = 5                # the header is sound, and the records of another version

cdef struct JournalCursor:
    Files files
    uint8_t* buffer                  # holds buffer_bytes of the segment from buffer_offset on
    uint64_t buffer_offset
    uint64_t buffer_bytes
    int fd                           # of the segment in hand, -1: none
    char name[SEGMENT_NAME_BYTES]    # of the segment in hand or last looked for
    uint64_t segment_sequence        # its first sequence
    uint64_t offset                  # in it, of the next record; of the bad one after a fault
    uint64_t durable_offset          # in it, of its last durability mark; 0 without one
    bint follows                     # journal_cursor_follow
    uint64_t kept_sequence           # frames up to this one may be given whoever writes
    uint64_t kept_offset             # in the segment: so may those that begin before it
    uint64_t unclaimed_offset        # likewise, as long as they are in the buffer
    uint64_t sequence_next           # of the next frame; 0: that of the oldest segment
    uint64_t segments                # opened so far
    char stream_name[10]             # of the segment in hand
    int fault                        # JournalFault of the last STATUS_TRUNCATED or STATUS_CORRUPT
    uint64_t bad_bytes               # after STATUS_TRUNCATED: from offset to the segment's end
    uint64_t bad_sequence            # FAULT_SEQUENCE, FAULT_VERSION: what was found
    int os_error                     # errno of the last STATUS_IO

# Begins at the oldest frame. STATUS_LIMIT: no memory.
cdef int journal_cursor_open(JournalCursor* cursor, const Files* files) noexcept nogil
cdef void journal_cursor_close(JournalCursor* cursor) noexcept nogil
# From now on: of a journal that another process writes with before-reply, only what is on the disk.
# It ends, for now, at its last durability mark; one that nobody writes so is read to its end.
# STATUS_OK or STATUS_IO.
cdef int journal_cursor_follow(JournalCursor* cursor) noexcept nogil
# Makes the first frame with at least this sequence the next one; what lies before the segment that
# holds it is not looked at. STATUS_OK, STATUS_IO, or as journal_cursor_next.
cdef int journal_cursor_seek(JournalCursor* cursor, uint64_t sequence) noexcept nogil
# Begins at the newest segment. Without any: STATUS_EMPTY.
cdef int journal_cursor_seek_newest(JournalCursor* cursor) noexcept nogil
# STATUS_OK and a frame, valid until the next call; or
# STATUS_EMPTY      the journal ends here for now,
# STATUS_TRUNCATED  it ends here for now with an incomplete write, as a crash leaves it behind,
# STATUS_CORRUPT    stored data is damaged: fault, name and offset say what and where,
# STATUS_IO         os_error says why.
# After each of them the call may be repeated and looks again.
cdef int journal_cursor_next(JournalCursor* cursor, const uint8_t** payload,
                             uint32_t* payload_bytes, uint64_t* sequence) noexcept nogil
