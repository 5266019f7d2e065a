# The replay of one journal. See replay.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.files cimport FileDirectory
from ironcore.engine.matching_engine cimport MatchingEngine
from ironcore.stream.journal_cursor cimport JournalCursor
from ironcore.stage.matcher cimport Matcher

cdef class Replay:
    cdef Matcher matcher
    cdef JournalCursor cursor
    cdef FileDirectory directory
    cdef readonly MatchingEngine engine
    cdef uint64_t commands
    cdef uint64_t trades
    cdef uint64_t digested           # bytes in the buffer that wait to be digested
    cdef uint64_t clocks             # CLOCKs left out of the digest
    cdef bytearray buffer
    cdef object hash
    cdef int _some(self, uint64_t last_sequence, uint64_t last_time_ns,
                   uint8_t* buffer) noexcept nogil
    cdef int _one(self, uint64_t sequence, const uint8_t* payload, uint32_t payload_bytes,
                  uint8_t* buffer) noexcept nogil
    cdef void _digest(self, uint64_t sequence, const uint8_t* payload, uint32_t payload_bytes,
                      bint first, uint8_t* buffer) noexcept nogil
