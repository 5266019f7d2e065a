# The window of a TCP publication: the newest packets of a stream, framed as SoupBinTCP has them, in
# one ring of bytes that all readers are served from. See window.pyx.
#
# A position counts the bytes of the stream's packets from 0; a reader is a position. Packets follow
# one another without a hole and wrap anywhere, so that what lies between two positions is at most
# two pieces.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef struct WindowPacket:
    uint64_t position                # where it begins
    uint64_t sequence                # of its frame, or of the first frame that is missing

cdef struct PacketWindow:
    uint8_t* data
    WindowPacket* packets            # the packets held, by their count: a ring of its own
    uint64_t capacity_bytes          # a power of two, as packets_max is
    uint64_t packets_max
    uint64_t head                    # where the next packet goes
    uint64_t first                   # count of the oldest packet held
    uint64_t end                     # count of the next one
    uint64_t sequence_next

cdef int packet_window_open(PacketWindow* w, uint64_t capacity_bytes,
                            uint64_t sequence_next) noexcept nogil
cdef void packet_window_close(PacketWindow* w) noexcept nogil

# Positions below it are not the window's any more once a packet of this length is in. Readers that
# stand there have to be moved before: their bytes and the places of their packets are about to go.
cdef uint64_t packet_window_limit(const PacketWindow* w, size_t packet_bytes) noexcept nogil
# Append a packet with `count` numbers: 1 for a frame. It displaces the oldest ones.
cdef void packet_window_add(PacketWindow* w, uint8_t packet_type, const uint8_t* payload,
                            uint32_t payload_bytes, uint64_t count) noexcept nogil
# The first packet that begins at a position or behind it; one with the head's position and the next
# sequence number when there is none.
cdef WindowPacket packet_window_at(const PacketWindow* w, uint64_t position) noexcept nogil
# The packet that has this frame, or says that it is missing. STATUS_OVERRUN: not held any more.
# STATUS_EMPTY: not there yet (the next frame is: it begins at the head).
cdef int packet_window_find(const PacketWindow* w, uint64_t sequence,
                            WindowPacket* packet) noexcept nogil
# The oldest frame that can be had; the next one when there is none.
cdef uint64_t packet_window_oldest(const PacketWindow* w) noexcept nogil
# Copy bytes that the window holds.
cdef void packet_window_copy(const PacketWindow* w, uint64_t position, uint8_t* out,
                             size_t bytes) noexcept nogil
