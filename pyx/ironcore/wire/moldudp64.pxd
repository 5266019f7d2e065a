# MoldUDP64 1.00: datagrams of a 20-byte header and message blocks of a u16 length and a message.

from libc.stdint cimport uint8_t, uint16_t, uint64_t

from ironcore.base.status cimport Status

cdef enum:
    MOLD_HEADER_BYTES = 20
    MOLD_BLOCK_HEADER_BYTES = 2
    MOLD_COUNT_HEARTBEAT = 0
    MOLD_COUNT_MAX = 65534
    MOLD_COUNT_END_OF_SESSION = 0xFFFF
    MOLD_PACKET_BYTES_MAX = 1420     # header and 1,400 bytes of blocks: within any Ethernet's MTU

# A downstream packet's header, and the whole of a request (first wanted, how many).
cdef struct MoldHeader:
    char session[10]
    uint64_t sequence_number         # of the first message; heartbeat, end of session: the next one
    uint16_t message_count

cdef struct MoldReader:
    MoldHeader header
    const uint8_t* packet
    size_t bytes
    size_t offset                    # of the next block
    uint16_t left                    # blocks still to come

cdef struct MoldBuilder:
    uint8_t* packet
    size_t bytes_max
    size_t bytes                     # written so far, header included
    uint16_t message_count

cdef Status mold_decode_header(const uint8_t* packet, size_t bytes,
                               MoldHeader* out) noexcept nogil
# STATUS_TRUNCATED: shorter than a header. Heartbeats and end of session have no blocks.
cdef Status mold_reader_open(MoldReader* reader, const uint8_t* packet, size_t bytes) noexcept nogil
# The next message: STATUS_OK, STATUS_EMPTY after the last, STATUS_TRUNCATED when the packet ends
# within a block, STATUS_MALFORMED when bytes follow the last block.
cdef Status mold_reader_next(MoldReader* reader, const uint8_t** message,
                             uint16_t* message_bytes) noexcept nogil

# Build a packet in place; bytes_max is at least MOLD_HEADER_BYTES. The message count is written by
# mold_builder_finish, which returns the packet's bytes (without a message it is a heartbeat).
cdef void mold_builder_open(MoldBuilder* builder, uint8_t* packet, size_t bytes_max,
                            const char* session, uint64_t sequence_number) noexcept nogil
# STATUS_FULL: no room in this packet. STATUS_TOO_LARGE: in none.
cdef Status mold_builder_add(MoldBuilder* builder, const uint8_t* message,
                             size_t message_bytes) noexcept nogil
# Without a copy: where a message of up to message_bytes may be written (NULL: no room), then added.
cdef uint8_t* mold_builder_reserve(MoldBuilder* builder, size_t message_bytes) noexcept nogil
cdef void mold_builder_commit(MoldBuilder* builder, size_t message_bytes) noexcept nogil
cdef size_t mold_builder_finish(MoldBuilder* builder) noexcept nogil

# The result is MOLD_HEADER_BYTES.
cdef size_t mold_encode_header(uint8_t* out, const char* session, uint64_t sequence_number,
                               uint16_t message_count) noexcept nogil
cdef size_t mold_encode_heartbeat(uint8_t* out, const char* session,
                                  uint64_t sequence_number_next) noexcept nogil
cdef size_t mold_encode_end_of_session(uint8_t* out, const char* session,
                                       uint64_t sequence_number_next) noexcept nogil
# STATUS_TRUNCATED, or STATUS_MALFORMED: longer than a request.
cdef Status mold_decode_request(const uint8_t* packet, size_t bytes,
                                MoldHeader* out) noexcept nogil
cdef size_t mold_encode_request(uint8_t* out, const char* session, uint64_t sequence_number,
                                uint16_t message_count) noexcept nogil
