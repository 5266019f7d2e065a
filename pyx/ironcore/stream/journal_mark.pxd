# The journal's high-water mark: how far the journal was durable, for certain, at some moment.
#
# It stands beside the segments in a file of its own, replaced in one step. The journal may be ahead
# of its mark, and never behind it: then segments are missing, or older copies stand in their place.
# Little-endian.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.files cimport Files

cdef enum:
    MARK_VERSION = 1
    MARK_BYTES = 64

cdef enum MarkState:
    MARK_SOUND = 0
    MARK_MISSING = 1
    MARK_DAMAGED = 2                 # of another length, or its checksum does not hold
    MARK_FOREIGN = 3                 # sound, of a version that is not known here

cdef struct JournalMark:             # 64 bytes
    char magic[8]
    uint32_t version
    uint32_t mark_bytes
    uint64_t sequence                # this frame and all before it were durable
    uint64_t segment_sequence        # the segment of this name had been made; 0: it says none
    uint8_t identity[16]             # of the stream; zeros: it says none
    char stream_name[10]             # as in the segments
    uint8_t reserved[2]
    uint32_t crc                     # CRC32C over the bytes before it

# A MarkState, or -errno. The mark's fields are valid with MARK_SOUND only.
cdef int mark_read(const Files* files, JournalMark* mark) noexcept nogil
# Replaces the mark, durably and in one step; sets all but sequence, segment_sequence, identity and
# stream_name. 0, or -errno: then the old one stands, or the new one, perhaps not durably.
cdef int mark_write(const Files* files, JournalMark* mark) noexcept nogil
