"""A journal after a crash: what it holds, what is wrong with it, and how it is made fit to go on.

Nothing is removed but an incomplete write at the very end: all else that is in the way is renamed.
"""

from libc.errno cimport ENOENT
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from ironcore.base.files cimport FileDirectory, Files
from ironcore.base.status cimport STATUS_CORRUPT
from ironcore.stream.journal_cursor cimport FAULT_VERSION
from ironcore.stream.journal_format cimport SEGMENT_HEADER_BYTES, segment_sequence
from ironcore.stream.journal_mark cimport JournalMark, mark_write
from ironcore.stream.journal_reader cimport (
    CursorOwner, journal_check, journal_directory, journal_mark_of, journal_walk, mark_identify,
)

from ironcore.stream.journal_reader import MARK_NAME, JournalCorruptError, JournalVersionError

cdef enum:
    FILE_NAME_BYTES = 256
    COPY_BYTES = 65536


class JournalBehindError(JournalCorruptError):
    """The journal's high-water mark says that more was durable than the journal has."""

    def __init__(self, report, advice=""):
        ValueError.__init__(self, f"{MARK_NAME}: {report.mark_doubt}{advice}")
        self.report = report
        self.segment = report.segment
        self.offset = report.offset
        self.last_sequence = report.last_sequence
        self.mark_sequence = report.mark_sequence


cdef bint _exists(FileDirectory directory, str name):
    cdef Files* files = &directory.files
    cdef bytes encoded = name.encode()
    cdef int fd = files.open(files.context, encoded, 0)
    if fd == -ENOENT:
        return False
    journal_check(fd, name)
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


cdef _truncate(FileDirectory directory, str name, uint64_t offset):
    cdef Files* files = &directory.files
    cdef bytes encoded = name.encode()
    cdef int fd = files.open(files.context, encoded, 0)
    journal_check(fd, name)
    try:
        journal_check(files.truncate(files.context, fd, offset), name)
    finally:
        files.close(files.context, fd)


cdef _write_again(Files* files, int fd, str name, uint64_t offset):
    """Have the kernel store these bytes up to the file's end, though they are in it already."""
    cdef uint8_t chunk[COPY_BYTES]
    cdef long n
    while True:
        n = files.read_at(files.context, fd, chunk, COPY_BYTES, offset)
        journal_check(n, name)
        if n == 0:
            return
        n = files.write_at(files.context, fd, chunk, <size_t>n, offset)
        journal_check(n, name)
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
        journal_check(fd, name)
        try:
            _write_again(files, fd, name, durable_offset)
            journal_check(files.sync(files.context, fd), name)
        finally:
            files.close(files.context, fd)
    journal_check(files.sync_directory(files.context), "journal directory")


cdef str _put_aside(FileDirectory directory, str name, str ending):
    """Give a file a name that nothing else has, so that no evidence is written over: that name."""
    cdef Files* files = &directory.files
    cdef bytes old = name.encode()
    cdef bytes encoded
    new = _free_name(directory, f"{name}.{ending}")
    encoded = new.encode()
    journal_check(files.rename(files.context, old, encoded), name)
    return new


cdef str _free_name(FileDirectory directory, str wanted):
    name, count = wanted, 1
    while _exists(directory, name):
        count += 1
        name = f"{wanted}-{count}"
    return name


cdef _write_mark(FileDirectory directory, JournalMark* mark):
    journal_check(mark_write(&directory.files, mark), MARK_NAME)


cdef _set_mark_back(FileDirectory directory, JournalMark* mark, object marked, uint64_t last,
                    str doubt):
    """Before anything is cut: a mark that is ahead would refuse what is left."""
    if marked is None:
        return
    if doubt and mark.sequence <= last:
        # Damaged, or of another stream: somebody may want to look at it.
        _put_aside(directory, MARK_NAME, "odd")
        journal_check(directory.files.sync_directory(directory.files.context), "journal directory")
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
    journal_check(source, name)
    copy = files.open(files.context, copy_name, 1)
    try:
        journal_check(copy, copy_name)
        while True:
            n = files.read_at(files.context, source, chunk, COPY_BYTES, offset + done)
            journal_check(n, name)
            if n == 0:
                break
            written = 0
            while written < <uint64_t>n:
                m = files.write_at(files.context, copy, chunk + written,
                                   <size_t>n - written, done + written)
                journal_check(m, copy_name)
                written += <uint64_t>m
            done += <uint64_t>n
        journal_check(files.sync(files.context, copy), copy_name)
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
        journal_check(n, "journal directory")
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
    journal_check(files.sync_directory(files.context), "journal directory")
    if report.segment in behind:
        return report._replace(segment="", offset=0)
    if report.segment:
        _save_rest(directory, report.segment, report.offset)
        journal_check(files.sync_directory(files.context), "journal directory")
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
    report, status = journal_walk(owner, newest_only)
    if status == STATUS_CORRUPT and owner.cursor.fault == FAULT_VERSION:
        raise JournalVersionError(report)
    marked = journal_mark_of(opened, &mark)
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
