# CONTINUE for a book that is busy: rule 18.11 of docs/MATCHING_RULES.md.

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine

# One step of the first busy book: the order in hand, what follows from it, and the orders under way
# behind it, each with what follows.
cdef void busy_step(Engine* engine, Book* book) noexcept nogil
