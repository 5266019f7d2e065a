"""A subscriber that keeps every message of the feed, asks for what it lost, and notices when a
message comes again with another content."""

from libc.stdint cimport uint8_t, uint16_t, uint64_t
from libc.string cimport memcmp, memcpy

from ironcore.base.status cimport STATUS_EMPTY, STATUS_OK
from ironcore.simulation.network cimport (
    DATAGRAM_BYTES_MAX, Net, net_subscriber_receive, net_subscriber_request,
)
from ironcore.simulation.world cimport World, world_violate
from ironcore.wire.moldudp64 cimport (
    MOLD_COUNT_END_OF_SESSION, MOLD_COUNT_MAX, MOLD_HEADER_BYTES, MoldReader, mold_encode_request,
    mold_reader_next, mold_reader_open,
)

cdef enum:
    ASK_AGAIN_NS = 1000000


cdef void subscriber_open(Subscriber* s, World* world, Net* net,
                          const char* stream_name) noexcept nogil:
    s.world = world
    s.net = net
    memcpy(s.stream_name, stream_name, sizeof(s.stream_name))
    s.next = 1


cdef void _message(Subscriber* s, uint64_t sequence, const uint8_t* data,
                   uint16_t bytes) noexcept nogil:
    cdef FeedMessage* place = &s.messages[sequence - 1]
    if bytes > ITCH50_MESSAGE_BYTES_MAX or sequence > SUBSCRIBER_MESSAGES_MAX:
        world_violate(s.world, b"a message longer, or more messages, than can be", sequence, bytes)
    elif sequence < s.next:
        if place.bytes != bytes or memcmp(place.data, data, bytes) != 0:
            world_violate(s.world, b"a message of the feed differs from the one before", sequence,
                          data[0])
    else:
        place.bytes = <uint8_t>bytes
        memcpy(place.data, data, bytes)
        s.next += 1


cdef void _datagram(Subscriber* s, const uint8_t* datagram, uint64_t bytes) noexcept nogil:
    cdef MoldReader reader
    cdef const uint8_t* message = NULL
    cdef uint16_t message_bytes = 0
    cdef uint64_t sequence
    cdef int status = mold_reader_open(&reader, datagram, bytes)
    if (status != STATUS_OK or reader.header.message_count == MOLD_COUNT_END_OF_SESSION
            or memcmp(reader.header.session, s.stream_name, sizeof(s.stream_name)) != 0):
        world_violate(s.world, b"a packet of the feed that does not belong there", s.next, bytes)
        return
    sequence = reader.header.sequence_number
    s.known = max(s.known, sequence + reader.header.message_count - 1)
    while sequence <= s.next:        # behind a gap nothing is taken: it will come again
        status = mold_reader_next(&reader, &message, &message_bytes)
        if status != STATUS_OK:
            if status != STATUS_EMPTY:
                world_violate(s.world, b"a malformed packet of the feed", sequence, bytes)
            return
        _message(s, sequence, message, message_bytes)
        sequence += 1


cdef void subscriber_step(Subscriber* s) noexcept nogil:
    cdef uint8_t datagram[DATAGRAM_BYTES_MAX]
    cdef uint64_t count = net_subscriber_receive(s.net, datagram)
    if count:
        _datagram(s, datagram, count)
    if s.known >= s.next and s.world.mono_ns - s.asked_ns >= ASK_AGAIN_NS:
        s.asked_ns = s.world.mono_ns
        count = min(s.known + 1 - s.next, <uint64_t>MOLD_COUNT_MAX)
        mold_encode_request(datagram, s.stream_name, s.next, <uint16_t>count)
        net_subscriber_request(s.net, datagram, MOLD_HEADER_BYTES)


cdef void subscriber_forget(Subscriber* s, uint64_t count) noexcept nogil:
    s.next = min(s.next, count + 1)
    s.known = min(s.known, count)
