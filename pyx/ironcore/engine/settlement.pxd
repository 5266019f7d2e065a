# What follows from a command once it is done: stops that it triggered, pegs that follow. Rule 10.8.

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine

cdef void book_settle(Engine* engine, Book* book) noexcept nogil
