# The input, from which commands are made, and the command in hand.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.engine.engine cimport Engine
from ironcore.wire.record cimport CommandHeader

cdef struct Source:
    const uint8_t* at
    const uint8_t* end
    uint32_t step_actions_max        # of STREAM_START
    const Engine* engine             # for grids and counters; it is not changed
    uint32_t user_ref_next[5]        # by session
    uint32_t second                  # of the last CLOCK
    uint64_t words[64]               # the command, zeroed behind its end


cdef inline uint8_t* source_record(Source* source) noexcept nogil:
    return <uint8_t*>source.words


cdef inline uint32_t source_byte(Source* source) noexcept nogil:
    if source.at == source.end:
        return 0
    source.at += 1
    return (source.at - 1)[0]


cdef inline void* source_begin(Source* source, uint8_t type, uint32_t record_bytes) noexcept nogil:
    cdef CommandHeader* header = <CommandHeader*>source.words
    memset(source.words, 0, sizeof(source.words))
    header.type = type
    header.record_bytes = <uint16_t>record_bytes
    return header


cdef inline uint32_t source_end(Source* source) noexcept nogil:
    return (<CommandHeader*>source.words).record_bytes
