"""The matching core: it applies one command at a time, and says in events what happened."""

from libc cimport errno as c_errno
from libc.errno cimport EINVAL, ENOMEM
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from ironcore.base.builtins cimport iron_unlikely
from ironcore.base.check cimport IRON_IS_DEBUG, iron_assert, iron_static_assert
from ironcore.base.memory cimport memory_prefault, memory_release, memory_reserve
from ironcore.base.status cimport STATUS_MALFORMED, STATUS_OK
from ironcore.book.book cimport event_mark_last
from ironcore.engine.cancel_commands cimport (
    cancel_order, cancel_session, mass_cancel, modify_order,
)
from ironcore.engine.invariants cimport engine_broken_invariant
from ironcore.engine.order_commands cimport enter_order, replace_order
from ironcore.book.order_pool cimport TOTAL_COUNT_SHIFT, arena_create, arena_destroy
from ironcore.engine.used_numbers cimport BLOCK_SHIFT_MAX
from ironcore.engine.venue_commands cimport apply_venue
from ironcore.book.limits cimport QUANTITY_MAX
from ironcore.book.options cimport SECONDS_A_DAY
from ironcore.wire.record cimport (
    COMMAND_ACCOUNT_QUERY, COMMAND_CANCEL_ORDER, COMMAND_CANCEL_SESSION,
    COMMAND_DISABLE_ORDER_ENTRY, COMMAND_ENABLE_ORDER_ENTRY, COMMAND_ENTER_ORDER,
    COMMAND_MASS_CANCEL, COMMAND_MODIFY_ORDER, COMMAND_REPLACE_ORDER,
    EVENT_ACCOUNT_QUERY_RESPONSE, EVENT_ORDER_ENTRY_DISABLED, EVENT_ORDER_ENTRY_ENABLED,
    SLOT_NONE, CancelOrder, CommandHeader, EnterOrder, Event, ReplaceOrder,
)


cdef enum:
    EVENTS_HOT = 4096                # faulted in at start
    USER_REF_BITS_MAX = 31
    CHECK_STEPS = 4096               # of a walk through everything, for each command


cdef uint64_t _slots_count(const EngineLimits* limits) noexcept nogil:
    return (<uint64_t>limits.sessions_max + 1) << limits.user_ref_bits


cdef uint64_t _collected_bytes(const EngineLimits* limits) noexcept nogil:
    return limits.orders_max * <uint64_t>sizeof(uint32_t)


cdef uint64_t _blocks_bytes(const Engine* engine) noexcept nogil:
    return (_slots_count(&engine.limits) >> engine.block_shift) * sizeof(uint32_t)


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
    # A level of all orders, each as large as can be, fits the two halves of its total.
    iron_static_assert(ENGINE_ORDERS_MAX >> (64 - TOTAL_COUNT_SHIFT) == 0)
    iron_static_assert((<uint64_t>ENGINE_ORDERS_MAX * QUANTITY_MAX) >> TOTAL_COUNT_SHIFT == 0)
    cdef Engine* engine
    if not _limits_are_valid(limits):
        c_errno.errno = EINVAL
        return NULL
    engine = <Engine*>calloc(1, sizeof(Engine))
    if engine == NULL:
        return NULL
    engine.limits = limits[0]
    engine.dry_run_steps_max = DRY_RUN_STEPS_MAX
    engine.events_max = (limits.orders_max * ENGINE_EVENTS_AN_ORDER + limits.instruments_max
                         + ENGINE_EVENTS_EXTRA)
    engine.events_base = <Event*>memory_reserve(_events_bytes(engine))
    engine.events = engine.events_base
    engine.books = <Book*>memory_reserve(limits.instruments_max * sizeof(Book))
    engine.sessions = <Session*>calloc(limits.sessions_max + 1, sizeof(Session))
    engine.expiry = <Link*>memory_reserve(SECONDS_A_DAY * sizeof(Link))
    engine.collected = <uint32_t*>memory_reserve(_collected_bytes(limits))
    engine.block_shift = min(limits.user_ref_bits, <uint32_t>BLOCK_SHIFT_MAX)
    engine.block_next = <uint32_t*>memory_reserve(_blocks_bytes(engine))
    if (engine.events == NULL or engine.books == NULL or engine.sessions == NULL
            or engine.expiry == NULL or engine.collected == NULL or engine.block_next == NULL
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
    memory_release(engine.expiry, SECONDS_A_DAY * sizeof(Link))
    free(engine.sessions)
    free(engine)


cdef int _order_entry(Engine* engine, const CancelOrder* command, bint disabled) noexcept nogil:
    engine.sessions[command.header.session].entry_disabled = disabled
    engine_emit(engine, EVENT_ORDER_ENTRY_DISABLED if disabled else EVENT_ORDER_ENTRY_ENABLED,
                0, 0, 0, 0, 0, 0, 0, command.header.session << engine.limits.user_ref_bits)
    return STATUS_OK


cdef int _account_query(Engine* engine, const CancelOrder* command) noexcept nogil:
    engine_emit(engine, EVENT_ACCOUNT_QUERY_RESPONSE, 0, 0, 0,
                engine.sessions[command.header.session].user_ref_last + 1, 0, 0, 0,
                command.header.session << engine.limits.user_ref_bits)
    return STATUS_OK


cdef inline uint32_t _with_appendage(uint32_t fixed_bytes, uint32_t appendage_bytes) noexcept nogil:
    return fixed_bytes + ((appendage_bytes + 7) & ~<uint32_t>7)


cdef int _apply_short(Engine* engine, CancelOrder* command) noexcept nogil:
    """A member's commands that have the form of a cancel."""
    cdef uint8_t type = command.header.type
    if command.header.record_bytes != sizeof(CancelOrder):
        return STATUS_MALFORMED
    if type == COMMAND_CANCEL_ORDER:
        return cancel_order(engine, command)
    elif type == COMMAND_MODIFY_ORDER:
        return modify_order(engine, command)
    elif type == COMMAND_MASS_CANCEL:
        return mass_cancel(engine, command)
    elif type == COMMAND_CANCEL_SESSION:
        return cancel_session(engine, command)
    elif type == COMMAND_DISABLE_ORDER_ENTRY:
        return _order_entry(engine, command, True)
    elif type == COMMAND_ENABLE_ORDER_ENTRY:
        return _order_entry(engine, command, False)
    elif type == COMMAND_ACCOUNT_QUERY:
        return _account_query(engine, command)
    return STATUS_MALFORMED


cdef int _apply_member(Engine* engine, CommandHeader* header) noexcept nogil:
    cdef EnterOrder* enter = <EnterOrder*>header
    cdef ReplaceOrder* replace = <ReplaceOrder*>header
    # Sessions are defined only after the stream has started.
    if iron_unlikely(header.session - 1 >= engine.sessions_count):
        return STATUS_MALFORMED
    if header.type == COMMAND_ENTER_ORDER:
        if (header.record_bytes < sizeof(EnterOrder) or header.record_bytes
                != _with_appendage(sizeof(EnterOrder), enter.appendage_bytes)):
            return STATUS_MALFORMED
        return enter_order(engine, enter)
    if header.type == COMMAND_REPLACE_ORDER:
        if (header.record_bytes < sizeof(ReplaceOrder) or header.record_bytes
                != _with_appendage(sizeof(ReplaceOrder), replace.appendage_bytes)):
            return STATUS_MALFORMED
        return replace_order(engine, replace)
    return _apply_short(engine, <CancelOrder*>header)


cdef void _check_invariants(Engine* engine) noexcept nogil:
    """In debug builds: after every command while there is little to walk, and seldom enough later
    that a command costs a bounded number of steps."""
    cdef uint64_t steps = engine.arena.order_pool.fresh
    cdef uint32_t index
    cdef const char* broken
    if engine.commands_unchecked:
        engine.commands_unchecked -= 1
        return
    for index in range(1, engine.sessions_count + 1):
        steps += engine.sessions[index].user_ref_last
    engine.commands_unchecked = steps // CHECK_STEPS
    broken = engine_broken_invariant(engine)
    if broken != NULL:
        iron_assert(False, broken)


cdef int engine_apply(Engine* engine, uint8_t* command, uint32_t command_bytes) noexcept nogil:
    cdef CommandHeader* header = <CommandHeader*>command
    cdef int status
    engine.events_count = 0
    engine.dry_run_steps = 0
    if (iron_unlikely(command_bytes < sizeof(CommandHeader))
            or iron_unlikely(header.record_bytes > command_bytes)):
        return STATUS_MALFORMED
    if iron_unlikely(header.type < COMMAND_ENTER_ORDER):
        status = apply_venue(engine, header)
    else:
        status = _apply_member(engine, header)
    if engine.events_count:
        event_mark_last(&engine.events[engine.events_count - 1])
    if IRON_IS_DEBUG:
        iron_assert(engine.events_count <= engine.events_max, "a command has more events than fit")
        _check_invariants(engine)
    return status
