"""A simulation's chance and time. Everything random comes from one seed through `chance_next`."""

from libc.stdint cimport uint32_t, uint64_t

from ironcore.base.clock cimport Clock


cdef uint64_t chance_next(World* world) noexcept nogil:
    # SplitMix64 (Steele, Lea, Flood 2014): every state is a good one, so that any seed will do.
    cdef uint64_t z
    world.chance += 0x9E3779B97F4A7C15ULL
    z = world.chance
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL
    return z ^ (z >> 31)


cdef uint64_t chance_below(World* world, uint64_t bound) noexcept nogil:
    return chance_next(world) % bound


cdef bint chance_hits(World* world, uint32_t odds) noexcept nogil:
    return odds != 0 and chance_next(world) % 1000 < odds


cdef uint64_t _mono_ns(void* context) noexcept nogil:
    return (<World*>context).mono_ns


cdef uint64_t _real_ns(void* context) noexcept nogil:
    return (<World*>context).mono_ns + (<World*>context).real_offset_ns


cdef Clock world_clock(World* world) noexcept nogil:
    cdef Clock clock
    clock.mono_ns = _mono_ns
    clock.real_ns = _real_ns
    clock.context = world
    return clock


cdef bint world_crashed(World* world) noexcept nogil:
    if world.crash_kind != CRASH_NONE:
        if world.crash_countdown == 0:
            world.crashed = world.crash_kind
            world.crash_kind = CRASH_NONE
        else:
            world.crash_countdown -= 1
    return world.crashed != CRASH_NONE


cdef void world_violate(World* world, const char* violation, uint64_t where,
                        uint64_t what) noexcept nogil:
    if world.violation == NULL:
        world.violation = violation
        world.violation_where = where
        world.violation_what = what
