"""An engine with small limits, so that its pools run out, and what must hold after each command.

Each command lies in a block of exactly its size. After it the engine's own invariants are checked,
and every event is held against what the events before it said (fuzz_ledger). With one bit of the
first byte the stream has a limit of a step; at the end what waits is then carried out, which has to
come to an end. With its highest bit set the same commands are applied once more, by a second engine
in one batch, with prefetching, with room for exactly its events and with much room: its events must
be the same bytes.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy

from ironcore.base.check cimport iron_assert
from ironcore.base.status cimport (
    STATUS_IGNORED, STATUS_LATER, STATUS_MALFORMED, STATUS_OK,
)
from ironcore.engine.batch cimport PREFETCH_BOOKS, Batch, batch_apply
from ironcore.engine.dispatch cimport engine_apply
from ironcore.engine.engine cimport (
    WORKS_MAX, Engine, EngineLimits, engine_create, engine_destroy,
)
from ironcore.engine.invariants cimport engine_broken_invariant
from ironcore.engine.under_way cimport steps_are_left
from ironcore.wire.record cimport COMMAND_HEADER_BYTES, CommandHeader, Event

from fuzz_commands cimport (
    FUZZ_INSTRUMENTS, FUZZ_SESSIONS, source_continue, source_next, source_open, source_opening,
)
from fuzz_ledger cimport Ledger, ledger_compare, ledger_open, ledger_read, ledger_restart
from fuzz_source cimport Source, source_record

cdef enum:
    EXECUTIONS_AN_ORDER = 42         # rule 16.2
    AUCTIONS_LOOK = 16               # so often at each order, at most
    COMMANDS_MAX = 512               # kept for the batch
    RECORDS_BYTES_MAX = 131072
    EVENTS_MAX = 65536
    USER_REF_BITS = 10
    PLACE_EVENTS_ROOM = 4300         # from which a batch writes events in their place (batch.pyx)

cdef extern from *:
    """
    static const uint32_t fuzz_orders_max[] = {64, 64, 64, 16, 4, 1, 64, 128};
    static const uint32_t fuzz_check_every[] = {1, 1, 2, 7};
    static const uint32_t fuzz_step_actions[] = {1, 17, 40, 200, 34, 2, 18, 90};
    """
    const uint32_t* fuzz_orders_max
    const uint32_t* fuzz_check_every
    const uint32_t* fuzz_step_actions

cdef struct Log:                     # what was applied, and what came of it
    uint8_t* records
    Event* events
    uint64_t offsets[513]            # COMMANDS_MAX and the end
    uint8_t statuses[512]
    uint32_t counts[512]
    uint32_t commands_count
    uint32_t events_count
    bint is_full

cdef struct Run:
    Engine* engine
    Ledger* ledger
    Log* log                         # NULL when no batch is to follow
    uint32_t check_every
    uint32_t step_actions_max        # 0: no limit
    uint32_t commands_count


# Megabytes, of which an input uses little: made once.
cdef Ledger _ledger
cdef Log _log_kept


cdef void _check(Run* run) noexcept nogil:
    cdef const char* broken = engine_broken_invariant(run.engine)
    if broken != NULL:
        iron_assert(False, broken)
    ledger_compare(run.ledger, run.engine)


cdef inline uint32_t _stated_bytes(const uint8_t* record) noexcept nogil:
    return record[2] | <uint32_t>record[3] << 8


cdef void _log(Log* log, const uint8_t* record, uint32_t bytes, int status,
               const Engine* engine) noexcept nogil:
    cdef uint64_t at = log.offsets[log.commands_count]
    cdef uint32_t stated
    if status == STATUS_MALFORMED:
        # Where no record can be told from the next, there is no batch either.
        stated = _stated_bytes(record) if bytes >= COMMAND_HEADER_BYTES else 0
        if stated != bytes or bytes % 8:
            return
    if (log.commands_count == COMMANDS_MAX or at + bytes > RECORDS_BYTES_MAX
            or log.events_count + engine.events_count > EVENTS_MAX):
        log.is_full = True
    if log.is_full:
        return
    memcpy(log.records + at, record, bytes)
    memcpy(log.events + log.events_count, engine.events, engine.events_count * sizeof(Event))
    log.statuses[log.commands_count] = <uint8_t>status
    log.counts[log.commands_count] = engine.events_count
    log.commands_count += 1
    log.events_count += engine.events_count
    log.offsets[log.commands_count] = at + bytes


cdef void _apply(Run* run, const uint8_t* record, uint32_t bytes) noexcept nogil:
    cdef Engine* engine = run.engine
    # Aligned as malloc aligns, and not one byte longer.
    cdef uint8_t* command = <uint8_t*>malloc(bytes)
    cdef uint32_t live = engine.arena.orders_live
    cdef int status
    memcpy(command, record, bytes)
    status = engine_apply(engine, command, bytes)
    iron_assert(status == STATUS_OK or status == STATUS_IGNORED or status == STATUS_MALFORMED
                or status == STATUS_LATER and steps_are_left(engine),
                "a command is OK, ignored or malformed, or others come first")
    iron_assert(engine.events_count <= engine.events_max, "events fit")
    iron_assert(engine.dry_run_steps <= engine.dry_run_steps_max, "what is counted has an end")
    if status == STATUS_OK:
        ledger_read(run.ledger, engine, <const CommandHeader*>command)
    else:
        iron_assert(engine.events_count == 0, "what has no effect causes no event")
        iron_assert(live == engine.arena.orders_live, "and changes no order")
        iron_assert(run.ledger.is_full or run.ledger.reference_last == engine.order_ref_last
                    and run.ledger.match_last == engine.match_number_last, "and no counter")
    free(command)
    if run.log != NULL:
        _log(run.log, record, bytes, status, engine)
    run.commands_count += 1
    if run.commands_count % run.check_every == 0:
        _check(run)


cdef Engine* _engine(uint32_t orders_max) noexcept nogil:
    cdef EngineLimits limits
    limits.instruments_max = FUZZ_INSTRUMENTS + 1
    limits.sessions_max = FUZZ_SESSIONS
    limits.orders_max = orders_max
    limits.user_ref_bits = USER_REF_BITS
    cdef Engine* engine = engine_create(&limits)
    engine.dry_run_steps_max = orders_max // 8 + 1
    engine.allocation_orders_max = orders_max // 16 + 1
    return engine


cdef void _apply_as_batch(const Log* log, uint32_t orders_max,
                          uint64_t more_events) noexcept nogil:
    """The logged commands at once, by another engine, which prefetches: the same events, in room
    for exactly them and so many more."""
    cdef Engine* engine = _engine(orders_max)
    cdef uint64_t bytes = log.offsets[log.commands_count]
    cdef Batch batch
    batch.records = <uint8_t*>malloc(bytes)
    memcpy(batch.records, log.records, bytes)
    batch.offsets = log.offsets
    batch.count = log.commands_count
    batch.applied = 0
    batch.statuses = <uint8_t*>malloc(COMMANDS_MAX)
    batch.events_counts = <uint32_t*>malloc(COMMANDS_MAX * sizeof(uint32_t))
    batch.events_max = log.events_count + more_events
    batch.events = <Event*>malloc((batch.events_max + 1) * sizeof(Event))
    batch.events_count = 0
    # Of orders alone, or of books too.
    batch.prefetch_orders_min = PREFETCH_BOOKS if log.commands_count & 1 else 0
    iron_assert(batch_apply(engine, &batch) == STATUS_OK, "a batch has as many events")
    iron_assert(batch.events_count == log.events_count, "and no fewer")
    iron_assert(memcmp(batch.events, log.events, log.events_count * sizeof(Event)) == 0,
                "a batch has the same events")
    iron_assert(memcmp(batch.statuses, log.statuses, log.commands_count) == 0, "and statuses")
    iron_assert(memcmp(batch.events_counts, log.counts, log.commands_count * sizeof(uint32_t))
                == 0, "and counts")
    free(batch.events)
    free(batch.events_counts)
    free(batch.statuses)
    free(batch.records)
    engine_destroy(engine)


cdef void _open(Run* run, uint32_t options) noexcept nogil:
    run.engine = _engine(fuzz_orders_max[options & 7])
    if _ledger.entries == NULL:
        ledger_open(&_ledger)
    ledger_restart(&_ledger)
    run.ledger = &_ledger
    run.check_every = fuzz_check_every[options >> 3 & 3]
    run.step_actions_max = fuzz_step_actions[options & 7] if options & 0x20 else 0
    run.commands_count = 0
    run.log = NULL
    if options & 0x80:
        if _log_kept.records == NULL:
            _log_kept.records = <uint8_t*>malloc(RECORDS_BYTES_MAX)
            _log_kept.events = <Event*>malloc(EVENTS_MAX * sizeof(Event))
        run.log = &_log_kept
        run.log.offsets[0] = 0
        run.log.commands_count = 0
        run.log.events_count = 0
        run.log.is_full = False


cdef void _carry_out(Run* run) noexcept nogil:
    """All steps that are left. Each looks at an order or a price, lets an order execute, or is the
    last one."""
    cdef Source source
    cdef uint32_t bytes
    cdef uint64_t orders = run.engine.limits.orders_max
    # Every execution may move each peg.
    cdef uint64_t left = WORKS_MAX * (orders + 1) + EXECUTIONS_AN_ORDER * orders * (orders + 1)
    left += AUCTIONS_LOOK * (orders + run.engine.books_count)
    while steps_are_left(run.engine):
        iron_assert(left > 0, "steps come to an end")
        left -= 1
        bytes = source_continue(&source)
        _apply(run, source_record(&source), bytes)


cdef void _close(Run* run) noexcept nogil:
    _carry_out(run)
    _check(run)
    if run.log != NULL:
        _apply_as_batch(run.log, run.engine.limits.orders_max, 0)
        # With much room the events of plain commands are written where they are wanted at once.
        _apply_as_batch(run.log, run.engine.limits.orders_max, PLACE_EVENTS_ROOM)
    engine_destroy(run.engine)


cdef void _apply_opening(Run* run, Source* source) noexcept nogil:
    cdef uint32_t index = 0
    cdef uint32_t bytes = source_opening(source, index)
    while bytes:
        _apply(run, source_record(source), bytes)
        index += 1
        bytes = source_opening(source, index)


cdef inline uint32_t _record_bytes(const uint8_t* data, size_t bytes) noexcept nogil:
    """As long as it says it is, where that can be."""
    cdef uint32_t stated
    if bytes < COMMAND_HEADER_BYTES:
        return <uint32_t>bytes
    stated = _stated_bytes(data)
    return stated if COMMAND_HEADER_BYTES <= stated <= bytes else <uint32_t>bytes


cdef void fuzz_book_records(const uint8_t* data, size_t bytes) noexcept nogil:
    cdef Run run
    cdef Source source
    cdef uint32_t record_bytes
    if bytes < 1:
        return
    _open(&run, data[0])
    # A stream that has begun, unless the input is to begin it.
    if not data[0] & 0x40:
        source_open(&source, run.engine, run.step_actions_max, data, 0)
        _apply_opening(&run, &source)
    data += 1
    bytes -= 1
    while bytes:
        record_bytes = _record_bytes(data, bytes)
        _apply(&run, data, record_bytes)
        data += record_bytes
        bytes -= record_bytes
    _close(&run)


cdef void fuzz_book_commands(const uint8_t* data, size_t bytes) noexcept nogil:
    cdef Run run
    cdef Source source
    cdef uint32_t record_bytes
    if bytes < 1:
        return
    _open(&run, data[0])
    source_open(&source, run.engine, run.step_actions_max, data + 1, bytes - 1)
    _apply_opening(&run, &source)
    record_bytes = source_next(&source)
    while record_bytes:
        _apply(&run, source_record(&source), record_bytes)
        record_bytes = source_next(&source)
    _close(&run)
