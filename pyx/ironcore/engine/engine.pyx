"""The matching core's memory: what it has from start to end."""

from libc cimport errno as c_errno
from libc.errno cimport EINVAL, ENOMEM
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from ironcore.base.check cimport iron_static_assert
from ironcore.base.memory cimport (
    Reservation, memory_prefault, memory_release, memory_reserve, memory_resident_bytes,
)
from ironcore.base.status cimport STATUS_OK
from ironcore.book.allocation cimport ALLOCATION_ORDERS_MAX
from ironcore.book.auction_end cimport AuctionEnd
from ironcore.book.book cimport TREES_AT
from ironcore.book.order_pool cimport (
    ARENA_TABLES, ROUND_SHIFT, TOTAL_COUNT_SHIFT, arena_create, arena_tables,
)
from ironcore.book.options cimport SECONDS_A_DAY
from ironcore.engine.auctions.auction_state cimport AuctionDue
from ironcore.engine.quotes.session_quotes cimport SessionQuotes
from ironcore.wire.record cimport SLOT_NONE, TICK_TABLES_MAX, Event


cdef enum:
    EVENTS_HOT = 4096                # faulted in at start
    USER_REF_BITS_MAX = 31
    OWN_TABLES = 9
    TABLES = 19                      # with the arena's


cdef uint64_t _slots_count(const EngineLimits* limits) noexcept nogil:
    return (<uint64_t>limits.sessions_max + 1) << limits.user_ref_bits


cdef void _tables(const Engine* engine, Reservation* tables) noexcept nogil:
    """All that is reserved: TABLES of them, the arena's behind the engine's own."""
    cdef const EngineLimits* limits = &engine.limits
    cdef uint64_t blocks = _slots_count(limits) >> engine.block_shift
    tables[0] = Reservation(engine.events_base,
                            (<uint64_t>engine.events_max + ENGINE_EVENTS_HELD) * sizeof(Event))
    tables[1] = Reservation(engine.books, limits.instruments_max * sizeof(Book)
                            + TICK_TABLES_MAX * sizeof(TickTable))
    tables[2] = Reservation(engine.expiry, SECONDS_A_DAY * sizeof(Link))
    tables[3] = Reservation(engine.collected, limits.orders_max * <uint64_t>sizeof(uint32_t))
    tables[4] = Reservation(engine.block_next, blocks * sizeof(uint32_t))
    tables[5] = Reservation(engine.works_lasts,
                            WORKS_MAX * (limits.sessions_max + <uint64_t>1) * sizeof(uint32_t))
    tables[6] = Reservation(engine.ends, limits.instruments_max * sizeof(AuctionEnd))
    tables[7] = Reservation(engine.auctions, limits.instruments_max * sizeof(AuctionDue))
    tables[8] = Reservation(engine.quotes,
                            (limits.sessions_max + <uint64_t>1) * sizeof(SessionQuotes))
    arena_tables(&engine.arena, tables + OWN_TABLES)


cdef bint _reserve(Engine* engine) noexcept nogil:
    """The engine's own, whose sizes are known; False when the host refuses one."""
    cdef Reservation tables[TABLES]
    cdef bint is_whole = True
    cdef uint32_t index
    _tables(engine, tables)
    for index in range(<uint32_t>OWN_TABLES):
        tables[index].base = memory_reserve(tables[index].bytes)
        is_whole = is_whole and tables[index].base != NULL
    engine.events_base = <Event*>tables[0].base
    engine.events = engine.events_base
    engine.books = <Book*>tables[1].base
    engine.tick_tables = <TickTable*>(engine.books + engine.limits.instruments_max)
    engine.expiry = <Link*>tables[2].base
    engine.collected = <uint32_t*>tables[3].base
    engine.block_next = <uint32_t*>tables[4].base
    engine.works_lasts = <uint32_t*>tables[5].base
    engine.ends = <AuctionEnd*>tables[6].base
    engine.auctions = <AuctionDue*>tables[7].base
    engine.quotes = <SessionQuotes*>tables[8].base
    engine.sessions = <Session*>calloc(engine.limits.sessions_max + 1, sizeof(Session))
    return is_whole and engine.sessions != NULL


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
    iron_static_assert(TABLES == OWN_TABLES + ARENA_TABLES)
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
    engine.allocation_orders_max = ALLOCATION_ORDERS_MAX
    engine.executions_max = <uint32_t>0xFFFFFFFF
    engine.events_max = (limits.orders_max * ENGINE_EVENTS_AN_ORDER
                         + limits.instruments_max * ENGINE_EVENTS_AN_INSTRUMENT
                         + ENGINE_EVENTS_EXTRA)
    engine.block_shift = min(limits.user_ref_bits, <uint32_t>ENGINE_BLOCK_SHIFT_MAX)
    if not _reserve(engine) or arena_create(&engine.arena, limits.orders_max,
                                            limits.instruments_max, TREES_AT, 0,
                                            _slots_count(limits)) != STATUS_OK:
        engine_destroy(engine)
        c_errno.errno = ENOMEM
        return NULL
    memory_prefault(engine.events, min(engine.events_max, <uint32_t>EVENTS_HOT) * sizeof(Event))
    memory_prefault(engine.books, limits.instruments_max * sizeof(Book))
    return engine


cdef void engine_destroy(Engine* engine) noexcept nogil:
    cdef Reservation tables[TABLES]
    cdef uint32_t index
    if engine == NULL:
        return
    _tables(engine, tables)
    for index in range(<uint32_t>TABLES):
        memory_release(tables[index].base, tables[index].bytes)
    free(engine.sessions)
    free(engine)


cdef EngineMemory engine_memory(const Engine* engine) noexcept nogil:
    cdef EngineMemory found = EngineMemory(0, 0)
    cdef Reservation tables[TABLES]
    cdef uint32_t index
    _tables(engine, tables)
    for index in range(<uint32_t>TABLES):
        found.reserved_bytes += tables[index].bytes
        found.resident_bytes += memory_resident_bytes(&tables[index])
    return found
