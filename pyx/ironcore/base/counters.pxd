# Counters in a memory-mapped file: one writer each, read by any process, also post mortem.
# The layout is in counters.pyx. One process writes one file: counters-<process>.dat.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.base.atomics cimport load_relaxed_u64, store_release_u64

cdef enum:
    COUNTERS_VERSION = 2
    COUNTERS_HEADER_BYTES = 256
    COUNTER_METADATA_BYTES = 256
    COUNTER_BLOCK_BYTES = 128        # two cache lines: no two writers share one
    COUNTER_BLOCK_VALUES = 16
    COUNTER_NAME_BYTES_MAX = 112
    COUNTER_HELP_BYTES_MAX = 128
    COUNTERS_PROCESS_BYTES_MAX = 64
    COUNTERS_CAPACITY_MAX = 65536

cdef enum CounterKind:
    COUNTER_COUNT = 1                # only goes up while its process lives
    COUNTER_GAUGE = 2                # the present value of something
    COUNTER_MAXIMUM = 3              # the highest value seen

# Each counter has one writer, so that a plain load and a release store will do: no lock prefix.
cdef inline void counter_add(uint64_t* counter, uint64_t n) noexcept nogil:
    store_release_u64(counter, load_relaxed_u64(counter) + n)

cdef inline void counter_set(uint64_t* counter, uint64_t value) noexcept nogil:
    store_release_u64(counter, value)

cdef inline void counter_raise_to(uint64_t* counter, uint64_t value) noexcept nogil:
    if value > load_relaxed_u64(counter):
        store_release_u64(counter, value)

# A count whose total is kept elsewhere, and only goes up there.
cdef inline void counter_follow(uint64_t* counter, uint64_t total) noexcept nogil:
    if total > load_relaxed_u64(counter):
        store_release_u64(counter, total)

# Its place is another's from now on, a reader's for instance: it begins again, whatever its kind.
cdef inline void counter_reset(uint64_t* counter) noexcept nogil:
    store_release_u64(counter, 0)

cdef struct CountersHeader:          # 256 bytes
    uint64_t magic
    uint32_t version
    uint32_t header_bytes
    uint32_t metadata_bytes          # of one counter
    uint32_t capacity                # counters that fit
    uint64_t values_offset           # of the first value block, from the start of the file
    uint64_t file_bytes
    uint64_t process_id
    uint64_t process_start_ticks     # field 22 of /proc/<pid>/stat: tells a reused pid apart
    uint64_t created_real_ns
    char process[64]                 # name, zero-padded
    uint64_t allocated               # counters in use; stored last, with release
    uint8_t reserved[120]

cdef struct CounterMetadata:         # 256 bytes
    uint64_t value_offset            # from the start of the file
    uint16_t kind                    # CounterKind
    uint16_t unit                    # place in UNITS of counter_declaration.py
    uint16_t name_bytes
    uint16_t help_bytes
    char name[112]                   # "<writer>.<name>"
    char help[128]                   # what it counts, for people

cdef class CountersFile:
    cdef object mapping
    cdef uint8_t* start
    cdef dict indices                # full name -> index
    cdef dict blocks                 # writer -> [offset of its block, values used in it]
    cdef int blocks_used
    cdef readonly str path

# The value of a counter, valid for as long as the file object lives.
cdef uint64_t* counters_at(CountersFile file, int index) except NULL
# Allocates "<writer>.<name>", a counter_declaration.Declaration, and returns its value.
cdef uint64_t* counters_new(CountersFile file, str writer, object declared) except NULL

cdef class CountersReader:
    cdef object mapping
    cdef object file_id              # device and inode
    cdef uint8_t* start
    cdef uint64_t file_bytes
    cdef readonly str path
    cdef int _check_header(self) except -1
    cdef CounterMetadata* _checked_metadata(self, uint64_t index) except NULL
    cdef uint64_t _allocated(self) except? 0
