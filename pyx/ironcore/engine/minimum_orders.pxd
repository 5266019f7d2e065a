# Resting orders with a minimum quantity when trading begins: rule 10.10 of docs/MATCHING_RULES.md.

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine

# The book's state has become continuous. Those that reach an order of the other side become
# aggressors, one by one, as long as the state stays what it is.
cdef void minimum_orders_begin(Engine* engine, Book* book) noexcept nogil
