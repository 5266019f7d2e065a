"""What the fuzzer calls: one function a decoder, and two for the matching core (fuzz_book).

A decoder's input lies in a block of exactly its size, so that AddressSanitizer sees a read of one
byte more. Besides, each target checks what must hold for any input: what decodes can be encoded
into exactly as many bytes and means the same again, walks move on and end, and pointers stay inside
the input (their bytes are read).
"""

from libc.stdint cimport uint8_t, uint16_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp

from ironcore.base.check cimport iron_assert
from ironcore.base.status cimport (
    STATUS_EMPTY, STATUS_MALFORMED, STATUS_OK, STATUS_TRUNCATED, STATUS_UNKNOWN_TYPE, Status,
)
from ironcore.wire.checksum cimport crc32c
from ironcore.wire.itch50 cimport ItchMessage, itch50_decode, itch50_encode
from ironcore.wire.itch_file cimport itch_file_next, itch_file_put, itch_file_skip
from ironcore.wire.moldudp64 cimport (
    MOLD_HEADER_BYTES, MoldBuilder, MoldHeader, MoldReader, mold_builder_add, mold_builder_finish,
    mold_builder_open, mold_decode_request, mold_encode_request, mold_reader_next,
    mold_reader_open,
)
from ironcore.wire.ouch50 cimport (
    OuchInbound, OuchOutbound, ouch50_decode_inbound, ouch50_decode_outbound,
    ouch50_encode_inbound, ouch50_encode_outbound,
)
from ironcore.wire.ouch50_appendage cimport (
    OuchOptions, OuchTag, ouch50_check_appendage, ouch50_decode_options, ouch50_encode_options,
    ouch50_next_tag, ouch50_tag_value_bytes,
)
from ironcore.wire.record cimport RecordView, record_check_frame, record_next
from ironcore.wire.soupbin cimport (
    SOUP_HEADER_BYTES, SOUP_LOGIN_ACCEPTED, SOUP_LOGIN_REJECTED, SOUP_LOGIN_REQUEST,
    SOUP_SHORT_PACKET_BYTES_MAX, SoupLoginAccepted, SoupLoginRequest, soupbin_check,
    soupbin_decode_login_accepted, soupbin_decode_login_rejected, soupbin_decode_login_request,
    soupbin_encode_data, soupbin_encode_login_request, soupbin_next,
)

from fuzz_book cimport fuzz_book_commands, fuzz_book_records

TARGETS = ("soupbin", "ouch50_inbound", "ouch50_outbound", "ouch50_appendage", "itch50",
           "itch_file", "moldudp64", "record", "book_records", "book_commands")

# Written so that the compiler cannot leave out the reads that lead to it.
cdef unsigned int sink = 0


cdef void read_all(const uint8_t* p, size_t bytes) noexcept nogil:
    global sink
    sink ^= crc32c(0, p, bytes)
    while bytes:
        bytes -= 1
        sink += p[bytes]


cdef void check_same(const uint8_t* a, const uint8_t* b, size_t bytes) noexcept nogil:
    iron_assert(memcmp(a, b, bytes) == 0, "encoded again, it is the same")


cdef void fuzz_login_request(const uint8_t* payload, size_t bytes) noexcept nogil:
    cdef SoupLoginRequest login
    cdef uint8_t[SOUP_SHORT_PACKET_BYTES_MAX] first
    cdef uint8_t[SOUP_SHORT_PACKET_BYTES_MAX] second
    cdef size_t first_bytes
    if soupbin_decode_login_request(payload, bytes, &login) != STATUS_OK:
        return
    first_bytes = soupbin_encode_login_request(first, &login)
    iron_assert(first_bytes == SOUP_HEADER_BYTES + bytes, "a login is as long again")
    iron_assert(soupbin_decode_login_request(first + SOUP_HEADER_BYTES, bytes, &login)
                == STATUS_OK, "what is encoded is read")
    iron_assert(soupbin_encode_login_request(second, &login) == first_bytes, "and as long")
    check_same(first, second, first_bytes)


cdef void fuzz_soupbin(const uint8_t* data, size_t bytes) noexcept nogil:
    cdef uint8_t packet_type = 0
    cdef uint8_t reason = 0
    cdef const uint8_t* payload = NULL
    cdef size_t payload_bytes = 0
    cdef size_t packet_bytes = 0
    cdef SoupLoginAccepted accepted
    cdef uint8_t* copy
    cdef Status status
    while True:
        status = soupbin_next(data, bytes, &packet_type, &payload, &payload_bytes, &packet_bytes)
        if status != STATUS_OK:
            iron_assert(status == STATUS_TRUNCATED or status == STATUS_MALFORMED, "known status")
            iron_assert(packet_bytes == 0 or packet_bytes > bytes, "only what is missing")
            break
        iron_assert(packet_bytes == SOUP_HEADER_BYTES + payload_bytes, "sizes agree")
        read_all(payload, payload_bytes)
        copy = <uint8_t*>malloc(packet_bytes)
        soupbin_encode_data(copy, packet_type, payload, payload_bytes)
        check_same(copy, data, packet_bytes)
        free(copy)
        soupbin_check(packet_type, payload_bytes)
        if packet_type == SOUP_LOGIN_REQUEST:
            fuzz_login_request(payload, payload_bytes)
        elif packet_type == SOUP_LOGIN_ACCEPTED:
            soupbin_decode_login_accepted(payload, payload_bytes, &accepted)
        elif packet_type == SOUP_LOGIN_REJECTED:
            soupbin_decode_login_rejected(payload, payload_bytes, &reason)
        data += packet_bytes
        bytes -= packet_bytes
    # The payloads by themselves as well, so that their own length checks are met.
    fuzz_login_request(data, bytes)
    soupbin_decode_login_accepted(data, bytes, &accepted)
    soupbin_decode_login_rejected(data, bytes, &reason)


cdef void fuzz_ouch50_inbound(const uint8_t* data, size_t bytes) noexcept nogil:
    cdef OuchInbound message
    cdef uint8_t* copy
    cdef size_t copy_bytes
    if ouch50_decode_inbound(data, bytes, &message) != STATUS_OK:
        return
    copy = <uint8_t*>malloc(bytes)
    copy_bytes = ouch50_encode_inbound(data[0], &message, copy)
    # An empty optional appendage is not written.
    iron_assert(copy_bytes == bytes or copy_bytes + 2 == bytes, "as long again")
    check_same(copy, data, copy_bytes)
    free(copy)


cdef void fuzz_ouch50_outbound(const uint8_t* data, size_t bytes) noexcept nogil:
    cdef OuchOutbound message
    cdef uint8_t* copy
    cdef size_t copy_bytes
    if ouch50_decode_outbound(data, bytes, &message) != STATUS_OK:
        return
    copy = <uint8_t*>malloc(bytes)
    copy_bytes = ouch50_encode_outbound(data[0], &message, copy)
    iron_assert(copy_bytes == bytes or copy_bytes + 2 == bytes, "as long again")
    check_same(copy, data, copy_bytes)
    free(copy)


cdef void fuzz_ouch50_appendage(const uint8_t* data, size_t bytes) noexcept nogil:
    cdef OuchTag element
    cdef OuchOptions options
    cdef size_t offset = 0
    cdef size_t before = 0
    cdef size_t known_bytes = 0
    cdef uint8_t* first
    cdef uint8_t* second
    cdef Status status
    while ouch50_next_tag(data, bytes, &offset, &element) == STATUS_OK:
        iron_assert(offset == before + 2 + element.value_bytes and offset <= bytes, "it moves on")
        before = offset
        read_all(element.value, element.value_bytes)
        if ouch50_tag_value_bytes(element.tag):
            known_bytes += 2 + element.value_bytes
    status = ouch50_decode_options(data, bytes, &options)
    iron_assert(ouch50_check_appendage(data, bytes) == status, "both say the same")
    if status != STATUS_OK and status != STATUS_UNKNOWN_TYPE:
        return
    first = <uint8_t*>malloc(known_bytes)
    second = <uint8_t*>malloc(known_bytes)
    iron_assert(ouch50_encode_options(&options, first) == known_bytes, "as long again")
    iron_assert(ouch50_decode_options(first, known_bytes, &options) == STATUS_OK, "and is read")
    iron_assert(ouch50_encode_options(&options, second) == known_bytes, "and as long")
    check_same(first, second, known_bytes)
    free(first)
    free(second)


cdef void fuzz_itch50(const uint8_t* data, size_t bytes) noexcept nogil:
    cdef ItchMessage message
    cdef uint8_t* copy
    if itch50_decode(data, bytes, &message) != STATUS_OK:
        return
    copy = <uint8_t*>malloc(bytes)
    iron_assert(itch50_encode(data[0], &message, copy) == bytes, "as long again")
    check_same(copy, data, bytes)
    free(copy)


cdef void fuzz_itch_file(const uint8_t* data, size_t bytes) noexcept nogil:
    cdef const uint8_t* message = NULL
    cdef uint16_t message_bytes = 0
    cdef size_t offset = 0
    cdef size_t before = 0
    cdef uint8_t* copy
    cdef Status status
    while True:
        status = itch_file_next(data, bytes, &offset, &message, &message_bytes)
        if status == STATUS_UNKNOWN_TYPE:
            itch_file_skip(&offset, message_bytes)
        elif status != STATUS_OK:
            break
        iron_assert(before < offset <= bytes, "it moves on")
        read_all(message, message_bytes)
        copy = <uint8_t*>malloc(offset - before)
        iron_assert(itch_file_put(copy, message, message_bytes) == offset - before, "as long")
        check_same(copy, data + before, offset - before)
        free(copy)
        before = offset
    iron_assert(status != STATUS_EMPTY or offset == bytes, "the end is the end")
    iron_assert(status == STATUS_EMPTY or offset == before, "it stays at what is broken")


cdef void fuzz_mold_builder(const uint8_t* data, size_t bytes, size_t bytes_max) noexcept nogil:
    """Build the same packet with room for bytes_max only."""
    cdef MoldReader reader
    cdef MoldBuilder builder
    cdef const uint8_t* message = NULL
    cdef uint16_t message_bytes = 0
    cdef uint8_t* copy = <uint8_t*>malloc(bytes_max)
    cdef Status status = STATUS_OK
    mold_reader_open(&reader, data, bytes)
    mold_builder_open(&builder, copy, bytes_max, reader.header.session,
                      reader.header.sequence_number)
    while status == STATUS_OK and mold_reader_next(&reader, &message, &message_bytes) == STATUS_OK:
        status = mold_builder_add(&builder, message, message_bytes)
        iron_assert((status == STATUS_OK) == (reader.offset <= bytes_max), "it fits or not")
        iron_assert(builder.bytes <= bytes_max, "and stays inside")
    if status == STATUS_OK and reader.offset == bytes:
        iron_assert(mold_builder_finish(&builder) == bytes, "as long again")
        if builder.message_count == reader.header.message_count:
            check_same(copy, data, bytes)
    free(copy)


cdef void fuzz_moldudp64(const uint8_t* data, size_t bytes) noexcept nogil:
    cdef MoldReader reader
    cdef MoldHeader request
    cdef uint8_t[MOLD_HEADER_BYTES] copy
    cdef const uint8_t* message = NULL
    cdef uint16_t message_bytes = 0
    cdef size_t before = MOLD_HEADER_BYTES
    cdef Status status
    if mold_decode_request(data, bytes, &request) == STATUS_OK:
        mold_encode_request(copy, request.session, request.sequence_number, request.message_count)
        check_same(copy, data, bytes)
    if mold_reader_open(&reader, data, bytes) != STATUS_OK:
        return
    while True:
        status = mold_reader_next(&reader, &message, &message_bytes)
        if status != STATUS_OK:
            break
        iron_assert(message == data + before + 2, "where the block is")
        before += 2 + message_bytes
        iron_assert(reader.offset == before and before <= bytes, "it moves on")
        read_all(message, message_bytes)
    iron_assert(reader.offset == before, "it stays at what is broken")
    iron_assert(status != STATUS_EMPTY or before == bytes, "the end is the end")
    fuzz_mold_builder(data, bytes, bytes)
    fuzz_mold_builder(data, bytes, (MOLD_HEADER_BYTES + bytes) // 2)


cdef void fuzz_record(const uint8_t* data, size_t bytes) noexcept nogil:
    cdef RecordView record
    cdef size_t offset = 0
    cdef size_t before = 0
    cdef Status status
    while True:
        status = record_next(data, bytes, &offset, &record)
        if status != STATUS_OK:
            break
        iron_assert(offset == before + record.bytes and before < offset <= bytes, "it moves on")
        iron_assert(record.data == data + before and record.bytes % 8 == 0, "where and how long")
        before = offset
        read_all(record.data, record.bytes)
    iron_assert(offset == before, "it stays at what is broken")
    if record_check_frame(data, bytes) == STATUS_OK:
        iron_assert(status == STATUS_EMPTY and offset == bytes, "a sound frame is walked through")


cdef public void ironpit_fuzz(int target, const uint8_t* data, size_t bytes) noexcept nogil:
    if target == 0:
        fuzz_soupbin(data, bytes)
    elif target == 1:
        fuzz_ouch50_inbound(data, bytes)
    elif target == 2:
        fuzz_ouch50_outbound(data, bytes)
    elif target == 3:
        fuzz_ouch50_appendage(data, bytes)
    elif target == 4:
        fuzz_itch50(data, bytes)
    elif target == 5:
        fuzz_itch_file(data, bytes)
    elif target == 6:
        fuzz_moldudp64(data, bytes)
    elif target == 7:
        fuzz_record(data, bytes)
    elif target == 8:
        fuzz_book_records(data, bytes)
    elif target == 9:
        fuzz_book_commands(data, bytes)
