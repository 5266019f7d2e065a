# The ITCH file: each message behind its u16 big-endian length, until the file ends or, as in
# Nasdaq's BinaryFILE, a length of 0 ends it.

from libc.stdint cimport uint8_t, uint16_t

from ironcore.base.status cimport Status

cdef enum:
    ITCH_FILE_FRAME_BYTES = 2

# The message at *offset (start with 0), which moves on behind it. STATUS_EMPTY at the end;
# otherwise *offset stays at the frame in question: STATUS_TRUNCATED (the buffer ends within it),
# STATUS_MALFORMED (its length is not its type's), STATUS_UNKNOWN_TYPE (*message and *message_bytes
# are set: it can be stepped over with itch_file_skip).
cdef Status itch_file_next(const uint8_t* buffer, size_t bytes, size_t* offset,
                           const uint8_t** message, uint16_t* message_bytes) noexcept nogil
cdef void itch_file_skip(size_t* offset, uint16_t message_bytes) noexcept nogil
# The frame's bytes: message_bytes + ITCH_FILE_FRAME_BYTES.
cdef size_t itch_file_put(uint8_t* out, const uint8_t* message,
                          uint16_t message_bytes) noexcept nogil
