"""Books rebuilt from ITCH 5.0 messages alone; see feed_books.pxd."""

import numpy as np

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from ironcore.base.check cimport iron_static_assert
from ironcore.base.status cimport (
    STATUS_EMPTY, STATUS_IGNORED, STATUS_LIMIT, STATUS_OK, STATUS_UNKNOWN_TYPE, Status,
)
from ironcore.wire.itch50 cimport itch50_check
from ironcore.wire.itch50_orders cimport (
    ITCH50_ADD_ORDER, ITCH50_ADD_ORDER_MPID, ITCH50_BROKEN_TRADE, ITCH50_CROSS_TRADE,
    ITCH50_ORDER_CANCEL, ITCH50_ORDER_DELETE, ITCH50_ORDER_EXECUTED,
    ITCH50_ORDER_EXECUTED_WITH_PRICE, ITCH50_ORDER_REPLACE, ITCH50_TRADE, ItchAddOrder,
    ItchAddOrderMPID, ItchCrossTrade, ItchOrderCancel, ItchOrderDelete, ItchOrderExecuted,
    ItchOrderExecutedWithPrice, ItchOrderReplace, ItchTrade, itch50_decode_add_order,
    itch50_decode_add_order_mpid, itch50_decode_cross_trade, itch50_decode_order_cancel,
    itch50_decode_order_delete, itch50_decode_order_executed,
    itch50_decode_order_executed_with_price, itch50_decode_order_replace, itch50_decode_trade,
)
from ironcore.wire.itch50_reference cimport (
    ITCH50_STOCK_DIRECTORY, ITCH50_STOCK_TRADING_ACTION, ITCH50_SYSTEM_EVENT, ItchStockDirectory,
    ItchStockTradingAction, itch50_decode_stock_directory, itch50_decode_stock_trading_action,
)
from ironcore.wire.itch_file cimport itch_file_next, itch_file_skip

ORDER = np.dtype([
    ("order_ref", "<u8"), ("priority", "<u8"), ("price", "<i4"), ("quantity", "<u4"),
    ("locate", "<u2"), ("side", "u1"), ("attribution", "S4"), ("reserved", "u1"),
])

cdef enum:
    BOOK_ORDER_BYTES = 32
    SLOTS_MIN = 1 << 12
    LOCATES_MAX = 65536
    DIRECTORY_BYTES = 39
    ACTION_BYTES = 25
    TIMESTAMP_OFFSET = 5
    EVENT_CODE_OFFSET = 11


cdef void _layout() noexcept nogil:
    iron_static_assert(sizeof(BookOrder) == BOOK_ORDER_BYTES)
    iron_static_assert(DIRECTORY_BYTES + ACTION_BYTES == REFERENCE_BYTES)


cdef inline uint64_t _home(const BookTable* table, uint64_t order_ref) noexcept nogil:
    # Fibonacci hashing: references are dense, and their products' high bits spread evenly.
    return (order_ref * 0x9E3779B97F4A7C15ull) >> table.shift


cdef Status book_table_open(BookTable* table) noexcept nogil:
    memset(table, 0, sizeof(table[0]))
    table.slots = <BookOrder*>calloc(SLOTS_MIN, sizeof(BookOrder))
    table.symbols = <char*>calloc(LOCATES_MAX, 8)
    table.states = <uint8_t*>calloc(LOCATES_MAX, 1)
    table.references = <uint8_t*>calloc(LOCATES_MAX, REFERENCE_BYTES)
    table.mask = SLOTS_MIN - 1
    table.shift = 52                 # 64 - log2(SLOTS_MIN)
    if (table.slots == NULL or table.symbols == NULL or table.states == NULL
            or table.references == NULL):
        book_table_close(table)
        return STATUS_LIMIT
    return STATUS_OK


cdef void book_table_close(BookTable* table) noexcept nogil:
    free(table.slots)
    free(table.symbols)
    free(table.states)
    free(table.references)
    table.references = NULL
    table.slots = NULL
    table.symbols = NULL
    table.states = NULL


cdef BookOrder* _find(BookTable* table, uint64_t order_ref) noexcept nogil:
    cdef uint64_t i = _home(table, order_ref)
    while table.slots[i].quantity != 0:
        if table.slots[i].order_ref == order_ref:
            return &table.slots[i]
        i = (i + 1) & table.mask
    table.unknown += 1
    return NULL


cdef void _put(BookTable* table, const BookOrder* order) noexcept nogil:
    cdef uint64_t i = _home(table, order.order_ref)
    while table.slots[i].quantity != 0:
        i = (i + 1) & table.mask
    table.slots[i] = order[0]


cdef Status _grow(BookTable* table) noexcept nogil:
    cdef BookOrder* old = table.slots
    cdef uint64_t old_slots = table.mask + 1
    cdef uint64_t i
    cdef BookOrder* slots = <BookOrder*>calloc(2 * old_slots, sizeof(BookOrder))
    if slots == NULL:
        return STATUS_LIMIT
    table.slots = slots
    table.mask = 2 * old_slots - 1
    table.shift -= 1
    for i in range(old_slots):
        if old[i].quantity != 0:
            _put(table, &old[i])
    free(old)
    return STATUS_OK


cdef void _remove(BookTable* table, BookOrder* order) noexcept nogil:
    # Close the hole by moving back what was displaced over it (Knuth, TAOCP 6.4, algorithm R).
    cdef uint64_t hole = <uint64_t>(order - table.slots)
    cdef uint64_t i = hole
    cdef uint64_t home
    while True:
        i = (i + 1) & table.mask
        if table.slots[i].quantity == 0:
            break
        home = _home(table, table.slots[i].order_ref)
        if ((i - home) & table.mask) >= ((i - hole) & table.mask):
            table.slots[hole] = table.slots[i]
            hole = i
    table.slots[hole].quantity = 0
    table.count -= 1


cdef Status _add(BookTable* table, uint64_t order_ref, uint8_t side, uint32_t quantity,
                 uint32_t price, uint16_t locate,
                 const uint8_t* attribution) noexcept nogil:
    cdef BookOrder order
    if quantity == 0:
        return STATUS_IGNORED
    if 2 * (table.count + 1) > table.mask and _grow(table) != STATUS_OK:
        return STATUS_LIMIT
    memset(&order, 0, sizeof(order))
    order.order_ref = order_ref
    order.priority = table.added
    order.price = <int32_t>price
    order.quantity = quantity
    order.locate = locate
    order.side = side
    if attribution != NULL:
        memcpy(order.attribution, attribution, sizeof(order.attribution))
    _put(table, &order)
    table.added += 1
    table.count += 1
    return STATUS_OK


cdef void _reduce(BookTable* table, BookOrder* order, uint32_t quantity) noexcept nogil:
    if order == NULL:
        return
    if quantity >= order.quantity:
        _remove(table, order)
    else:
        order.quantity -= quantity


cdef Status _apply_add(BookTable* table, const uint8_t* message, size_t bytes) noexcept nogil:
    cdef ItchAddOrder add
    cdef ItchAddOrderMPID add_mpid
    if message[0] == ITCH50_ADD_ORDER:
        itch50_decode_add_order(message, bytes, &add)
        return _add(table, add.order_ref, add.side, add.shares, add.price, add.stock_locate, NULL)
    itch50_decode_add_order_mpid(message, bytes, &add_mpid)
    return _add(table, add_mpid.order_ref, add_mpid.side, add_mpid.shares, add_mpid.price,
                add_mpid.stock_locate, <const uint8_t*>add_mpid.attribution)


cdef Status _apply_replace(BookTable* table, const uint8_t* message, size_t bytes) noexcept nogil:
    cdef ItchOrderReplace replace
    cdef BookOrder* order
    cdef uint8_t side
    cdef uint16_t locate
    cdef uint8_t attribution[4]
    itch50_decode_order_replace(message, bytes, &replace)
    order = _find(table, replace.original_order_ref)
    if order == NULL:
        return STATUS_OK
    side = order.side
    locate = order.locate
    memcpy(attribution, order.attribution, sizeof(attribution))
    _remove(table, order)
    return _add(table, replace.new_order_ref, side, replace.shares, replace.price, locate,
                attribution)


cdef inline void _count_execution(BookTable* table, uint32_t quantity) noexcept nogil:
    table.executions += 1
    table.executed_quantity += quantity


cdef void _apply_execution(BookTable* table, const uint8_t* message, size_t bytes) noexcept nogil:
    cdef ItchOrderExecuted executed
    cdef ItchOrderExecutedWithPrice priced
    if message[0] == ITCH50_ORDER_EXECUTED:
        itch50_decode_order_executed(message, bytes, &executed)
        _count_execution(table, executed.executed_shares)
        _reduce(table, _find(table, executed.order_ref), executed.executed_shares)
        return
    itch50_decode_order_executed_with_price(message, bytes, &priced)
    if priced.printable != c'N':     # what is not printed is in the volume of a cross
        _count_execution(table, priced.executed_shares)
    _reduce(table, _find(table, priced.order_ref), priced.executed_shares)


cdef void _apply_trade(BookTable* table, const uint8_t* message, size_t bytes) noexcept nogil:
    """What traded without an order of the book."""
    cdef ItchTrade trade
    cdef ItchCrossTrade cross
    if message[0] == ITCH50_TRADE:
        itch50_decode_trade(message, bytes, &trade)
        _count_execution(table, trade.shares)
    elif message[0] == ITCH50_CROSS_TRADE:
        itch50_decode_cross_trade(message, bytes, &cross)
        table.crosses += 1
        table.crossed_quantity += cross.shares
    else:
        table.broken += 1


cdef void _apply_reference(BookTable* table, const uint8_t* message, size_t bytes) noexcept nogil:
    cdef ItchStockDirectory directory
    cdef ItchStockTradingAction action
    cdef uint8_t* reference
    if message[0] == ITCH50_STOCK_DIRECTORY:
        itch50_decode_stock_directory(message, bytes, &directory)
        memcpy(table.symbols + 8 * directory.stock_locate, directory.stock, 8)
        reference = table.references + <size_t>REFERENCE_BYTES * directory.stock_locate
        memcpy(reference, message, DIRECTORY_BYTES)
        if directory.stock_locate >= table.locates_count:
            table.locates_count = directory.stock_locate + 1
    elif message[0] == ITCH50_STOCK_TRADING_ACTION:
        itch50_decode_stock_trading_action(message, bytes, &action)
        table.states[action.stock_locate] = action.trading_state
        reference = table.references + <size_t>REFERENCE_BYTES * action.stock_locate
        memcpy(reference + DIRECTORY_BYTES, message, ACTION_BYTES)
    elif message[0] == ITCH50_SYSTEM_EVENT:
        memcpy(table.system_event, message, sizeof(table.system_event))


cdef Status book_table_apply(BookTable* table, const uint8_t* message,
                             size_t bytes) noexcept nogil:
    cdef ItchOrderCancel cancel
    cdef ItchOrderDelete delete
    cdef BookOrder* order
    # All decoders below want exactly one message of their type, which is what this has checked.
    cdef Status status = itch50_check(message, bytes)
    if status != STATUS_OK:
        table.malformed += 1
        return status
    table.applied += 1
    memcpy(table.timestamp, message + TIMESTAMP_OFFSET, sizeof(table.timestamp))
    if message[0] == ITCH50_ADD_ORDER or message[0] == ITCH50_ADD_ORDER_MPID:
        return _apply_add(table, message, bytes)
    if message[0] == ITCH50_ORDER_DELETE:
        itch50_decode_order_delete(message, bytes, &delete)
        order = _find(table, delete.order_ref)
        if order != NULL:
            _remove(table, order)
    elif message[0] == ITCH50_ORDER_EXECUTED or message[0] == ITCH50_ORDER_EXECUTED_WITH_PRICE:
        _apply_execution(table, message, bytes)
    elif message[0] == ITCH50_ORDER_CANCEL:
        itch50_decode_order_cancel(message, bytes, &cancel)
        _reduce(table, _find(table, cancel.order_ref), cancel.cancelled_shares)
    elif message[0] == ITCH50_ORDER_REPLACE:
        return _apply_replace(table, message, bytes)
    elif (message[0] == ITCH50_TRADE or message[0] == ITCH50_CROSS_TRADE
            or message[0] == ITCH50_BROKEN_TRADE):
        _apply_trade(table, message, bytes)
    else:
        _apply_reference(table, message, bytes)
    return STATUS_OK


cdef Status _apply_file(BookTable* table, const uint8_t* buffer, size_t bytes, size_t* offset,
                        uint64_t* count) noexcept nogil:
    """Take in framed messages up to the end, which is STATUS_EMPTY, or to what cannot be read."""
    cdef const uint8_t* message = NULL
    cdef uint16_t message_bytes = 0
    cdef Status status
    while True:
        status = itch_file_next(buffer, bytes, offset, &message, &message_bytes)
        if status == STATUS_UNKNOWN_TYPE:
            itch_file_skip(offset, message_bytes)
            continue
        if status != STATUS_OK:
            return status
        count[0] += 1
        if book_table_apply(table, message, message_bytes) == STATUS_LIMIT:
            return STATUS_LIMIT


cdef int _check_file(Status status, size_t offset) except -1:
    if status == STATUS_LIMIT:
        raise MemoryError
    if status != STATUS_EMPTY:
        raise ValueError(f"ITCH file: offset {offset}: found no whole ITCH 5.0 message")
    return 0


cdef void _copy_orders(const BookTable* table, uint8_t* out) noexcept nogil:
    cdef uint64_t i
    for i in range(table.mask + 1):
        if table.slots[i].quantity != 0:
            memcpy(out, &table.slots[i], BOOK_ORDER_BYTES)
            out += BOOK_ORDER_BYTES


cdef class BookBuilder:
    """Books of all instruments of one ITCH 5.0 stream. May be read while a feed fills it."""

    def __cinit__(self):
        pthread_mutex_init(&self.mutex, NULL)
        if book_table_open(&self.table) != STATUS_OK:
            raise MemoryError

    def __dealloc__(self):
        book_table_close(&self.table)
        pthread_mutex_destroy(&self.mutex)

    def apply(self, const uint8_t[::1] message not None):
        """Take in one message. ValueError when it is no ITCH 5.0 message."""
        cdef size_t bytes = <size_t>message.shape[0]
        cdef Status status = STATUS_EMPTY
        if bytes > 0:
            with nogil:
                pthread_mutex_lock(&self.mutex)
                status = book_table_apply(&self.table, &message[0], bytes)
                pthread_mutex_unlock(&self.mutex)
        if status == STATUS_LIMIT:
            raise MemoryError
        if status != STATUS_OK and status != STATUS_IGNORED:
            raise ValueError(f"ITCH: found {bytes} bytes, expected one whole ITCH 5.0 message")

    def apply_file(self, const uint8_t[::1] data not None):
        """Take in a length-framed ITCH file; the number of messages. ValueError where it breaks."""
        cdef const uint8_t* buffer = &data[0] if data.shape[0] else NULL
        cdef size_t bytes = <size_t>data.shape[0]
        cdef size_t offset = 0
        cdef uint64_t count = 0
        cdef Status status
        with nogil:
            pthread_mutex_lock(&self.mutex)
            status = _apply_file(&self.table, buffer, bytes, &offset, &count)
            pthread_mutex_unlock(&self.mutex)
        _check_file(status, offset)
        return count

    def replace(self, const uint8_t[::1] data not None):
        """Put the orders and states of a length-framed ITCH snapshot in the place of what is here,
        in one step for those who look; counters of trades go on. The number of messages.
        ValueError where the snapshot breaks: nothing is changed then."""
        cdef const uint8_t* buffer = &data[0] if data.shape[0] else NULL
        cdef size_t bytes = <size_t>data.shape[0]
        cdef size_t offset = 0
        cdef uint64_t count = 0
        cdef BookTable fresh
        cdef BookTable old
        cdef Status status
        if book_table_open(&fresh) != STATUS_OK:
            raise MemoryError
        with nogil:
            status = _apply_file(&fresh, buffer, bytes, &offset, &count)
            if status == STATUS_EMPTY:
                pthread_mutex_lock(&self.mutex)
                old = self.table
                fresh.added += old.added
                fresh.executions = old.executions
                fresh.executed_quantity = old.executed_quantity
                fresh.crosses = old.crosses
                fresh.crossed_quantity = old.crossed_quantity
                fresh.broken = old.broken
                fresh.unknown += old.unknown
                fresh.malformed += old.malformed
                self.table = fresh
                pthread_mutex_unlock(&self.mutex)
                book_table_close(&old)
            else:
                book_table_close(&fresh)
        _check_file(status, offset)
        return count

    def orders(self):
        """All orders now, as an array of ORDER in no particular order."""
        return self.picture()["orders"]

    def picture(self):
        """All of one moment, as a dict: `applied`, how many messages had come; `orders`, an array
        of ORDER in no particular order; `system_event`, `references` (the stock directory's message
        and the trading action of each locate, zeros where there is none) and `timestamp` in their
        bytes."""
        cdef uint8_t[::1] out
        cdef uint8_t[::1] references
        cdef BookTable table
        cdef uint64_t room
        cdef uint64_t locates
        while True:
            # Room for more than there are, since the feed goes on until the lock is taken.
            room = self.table.count + self.table.count // 8 + 1024
            locates = self.table.locates_count + 64
            array = np.empty(room, ORDER)
            out = array.view(np.uint8)
            reference_array = np.zeros((locates, REFERENCE_BYTES), np.uint8)
            references = reference_array.reshape(-1)
            with nogil:
                pthread_mutex_lock(&self.mutex)
                table = self.table
                if table.count <= room and table.locates_count <= locates:
                    _copy_orders(&table, &out[0])
                    memcpy(&references[0], table.references,
                           <size_t>REFERENCE_BYTES * table.locates_count)
                pthread_mutex_unlock(&self.mutex)
            if table.count <= room and table.locates_count <= locates:
                break
        return {
            "applied": table.applied,
            "orders": array[:table.count].copy(),
            "references": reference_array[:table.locates_count],
            "system_event": bytes(table.system_event[:12]),
            "timestamp": bytes(table.timestamp[:6]),
        }

    def symbols(self):
        """Locate to symbol, as the stock directory said so far."""
        cdef uint32_t i
        found = {}
        for i in range(self.table.locates_count):
            if self.table.symbols[8 * i] != 0:
                found[i] = self.table.symbols[8 * i:8 * i + 8].decode("ascii").rstrip()
        return found

    def states(self):
        """Locate to ITCH's trading state: T trading, H halted, P paused, Q orders only."""
        cdef uint32_t i
        return {i: chr(self.table.states[i]) for i in range(self.table.locates_count)
                if self.table.states[i]}

    def counts(self):
        """What was taken in so far, as a dict of integers."""
        return {
            "orders": self.table.count,
            "added": self.table.added,
            "executions": self.table.executions,
            "executed_quantity": self.table.executed_quantity,
            "crosses": self.table.crosses,
            "crossed_quantity": self.table.crossed_quantity,
            "broken": self.table.broken,
            "unknown": self.table.unknown,
            "malformed": self.table.malformed,
        }

    @property
    def system_event(self):
        """The latest system event's code, empty before the first."""
        code = self.table.system_event[EVENT_CODE_OFFSET]
        return chr(code) if code else ""
