"""MoldUDP64: downstream packets, built and read in place, and retransmission requests."""

from libc.stdint cimport uint8_t, uint16_t, uint64_t
from libc.string cimport memcpy

from ironcore.base.check cimport iron_assert
from ironcore.base.status cimport (
    STATUS_EMPTY, STATUS_FULL, STATUS_MALFORMED, STATUS_OK, STATUS_TOO_LARGE, STATUS_TRUNCATED,
    Status,
)
from ironcore.wire.codec cimport load_u16_be, load_u64_be, store_u16_be, store_u64_be
from ironcore.wire.layout cimport Layout


cdef Status mold_decode_header(const uint8_t* packet, size_t bytes,
                               MoldHeader* out) noexcept nogil:
    if bytes < MOLD_HEADER_BYTES:
        return STATUS_TRUNCATED
    memcpy(out.session, packet, 10)
    out.sequence_number = load_u64_be(packet + 10)
    out.message_count = load_u16_be(packet + 18)
    return STATUS_OK


cdef Status mold_reader_open(MoldReader* reader, const uint8_t* packet,
                             size_t bytes) noexcept nogil:
    cdef Status status = mold_decode_header(packet, bytes, &reader.header)
    if status != STATUS_OK:
        return status
    reader.packet = packet
    reader.bytes = bytes
    reader.offset = MOLD_HEADER_BYTES
    reader.left = reader.header.message_count
    if reader.left == MOLD_COUNT_END_OF_SESSION:
        reader.left = 0
    return STATUS_OK


cdef Status mold_reader_next(MoldReader* reader, const uint8_t** message,
                             uint16_t* message_bytes) noexcept nogil:
    cdef size_t rest = reader.bytes - reader.offset
    cdef uint16_t length
    if reader.left == 0:
        return STATUS_EMPTY if rest == 0 else STATUS_MALFORMED
    if rest < MOLD_BLOCK_HEADER_BYTES:
        return STATUS_TRUNCATED
    length = load_u16_be(reader.packet + reader.offset)
    if length > rest - MOLD_BLOCK_HEADER_BYTES:
        return STATUS_TRUNCATED
    message[0] = reader.packet + reader.offset + MOLD_BLOCK_HEADER_BYTES
    message_bytes[0] = length
    reader.offset += MOLD_BLOCK_HEADER_BYTES + length
    reader.left -= 1
    return STATUS_OK


cdef size_t mold_encode_header(uint8_t* out, const char* session, uint64_t sequence_number,
                               uint16_t message_count) noexcept nogil:
    memcpy(out, session, 10)
    store_u64_be(out + 10, sequence_number)
    store_u16_be(out + 18, message_count)
    return MOLD_HEADER_BYTES


cdef void mold_builder_open(MoldBuilder* builder, uint8_t* packet, size_t bytes_max,
                            const char* session, uint64_t sequence_number) noexcept nogil:
    iron_assert(bytes_max >= MOLD_HEADER_BYTES, "a MoldUDP64 packet has room for its header")
    builder.packet = packet
    builder.bytes_max = bytes_max
    builder.bytes = mold_encode_header(packet, session, sequence_number, 0)
    builder.message_count = 0


cdef uint8_t* mold_builder_reserve(MoldBuilder* builder, size_t message_bytes) noexcept nogil:
    if builder.message_count == MOLD_COUNT_MAX:
        return NULL
    if builder.bytes_max - builder.bytes < MOLD_BLOCK_HEADER_BYTES + message_bytes:
        return NULL
    return builder.packet + builder.bytes + MOLD_BLOCK_HEADER_BYTES


cdef void mold_builder_commit(MoldBuilder* builder, size_t message_bytes) noexcept nogil:
    iron_assert(message_bytes <= 0xFFFF and builder.message_count < MOLD_COUNT_MAX
                and builder.bytes + MOLD_BLOCK_HEADER_BYTES + message_bytes <= builder.bytes_max,
                "a committed MoldUDP64 block was reserved")
    store_u16_be(builder.packet + builder.bytes, <uint16_t>message_bytes)
    builder.bytes += MOLD_BLOCK_HEADER_BYTES + message_bytes
    builder.message_count += 1


cdef Status mold_builder_add(MoldBuilder* builder, const uint8_t* message,
                             size_t message_bytes) noexcept nogil:
    cdef uint8_t* room
    if (message_bytes > 0xFFFF or builder.bytes_max
            < MOLD_HEADER_BYTES + MOLD_BLOCK_HEADER_BYTES + message_bytes):
        return STATUS_TOO_LARGE
    room = mold_builder_reserve(builder, message_bytes)
    if room == NULL:
        return STATUS_FULL
    if message_bytes:
        memcpy(room, message, message_bytes)
    mold_builder_commit(builder, message_bytes)
    return STATUS_OK


cdef size_t mold_builder_finish(MoldBuilder* builder) noexcept nogil:
    store_u16_be(builder.packet + 18, builder.message_count)
    return builder.bytes


cdef size_t mold_encode_heartbeat(uint8_t* out, const char* session,
                                  uint64_t sequence_number_next) noexcept nogil:
    return mold_encode_header(out, session, sequence_number_next, MOLD_COUNT_HEARTBEAT)


cdef size_t mold_encode_end_of_session(uint8_t* out, const char* session,
                                       uint64_t sequence_number_next) noexcept nogil:
    return mold_encode_header(out, session, sequence_number_next, MOLD_COUNT_END_OF_SESSION)


cdef Status mold_decode_request(const uint8_t* packet, size_t bytes,
                                MoldHeader* out) noexcept nogil:
    if bytes > MOLD_HEADER_BYTES:
        return STATUS_MALFORMED
    return mold_decode_header(packet, bytes, out)


cdef size_t mold_encode_request(uint8_t* out, const char* session, uint64_t sequence_number,
                                uint16_t message_count) noexcept nogil:
    return mold_encode_header(out, session, sequence_number, message_count)


cdef Layout _header = Layout(
    "MoldUDP64", "- header 21 session:a10 sequence_number:u8 message_count:u2",
    sizeof(MoldHeader), {})


cdef int _store_header(MoldHeader* header, session, sequence_number, message_count) except -1:
    return _header.store({"session": session, "sequence_number": sequence_number,
                          "message_count": message_count}, <uint8_t*>header)


cdef bytes _encode_header(session, sequence_number, message_count):
    cdef MoldHeader header
    cdef uint8_t[MOLD_HEADER_BYTES] out
    _store_header(&header, session, sequence_number, message_count)
    return (<char*>out)[:mold_encode_header(out, header.session, header.sequence_number,
                                            header.message_count)]


def decode_packet(const uint8_t[::1] data not None):
    """The downstream packet in data as a dict: kind, session, sequence_number and messages."""
    cdef size_t bytes = <size_t>data.shape[0]
    cdef MoldReader reader
    cdef const uint8_t* message = NULL
    cdef uint16_t message_bytes = 0
    cdef Status status
    cdef list messages = []
    if bytes == 0 or mold_reader_open(&reader, &data[0], bytes) != STATUS_OK:
        raise ValueError(f"MoldUDP64: found {bytes} bytes, expected at least {MOLD_HEADER_BYTES}")
    while True:
        status = mold_reader_next(&reader, &message, &message_bytes)
        if status != STATUS_OK:
            break
        messages.append((<char*>message)[:message_bytes])
    if status != STATUS_EMPTY:
        what = "the end of the packet" if status == STATUS_TRUNCATED else "more bytes"
        raise ValueError(
            f"MoldUDP64: block {len(messages) + 1} at offset {reader.offset}: found {what}, "
            f"expected message_count {reader.header.message_count} blocks and no more")
    out = _header.load(<const uint8_t*>&reader.header)
    out["kind"] = {0: "Heartbeat", 0xFFFF: "EndOfSession"}.get(out.pop("message_count"), "Data")
    out["messages"] = messages
    return out


def encode_packet(session, sequence_number, messages):
    """A downstream packet with these messages; with none it is a heartbeat."""
    cdef MoldBuilder builder
    cdef MoldHeader header
    cdef size_t bytes_max = MOLD_HEADER_BYTES
    cdef bytearray out
    cdef bytes block
    blocks = [bytes(message) for message in messages]
    if len(blocks) > MOLD_COUNT_MAX:
        raise _header.error("messages", str(len(blocks)), f"at most {MOLD_COUNT_MAX}")
    for block in blocks:
        if len(block) > 0xFFFF:
            raise _header.error("messages", f"one of {len(block)} bytes", "at most 65535 bytes")
        bytes_max += MOLD_BLOCK_HEADER_BYTES + <size_t>len(block)
    _store_header(&header, session, sequence_number, 0)
    out = bytearray(bytes_max)
    mold_builder_open(&builder, <uint8_t*><char*>out, bytes_max, header.session,
                      header.sequence_number)
    for block in blocks:
        mold_builder_add(&builder, block, <size_t>len(block))
    return bytes(out[:mold_builder_finish(&builder)])


def encode_end_of_session(session, sequence_number):
    """The packet that ends a session; sequence_number is the one after the last message."""
    return _encode_header(session, sequence_number, MOLD_COUNT_END_OF_SESSION)


def encode_request(session, sequence_number, message_count):
    """A request to send message_count messages again, from sequence_number on."""
    return _encode_header(session, sequence_number, message_count)


def decode_request(const uint8_t[::1] data not None):
    """The retransmission request in data as a dict."""
    cdef size_t bytes = <size_t>data.shape[0]
    cdef MoldHeader header
    if bytes == 0 or mold_decode_request(&data[0], bytes, &header) != STATUS_OK:
        raise ValueError(f"MoldUDP64 request: found {bytes} bytes, expected {MOLD_HEADER_BYTES}")
    out = _header.load(<const uint8_t*>&header)
    out["kind"] = "Request"
    return out
