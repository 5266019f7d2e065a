"""Ethernet frames of an IPv4 feed over UDP: judged when they come, built when they leave.

RFC 768 (UDP), RFC 791 (IPv4), RFC 1071 (checksums), RFC 1112 section 6.4 (a group's Ethernet
address is 01:00:5e and the low 23 bits of it), RFC 6864 (a datagram that must not be fragmented
needs no identification).

No card tells an XDP program whether it verified a checksum, so that every one is verified here. One
value beside the right one is accepted, the sum of the pseudo header alone: a sender on this host
leaves the rest to a card (CHECKSUM_PARTIAL), and veth and virtio hand that over as it is. Such a
frame was on no wire that could have harmed it.
"""

from socket import inet_aton

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

VERDICTS = ("good", "foreign", "malformed", "corrupt")

cdef enum:
    ETHERTYPE_AT = 12
    IP_AT = 14
    IP_BYTES = 20
    IP_LENGTH_AT = 16
    IP_FRAGMENT_AT = 20
    IP_TTL_AT = 22
    IP_PROTOCOL_AT = 23
    IP_CHECKSUM_AT = 24
    IP_SOURCE_AT = 26
    IP_GROUP_AT = 30
    UDP_AT = 34
    UDP_BYTES = 8
    UDP_PORT_AT = 36
    UDP_LENGTH_AT = 38
    UDP_CHECKSUM_AT = 40
    ETHERTYPE_IPV4 = 0x0800
    VERSION_4_WITHOUT_OPTIONS = 0x45
    DO_NOT_FRAGMENT = 0x4000
    FRAGMENT = 0x3FFF                # more of them follow, or this is not the first
    PROTOCOL_UDP = 17


cdef inline uint32_t _be16(const uint8_t* at) noexcept nogil:
    return (<uint32_t>at[0] << 8) | at[1]


cdef inline void _put_be16(uint8_t* at, uint32_t value) noexcept nogil:
    at[0] = <uint8_t>(value >> 8)
    at[1] = <uint8_t>value


cdef inline void _put_be32(uint8_t* at, uint32_t value) noexcept nogil:
    _put_be16(at, value >> 16)
    _put_be16(at + 2, value & 0xFFFF)


cdef inline uint64_t _sum(const uint8_t* data, uint32_t bytes, uint64_t total) noexcept nogil:
    """The one's complement sum of 64-bit words as they lie in memory; the order of a word's bytes
    does not matter until the sum is stored (RFC 1071, section 2)."""
    cdef uint64_t word
    while bytes >= 8:
        memcpy(&word, data, 8)
        total += word
        total += total < word
        data += 8
        bytes -= 8
    if bytes:
        word = 0
        memcpy(&word, data, bytes)
        total += word
        total += total < word
    return total


cdef inline uint16_t _fold(uint64_t total) noexcept nogil:
    cdef uint32_t left
    total = <uint32_t>total + (total >> 32)
    total = <uint32_t>total + (total >> 32)
    left = <uint32_t>total
    left = (left & 0xFFFF) + (left >> 16)
    left = (left & 0xFFFF) + (left >> 16)
    return <uint16_t>left


cdef inline uint64_t _pseudo_sum(const uint8_t* frame) noexcept nogil:
    """Of the addresses, the protocol and the length of the datagram (RFC 768)."""
    cdef uint8_t rest[4]
    rest[0] = 0
    rest[1] = PROTOCOL_UDP
    rest[2] = frame[UDP_LENGTH_AT]
    rest[3] = frame[UDP_LENGTH_AT + 1]
    return _sum(frame + IP_SOURCE_AT, 8, _sum(rest, 4, 0))


cdef inline FrameVerdict _udp_verdict(const uint8_t* frame, uint32_t udp_bytes,
                                      bint* unfilled) noexcept nogil:
    cdef uint16_t found = 0
    cdef uint64_t pseudo
    memcpy(&found, frame + UDP_CHECKSUM_AT, 2)
    if found == 0:                   # the sender made none
        return FRAME_GOOD
    pseudo = _pseudo_sum(frame)
    if _fold(_sum(frame + UDP_AT, udp_bytes, pseudo)) == 0xFFFF:
        return FRAME_GOOD
    unfilled[0] = found == _fold(pseudo)
    return FRAME_GOOD if unfilled[0] else FRAME_CORRUPT


cdef FrameVerdict frame_judge(const uint8_t* frame, uint32_t frame_bytes, uint32_t group,
                              uint16_t port, const uint8_t** payload, uint32_t* payload_bytes,
                              bint* unfilled) noexcept nogil:
    cdef uint32_t ip_bytes
    cdef uint32_t udp_bytes
    unfilled[0] = False
    if frame_bytes < FRAME_HEADERS_BYTES:
        return FRAME_MALFORMED
    if (_be16(frame + ETHERTYPE_AT) != ETHERTYPE_IPV4
            or frame[IP_AT] != VERSION_4_WITHOUT_OPTIONS
            or _be16(frame + IP_FRAGMENT_AT) & FRAGMENT
            or frame[IP_PROTOCOL_AT] != PROTOCOL_UDP
            or memcmp(frame + IP_GROUP_AT, &group, 4) != 0
            or memcmp(frame + UDP_PORT_AT, &port, 2) != 0):
        return FRAME_FOREIGN
    ip_bytes = _be16(frame + IP_LENGTH_AT)
    udp_bytes = _be16(frame + UDP_LENGTH_AT)
    # Ethernet pads what is shorter than 60 bytes, so that the frame may be longer than the packet.
    if (ip_bytes > frame_bytes - IP_AT or udp_bytes < UDP_BYTES
            or udp_bytes > ip_bytes - IP_BYTES or ip_bytes < IP_BYTES + UDP_BYTES
            or _fold(_sum(frame + IP_AT, IP_BYTES, 0)) != 0xFFFF):
        return FRAME_MALFORMED
    payload[0] = frame + FRAME_HEADERS_BYTES
    payload_bytes[0] = udp_bytes - UDP_BYTES
    return _udp_verdict(frame, udp_bytes, unfilled)


cdef void frame_route(FrameRoute* route, const uint8_t* mac, uint32_t source, uint16_t source_port,
                      uint32_t group, uint16_t port, uint8_t ttl) noexcept nogil:
    cdef uint8_t* headers = route.headers
    memset(headers, 0, FRAME_HEADERS_BYTES)
    _put_be32(headers, 0x01005E00 | (group >> 16 & 0x7F))
    _put_be16(headers + 4, group & 0xFFFF)
    memcpy(headers + 6, mac, 6)
    _put_be16(headers + ETHERTYPE_AT, ETHERTYPE_IPV4)
    headers[IP_AT] = VERSION_4_WITHOUT_OPTIONS
    _put_be16(headers + IP_FRAGMENT_AT, DO_NOT_FRAGMENT)
    headers[IP_TTL_AT] = ttl
    headers[IP_PROTOCOL_AT] = PROTOCOL_UDP
    _put_be32(headers + IP_SOURCE_AT, source)
    _put_be32(headers + IP_GROUP_AT, group)
    _put_be16(headers + UDP_AT, source_port)
    _put_be16(headers + UDP_PORT_AT, port)


cdef uint32_t frame_build(uint8_t* frame, const FrameRoute* route, const uint8_t* payload,
                          uint32_t payload_bytes) noexcept nogil:
    cdef uint16_t checksum
    memcpy(frame, route.headers, FRAME_HEADERS_BYTES)
    memcpy(frame + FRAME_HEADERS_BYTES, payload, payload_bytes)
    _put_be16(frame + IP_LENGTH_AT, IP_BYTES + UDP_BYTES + payload_bytes)
    checksum = ~_fold(_sum(frame + IP_AT, IP_BYTES, 0))
    memcpy(frame + IP_CHECKSUM_AT, &checksum, 2)
    _put_be16(frame + UDP_LENGTH_AT, UDP_BYTES + payload_bytes)
    checksum = ~_fold(_sum(frame + UDP_AT, UDP_BYTES + payload_bytes, _pseudo_sum(frame)))
    if checksum == 0:
        checksum = 0xFFFF            # zero is to say that there is none (RFC 768)
    memcpy(frame + UDP_CHECKSUM_AT, &checksum, 2)
    return FRAME_HEADERS_BYTES + payload_bytes


def judge(bytes frame, str group, int port):
    """What becomes of a frame of the feed: ("good", payload, whether its checksum was left to a
    card), or ("foreign" | "malformed" | "corrupt", b"", False)."""
    cdef const uint8_t* payload = NULL
    cdef uint32_t payload_bytes = 0
    cdef uint32_t group_wire
    cdef uint16_t port_wire
    cdef bint unfilled = False
    cdef FrameVerdict verdict
    address, number = inet_aton(group), port.to_bytes(2, "big")
    memcpy(&group_wire, <const char*>address, 4)
    memcpy(&port_wire, <const char*>number, 2)
    verdict = frame_judge(<const uint8_t*>frame, <uint32_t>len(frame), group_wire, port_wire,
                          &payload, &payload_bytes, &unfilled)
    if verdict != FRAME_GOOD:
        return VERDICTS[verdict], b"", False
    return VERDICTS[verdict], (<const char*>payload)[:payload_bytes], bool(unfilled)


def build(bytes payload, bytes mac, str source, int source_port, str group, int port, int ttl):
    """The frame of one datagram, for tests and for whoever wants to see what is sent."""
    cdef FrameRoute route
    frame = bytearray(FRAME_HEADERS_BYTES + len(payload))
    frame_route(&route, <const uint8_t*><const char*>mac,
                int.from_bytes(inet_aton(source), "big"), source_port,
                int.from_bytes(inet_aton(group), "big"), port, ttl)
    frame_build(<uint8_t*><char*>frame, &route, <const uint8_t*><const char*>payload,
                <uint32_t>len(payload))
    return bytes(frame)
