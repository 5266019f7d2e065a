# The next peak of an iceberg: rules 9.3 and 9.4.

from libc.stdint cimport uint32_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine

# The displayed quantity is used up (executed, and still counted by its level, or 0) and reserve is
# left: a new reference, the next peak, the end of its queue, and REPLENISHED.
cdef void order_replenish(Engine* engine, Book* book, uint32_t unit) noexcept nogil
