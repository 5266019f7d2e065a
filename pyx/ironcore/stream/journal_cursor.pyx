"""Reads a journal from its segment files, and tells what a crash left behind from damage.

A crash leaves an incomplete write at the end of the newest segment: a record cut short, or, after a
loss of power, sectors that never reached the disk, perhaps with sound records behind them. Neither
was ever acknowledged as durable. Everything else that does not check is damage: a bad record in an
older segment (each was durable before its successor was made), before a durability mark, or in the
midst of sound ones without a missing sector; and a gap in the sequence.
"""

from libc.errno cimport ENOENT
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy, memset

from ironcore.base.status cimport (
    STATUS_CORRUPT, STATUS_EMPTY, STATUS_IO, STATUS_LIMIT, STATUS_OK, STATUS_TRUNCATED,
    STATUS_UNKNOWN_TYPE,
)
from ironcore.stream.journal_format cimport (
    RECORD_ALIGNMENT, RECORD_HEADER_BYTES, SECTOR_BYTES, SEGMENT_HEADER_BYTES, RecordHeader,
    SegmentHeader, record_bytes, record_crc, segment_header_check, segment_name, segment_sequence,
)
from ironcore.stream.journal_mark cimport MARK_SOUND, JournalMark, mark_read
from ironcore.wire.record cimport FRAME_PAYLOAD_BYTES_MAX

cdef extern from * nogil:
    """
    #define SEQUENCE_MAX UINT64_MAX
    """
    const uint64_t SEQUENCE_MAX

cdef enum:
    BUFFER_BYTES = 256 * 1024
    FILE_NAME_BYTES = 256
    RECORD_BYTES_MAX = RECORD_HEADER_BYTES + FRAME_PAYLOAD_BYTES_MAX


cdef int journal_cursor_open(JournalCursor* cursor, const Files* files) noexcept nogil:
    memset(cursor, 0, sizeof(cursor[0]))
    cursor.files = files[0]
    cursor.fd = -1
    cursor.buffer = <uint8_t*>malloc(BUFFER_BYTES)
    return STATUS_OK if cursor.buffer != NULL else STATUS_LIMIT


cdef int journal_cursor_follow(JournalCursor* cursor) noexcept nogil:
    cdef JournalMark mark
    cdef int state = mark_read(&cursor.files, &mark)
    if state < 0:
        return _io(cursor, state)
    if state == MARK_SOUND:
        # It may be ahead of the marks in the segment, which are written when there is time.
        cursor.kept_sequence = mark.sequence
    cursor.follows = True
    return STATUS_OK


cdef void _leave_segment(JournalCursor* cursor) noexcept nogil:
    if cursor.fd >= 0:
        cursor.files.close(cursor.files.context, cursor.fd)
    cursor.fd = -1


cdef void journal_cursor_close(JournalCursor* cursor) noexcept nogil:
    _leave_segment(cursor)
    free(cursor.buffer)
    cursor.buffer = NULL


cdef int _io(JournalCursor* cursor, long result) noexcept nogil:
    cursor.os_error = <int>-result
    return STATUS_IO


cdef int _fault(JournalCursor* cursor, int status, int fault) noexcept nogil:
    cursor.fault = fault
    return status


cdef int _find_segment(JournalCursor* cursor, uint64_t least, uint64_t most, bint newest,
                       uint64_t* found) noexcept nogil:
    """The oldest or newest segment whose first sequence is within [least, most]; 0 if none is."""
    cdef char name[FILE_NAME_BYTES]
    cdef uint64_t sequence
    cdef int index = 0
    cdef int n
    found[0] = 0
    while True:
        n = cursor.files.list(cursor.files.context, index, name)
        if n < 0:
            return _io(cursor, n)
        if n == 0:
            return STATUS_OK
        index += 1
        sequence = segment_sequence(name)
        if sequence == 0 or sequence < least or sequence > most:
            continue
        if found[0] == 0 or (sequence > found[0]) == newest:
            found[0] = sequence


cdef int _enter_segment(JournalCursor* cursor, uint64_t sequence) noexcept nogil:
    """Take a segment in hand, at its header. STATUS_EMPTY: there is none of this sequence."""
    cdef int fd
    _leave_segment(cursor)
    segment_name(cursor.name, sequence)
    fd = cursor.files.open(cursor.files.context, cursor.name, 0)
    if fd == -ENOENT:
        return STATUS_EMPTY
    if fd < 0:
        return _io(cursor, fd)
    cursor.fd = fd
    cursor.segment_sequence = sequence
    cursor.offset = 0
    cursor.durable_offset = 0
    cursor.kept_offset = 0
    cursor.buffer_offset = 0
    cursor.buffer_bytes = 0
    cursor.segments += 1
    return STATUS_OK


cdef int _load(JournalCursor* cursor, uint64_t offset) noexcept nogil:
    """Fill the buffer anew, from this offset on."""
    cdef long n
    cursor.buffer_offset = offset
    cursor.buffer_bytes = 0
    cursor.unclaimed_offset = 0
    while cursor.buffer_bytes < <uint64_t>BUFFER_BYTES:
        n = cursor.files.read_at(cursor.files.context, cursor.fd,
                                 cursor.buffer + cursor.buffer_bytes,
                                 BUFFER_BYTES - cursor.buffer_bytes,
                                 offset + cursor.buffer_bytes)
        if n < 0:
            cursor.buffer_bytes = 0
            return _io(cursor, n)
        if n == 0:
            break
        cursor.buffer_bytes += <uint64_t>n
    return STATUS_OK


cdef const RecordHeader* _sound_record(const JournalCursor* cursor,
                                       uint64_t offset) noexcept nogil:
    """The record at this offset of the segment if it is whole, checks and lies in the buffer."""
    cdef uint64_t at = offset - cursor.buffer_offset
    cdef uint64_t left
    cdef const RecordHeader* record
    if at > cursor.buffer_bytes:
        return NULL
    left = cursor.buffer_bytes - at
    if left < RECORD_HEADER_BYTES:
        return NULL
    record = <const RecordHeader*>(cursor.buffer + at)
    if record.payload_bytes > FRAME_PAYLOAD_BYTES_MAX:
        return NULL
    if left < record_bytes(record.payload_bytes):
        return NULL
    if record.crc != record_crc(record.sequence, cursor.buffer + at + RECORD_HEADER_BYTES,
                                record.payload_bytes):
        return NULL
    return record


cdef bint _sector_missing(const JournalCursor* cursor, uint64_t start) noexcept nogil:
    """Whether the sector around this offset was never written: only zeros from there to its end."""
    cdef uint64_t end = (start // SECTOR_BYTES + 1) * SECTOR_BYTES
    cdef uint64_t i
    if start < cursor.buffer_offset or end > cursor.buffer_offset + cursor.buffer_bytes:
        return False
    for i in range(start - cursor.buffer_offset, end - cursor.buffer_offset):
        if cursor.buffer[i] != 0:
            return False
    return True


cdef bint _sound_now(const JournalCursor* cursor, int fault) noexcept nogil:
    """Whether what was bad a moment ago, at the buffer's start, has been written meanwhile."""
    if fault == FAULT_HEADER:
        return (cursor.buffer_bytes >= SEGMENT_HEADER_BYTES
                and segment_header_check(cursor.buffer, cursor.segment_sequence) == STATUS_OK)
    return _sound_record(cursor, cursor.buffer_offset) != NULL


cdef int _judge_rest(JournalCursor* cursor, int fault) noexcept nogil:
    """The newest segment is bad from `offset` on: did a crash leave it so, or is it damage?

    STATUS_OK when it is no longer bad: its writer was in the middle of it.
    """
    cdef uint64_t offset = cursor.offset
    cdef uint64_t end
    cdef const RecordHeader* record
    cdef bint sector_missing = False
    cdef bint sound_record_behind = False
    cdef int status = _load(cursor, offset)
    if status != STATUS_OK or _sound_now(cursor, fault):
        return status
    while True:
        end = cursor.buffer_offset + cursor.buffer_bytes
        if offset + RECORD_BYTES_MAX > end and cursor.buffer_bytes == BUFFER_BYTES:
            status = _load(cursor, offset)
            if status != STATUS_OK:
                return status
            end = cursor.buffer_offset + cursor.buffer_bytes
        if offset + RECORD_HEADER_BYTES > end:
            break
        if not sound_record_behind and (offset == cursor.offset or offset % SECTOR_BYTES == 0):
            sector_missing = sector_missing or _sector_missing(cursor, offset)
        record = _sound_record(cursor, offset)
        if record == NULL or record.sequence < cursor.sequence_next:
            offset += RECORD_ALIGNMENT
            continue
        sound_record_behind = True
        if record.payload_bytes == 0 or not sector_missing:
            return _fault(cursor, STATUS_CORRUPT, fault)
        offset += record_bytes(record.payload_bytes)
    cursor.bad_bytes = end - cursor.offset
    return _fault(cursor, STATUS_TRUNCATED, fault)


cdef int _judge(JournalCursor* cursor, int fault) noexcept nogil:
    cdef uint64_t later = 0
    cdef int status = _find_segment(cursor, cursor.segment_sequence + 1, SEQUENCE_MAX, False,
                                    &later)
    if status != STATUS_OK:
        return status
    if later != 0:
        return _fault(cursor, STATUS_CORRUPT, fault)
    status = _judge_rest(cursor, fault)
    # What was read in order to judge is not where reading goes on.
    cursor.buffer_offset = cursor.offset
    cursor.buffer_bytes = 0
    return status


cdef int _begin(JournalCursor* cursor) noexcept nogil:
    """Enter the segment that begins with the next frame, or with the oldest one of all."""
    cdef uint64_t sequence = cursor.sequence_next
    cdef uint64_t later = 0
    cdef int status
    if sequence == 0:
        status = _find_segment(cursor, 1, SEQUENCE_MAX, False, &sequence)
        if status != STATUS_OK:
            return status
        if sequence == 0:
            return STATUS_EMPTY
    status = _enter_segment(cursor, sequence)
    if status == STATUS_EMPTY:
        status = _find_segment(cursor, sequence + 1, SEQUENCE_MAX, False, &later)
        if status != STATUS_OK:
            return status
        return _fault(cursor, STATUS_CORRUPT, FAULT_SEGMENT) if later else STATUS_EMPTY
    if status == STATUS_OK:
        cursor.sequence_next = sequence
    return status


cdef int _pass_header(JournalCursor* cursor) noexcept nogil:
    cdef const SegmentHeader* header = <const SegmentHeader*>cursor.buffer
    cdef int status = _load(cursor, 0)
    if status != STATUS_OK:
        return status
    if cursor.buffer_bytes >= SEGMENT_HEADER_BYTES:
        status = segment_header_check(cursor.buffer, cursor.segment_sequence)
    else:
        status = STATUS_CORRUPT
    if status == STATUS_UNKNOWN_TYPE:
        cursor.bad_sequence = header.version
        return _fault(cursor, STATUS_CORRUPT, FAULT_VERSION)
    if status != STATUS_OK:
        return _judge(cursor, FAULT_HEADER)
    if cursor.segments > 1 and memcmp(cursor.stream_name, header.stream_name,
                                      sizeof(cursor.stream_name)) != 0:
        return _fault(cursor, STATUS_CORRUPT, FAULT_HEADER)
    memcpy(cursor.stream_name, header.stream_name, sizeof(cursor.stream_name))
    cursor.offset = SEGMENT_HEADER_BYTES
    return STATUS_OK


cdef int _end_of_segment(JournalCursor* cursor) noexcept nogil:
    """The segment ends here for now: STATUS_OK when it went on, or its successor is in hand."""
    cdef uint64_t later = 0
    cdef uint64_t end = cursor.offset
    cdef uint64_t sequence = cursor.segment_sequence
    cdef int status
    # A successor, once seen, means that this segment will not grow any more: look in this order.
    status = _find_segment(cursor, sequence + 1, SEQUENCE_MAX, False, &later)
    if status != STATUS_OK or later == 0:
        return STATUS_EMPTY if status == STATUS_OK else status
    status = _load(cursor, end)
    if status != STATUS_OK or cursor.buffer_bytes > 0:
        return status
    if later != cursor.sequence_next:
        return _fault(cursor, STATUS_CORRUPT, FAULT_SEGMENT)
    return _enter_segment(cursor, later)


cdef int _record_here(JournalCursor* cursor, const RecordHeader** found) noexcept nogil:
    """STATUS_OK and the frame or mark at the offset, or NULL when there is to look again;
    STATUS_EMPTY at the segment's end."""
    cdef const RecordHeader* record = _sound_record(cursor, cursor.offset)
    cdef int status
    found[0] = NULL
    if record == NULL:
        status = _load(cursor, cursor.offset)
        if status != STATUS_OK:
            return status
        if cursor.buffer_bytes == 0:
            return STATUS_EMPTY
        record = _sound_record(cursor, cursor.offset)
        if record == NULL:
            return _judge(cursor, FAULT_RECORD)
    # A mark names the frame before it.
    if record.sequence != cursor.sequence_next - (record.payload_bytes == 0):
        cursor.bad_sequence = record.sequence
        return _fault(cursor, STATUS_CORRUPT, FAULT_SEQUENCE)
    found[0] = record
    return STATUS_OK


cdef int _next_record(JournalCursor* cursor, const RecordHeader** found) noexcept nogil:
    """STATUS_OK and the next frame, or NULL when there is to look again."""
    cdef const RecordHeader* record = NULL
    cdef int status = _record_here(cursor, &record)
    found[0] = NULL
    if status == STATUS_EMPTY:
        return _end_of_segment(cursor)
    if status != STATUS_OK or record == NULL:
        return status
    if record.payload_bytes == 0:
        cursor.durable_offset = cursor.offset
        cursor.offset += RECORD_HEADER_BYTES
        return STATUS_OK
    found[0] = record
    return STATUS_OK


cdef int _look_for_mark(JournalCursor* cursor) noexcept nogil:
    """Up to which durability mark the segment may be read: STATUS_EMPTY when there is none ahead.
    Damage ahead is reported where it is."""
    cdef uint64_t offset = cursor.offset
    cdef uint64_t sequence_next = cursor.sequence_next
    cdef const RecordHeader* record = NULL
    cdef int status = STATUS_OK
    cursor.kept_offset = 0
    while status == STATUS_OK:
        status = _record_here(cursor, &record)
        if record != NULL:
            cursor.offset += record_bytes(record.payload_bytes)
            if record.payload_bytes == 0:
                cursor.kept_offset = cursor.offset
            else:
                cursor.sequence_next += 1
    if cursor.kept_offset == 0 and status != STATUS_EMPTY and status != STATUS_TRUNCATED:
        return status
    cursor.fault = FAULT_NONE
    cursor.offset = offset
    cursor.sequence_next = sequence_next
    cursor.buffer_offset = offset
    cursor.buffer_bytes = 0
    return STATUS_OK if cursor.kept_offset else STATUS_EMPTY


cdef int _await_disk(JournalCursor* cursor, const RecordHeader** record) noexcept nogil:
    """STATUS_OK when the frame found may be given, or, with NULL, when there is to look again;
    STATUS_EMPTY while it is not known to be on the disk."""
    cdef int claimed
    if (cursor.sequence_next <= cursor.kept_sequence
            or cursor.offset < max(cursor.kept_offset, cursor.unclaimed_offset)):
        return STATUS_OK
    claimed = cursor.files.is_claimed(cursor.files.context, cursor.fd)
    if claimed < 0:
        return _io(cursor, claimed)
    if claimed:
        record[0] = NULL
        return _look_for_mark(cursor)
    # Asked behind the read: its writer was gone, or had synced it and closed it, or waits for no
    # disk. What is read from now on may be another's.
    cursor.unclaimed_offset = cursor.buffer_offset + cursor.buffer_bytes
    return STATUS_OK


cdef int journal_cursor_next(JournalCursor* cursor, const uint8_t** payload,
                             uint32_t* payload_bytes, uint64_t* sequence) noexcept nogil:
    cdef const RecordHeader* record = NULL
    cdef int status = STATUS_OK
    cursor.fault = FAULT_NONE
    while record == NULL:
        if cursor.fd < 0:
            status = _begin(cursor)
        elif cursor.offset == 0:
            status = _pass_header(cursor)
        else:
            status = _next_record(cursor, &record)
            if record != NULL and cursor.follows:
                status = _await_disk(cursor, &record)
        if status != STATUS_OK:
            return status
    payload[0] = <const uint8_t*>record + RECORD_HEADER_BYTES
    payload_bytes[0] = record.payload_bytes
    sequence[0] = record.sequence
    cursor.offset += record_bytes(record.payload_bytes)
    cursor.sequence_next += 1
    return STATUS_OK


cdef int journal_cursor_seek(JournalCursor* cursor, uint64_t sequence) noexcept nogil:
    cdef const RecordHeader* record = NULL
    cdef uint64_t found = 0
    cdef int status = _find_segment(cursor, 1, sequence, True, &found)
    if status != STATUS_OK:
        return status
    _leave_segment(cursor)
    cursor.sequence_next = found  # without one: the oldest segment, all of it later
    while status == STATUS_OK and found and cursor.sequence_next < sequence:
        if cursor.fd < 0:
            status = _begin(cursor)
        elif cursor.offset == 0:
            status = _pass_header(cursor)
        else:
            status = _next_record(cursor, &record)
            if record != NULL:
                cursor.offset += record_bytes(record.payload_bytes)
                cursor.sequence_next += 1
    return status


cdef int journal_cursor_seek_newest(JournalCursor* cursor) noexcept nogil:
    cdef uint64_t found = 0
    cdef int status = _find_segment(cursor, 1, SEQUENCE_MAX, True, &found)
    if status != STATUS_OK:
        return status
    if found == 0:
        return STATUS_EMPTY
    _leave_segment(cursor)
    cursor.sequence_next = found
    return STATUS_OK
