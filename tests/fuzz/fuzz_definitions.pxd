# Definitions of what there is to trade and of who trades, and the changes of an instrument.

from libc.stdint cimport uint8_t, uint32_t

from fuzz_source cimport Source

# Each makes a command in the source's words, from its next bytes, and says how long it is.
# `type` is that of a definition or of a change.
cdef uint32_t define_instrument(Source* source, uint8_t type, uint32_t instrument) noexcept nogil
cdef uint32_t define_tick_table(Source* source, uint32_t tick_table, uint32_t code) noexcept nogil
cdef uint32_t define_session(Source* source, uint32_t session) noexcept nogil
