"""The journal's high-water mark: reads it, and replaces it durably in one step."""

from libc.errno cimport EIO, ENOENT
from libc.string cimport memcmp, memcpy, memset

from ironcore.base.check cimport iron_static_assert
from ironcore.wire.checksum cimport crc32c

cdef extern from * nogil:
    """
    static const char iron_mark_magic[8] = {'I', 'R', 'O', 'N', 'M', 'A', 'R', 'K'};
    static const char iron_mark_name[] = "journal.mark";
    static const char iron_mark_new_name[] = "journal.mark.new";
    """
    const char[8] iron_mark_magic
    const char* iron_mark_name
    const char* iron_mark_new_name


cdef void _check_layout() noexcept nogil:
    iron_static_assert(sizeof(JournalMark) == MARK_BYTES)


cdef uint32_t _crc(const JournalMark* mark) noexcept nogil:
    return crc32c(0, <const uint8_t*>mark, MARK_BYTES - sizeof(mark.crc))


cdef int mark_read(const Files* files, JournalMark* mark) noexcept nogil:
    cdef int fd = files.open(files.context, iron_mark_name, 0)
    cdef size_t done = 0
    cdef long size
    cdef long n = 1
    memset(mark, 0, sizeof(mark[0]))
    if fd < 0:
        return MARK_MISSING if fd == -ENOENT else fd
    size = files.size(files.context, fd)
    while size == MARK_BYTES and n > 0 and done < MARK_BYTES:
        n = files.read_at(files.context, fd, <uint8_t*>mark + done, MARK_BYTES - done, done)
        done += <size_t>n if n > 0 else 0
    files.close(files.context, fd)
    if size < 0 or n < 0:
        return <int>(size if size < 0 else n)
    if (done < MARK_BYTES or memcmp(mark.magic, iron_mark_magic, sizeof(mark.magic)) != 0
            or mark.crc != _crc(mark)):
        return MARK_DAMAGED
    return MARK_SOUND if mark.version == MARK_VERSION else MARK_FOREIGN


cdef int _write_new(const Files* files, int fd, const JournalMark* mark) noexcept nogil:
    cdef size_t done = 0
    cdef long n
    # What an attempt that was interrupted has left may be longer.
    n = files.truncate(files.context, fd, 0)
    while n >= 0 and done < MARK_BYTES:
        n = files.write_at(files.context, fd, <const uint8_t*>mark + done, MARK_BYTES - done, done)
        if n == 0:
            return -EIO
        done += <size_t>n if n > 0 else 0
    return <int>n if n < 0 else files.sync(files.context, fd)


cdef int mark_write(const Files* files, JournalMark* mark) noexcept nogil:
    cdef int fd
    cdef int n
    memcpy(mark.magic, iron_mark_magic, sizeof(mark.magic))
    mark.version = MARK_VERSION
    mark.mark_bytes = MARK_BYTES
    memset(mark.reserved, 0, sizeof(mark.reserved))
    mark.crc = _crc(mark)
    fd = files.open(files.context, iron_mark_new_name, 0)
    if fd == -ENOENT:
        fd = files.open(files.context, iron_mark_new_name, 1)
    if fd < 0:
        return fd
    n = _write_new(files, fd, mark)
    files.close(files.context, fd)
    if n < 0:
        return n
    n = files.rename(files.context, iron_mark_new_name, iron_mark_name)
    return n if n < 0 else files.sync_directory(files.context)
