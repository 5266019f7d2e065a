"""Journals for Python: their frames, what they hold as a whole, and what their mark says."""

import os
from typing import NamedTuple

cimport cython
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.files cimport FileDirectory, HostDirectory
from ironcore.base.status cimport (
    STATUS_CORRUPT, STATUS_IO, STATUS_OK, STATUS_TRUNCATED,
)
from ironcore.stream.journal_cursor cimport (
    FAULT_HEADER, FAULT_RECORD, FAULT_SEGMENT, FAULT_SEQUENCE, FAULT_VERSION, JournalCursor,
    journal_cursor_close, journal_cursor_follow, journal_cursor_next, journal_cursor_open,
    journal_cursor_seek, journal_cursor_seek_newest,
)
from ironcore.stream.journal_format cimport JOURNAL_VERSION, SEGMENT_NAME_BYTES, segment_name
from ironcore.stream.journal_mark cimport (
    MARK_FOREIGN, MARK_MISSING, MARK_SOUND, MARK_VERSION, JournalMark, mark_read,
)

MARK_NAME = "journal.mark"


class JournalReport(NamedTuple):
    """What a journal holds, and where it ends."""

    stream_name: str
    segments: int
    frames: int
    first_sequence: int  # of the oldest frame; 0: there is none
    last_sequence: int  # of the last sound frame
    segment: str  # where the sound part ends: file name, "" for none, ...
    offset: int  # ... and offset in it
    durable_offset: int  # of its last durability mark, 0 without one: what is before it is durable
    torn_bytes: int  # behind that, left by a crash in the middle of a write
    fault: str  # "" when sound up to its end; else what is wrong at segment and offset
    mark_sequence: int = 0  # up to here its high-water mark says that it was durable
    mark_doubt: str = ""  # what the mark says against this journal, "" for nothing
    set_aside: str = ""  # what recovery has renamed, "" for nothing


class JournalCorruptError(ValueError):
    """Stored data is damaged; what follows the last good sequence is not trusted."""

    def __init__(self, report, advice=""):
        super().__init__(
            f"journal segment {report.segment or '(none)'}, offset {report.offset}: {report.fault};"
            f" last good sequence {report.last_sequence}{advice}"
        )
        self.report = report
        self.segment = report.segment
        self.offset = report.offset
        self.last_sequence = report.last_sequence


class JournalVersionError(ValueError):
    """The records are of another version than ours: whole, and not for this release to touch."""

    def __init__(self, report):
        super().__init__(f"journal segment {report.segment}: {report.fault}")
        self.report = report


class JournalMarked(NamedTuple):
    """What a journal's high-water mark says; `fault` is "" when it can be read."""

    sequence: int = 0
    segment: str = ""
    identity: str = ""
    stream_name: str = ""
    fault: str = ""


cdef FileDirectory journal_directory(object directory):
    return directory if isinstance(directory, FileDirectory) else HostDirectory(directory)


cdef journal_check(long result, name):
    if result < 0:
        raise OSError(-result, os.strerror(-result), name)


@cython.no_gc_clear  # the files are closed through the directory
cdef class CursorOwner:
    """A cursor over a journal and the directory that it reads."""

    def __cinit__(self, directory):
        self.cursor.fd = -1
        self.directory = journal_directory(directory)
        if journal_cursor_open(&self.cursor, &self.directory.files) != STATUS_OK:
            raise MemoryError

    def __dealloc__(self):
        if self.directory is not None:
            journal_cursor_close(&self.cursor)


cdef str _fault_text(const JournalCursor* cursor):
    if cursor.fault == FAULT_HEADER:
        return "segment header does not check"
    if cursor.fault == FAULT_RECORD:
        return "record is incomplete or its checksum does not hold"
    if cursor.fault == FAULT_SEQUENCE:
        return f"sequence {cursor.bad_sequence} found, expected {cursor.sequence_next}"
    if cursor.fault == FAULT_SEGMENT:
        return f"the segment that begins with sequence {cursor.sequence_next} is missing"
    if cursor.fault == FAULT_VERSION:
        found = 2 if cursor.bad_sequence == 1 else cursor.bad_sequence
        return (f"records of version {found} found, expected {JOURNAL_VERSION}: read it with the "
                "release that wrote it; a new stream needs a new journal directory")
    return ""


cdef journal_raise(JournalCursor* cursor, int status):
    if status == STATUS_IO:
        raise OSError(cursor.os_error, os.strerror(cursor.os_error), cursor.name.decode())
    if status != STATUS_CORRUPT:
        return
    report = JournalReport(
        "", cursor.segments, 0, 0, cursor.sequence_next - 1, cursor.name.decode(), cursor.offset,
        cursor.durable_offset, 0, _fault_text(cursor),
    )
    kind = JournalVersionError if cursor.fault == FAULT_VERSION else JournalCorruptError
    raise kind(report)


cdef object journal_walk(CursorOwner owner, bint newest_only):
    """Read to the end: (report, status of the end)."""
    cdef JournalCursor* cursor = &owner.cursor
    cdef const uint8_t* payload = NULL
    cdef uint32_t payload_bytes = 0
    cdef uint64_t sequence = 0
    cdef uint64_t frames = 0
    cdef uint64_t last = 0
    cdef int status = STATUS_OK
    with nogil:
        if newest_only:
            status = journal_cursor_seek_newest(cursor)
            last = cursor.sequence_next - 1 if status == STATUS_OK else 0
        while status == STATUS_OK:
            status = journal_cursor_next(cursor, &payload, &payload_bytes, &sequence)
            if status == STATUS_OK:
                frames += 1
                last = sequence
    if status == STATUS_IO:
        journal_raise(cursor, status)
    if last == 0 and cursor.sequence_next:
        last = cursor.sequence_next - 1
    return JournalReport(
        stream_name=cursor.stream_name[:10].rstrip(b"\0").decode(errors="replace"),
        segments=cursor.segments,
        frames=frames,
        first_sequence=last - frames + 1 if frames else 0,
        last_sequence=last,
        segment=cursor.name.decode() if cursor.segments else "",
        offset=cursor.offset,
        durable_offset=cursor.durable_offset,
        torn_bytes=cursor.bad_bytes if status == STATUS_TRUNCATED else 0,
        fault=_fault_text(cursor) if status == STATUS_CORRUPT else "",
    ), status


cdef class JournalReader:
    """The frames of a journal: iterating gives (sequence, bytes), in order, from `first_sequence`.

    Ends at the journal's end, or where a crash cut a write short. Of a journal that a process is
    writing with before-reply, ends with what is on the disk for certain; `unsynced` gives what is
    not as well, which must not leave the host. Raises JournalCorruptError at damage and OSError
    when a file cannot be read.
    """

    cdef object directory
    cdef uint64_t first_sequence
    cdef bint unsynced

    def __init__(self, directory, first_sequence=0, *, unsynced=False):
        self.directory = journal_directory(directory)
        self.first_sequence = first_sequence
        self.unsynced = unsynced

    def __iter__(self):
        cdef CursorOwner owner = CursorOwner(self.directory)
        cdef const uint8_t* payload = NULL
        cdef uint32_t payload_bytes = 0
        cdef uint64_t sequence = 0
        cdef int status = STATUS_OK
        if not self.unsynced:
            status = journal_cursor_follow(&owner.cursor)
        if status == STATUS_OK and self.first_sequence:
            status = journal_cursor_seek(&owner.cursor, self.first_sequence)
        while status == STATUS_OK:
            status = journal_cursor_next(&owner.cursor, &payload, &payload_bytes, &sequence)
            if status == STATUS_OK:
                yield sequence, payload[:payload_bytes]
        journal_raise(&owner.cursor, status)

    def verify(self):
        """Read all of it, synced or not, and report; damage is reported in `fault`, not raised."""
        report, _ = journal_walk(CursorOwner(self.directory), False)
        return report


def stream_name(directory):
    """The name of the stream whose journal this is, "" while it has no sound segment. OSError when
    its oldest segment cannot be read."""
    cdef CursorOwner owner = CursorOwner(directory)
    cdef const uint8_t* payload = NULL
    cdef uint32_t payload_bytes = 0
    cdef uint64_t sequence = 0
    if journal_cursor_next(&owner.cursor, &payload, &payload_bytes, &sequence) == STATUS_IO:
        journal_raise(&owner.cursor, STATUS_IO)
    return owner.cursor.stream_name[:10].rstrip(b"\0").decode(errors="replace")


cdef mark_identify(JournalMark* mark, const char* stream_name, str identity):
    """Of which stream a mark is that is to be written: 32 hexadecimal digits, or none."""
    cdef bytes binary = bytes.fromhex(identity)
    if binary and len(binary) != sizeof(mark.identity):
        raise ValueError(f"identity: found {identity!r}, expected {2 * sizeof(mark.identity)} "
                         "digits")
    memcpy(mark.stream_name, stream_name, sizeof(mark.stream_name))
    if binary:
        memcpy(mark.identity, <const char*>binary, sizeof(mark.identity))


cdef str _segment_text(uint64_t sequence):
    cdef char name[SEGMENT_NAME_BYTES]
    if sequence == 0:
        return ""
    segment_name(name, sequence)
    return (<bytes>name).decode()


cdef object journal_mark_of(FileDirectory directory, JournalMark* mark):
    """What the mark says; None without one."""
    cdef int state = mark_read(&directory.files, mark)
    journal_check(state, MARK_NAME)
    if state == MARK_MISSING:
        memset(mark, 0, sizeof(mark[0]))
        return None
    if state == MARK_SOUND:
        identity = (<uint8_t*>mark.identity)[:sizeof(mark.identity)]
        return JournalMarked(
            mark.sequence, _segment_text(mark.segment_sequence),
            identity.hex() if any(identity) else "",
            mark.stream_name[:10].rstrip(b"\0").decode(errors="replace"))
    fault = "it is damaged: its length, its magic or its checksum is not that of a mark"
    if state == MARK_FOREIGN:
        fault = f"found version {mark.version}, expected {MARK_VERSION}"
    memset(mark, 0, sizeof(mark[0]))
    return JournalMarked(fault=fault)


def read_mark(directory):
    """The high-water mark beside a journal, None when there is none. OSError when it cannot be
    read. Who reads a journal that is being written reads its mark first."""
    cdef JournalMark mark
    return journal_mark_of(journal_directory(directory), &mark)
