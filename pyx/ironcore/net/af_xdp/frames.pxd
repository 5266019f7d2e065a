# Ethernet frames of an IPv4 feed over UDP: one is judged, or built. See frames.pyx.

from libc.stdint cimport uint8_t, uint16_t, uint32_t

cdef enum:
    FRAME_HEADERS_BYTES = 42         # Ethernet 14, IPv4 without options 20, UDP 8

cdef enum FrameVerdict:
    FRAME_GOOD = 0
    FRAME_FOREIGN = 1                # not UDP over plain IPv4 to the group and port, or a fragment
    FRAME_MALFORMED = 2              # its lengths or the checksum of its IPv4 header cannot be
    FRAME_CORRUPT = 3                # its UDP checksum is wrong

# Where a feed's frames go: their headers, but for lengths and checksums.
cdef struct FrameRoute:
    uint8_t headers[FRAME_HEADERS_BYTES]

# Judge a frame that is to be of the feed; payload and payload_bytes are set when it is good.
# group and port: in the order of the wire. unfilled: whether its sender left the UDP checksum to
# a card, and there was none.
cdef FrameVerdict frame_judge(const uint8_t* frame, uint32_t frame_bytes, uint32_t group,
                              uint16_t port, const uint8_t** payload, uint32_t* payload_bytes,
                              bint* unfilled) noexcept nogil
# Addresses and ports in the host's order; mac: the sending interface's, 6 bytes.
cdef void frame_route(FrameRoute* route, const uint8_t* mac, uint32_t source, uint16_t source_port,
                      uint32_t group, uint16_t port, uint8_t ttl) noexcept nogil
# Write the frame of one datagram: its bytes, FRAME_HEADERS_BYTES more than the payload's.
cdef uint32_t frame_build(uint8_t* frame, const FrameRoute* route, const uint8_t* payload,
                          uint32_t payload_bytes) noexcept nogil
