# Segment files: a header page region and a ring's data, mapped into the processes that share them.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.atomics cimport store_relaxed_u64

cdef enum:
    SEGMENT_VERSION = 3              # of the header, and of the records that frames hold
    SEGMENT_HEADER_BYTES = 256
    SEGMENT_CAPACITY_BYTES_MIN = 4096
    SEGMENT_PAIR_BYTES = 128         # two cache lines, for one writer's hot words alone
    SEGMENT_SESSION_BYTES = 10       # of a name, as MoldUDP64 and SoupBinTCP carry it
    SEGMENT_IDENTITY_BYTES = 16      # of a stream: a UUID
    LOCK_PRODUCER = 0                # bytes of the file that live owners hold locked
    LOCK_READER_FIRST = 1

cdef enum SegmentKind:
    SEGMENT_SPSC = 1
    SEGMENT_BROADCAST = 2

cdef enum SegmentLock:
    LOCK_OFF = 0
    LOCK_AUTO = 1
    LOCK_REQUIRE = 2

cdef struct SegmentOwner:            # 48 bytes; for reports: only the lock says who lives
    uint32_t process_id
    uint32_t attached_count          # owners so far, this one included
    uint64_t process_start_ticks     # clock ticks after boot; names one process with its id
    uint64_t attached_real_ns
    uint64_t heartbeat_mono_ns
    uint64_t reserved[2]

cdef struct SegmentHeader:           # 256 bytes; all but owner and stream is written at creation
    uint64_t magic
    uint32_t version
    uint32_t kind
    uint64_t data_offset             # bytes from the start of the file to the ring's data
    uint64_t capacity_bytes          # of the ring's data, a power of two
    uint64_t sequence_first
    uint64_t created_real_ns
    uint32_t huge_pages              # asked for, when the file was made
    uint32_t readers_count           # broadcast: named slots
    uint32_t lock                    # SegmentLock asked for
    uint32_t numa_node_next          # the node asked for, and 1; 0: none was
    uint64_t session[2]              # the name of the stream's, then zeros; all zero: not said yet
    uint64_t identity[2]             # of the stream itself; all zero: not known
    uint8_t reserved[32]
    SegmentOwner producer
    uint8_t producer_pad[80]

cdef struct SegmentTailPair:         # 128 bytes, written by the producer
    uint64_t tail                    # position behind the last committed frame
    uint64_t full_count              # claims refused because the ring was full
    uint8_t tail_pad[112]


# A beat of an owner that is alive and turning; report only, so it orders nothing.
cdef inline void segment_beat(SegmentOwner* owner, uint64_t now_mono_ns) noexcept nogil:
    store_relaxed_u64(&owner.heartbeat_mono_ns, now_mono_ns)


cdef class Segment:
    cdef readonly str path
    cdef readonly str huge_pages     # how many bytes lie in huge pages, or why none do
    cdef readonly str locked         # "off", "locked in memory", or why it is not
    cdef readonly str numa           # "off", the node that holds the data, or why it does not
    cdef readonly uint64_t capacity_bytes
    cdef SegmentHeader* header
    cdef uint8_t* data
    cdef uint64_t data_offset
    cdef void* area                  # the one range of addresses that holds both mappings
    cdef uint64_t area_bytes
    cdef int descriptor
    cdef str temporary               # the name until complete() gives the real one
    cdef int map(self, bint header_writable, bint data_writable) except -1
    cdef void* map_part(self, uint64_t address, uint64_t byte_count, bint writable,
                        uint64_t offset) except NULL
    cdef int note_huge_pages(self) except -1
    cdef int bind(self) except -1
    cdef int lock_pages(self) except -1
    cdef int check_position(self, str what, uint64_t position) except -1
    cdef int complete(self) except -1
    cdef int hold(self, int lock_byte, SegmentOwner* owner, str role) except -1
    cdef object owner_state(self, int lock_byte, SegmentOwner* owner)
    cdef str session(self)
    cdef str identity(self)
    cdef int name_session(self, str session, str identity) except -1

cdef Segment segment_create(str path, int kind, uint64_t capacity_bytes, uint64_t sequence_first,
                            str huge_pages, str lock, object numa_node)
cdef Segment segment_open(str path, int kind, bint header_writable, bint data_writable)
