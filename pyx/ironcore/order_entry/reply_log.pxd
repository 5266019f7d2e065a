# Every reply of one session, as its protocol sends it, back to back.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.status cimport STATUS_LIMIT, STATUS_OK

# How a protocol makes a message into what goes on the wire.
cdef struct Framing:
    # Writes the message's frame to out; bytes written. sequence: of this reply in its session.
    size_t (*frame)(uint8_t* out, uint64_t sequence, const uint8_t* message,
                    size_t message_bytes) noexcept nogil
    uint32_t bytes_max               # that a frame is longer than its message, at most

# The log knows the frames as bytes, and where each one ends.
cdef struct ReplyLog:
    uint8_t* data
    uint64_t* ends                   # byte offset behind each frame, by sequence - 1
    uint64_t bytes_max
    uint64_t count_max
    uint64_t bytes
    uint64_t count                   # the sequence of the newest reply

cdef int reply_log_open(ReplyLog* log, uint64_t bytes_max) noexcept nogil
cdef void reply_log_close(ReplyLog* log) noexcept nogil
# Byte offset of the frame with this sequence (1..count + 1).
cdef uint64_t reply_log_offset(const ReplyLog* log, uint64_t sequence) noexcept nogil


cdef inline int reply_log_append(ReplyLog* log, const Framing* framing, const uint8_t* message,
                                 uint32_t message_bytes) noexcept nogil:
    """STATUS_OK, or STATUS_LIMIT when the log's memory is used up. Inline: the frame is the one
    call of a reply."""
    if (log.bytes + message_bytes + framing.bytes_max > log.bytes_max
            or log.count == log.count_max):
        return STATUS_LIMIT
    log.bytes += framing.frame(log.data + log.bytes, log.count + 1, message, message_bytes)
    log.ends[log.count] = log.bytes
    log.count += 1
    return STATUS_OK
