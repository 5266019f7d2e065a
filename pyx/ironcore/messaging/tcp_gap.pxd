# How a gap is told in a SoupBinTCP stream: an unsequenced packet of this venue's own, in its place
# between the frames. SoupBinTCP numbers frames by counting them and has no other way to leave some
# out; a client that does not know the packet ignores it, as it ignores all unsequenced data, and
# counts on from the wrong number. See docs/WIRE.md.

from libc.stdint cimport uint8_t, uint64_t

from ironcore.wire.codec cimport load_u64_be, store_u64_be

cdef enum:
    GAP_PAYLOAD_BYTES = 20           # "GAP ", the first number that is missing, how many are
    GAP_MAGIC_BYTES = 4


cdef inline void gap_encode(uint8_t* payload, uint64_t first, uint64_t count) noexcept nogil:
    payload[0] = 0x47
    payload[1] = 0x41
    payload[2] = 0x50
    payload[3] = 0x20
    store_u64_be(payload + GAP_MAGIC_BYTES, first)
    store_u64_be(payload + GAP_MAGIC_BYTES + 8, count)


# False: it is no gap.
cdef inline bint gap_decode(const uint8_t* payload, size_t bytes, uint64_t* first,
                            uint64_t* count) noexcept nogil:
    if (bytes != GAP_PAYLOAD_BYTES or payload[0] != 0x47 or payload[1] != 0x41
            or payload[2] != 0x50 or payload[3] != 0x20):
        return False
    first[0] = load_u64_be(payload + GAP_MAGIC_BYTES)
    count[0] = load_u64_be(payload + GAP_MAGIC_BYTES + 8)
    return True
