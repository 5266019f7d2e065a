# What a journal looks like on disk. Little-endian; every record begins on a multiple of 8 bytes.
#
# A segment file is named by its first sequence ("%016d.journal") and holds a header and records.
# A record is one frame of the event stream. A record without payload is a durability mark: every
# byte before it was durable before it was written, and its sequence is that of the last frame then.
# A segment is durable, and complete, before its successor is made.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    JOURNAL_VERSION = 3              # that of the records in it; 1: records of version 2
    SEGMENT_HEADER_BYTES = 64
    SEGMENT_NAME_BYTES = 25          # 16 digits, ".journal", and the final 0
    RECORD_HEADER_BYTES = 16
    RECORD_ALIGNMENT = 8
    SECTOR_BYTES = 512               # what a disk writes whole or not at all

cdef struct SegmentHeader:           # 64 bytes
    char magic[8]
    uint32_t version
    uint32_t header_bytes
    uint64_t first_sequence          # of the first record
    char stream_name[10]             # as in STREAM_START
    uint8_t reserved[26]
    uint32_t crc                     # CRC32C over the bytes before it

cdef struct RecordHeader:            # 16 bytes, then the payload, padded to RECORD_ALIGNMENT
    uint32_t payload_bytes           # 0: a durability mark
    uint32_t crc                     # CRC32C over sequence and payload
    uint64_t sequence

cdef inline uint64_t record_bytes(uint32_t payload_bytes) noexcept nogil:
    return RECORD_HEADER_BYTES + ((<uint64_t>payload_bytes + 7) & ~<uint64_t>7)

cdef uint32_t record_crc(uint64_t sequence, const uint8_t* payload,
                         uint32_t payload_bytes) noexcept nogil
# Writes a record at `to`, its padding included: the bytes it takes there.
cdef uint64_t record_write(uint8_t* to, uint64_t sequence, const uint8_t* payload,
                           uint32_t payload_bytes) noexcept nogil
cdef void segment_header_write(uint8_t* to, uint64_t first_sequence,
                               const char* stream_name) noexcept nogil
# STATUS_OK; STATUS_UNKNOWN_TYPE: a sound header of another version; or STATUS_CORRUPT: not the
# header of a segment that begins with this sequence.
cdef int segment_header_check(const uint8_t* header, uint64_t first_sequence) noexcept nogil
cdef void segment_name(char* name, uint64_t first_sequence) noexcept nogil
# The first sequence that a segment's name tells, or 0 when it is not the name of a segment.
cdef uint64_t segment_sequence(const char* name) noexcept nogil
