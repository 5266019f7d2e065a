"""Tick tables and instruments defined, instruments changed and retired, and trades broken."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from ironcore.base.status cimport STATUS_IGNORED, STATUS_LATER, STATUS_MALFORMED, STATUS_OK
from ironcore.book.book cimport (
    Book, book_classify, book_create, book_is_empty, book_reshape,
)
from ironcore.engine.book_orders cimport leaving_begin
from ironcore.engine.engine cimport engine_emit
from ironcore.book.price_grid cimport (
    BASIS_POINTS, PRICE_NONE, PriceGrid, grid_has_zero, grid_prepare, grid_prepare_of_table,
    grid_tick, table_prepare,
)
from ironcore.engine.pegs cimport pegs_park
from ironcore.engine.pending_work cimport work_empties, works_are_full
from ironcore.engine.settlement cimport book_settle
from ironcore.engine.trading_state cimport (
    book_end, end_classify, state_begin, state_has_no_auction, state_is_known, state_retire,
)
from ironcore.engine.under_way cimport book_is_in_auction
from ironcore.book.limits cimport InstrumentLimits, limits_are_valid
from ironcore.wire.record cimport (
    ALLOCATION_SIZE_TIME, COMMAND_RETIRE_INSTRUMENT, EVENT_BROKEN, EVENT_INSTRUMENT_CHANGED,
    EVENT_INSTRUMENT_DEFINED, EVENT_INSTRUMENT_RETIRED, EVENT_VISIBLE, STATE_CONTINUOUS,
    STATE_RETIRED, TICK_TABLES_MAX,
)


cdef enum:
    POST_ONLY_MODE_MAX = 1           # reprice
    DECIMALS_MAX = 9
    SPECIALS_MAX_DEFAULT = 256       # rule 4.14


cdef int define_tick_table(Engine* engine, const DefineTickTable* command) noexcept nogil:
    cdef uint32_t index = engine.tick_tables_count
    if command.tick_table != index + 1 or index == TICK_TABLES_MAX:
        return STATUS_MALFORMED
    if not table_prepare(&engine.tick_tables[index], command.bands, command.bands_count):
        return STATUS_MALFORMED
    engine.tick_tables_count += 1
    return STATUS_OK


cdef bint _prepare_grid(Engine* engine, const DefineInstrument* command,
                        PriceGrid* grid) noexcept nogil:
    """By its tick size, or by its tick table: the grid has to stay where it is."""
    cdef uint32_t tick_table = command.tick_table
    if tick_table == 0:
        return grid_prepare(grid, command.tick_size, command.price_min, command.price_max)
    if command.tick_size or tick_table > engine.tick_tables_count:
        return False
    return grid_prepare_of_table(grid, &engine.tick_tables[tick_table - 1], tick_table,
                                 command.price_min, command.price_max)


cdef bint _counts_from_no_price(const DefineInstrument* command) noexcept nogil:
    """2.12."""
    return (command.reference_price == 0 and command.static_collar_bp == 0
            and command.dynamic_collar_bp == 0 and command.auction_collar_bp == 0
            and command.entry_collar_bp == 0 and command.market_protection_bp == 0)


cdef bint _prepare(Engine* engine, const DefineInstrument* command, PriceGrid* grid,
                   InstrumentLimits* limits) noexcept nogil:
    """The grid and the limits of a definition; false when it is malformed."""
    cdef uint32_t tick = 0
    limits.lot_size = command.lot_size
    limits.quantity_max = command.quantity_max
    if not limits_are_valid(limits):
        return False
    if not _prepare_grid(engine, command, grid):
        return False
    if grid_has_zero(grid) and not _counts_from_no_price(command):
        return False
    if command.reference_price and not grid_tick(grid, command.reference_price, &tick):
        return False
    return (command.post_only_mode <= POST_ONLY_MODE_MAX
            and command.allocation <= ALLOCATION_SIZE_TIME
            and command.price_decimals <= DECIMALS_MAX
            and command.quantity_decimals <= DECIMALS_MAX
            and command.static_collar_bp <= BASIS_POINTS
            and command.dynamic_collar_bp <= BASIS_POINTS
            and command.auction_collar_bp <= BASIS_POINTS
            and command.entry_collar_bp <= BASIS_POINTS
            and command.market_protection_bp <= BASIS_POINTS)


cdef void _set_terms(Engine* engine, Book* book, const DefineInstrument* command) noexcept nogil:
    """What may change while orders are live."""
    book_end(engine, book).pause_random_seconds = command.pause_random_seconds
    book.limits.quantity_max = command.quantity_max
    book.static_collar_bp = command.static_collar_bp
    book.dynamic_collar_bp = command.dynamic_collar_bp
    book.auction_collar_bp = command.auction_collar_bp
    book.entry_collar_bp = command.entry_collar_bp
    book.market_protection_bp = command.market_protection_bp
    book.pause_seconds = command.pause_seconds
    book.post_only_mode = command.post_only_mode
    book.auction_extensions_max = command.auction_extensions_max
    book.allocation = command.allocation
    book.allocation_min = command.allocation_min
    book.followers_max = (command.followers_max if command.followers_max
                          else <uint16_t>SPECIALS_MAX_DEFAULT)
    book.min_quantity_max = (command.min_quantity_max if command.min_quantity_max
                             else <uint16_t>SPECIALS_MAX_DEFAULT)
    if command.reference_price:
        book.reference_price = command.reference_price


cdef int define_instrument(Engine* engine, const DefineInstrument* command) noexcept nogil:
    cdef uint32_t index = engine.books_count
    cdef uint8_t state = command.initial_state if command.initial_state else STATE_CONTINUOUS
    cdef Book* book = &engine.books[index]
    cdef InstrumentLimits limits
    if command.header.instrument != index or index == engine.limits.instruments_max:
        return STATUS_MALFORMED
    if not state_is_known(state) or not _prepare(engine, command, &book.grid, &limits):
        return STATUS_MALFORMED
    if grid_has_zero(&book.grid) and not state_has_no_auction(state):
        return STATUS_MALFORMED
    book.limits = limits
    book_create(&engine.arena, book, index)
    if grid_has_zero(&book.grid):
        book.last_price = PRICE_NONE
    memcpy(book.symbol, command.symbol, sizeof(book.symbol))
    book.price_decimals = command.price_decimals
    book.quantity_decimals = command.quantity_decimals
    _set_terms(engine, book, command)
    state_begin(engine, book, state)
    engine.books_count += 1
    engine_emit(engine, EVENT_INSTRUMENT_DEFINED, 0, 0, 0, 0, 0, 0, 0, index)
    return STATUS_OK


cdef bint _has_shape(const Book* book, const DefineInstrument* command) noexcept nogil:
    """Whether the prices and lots of the book are those of this definition."""
    return (command.lot_size == book.limits.lot_size
            and command.tick_table == book.grid.tick_table
            and (command.tick_table != 0 or command.tick_size == book.grid.tick_size)
            and command.price_min == book.grid.price_min
            and command.price_max == book.grid.price_max)


cdef int change_instrument(Engine* engine, const DefineInstrument* command) noexcept nogil:
    cdef uint32_t index = command.header.instrument
    cdef Book* book
    cdef PriceGrid grid
    cdef InstrumentLimits limits
    if index >= engine.books_count or engine.books[index].state == STATE_RETIRED:
        return STATUS_MALFORMED
    if not _prepare(engine, command, &grid, &limits):
        return STATUS_MALFORMED
    book = &engine.books[index]
    if (command.price_decimals != book.price_decimals
            or command.quantity_decimals != book.quantity_decimals):
        return STATUS_MALFORMED      # what was said before would mean something else
    if (command.price_min < 1) != grid_has_zero(&book.grid):
        return STATUS_MALFORMED
    if book.is_busy or book_is_in_auction(engine, book):
        return STATUS_LATER
    if not _has_shape(book, command):
        if not book_is_empty(book):
            return STATUS_IGNORED
        _prepare_grid(engine, command, &book.grid)
        book.limits.lot_size = limits.lot_size
        book_reshape(&engine.arena, book, index)
    _set_terms(engine, book, command)
    end_classify(engine, book)
    book_classify(book)
    book.last_before_price = book.last_price
    engine_emit(engine, EVENT_INSTRUMENT_CHANGED, 0, 0, 0, 0, 0, 0, 0, index)
    book.last_before_price = book.last_price
    book_settle(engine, book)
    return STATUS_OK


cdef int retire_instrument(Engine* engine, const RetireInstrument* command) noexcept nogil:
    cdef uint32_t index = command.header.instrument
    cdef Book* book
    if index >= engine.books_count:
        return STATUS_MALFORMED
    book = &engine.books[index]
    if book.state == STATE_RETIRED:
        return STATUS_IGNORED
    if (book.is_busy or book_is_in_auction(engine, book) or works_are_full(engine)
            or work_empties(engine, index)):
        return STATUS_LATER
    state_retire(engine, book)
    if leaving_begin(engine, book, COMMAND_RETIRE_INSTRUMENT):
        retire_end(engine, index)
    else:
        pegs_park(engine, book)
    return STATUS_OK


cdef void retire_end(Engine* engine, uint32_t instrument) noexcept nogil:
    engine_emit(engine, EVENT_INSTRUMENT_RETIRED, 0, 0, 0, 0, 0, 0, 0, instrument)


cdef int bust_trade(Engine* engine, const BustTrade* command) noexcept nogil:
    cdef uint32_t index, session
    cdef uint8_t flags = EVENT_VISIBLE
    if command.match_number == 0 or command.match_number > engine.match_number_last:
        return STATUS_MALFORMED
    if command.header.instrument >= engine.books_count:
        return STATUS_MALFORMED
    if command.slots[0] == 0 and command.slots[1] == 0:
        return STATUS_MALFORMED
    for index in range(2):
        session = command.slots[index] >> engine.limits.user_ref_bits
        if command.slots[index] and session - 1 >= engine.sessions_count:
            return STATUS_MALFORMED
    for index in range(2):
        if command.slots[index]:
            engine_emit(engine, EVENT_BROKEN, flags, command.reason, 0, 0, 0,
                        command.match_number, 0, command.slots[index])
            flags = 0
    return STATUS_OK
