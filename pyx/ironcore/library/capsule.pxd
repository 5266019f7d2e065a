# The matching core for native programs: the functions of ironpit_core.h in a capsule. The header is
# the contract; what it says of records is checked here against wire/record.pxd when this compiles.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.engine.engine cimport Engine, EngineLimits
from ironcore.library.queries cimport LevelView, OrderView
from ironcore.wire.record cimport Event

cdef extern from "ironpit_core.h" nogil:
    enum:
        IRONPIT_ABI_VERSION
        IRONPIT_PREFETCH_ADAPTIVE
        IRONPIT_PREFETCH_ALWAYS

    struct ironpit_core:
        pass
    struct ironpit_limits:
        pass
    struct ironpit_event:
        pass
    struct ironpit_level:
        pass
    struct ironpit_order:
        pass

    struct ironpit_batch:
        void* records
        const uint64_t* offsets
        uint64_t count
        uint64_t applied
        uint8_t* statuses
        uint32_t* events_counts
        ironpit_event* events
        uint64_t events_count
        uint64_t events_max
        uint32_t prefetch

    struct ironpit_api:
        uint32_t abi_version
        uint32_t struct_bytes
        uint32_t record_version
        uint32_t reserved
        ironpit_core* (*create)(const ironpit_limits*) noexcept nogil
        void (*destroy)(ironpit_core*) noexcept nogil
        int (*apply)(ironpit_core*, void*, uint32_t, const ironpit_event**,
                     uint32_t*) noexcept nogil
        int (*submit)(ironpit_core*, ironpit_batch*) noexcept nogil
        uint64_t (*drain)(ironpit_core*, ironpit_event*, uint64_t) noexcept nogil
        uint32_t (*depth)(ironpit_core*, uint32_t, uint8_t, ironpit_level*, uint32_t) noexcept nogil
        int (*level)(ironpit_core*, uint32_t, uint8_t, int32_t, ironpit_level*) noexcept nogil
        int (*order)(ironpit_core*, uint32_t, uint32_t, ironpit_order*) noexcept nogil
        uint64_t (*save)(ironpit_core*, void*, uint64_t) noexcept nogil
        ironpit_core* (*load)(const void*, uint64_t) noexcept nogil

cdef struct Context:                 # what an ironpit_core* points to
    Engine* engine
    uint32_t drained                 # events of the engine's last command that were drained
