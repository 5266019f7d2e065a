# The segment file of a broadcast ring: layout and named reader slots. See broadcast.pxd.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.ring.mapped_file cimport Segment, SegmentHeader, SegmentOwner, SegmentTailPair

cdef enum:
    READERS_MAX = 16
    READER_NAME_BYTES_MAX = 32
    PATIENCE_FOREVER = 0
    AFTER_NOBODY = 0xFFFFFFFF

cdef enum SlotState:
    SLOT_UNUSED = 0
    SLOT_GATING = 1                  # the producer waits for it, whether its owner lives or not
    SLOT_JOINING = 2                 # as GATING, but its position is not to be trusted yet
    SLOT_EVICTED = 3
    SLOT_LEFT = 4                    # its owner gave it up

cdef struct ReaderSlot:              # 256 bytes
    char name[READER_NAME_BYTES_MAX]
    uint64_t patience_ns
    uint32_t after                   # index of the slot that it follows, or AFTER_NOBODY
    uint32_t reserved
    SegmentOwner owner
    uint8_t owner_pad[32]
    uint64_t position                # released: the reader's word, but for the rest of this pair
    uint32_t state                   # SlotState; changed by compare-and-exchange
    uint32_t evictions
    uint64_t evicted_mono_ns         # of the last eviction: when,
    uint64_t evicted_full_ns         # how long the ring had been full by then,
    uint64_t evicted_lag_bytes       # and how far behind the tail the reader was
    uint8_t position_pad[88]

cdef struct OldestPair:              # 128 bytes, written by the producer
    uint64_t oldest                  # position of the oldest frame that is surely still there
    uint64_t end_sequence            # no frame has this number or a higher one; 0: not ended
    uint8_t oldest_pad[112]

cdef struct BroadcastHeader:         # 1024 + READERS_MAX * 256 bytes
    SegmentHeader segment
    SegmentTailPair tail
    OldestPair oldest
    uint32_t keepers                 # bit n: slot n's reader keeps the stream
    uint8_t reserved[508]
    ReaderSlot slots[READERS_MAX]

# Sequence number of the oldest frame held, and the one that the next frame will have. Equal: none
# held.
cdef uint64_t broadcast_oldest_sequence(const uint8_t* data,
                                        const BroadcastHeader* header) noexcept nogil
cdef uint64_t broadcast_tail_sequence(const uint8_t* data,
                                      const BroadcastHeader* header) noexcept nogil
# The sequence number in the header at a position that may be overwritten meanwhile; 0 if it was.
cdef uint64_t broadcast_sequence_at(const uint8_t* data, const BroadcastHeader* header,
                                    uint64_t position) noexcept nogil

# The slots that the reader in this slot follows, a bit each: the keepers, unless it is one of them,
# and the one that it comes after. READERS_MAX: a lossy reader, which has no slot.
cdef uint32_t broadcast_followed(const BroadcastHeader* header, uint32_t index) noexcept nogil

cdef Segment broadcast_open(str path, bint header_writable, bint data_writable)
cdef list broadcast_slot_names(BroadcastHeader* header)
