# How a member's quotes are protected: rules 20.9 to 20.13 of docs/MATCHING_RULES.md.

from libc.stdint cimport uint32_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport Engine
from ironcore.wire.record cimport ResetProtection, SetProtection

cdef int protection_set(Engine* engine, const SetProtection* command) noexcept nogil
cdef int protection_reset(Engine* engine, const ResetProtection* command) noexcept nogil
# An order of this book, whose slot this is, has executed. Only if Book.protections says that there
# are any.
cdef void protection_note(Engine* engine, const Book* book, uint32_t slot, uint32_t sell,
                          uint32_t quantity) noexcept nogil
# The quotes leave whose protection was reached since the last time.
cdef void protections_act(Engine* engine) noexcept nogil
