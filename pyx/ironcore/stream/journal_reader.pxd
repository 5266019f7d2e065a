# What Python's readers of journals share with the recovery. See journal_reader.pyx.

from ironcore.base.files cimport FileDirectory
from ironcore.stream.journal_cursor cimport JournalCursor
from ironcore.stream.journal_mark cimport JournalMark

# A directory given as a path or as a FileDirectory.
cdef FileDirectory journal_directory(object directory)
# OSError, which names the file, where a call gave -errno.
cdef journal_check(long result, name)

cdef class CursorOwner:
    cdef JournalCursor cursor
    cdef FileDirectory directory     # kept for as long as its files are used

# OSError, JournalVersionError or JournalCorruptError where a cursor has stopped at STATUS_IO or
# STATUS_CORRUPT; nothing at any other status.
cdef journal_raise(JournalCursor* cursor, int status)
# Reads to the journal's end, or its newest segment alone: a JournalReport, and the status there.
cdef object journal_walk(CursorOwner owner, bint newest_only)
# What the mark says, a JournalMarked, and the mark itself; None, and zeros, without one.
cdef object journal_mark_of(FileDirectory directory, JournalMark* mark)
# Says in a mark of which stream it is; ValueError for what is no identity.
cdef mark_identify(JournalMark* mark, const char* stream_name, str identity)
