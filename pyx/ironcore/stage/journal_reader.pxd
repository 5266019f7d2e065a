from ironcore.base.files cimport FileDirectory
from ironcore.stage.journal_cursor cimport JournalCursor

# A directory given as a path or as a FileDirectory.
cdef FileDirectory journal_directory(object directory)

cdef class CursorOwner:
    cdef JournalCursor cursor
    cdef FileDirectory directory     # kept for as long as its files are used
    cdef object _raise_io(self)
