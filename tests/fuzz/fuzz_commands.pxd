# Turns bytes into commands that reach deep: a few bytes a command choose what it is about, near
# what the book holds. Any bytes give commands; the same bytes give the same ones.

from libc.stdint cimport uint8_t, uint32_t

from fuzz_source cimport Source

from ironcore.engine.engine cimport Engine

cdef enum:
    FUZZ_SESSIONS = 3
    FUZZ_INSTRUMENTS = 2             # of three; the third one may be defined by a command

cdef void source_open(Source* source, const Engine* engine, uint32_t step_actions_max,
                      const uint8_t* data, size_t bytes) noexcept nogil
# The commands by which a stream begins: STREAM_START, instruments, sessions; 0 behind them.
cdef uint32_t source_opening(Source* source, uint32_t index) noexcept nogil
# CONTINUE; of the input nothing is used for it.
cdef uint32_t source_continue(Source* source) noexcept nogil
# The next command is in words, so many bytes long; 0 at the end of the input.
cdef uint32_t source_next(Source* source) noexcept nogil
