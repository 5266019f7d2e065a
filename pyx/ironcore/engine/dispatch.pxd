# The matching core: commands in, events out. No clock, no input or output, no randomness; the same
# commands give the same bytes. What every command does is in docs/MATCHING_RULES.md, rule by rule.

from libc.stdint cimport uint8_t, uint32_t

from ironcore.engine.engine cimport Engine

# Applies one command record (8-byte aligned). STATUS_OK: it is part of the stream and events[] is
# what it caused, perhaps a rejection. STATUS_IGNORED: no effect, it must not be sequenced.
# STATUS_MALFORMED: not a valid record, or out of place in the stream; no effect either.
# Where a member names an order only, the order's instrument is filled into header.instrument.
cdef int engine_apply(Engine* engine, uint8_t* command, uint32_t command_bytes) noexcept nogil
