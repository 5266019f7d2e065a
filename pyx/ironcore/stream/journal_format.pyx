"""The journal's bytes on disk: names and headers of segments, and records."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset, strcmp, strlen

from ironcore.base.check cimport iron_static_assert
from ironcore.base.status cimport STATUS_CORRUPT, STATUS_OK, STATUS_UNKNOWN_TYPE
from ironcore.wire.checksum cimport crc32c

cdef extern from * nogil:
    """
    static const char iron_journal_magic[8] = {'I', 'R', 'O', 'N', 'J', 'R', 'N', 'L'};
    static const char iron_segment_suffix[] = ".journal";
    """
    const char[8] iron_journal_magic
    const char* iron_segment_suffix

cdef enum:
    SEQUENCE_DIGITS = 16


cdef void _check_layout() noexcept nogil:
    iron_static_assert(sizeof(SegmentHeader) == SEGMENT_HEADER_BYTES)
    iron_static_assert(sizeof(RecordHeader) == RECORD_HEADER_BYTES)


cdef uint32_t record_crc(uint64_t sequence, const uint8_t* payload,
                         uint32_t payload_bytes) noexcept nogil:
    cdef uint32_t crc = crc32c(0, <const uint8_t*>&sequence, sizeof(sequence))
    return crc32c(crc, payload, payload_bytes)


cdef uint64_t record_write(uint8_t* to, uint64_t sequence, const uint8_t* payload,
                           uint32_t payload_bytes) noexcept nogil:
    cdef RecordHeader* header = <RecordHeader*>to
    cdef uint64_t total_bytes = record_bytes(payload_bytes)
    cdef uint64_t used_bytes = RECORD_HEADER_BYTES + payload_bytes
    header.payload_bytes = payload_bytes
    header.crc = record_crc(sequence, payload, payload_bytes)
    header.sequence = sequence
    memcpy(to + RECORD_HEADER_BYTES, payload, payload_bytes)
    memset(to + used_bytes, 0, total_bytes - used_bytes)
    return total_bytes


cdef void segment_header_write(uint8_t* to, uint64_t first_sequence,
                               const char* stream_name) noexcept nogil:
    cdef SegmentHeader* header = <SegmentHeader*>to
    memset(to, 0, SEGMENT_HEADER_BYTES)
    memcpy(header.magic, iron_journal_magic, sizeof(header.magic))
    header.version = JOURNAL_VERSION
    header.header_bytes = SEGMENT_HEADER_BYTES
    header.first_sequence = first_sequence
    memcpy(header.stream_name, stream_name, sizeof(header.stream_name))
    header.crc = crc32c(0, to, SEGMENT_HEADER_BYTES - sizeof(header.crc))


cdef int segment_header_check(const uint8_t* header, uint64_t first_sequence) noexcept nogil:
    cdef const SegmentHeader* h = <const SegmentHeader*>header
    if (memcmp(h.magic, iron_journal_magic, sizeof(h.magic)) != 0
            or h.header_bytes != SEGMENT_HEADER_BYTES
            or h.first_sequence != first_sequence
            or h.crc != crc32c(0, header, SEGMENT_HEADER_BYTES - sizeof(h.crc))):
        return STATUS_CORRUPT
    return STATUS_OK if h.version == JOURNAL_VERSION else STATUS_UNKNOWN_TYPE


cdef void segment_name(char* name, uint64_t first_sequence) noexcept nogil:
    cdef int i
    for i in range(SEQUENCE_DIGITS - 1, -1, -1):
        name[i] = <char>(48 + first_sequence % 10)
        first_sequence //= 10
    memcpy(name + SEQUENCE_DIGITS, iron_segment_suffix, strlen(iron_segment_suffix) + 1)


cdef uint64_t segment_sequence(const char* name) noexcept nogil:
    cdef uint64_t sequence = 0
    cdef int i
    for i in range(SEQUENCE_DIGITS):
        if name[i] < 48 or name[i] > 57:
            return 0
        sequence = sequence * 10 + <uint64_t>(name[i] - 48)
    return sequence if strcmp(name + SEQUENCE_DIGITS, iron_segment_suffix) == 0 else 0
