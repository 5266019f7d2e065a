"""The matching core's memory: what it has from start to end."""

from libc cimport errno as c_errno
from libc.errno cimport EINVAL, ENOMEM
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from ironcore.base.check cimport iron_static_assert
from ironcore.base.memory cimport memory_prefault, memory_release, memory_reserve
from ironcore.base.status cimport STATUS_OK
from ironcore.book.order_pool cimport (
    ROUND_SHIFT, TOTAL_COUNT_SHIFT, arena_create, arena_destroy,
)
from ironcore.book.options cimport SECONDS_A_DAY
from ironcore.wire.record cimport SLOT_NONE, Event


cdef enum:
    EVENTS_HOT = 4096                # faulted in at start
    USER_REF_BITS_MAX = 31


cdef uint64_t _slots_count(const EngineLimits* limits) noexcept nogil:
    return (<uint64_t>limits.sessions_max + 1) << limits.user_ref_bits


cdef uint64_t _collected_bytes(const EngineLimits* limits) noexcept nogil:
    return limits.orders_max * <uint64_t>sizeof(uint32_t)


cdef uint64_t _blocks_bytes(const Engine* engine) noexcept nogil:
    return (_slots_count(&engine.limits) >> engine.block_shift) * sizeof(uint32_t)


cdef uint64_t _lasts_bytes(const EngineLimits* limits) noexcept nogil:
    return WORKS_MAX * (limits.sessions_max + <uint64_t>1) * sizeof(uint32_t)


cdef uint64_t _events_bytes(const Engine* engine) noexcept nogil:
    return (<uint64_t>engine.events_max + ENGINE_EVENTS_HELD) * sizeof(Event)


cdef bint _limits_are_valid(const EngineLimits* limits) noexcept nogil:
    if limits.instruments_max < 1 or limits.instruments_max > ENGINE_INSTRUMENTS_MAX:
        return False
    if limits.orders_max < 1 or limits.orders_max > ENGINE_ORDERS_MAX:
        return False
    if limits.user_ref_bits < 1 or limits.user_ref_bits > USER_REF_BITS_MAX:
        return False
    # The last slot stays below SLOT_NONE.
    return limits.sessions_max >= 1 and _slots_count(limits) <= SLOT_NONE


cdef Engine* engine_create(const EngineLimits* limits) noexcept nogil:
    iron_static_assert(sizeof(Session) == 32)
    # A level of all orders, each as large as can be, fits its total and 16 bits of rounds.
    iron_static_assert(TOTAL_COUNT_SHIFT + ROUND_SHIFT == 64)
    iron_static_assert(ENGINE_ORDERS_MAX >> (16 + ROUND_SHIFT) == 0)
    iron_static_assert((<uint64_t>ENGINE_ORDERS_MAX * <uint32_t>0xFFFFFFFF) >> TOTAL_COUNT_SHIFT
                       == 0)
    cdef Engine* engine
    if not _limits_are_valid(limits):
        c_errno.errno = EINVAL
        return NULL
    engine = <Engine*>calloc(1, sizeof(Engine))
    if engine == NULL:
        return NULL
    engine.limits = limits[0]
    engine.dry_run_steps_max = DRY_RUN_STEPS_MAX
    engine.executions_max = <uint32_t>0xFFFFFFFF
    engine.events_max = (limits.orders_max * ENGINE_EVENTS_AN_ORDER
                         + limits.instruments_max * ENGINE_EVENTS_AN_INSTRUMENT
                         + ENGINE_EVENTS_EXTRA)
    engine.events_base = <Event*>memory_reserve(_events_bytes(engine))
    engine.events = engine.events_base
    engine.books = <Book*>memory_reserve(limits.instruments_max * sizeof(Book))
    engine.sessions = <Session*>calloc(limits.sessions_max + 1, sizeof(Session))
    engine.expiry = <Link*>memory_reserve(SECONDS_A_DAY * sizeof(Link))
    engine.collected = <uint32_t*>memory_reserve(_collected_bytes(limits))
    engine.block_shift = min(limits.user_ref_bits, <uint32_t>ENGINE_BLOCK_SHIFT_MAX)
    engine.block_next = <uint32_t*>memory_reserve(_blocks_bytes(engine))
    engine.works_lasts = <uint32_t*>memory_reserve(_lasts_bytes(limits))
    if (engine.events == NULL or engine.books == NULL or engine.sessions == NULL
            or engine.expiry == NULL or engine.collected == NULL or engine.block_next == NULL
            or engine.works_lasts == NULL
            or arena_create(&engine.arena, limits.orders_max, limits.instruments_max,
                            _slots_count(limits)) != STATUS_OK):
        engine_destroy(engine)
        c_errno.errno = ENOMEM
        return NULL
    memory_prefault(engine.events, min(engine.events_max, <uint32_t>EVENTS_HOT) * sizeof(Event))
    memory_prefault(engine.books, limits.instruments_max * sizeof(Book))
    return engine


cdef void engine_destroy(Engine* engine) noexcept nogil:
    if engine == NULL:
        return
    arena_destroy(&engine.arena)
    memory_release(engine.books, engine.limits.instruments_max * sizeof(Book))
    memory_release(engine.events_base, _events_bytes(engine))
    memory_release(engine.collected, _collected_bytes(&engine.limits))
    memory_release(engine.block_next, _blocks_bytes(engine))
    memory_release(engine.works_lasts, _lasts_bytes(&engine.limits))
    memory_release(engine.expiry, SECONDS_A_DAY * sizeof(Link))
    free(engine.sessions)
    free(engine)
