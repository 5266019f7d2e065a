# All orders of one instrument at once, in order of their slots: rules 2.8 and 13.8.

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine

cdef void cancel_at_end_of_day(Engine* engine, Book* book) noexcept nogil
cdef void cancel_at_retirement(Engine* engine, Book* book) noexcept nogil
