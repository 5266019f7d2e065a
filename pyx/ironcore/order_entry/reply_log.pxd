# Every sequenced reply of one session, kept as SoupBinTCP packets back to back, ready to be sent.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    REPLY_INDEX_STRIDE = 64          # one index entry for so many packets

cdef struct ReplyLog:
    uint8_t* data
    uint64_t* index                  # byte offset of every REPLY_INDEX_STRIDE-th packet
    uint64_t bytes_max
    uint64_t bytes
    uint64_t count                   # packets: the sequence of the newest reply

cdef int reply_log_open(ReplyLog* log, uint64_t bytes_max) noexcept nogil
cdef void reply_log_close(ReplyLog* log) noexcept nogil
# STATUS_OK, or STATUS_LIMIT when the log's memory is used up.
cdef int reply_log_append(ReplyLog* log, const uint8_t* message,
                          uint32_t message_bytes) noexcept nogil
# Byte offset of the packet with this sequence (1..count + 1).
cdef uint64_t reply_log_offset(const ReplyLog* log, uint64_t sequence) noexcept nogil
