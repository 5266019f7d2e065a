# The matching core as a Python object; a stage in the same process works on its engine directly.

from libc.stdint cimport uint32_t

from ironcore.book.arena_ahead cimport ArenaAhead
from ironcore.engine.engine cimport Engine
from ironcore.book.price_levels cimport PriceLevels

cdef class MatchingEngine:
    cdef Engine* engine
    cdef ArenaAhead ahead

    cdef PriceLevels* _side(self, uint32_t instrument, bint sell) except NULL
