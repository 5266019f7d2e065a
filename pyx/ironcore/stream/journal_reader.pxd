from ironcore.base.files cimport FileDirectory
from ironcore.stream.journal_cursor cimport JournalCursor
from ironcore.stream.journal_mark cimport JournalMark

# A directory given as a path or as a FileDirectory.
cdef FileDirectory journal_directory(object directory)

# Says in a mark of which stream it is; ValueError for what is no identity.
cdef mark_identify(JournalMark* mark, const char* stream_name, str identity)

cdef class CursorOwner:
    cdef JournalCursor cursor
    cdef FileDirectory directory     # kept for as long as its files are used
    cdef object _raise_io(self)
