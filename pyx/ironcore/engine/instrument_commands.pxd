# What the venue says about an instrument and its trades: rules 2.1, 2.2 and 2.5 to 2.9 of
# docs/MATCHING_RULES.md. Each function applies one whole record of a stream that has started, and
# returns the status that engine_apply is to return.

from libc.stdint cimport uint32_t

from ironcore.engine.engine cimport Engine
from ironcore.wire.record cimport (
    BustTrade, DefineInstrument, DefineTickTable, RetireInstrument,
)

cdef int define_tick_table(Engine* engine, const DefineTickTable* command) noexcept nogil
cdef int define_instrument(Engine* engine, const DefineInstrument* command) noexcept nogil
cdef int change_instrument(Engine* engine, const DefineInstrument* command) noexcept nogil
cdef int retire_instrument(Engine* engine, const RetireInstrument* command) noexcept nogil
# The last that a retirement says, when the orders have left.
cdef void retire_end(Engine* engine, uint32_t instrument) noexcept nogil
cdef int bust_trade(Engine* engine, const BustTrade* command) noexcept nogil
