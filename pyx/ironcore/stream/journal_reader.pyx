"""Journals for Python: read their frames, verify them, and recover them after a crash."""

import os
from typing import NamedTuple

cimport cython
from libc.errno cimport ENOENT
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from ironcore.base.files cimport FileDirectory, Files, HostDirectory
from ironcore.base.status cimport (
    STATUS_CORRUPT, STATUS_IO, STATUS_OK, STATUS_TRUNCATED,
)
from ironcore.stream.journal_cursor cimport (
    FAULT_HEADER, FAULT_RECORD, FAULT_SEGMENT, FAULT_SEQUENCE, FAULT_VERSION, JournalCursor,
    journal_cursor_close, journal_cursor_follow, journal_cursor_next, journal_cursor_open,
    journal_cursor_seek, journal_cursor_seek_newest,
)
from ironcore.stream.journal_format cimport (
    JOURNAL_VERSION, SEGMENT_HEADER_BYTES, SEGMENT_NAME_BYTES, segment_name, segment_sequence,
)
from ironcore.stream.journal_mark cimport (
    MARK_FOREIGN, MARK_MISSING, MARK_SOUND, MARK_VERSION, JournalMark, mark_read, mark_write,
)

cdef enum:
    FILE_NAME_BYTES = 256
    COPY_BYTES = 65536

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


class JournalBehindError(JournalCorruptError):
    """The journal's high-water mark says that more was durable than the journal has."""

    def __init__(self, report, advice=""):
        ValueError.__init__(self, f"{MARK_NAME}: {report.mark_doubt}{advice}")
        self.report = report
        self.segment = report.segment
        self.offset = report.offset
        self.last_sequence = report.last_sequence
        self.mark_sequence = report.mark_sequence


class JournalMarked(NamedTuple):
    """What a journal's high-water mark says; `fault` is "" when it can be read."""

    sequence: int = 0
    segment: str = ""
    identity: str = ""
    stream_name: str = ""
    fault: str = ""


cdef FileDirectory journal_directory(object directory):
    return directory if isinstance(directory, FileDirectory) else HostDirectory(directory)


cdef _check_os(long result, name):
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

    cdef object _raise_io(self):
        raise OSError(self.cursor.os_error, os.strerror(self.cursor.os_error),
                      self.cursor.name.decode())


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


cdef object _walk(CursorOwner owner, bint newest_only):
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
        owner._raise_io()
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
        if status == STATUS_IO:
            owner._raise_io()
        if status == STATUS_CORRUPT:
            report = JournalReport(
                "", owner.cursor.segments, 0, 0, owner.cursor.sequence_next - 1,
                owner.cursor.name.decode(), owner.cursor.offset,
                owner.cursor.durable_offset, 0, _fault_text(&owner.cursor),
            )
            if owner.cursor.fault == FAULT_VERSION:
                raise JournalVersionError(report)
            raise JournalCorruptError(report)

    def verify(self):
        """Read all of it, synced or not, and report; damage is reported in `fault`, not raised."""
        report, _ = _walk(CursorOwner(self.directory), False)
        return report


def stream_name(directory):
    """The name of the stream whose journal this is, "" while it has no sound segment. OSError when
    its oldest segment cannot be read."""
    cdef CursorOwner owner = CursorOwner(directory)
    cdef const uint8_t* payload = NULL
    cdef uint32_t payload_bytes = 0
    cdef uint64_t sequence = 0
    if journal_cursor_next(&owner.cursor, &payload, &payload_bytes, &sequence) == STATUS_IO:
        owner._raise_io()
    return owner.cursor.stream_name[:10].rstrip(b"\0").decode(errors="replace")


cdef _truncate(FileDirectory directory, str name, uint64_t offset):
    cdef Files* files = &directory.files
    cdef bytes encoded = name.encode()
    cdef int fd = files.open(files.context, encoded, 0)
    _check_os(fd, name)
    try:
        _check_os(files.truncate(files.context, fd, offset), name)
    finally:
        files.close(files.context, fd)


cdef _write_again(Files* files, int fd, str name, uint64_t offset):
    """Have the kernel store these bytes up to the file's end, though they are in it already."""
    cdef uint8_t chunk[COPY_BYTES]
    cdef long n
    while True:
        n = files.read_at(files.context, fd, chunk, COPY_BYTES, offset)
        _check_os(n, name)
        if n == 0:
            return
        n = files.write_at(files.context, fd, chunk, <size_t>n, offset)
        _check_os(n, name)
        offset += <uint64_t>n


cdef _make_durable(FileDirectory directory, str name, uint64_t durable_offset):
    """What a killed writer may have left in the page cache, its last mark included. Its last sync
    may have failed: then the kernel takes pages for stored that are not, and only writing them
    again helps."""
    cdef Files* files = &directory.files
    cdef bytes encoded = name.encode()
    cdef int fd
    if name:
        fd = files.open(files.context, encoded, 0)
        _check_os(fd, name)
        try:
            _write_again(files, fd, name, durable_offset)
            _check_os(files.sync(files.context, fd), name)
        finally:
            files.close(files.context, fd)
    _check_os(files.sync_directory(files.context), "journal directory")


cdef mark_identify(JournalMark* mark, const char* stream_name, str identity):
    """Of which stream a mark is that is to be written: 32 hexadecimal digits, or none."""
    cdef bytes binary = bytes.fromhex(identity)
    if binary and len(binary) != sizeof(mark.identity):
        raise ValueError(f"identity {identity!r}: expected {2 * sizeof(mark.identity)} digits")
    memcpy(mark.stream_name, stream_name, sizeof(mark.stream_name))
    if binary:
        memcpy(mark.identity, <const char*>binary, sizeof(mark.identity))


cdef str _segment_text(uint64_t sequence):
    cdef char name[SEGMENT_NAME_BYTES]
    if sequence == 0:
        return ""
    segment_name(name, sequence)
    return (<bytes>name).decode()


cdef object _read_mark(FileDirectory directory, JournalMark* mark):
    """What the mark says; None without one."""
    cdef int state = mark_read(&directory.files, mark)
    _check_os(state, MARK_NAME)
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
    return _read_mark(journal_directory(directory), &mark)


cdef bint _exists(FileDirectory directory, str name):
    cdef Files* files = &directory.files
    cdef bytes encoded = name.encode()
    cdef int fd = files.open(files.context, encoded, 0)
    if fd == -ENOENT:
        return False
    _check_os(fd, name)
    files.close(files.context, fd)
    return True


cdef str _doubt(FileDirectory directory, object marked, object report, tuple held, str identity):
    """What the mark says against the journal, with what the old ring still holds of it."""
    cdef uint64_t last = report.last_sequence
    cdef uint64_t reach = last
    if held[0] <= last + 1:
        reach = max(last, held[1])
    if marked is None:
        return ""
    if marked.fault:
        return f"{marked.fault}; the journal ends at sequence {last}"
    if marked.identity and identity and marked.identity != identity:
        return (f"it is of stream {marked.identity}, sequence {marked.sequence}, and the journal "
                f"of {identity} ends at sequence {last}")
    if report.stream_name and marked.stream_name not in ("", report.stream_name):
        return (f"it is of stream {marked.stream_name!r}, sequence {marked.sequence}, and the "
                f"journal of {report.stream_name!r} ends at sequence {last}")
    where = f"in {report.segment}" if report.segment else "without a segment"
    if marked.sequence > reach:
        return (f"it says that the journal was durable up to sequence {marked.sequence}, in "
                f"{marked.segment or 'a segment that it does not name'}, and the journal ends at "
                f"sequence {last}, {where}: segments are missing, or an older copy is in the "
                "place of one")
    if (marked.segment and segment_sequence(marked.segment.encode()) > reach
            and not _exists(directory, marked.segment)):
        return (f"it says that the journal was durable up to sequence {marked.sequence} and "
                f"{marked.segment} had been begun; the journal ends at sequence {last}, {where}, "
                "and that file is missing")
    return ""


cdef str _put_aside(FileDirectory directory, str name, str ending):
    """Give a file a name that nothing else has, so that no evidence is written over: that name."""
    cdef Files* files = &directory.files
    cdef bytes old = name.encode()
    cdef bytes encoded
    new = _free_name(directory, f"{name}.{ending}")
    encoded = new.encode()
    _check_os(files.rename(files.context, old, encoded), name)
    return new


cdef str _free_name(FileDirectory directory, str wanted):
    name, count = wanted, 1
    while _exists(directory, name):
        count += 1
        name = f"{wanted}-{count}"
    return name


cdef _write_mark(FileDirectory directory, JournalMark* mark):
    _check_os(mark_write(&directory.files, mark), MARK_NAME)


cdef _set_mark_back(FileDirectory directory, JournalMark* mark, object marked, uint64_t last,
                    str doubt):
    """Before anything is cut: a mark that is ahead would refuse what is left."""
    if marked is None:
        return
    if doubt and mark.sequence <= last:
        # Damaged, or of another stream: somebody may want to look at it.
        _put_aside(directory, MARK_NAME, "odd")
        _check_os(directory.files.sync_directory(directory.files.context), "journal directory")
        memset(mark, 0, sizeof(mark[0]))
        return
    if mark.sequence > last or mark.segment_sequence > last:
        mark.sequence = min(mark.sequence, last)
        mark.segment_sequence = 0
        _write_mark(directory, mark)


cdef _save_rest(FileDirectory directory, str name, uint64_t offset):
    """Copy a segment's bytes from offset on to a file beside it."""
    cdef Files* files = &directory.files
    cdef bytes source_name = name.encode()
    cdef bytes copy_name = _free_name(directory, f"{name}.cut-{offset}").encode()
    cdef uint8_t chunk[COPY_BYTES]
    cdef uint64_t done = 0
    cdef uint64_t written
    cdef long n = 0
    cdef long m
    cdef int source = files.open(files.context, source_name, 0)
    cdef int copy
    _check_os(source, name)
    copy = files.open(files.context, copy_name, 1)
    try:
        _check_os(copy, copy_name)
        while True:
            n = files.read_at(files.context, source, chunk, COPY_BYTES, offset + done)
            _check_os(n, name)
            if n == 0:
                break
            written = 0
            while written < <uint64_t>n:
                m = files.write_at(files.context, copy, chunk + written,
                                   <size_t>n - written, done + written)
                _check_os(m, copy_name)
                written += <uint64_t>m
            done += <uint64_t>n
        _check_os(files.sync(files.context, copy), copy_name)
    finally:
        files.close(files.context, source)
        if copy >= 0:
            files.close(files.context, copy)


cdef list _segments_behind(FileDirectory directory, uint64_t sequence):
    """Names of the segments that begin after this sequence, newest first."""
    cdef Files* files = &directory.files
    cdef char name[FILE_NAME_BYTES]
    cdef int index = 0
    cdef int n
    names = []
    while True:
        n = files.list(files.context, index, name)
        _check_os(n, "journal directory")
        if n == 0:
            return sorted(names, reverse=True)
        index += 1
        if segment_sequence(name) > sequence:
            names.append((<bytes>name).decode())


cdef object _cut(FileDirectory directory, object report):
    """Put aside everything behind the last good frame. An interrupted cut can be repeated."""
    cdef Files* files = &directory.files
    behind = _segments_behind(directory, report.last_sequence)
    for name in behind:
        _put_aside(directory, name, "cut")
    _check_os(files.sync_directory(files.context), "journal directory")
    if report.segment in behind:
        return report._replace(segment="", offset=0)
    if report.segment:
        _save_rest(directory, report.segment, report.offset)
        _check_os(files.sync_directory(files.context), "journal directory")
        _truncate(directory, report.segment, report.offset)
    return report


cdef tuple _end_at(FileDirectory directory, object report, JournalMark* mark):
    """Cut off what a crash left behind the last sound frame: the name of the segment to go on in,
    and of a file without a sound header, which is set aside."""
    if report.offset >= SEGMENT_HEADER_BYTES:
        if report.torn_bytes:
            _truncate(directory, report.segment, report.offset)
        return report.segment, ""
    if not report.segment or not _exists(directory, report.segment):
        return "", ""
    if mark.segment_sequence == segment_sequence(report.segment.encode()):
        mark.segment_sequence = 0  # first: a mark that names the file would miss it
        _write_mark(directory, mark)
    return "", _put_aside(directory, report.segment, "odd")


cdef _mark_recovered(FileDirectory directory, object report, JournalMark* mark, str identity):
    """The mark of what is durable now. One that counts on the old ring's frames stays."""
    cdef JournalMark before = mark[0]
    cdef char name[10]
    cdef bytes encoded = report.stream_name.encode()
    if report.last_sequence < mark.sequence or not report.segments:
        return
    memset(name, 0, sizeof(name))
    memcpy(name, <const char*>encoded, min(len(encoded), <Py_ssize_t>sizeof(name)))
    mark_identify(mark, name, identity)
    mark.sequence = report.last_sequence
    mark.segment_sequence = segment_sequence(report.segment.encode()) if report.segment else 0
    if memcmp(&before, mark, sizeof(before)) != 0:
        _write_mark(directory, mark)


def recover(directory, truncate_at=None, *, newest_only=False, held=(1, 0), identity=""):
    """Prepare a journal for going on after a crash, and report what it holds.

    An incomplete write at its end is cut off; everything kept is made durable. Damage raises
    JournalCorruptError, unless `truncate_at` is the last good sequence that this error names: then
    what follows is put aside in files named *.cut. ValueError when `truncate_at` is given and is
    not that. Records of another version raise JournalVersionError. `newest_only` trusts all
    segments but the newest, and does not look at the mark.

    A journal behind its high-water mark raises JournalBehindError, a kind of JournalCorruptError,
    before anything is changed. `held`: the first and the last frame that the old ring will add;
    `identity`: the stream's, 32 digits. With `truncate_at` the mark is set back. OSError when
    files refuse.
    """
    cdef FileDirectory opened = journal_directory(directory)
    cdef JournalMark mark
    cdef CursorOwner owner = CursorOwner(opened)
    report, status = _walk(owner, newest_only)
    if status == STATUS_CORRUPT and owner.cursor.fault == FAULT_VERSION:
        raise JournalVersionError(report)
    marked = _read_mark(opened, &mark)
    doubt = "" if newest_only else _doubt(opened, marked, report, held, identity)
    report = report._replace(mark_sequence=mark.sequence, mark_doubt=doubt)
    if truncate_at is None:
        advice = f"; to go on without what follows it, truncate at {report.last_sequence}"
        if status == STATUS_CORRUPT:
            raise JournalCorruptError(report, advice)
        if doubt:
            raise JournalBehindError(report, "; put the right files back, or, to go on without "
                                     f"what is missing, truncate at {report.last_sequence}")
        if held[0] > report.last_sequence + 1:
            raise JournalCorruptError(report._replace(
                fault=f"the old ring had given the journal all frames up to {held[0] - 1}: segments"
                      " are missing, or an older copy is in the place of one"), advice)
    else:
        _check_cut(report, status, truncate_at)
        doubt = _doubt(opened, marked, report, (1, 0), identity)
        _set_mark_back(opened, &mark, marked, report.last_sequence, doubt)
        if status == STATUS_CORRUPT:
            report = _cut(opened, report)
    segment, odd = _end_at(opened, report, &mark)
    _make_durable(opened, segment, report.durable_offset)
    report = report._replace(segment=segment, offset=report.offset if segment else 0,
                             set_aside=odd)
    if not newest_only:
        _mark_recovered(opened, report, &mark, identity)
    return report


cdef _check_cut(object report, int status, object truncate_at):
    if truncate_at == report.last_sequence:
        return
    if status == STATUS_CORRUPT:
        raise ValueError(f"cannot truncate at {truncate_at}: the last good sequence before "
                         f"the damage is {report.last_sequence}")
    raise ValueError(f"cannot truncate at {truncate_at}: the journal is sound up to its end, "
                     f"sequence {report.last_sequence}")
