# What all parts of a simulation share: its chance, its time, and how likely which fault is.

from libc.stdint cimport uint32_t, uint64_t

from ironcore.base.clock cimport Clock

cdef enum CrashKind:
    CRASH_NONE = 0
    CRASH_PROCESS = 1                # kill -9: rings and page cache survive
    CRASH_POWER = 2                  # of the host: rings are gone, and what no sync made durable

cdef struct Odds:                    # each in 1/1000 of the occasions
    uint32_t short_write             # a write takes fewer bytes than given, or a read gives fewer
    uint32_t disk_error              # a write or a sync is refused
    uint32_t late                    # the network keeps for later what it could deliver now
    uint32_t short_transfer          # the network takes or gives fewer bytes than it could
    uint32_t reset                   # a connection breaks
    uint32_t datagram_lost
    uint32_t datagram_repeated
    uint32_t datagram_swapped        # overtakes the one before it
    uint32_t datagram_refused        # the host has no room for it now
    uint32_t stall                   # a stage gets no turn for a while
    uint32_t half_open               # a member leaves without a word

cdef struct World:
    uint64_t chance                  # state of the generator
    uint64_t mono_ns
    uint64_t real_offset_ns          # what the real-time clock is ahead of the monotonic one
    Odds odds
    bint disk_full
    int crash_kind                   # CrashKind that is to strike ...
    uint32_t crash_countdown         # ... at this call from now on into disk or network
    int crashed                      # CrashKind that has struck: no call has an effect any more
    const char* violation            # what must never happen, once it has; with two numbers
    uint64_t violation_where
    uint64_t violation_what

cdef uint64_t chance_next(World* world) noexcept nogil
# A number below `bound`, which is not 0.
cdef uint64_t chance_below(World* world, uint64_t bound) noexcept nogil
# True `odds` times in 1000.
cdef bint chance_hits(World* world, uint32_t odds) noexcept nogil
cdef Clock world_clock(World* world) noexcept nogil
# Notes the first thing that must never happen.
cdef void world_violate(World* world, const char* violation, uint64_t where,
                        uint64_t what) noexcept nogil
# To be asked by every call into disk or network. True: the crash has struck, now or before.
cdef bint world_crashed(World* world) noexcept nogil


cdef inline uint64_t world_midnight_ns() noexcept nogil:
    """The midnight of every simulation's day."""
    return 1700000000000000000ULL


cdef inline uint32_t world_second(const World* world) noexcept nogil:
    """Of the day, by the clock that is set at times."""
    return <uint32_t>((world.mono_ns + world.real_offset_ns - world_midnight_ns()) // 1000000000)
