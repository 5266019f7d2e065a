"""Full-depth books of a whole market, built from its ITCH 5.0 messages; see itch_books.pxd."""

import numpy as np

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.base.builtins cimport iron_likely, iron_unlikely
from ironcore.base.check cimport iron_static_assert
from ironcore.base.memory cimport memory_prefault, memory_release, memory_reserve
from ironcore.base.status cimport (
    STATUS_EMPTY, STATUS_LIMIT, STATUS_MALFORMED, STATUS_OK, STATUS_TRUNCATED,
)
from ironcore.book.order_pool cimport (
    REF_SHIFT, Order, arena_create, arena_destroy, level_at, order_at, order_give, order_ref,
    order_take, queue_append, queue_remove,
)
from ironcore.book.price_levels cimport (
    PAGE_SHIFT, PriceLevels, level_add_order, level_displayed, level_key, level_orders,
    level_take_order, levels_create, levels_leave, levels_next, levels_price, levels_take,
)
from ironcore.wire.codec cimport load_u16_be, load_u32_be, load_u64_be
from ironcore.wire.itch50_orders cimport (
    ITCH50_ADD_ORDER, ITCH50_ADD_ORDER_BYTES, ITCH50_ADD_ORDER_MPID, ITCH50_ORDER_CANCEL,
    ITCH50_ORDER_CANCEL_BYTES, ITCH50_ORDER_DELETE, ITCH50_ORDER_DELETE_BYTES,
    ITCH50_ORDER_EXECUTED, ITCH50_ORDER_EXECUTED_BYTES, ITCH50_ORDER_EXECUTED_WITH_PRICE,
    ITCH50_ORDER_REPLACE, ITCH50_ORDER_REPLACE_BYTES,
)

LEVEL_DTYPE = np.dtype([("price", "<i4"), ("orders", "<u4"), ("quantity", "<u8")])
ORDER_DTYPE = np.dtype([("order_ref", "<u8"), ("price", "<i4"), ("quantity", "<u4")])

cdef enum:
    SIDES_SHIFT = 2
    SIDES_MASK = 3
    TREES_AT = 128                   # bytes from a side of a book to its tree
    COARSE_STEP = 100                # a cent, where prices have four decimals
    REFS_HOT = 1048576               # faulted in at start,
    PAGES_A_LOCATE = 8               # and of level pages so many a locate
    SIDE_BUY = 66
    SIDE_SELL = 83
    # Where the fields of the messages are that a book needs (ITCH 5.0, section 1.3 and 1.4).
    LOCATE_AT = 1
    REF_AT = 11
    ADD_SIDE_AT = 19
    ADD_SHARES_AT = 20
    ADD_PRICE_AT = 32
    TAKEN_AT = 19                    # executed and cancelled shares
    REPLACE_REF_AT = 19
    REPLACE_SHARES_AT = 27
    REPLACE_PRICE_AT = 31


cdef void _grid(PriceGrid* grid, uint32_t tick_size) noexcept nogil:
    grid.lowest_price = 0
    grid.highest_price = ITCH_PRICE_MAX
    grid.ticks_count = ITCH_PRICE_MAX // tick_size + 1
    grid.bands_count = 1
    grid.tick_size = tick_size


cdef Status itch_books_open(ItchBooks* books, uint32_t orders_max, uint64_t refs_max,
                            uint32_t locates_max) noexcept nogil:
    iron_static_assert(sizeof(ItchBook) == 256)
    iron_static_assert(TREES_AT == 4 * sizeof(PriceLevels))
    _grid(&books.grids[0], COARSE_STEP)
    _grid(&books.grids[1], 1)
    books.locates_max = locates_max
    books.books = <ItchBook*>memory_reserve(locates_max * sizeof(ItchBook))
    if (books.books == NULL
            or arena_create(&books.arena, orders_max, locates_max, TREES_AT,
                            PAGES_A_LOCATE * locates_max, refs_max) != STATUS_OK):
        return STATUS_LIMIT
    itch_books_prefault(books, REFS_HOT)
    return STATUS_OK


cdef void itch_books_close(ItchBooks* books) noexcept nogil:
    arena_destroy(&books.arena)
    memory_release(books.books, books.locates_max * sizeof(ItchBook))


cdef void itch_books_prefault(ItchBooks* books, uint64_t refs) noexcept nogil:
    memory_prefault(books.arena.slots, min(refs, books.arena.slots_count) * sizeof(uint32_t))


cdef void _book_create(ItchBooks* books, ItchBook* book, uint32_t locate) noexcept nogil:
    cdef uint32_t side
    for side in range(4):
        levels_create(&books.arena, &book.sides[side], locate << SIDES_SHIFT | side,
                      &books.grids[side >> 1], (side & 1) == 0)


cdef inline uint32_t _unit_of(ItchBooks* books, uint64_t reference) noexcept nogil:
    """The unit of the order with this reference, or 0, which is counted."""
    cdef uint32_t unit = 0
    if iron_likely(reference < books.arena.slots_count):
        unit = books.arena.slots[reference]
    if iron_unlikely(unit == 0):
        books.unknown += 1
    return unit


cdef inline PriceLevels* _side_of(ItchBooks* books, uint32_t level) noexcept nogil:
    cdef uint32_t side = books.arena.pages[level >> PAGE_SHIFT].side
    return &books.books[side >> SIDES_SHIFT].sides[side & SIDES_MASK]


cdef inline Status _add(ItchBooks* books, ItchBook* book, uint32_t sell, uint64_t reference,
                        uint32_t quantity, uint32_t price) noexcept nogil:
    cdef uint32_t steps = price // COARSE_STEP
    cdef uint32_t fine = steps * COARSE_STEP != price
    cdef uint32_t key = price if fine else steps
    cdef uint32_t unit, level
    cdef Order* order
    cdef PriceLevels* side = &book.sides[fine << 1 | sell]
    if not sell:
        key = books.grids[fine].ticks_count - 1 - key
    level = levels_take(&books.arena, side, key)
    unit = order_take(&books.arena)
    order = order_at(&books.arena, unit)
    order.quantity = quantity
    order.level = level
    order.ref_side = reference << REF_SHIFT | sell
    queue_append(&books.arena, level, unit)
    level_add_order(&books.arena, level, quantity)
    books.arena.slots[reference] = unit
    books.added += 1
    return STATUS_OK


cdef inline Status _room(ItchBooks* books, uint64_t reference, uint32_t quantity,
                         uint32_t price, bint instead_of_another) noexcept nogil:
    """Whether an order can be added."""
    if iron_unlikely(reference >= books.arena.slots_count):
        return STATUS_LIMIT
    if iron_unlikely(books.arena.orders_live == books.arena.orders_max) and not instead_of_another:
        return STATUS_LIMIT
    if iron_unlikely(quantity == 0 or price > ITCH_PRICE_MAX or reference == 0
                     or books.arena.slots[reference] != 0):
        return STATUS_MALFORMED
    return STATUS_OK


cdef inline void _remove(ItchBooks* books, uint32_t unit, uint64_t reference) noexcept nogil:
    cdef Order* order = order_at(&books.arena, unit)
    books.arena.slots[reference] = 0
    queue_remove(&books.arena, unit)
    level_take_order(&books.arena, order.level, order.quantity)
    if level_at(&books.arena, order.level).total == 0:
        levels_leave(&books.arena, _side_of(books, order.level), order.level)
    order_give(&books.arena, unit)


cdef inline void _take(ItchBooks* books, uint64_t reference, uint32_t quantity) noexcept nogil:
    cdef uint32_t unit = _unit_of(books, reference)
    cdef Order* order = order_at(&books.arena, unit)
    if unit == 0:
        return
    if quantity >= order.quantity:
        _remove(books, unit, reference)
        return
    order.quantity -= quantity
    level_at(&books.arena, order.level).total -= quantity


cdef Status _apply_add(ItchBooks* books, const uint8_t* message) noexcept nogil:
    cdef uint32_t locate = load_u16_be(message + LOCATE_AT)
    cdef uint64_t reference = load_u64_be(message + REF_AT)
    cdef uint32_t quantity = load_u32_be(message + ADD_SHARES_AT)
    cdef uint32_t price = load_u32_be(message + ADD_PRICE_AT)
    cdef ItchBook* book = &books.books[locate]
    cdef Status status = _room(books, reference, quantity, price, False)
    if iron_unlikely(locate >= books.locates_max):
        return STATUS_LIMIT
    if iron_unlikely(message[ADD_SIDE_AT] != SIDE_BUY and message[ADD_SIDE_AT] != SIDE_SELL):
        status = STATUS_MALFORMED
    if iron_unlikely(status != STATUS_OK):
        return status
    if iron_unlikely(book.sides[0].price_step == 0):
        _book_create(books, book, locate)
    return _add(books, book, message[ADD_SIDE_AT] == SIDE_SELL, reference, quantity, price)


cdef Status _apply_replace(ItchBooks* books, const uint8_t* message) noexcept nogil:
    cdef uint64_t original = load_u64_be(message + REF_AT)
    cdef uint64_t reference = load_u64_be(message + REPLACE_REF_AT)
    cdef uint32_t quantity = load_u32_be(message + REPLACE_SHARES_AT)
    cdef uint32_t price = load_u32_be(message + REPLACE_PRICE_AT)
    cdef uint32_t unit = _unit_of(books, original)
    cdef Status status
    cdef uint32_t side
    if unit == 0:
        return STATUS_OK
    status = _room(books, reference, quantity, price, True)
    if iron_unlikely(status != STATUS_OK):
        return status
    side = books.arena.pages[order_at(&books.arena, unit).level >> PAGE_SHIFT].side
    _remove(books, unit, original)
    return _add(books, &books.books[side >> SIDES_SHIFT], side & 1, reference, quantity, price)


cdef inline Status _apply(ItchBooks* books, const uint8_t* message, size_t bytes) noexcept nogil:
    cdef uint8_t type = message[0]
    cdef uint32_t unit
    if type == ITCH50_ADD_ORDER or type == ITCH50_ADD_ORDER_MPID:
        if bytes < ITCH50_ADD_ORDER_BYTES:
            return STATUS_MALFORMED
        return _apply_add(books, message)
    if type == ITCH50_ORDER_DELETE:
        if bytes < ITCH50_ORDER_DELETE_BYTES:
            return STATUS_MALFORMED
        unit = _unit_of(books, load_u64_be(message + REF_AT))
        if unit:
            _remove(books, unit, load_u64_be(message + REF_AT))
    elif type == ITCH50_ORDER_EXECUTED or type == ITCH50_ORDER_EXECUTED_WITH_PRICE:
        if bytes < ITCH50_ORDER_EXECUTED_BYTES:
            return STATUS_MALFORMED
        books.executions += 1
        books.executed_quantity += load_u32_be(message + TAKEN_AT)
        _take(books, load_u64_be(message + REF_AT), load_u32_be(message + TAKEN_AT))
    elif type == ITCH50_ORDER_CANCEL:
        if bytes < ITCH50_ORDER_CANCEL_BYTES:
            return STATUS_MALFORMED
        _take(books, load_u64_be(message + REF_AT), load_u32_be(message + TAKEN_AT))
    elif type == ITCH50_ORDER_REPLACE:
        if bytes < ITCH50_ORDER_REPLACE_BYTES:
            return STATUS_MALFORMED
        return _apply_replace(books, message)
    else:
        books.others += 1
    return STATUS_OK


cdef Status itch_books_apply(ItchBooks* books, const uint8_t* message,
                             size_t bytes) noexcept nogil:
    cdef Status status = STATUS_MALFORMED
    if bytes:
        status = _apply(books, message, bytes)
    if iron_unlikely(status == STATUS_MALFORMED):
        books.malformed += 1
    return status


cdef Status itch_books_apply_file(ItchBooks* books, const uint8_t* data, size_t bytes,
                                  size_t* offset, uint64_t* messages) noexcept nogil:
    cdef size_t at = offset[0]
    cdef uint64_t count = 0
    cdef Status status = STATUS_EMPTY
    cdef size_t message_bytes
    while at < bytes:
        if bytes - at < 2:
            status = STATUS_TRUNCATED
            break
        message_bytes = load_u16_be(data + at)
        if message_bytes == 0:       # the end of a BinaryFILE
            break
        if bytes - at - 2 < message_bytes:
            status = STATUS_TRUNCATED
            break
        status = _apply(books, data + at + 2, message_bytes)
        if iron_unlikely(status != STATUS_OK):
            break
        at += 2 + message_bytes
        count += 1
        status = STATUS_EMPTY
    if status == STATUS_MALFORMED:
        books.malformed += 1
    offset[0] = at
    messages[0] = messages[0] + count
    return status


def _fault(status, where):
    if status == STATUS_LIMIT:
        return MemoryError(f"{where}: beyond orders_max, refs_max or locates_max")
    return ValueError(f"{where}: found no whole and possible ITCH 5.0 message")


cdef class MarketBooks:
    """Every book of one ITCH 5.0 stream, order by order. Not thread-safe.

    orders_max orders at one time; references from 1 to below refs_max, 4 bytes of address space
    each, of which memory is taken as far as they are used; locates below locates_max. MemoryError
    when the host refuses it.
    """

    def __cinit__(self, uint32_t orders_max=1 << 20, uint64_t refs_max=1 << 30,
                  uint32_t locates_max=1 << 14):
        if not 1 <= orders_max <= ITCH_ORDERS_MAX or not 1 <= locates_max <= ITCH_LOCATES_MAX:
            raise ValueError(f"found orders_max {orders_max}, locates_max {locates_max}, expected"
                             f" 1 to {ITCH_ORDERS_MAX} and 1 to {ITCH_LOCATES_MAX}")
        if itch_books_open(&self.books, orders_max, refs_max, locates_max) != STATUS_OK:
            itch_books_close(&self.books)
            raise MemoryError("the host refuses the address space for these limits")

    def __dealloc__(self):
        itch_books_close(&self.books)

    def apply(self, const uint8_t[::1] message not None):
        """Take in one message. ValueError: it is none, or impossible; MemoryError: a limit."""
        cdef Status status = itch_books_apply(
            &self.books, &message[0] if message.shape[0] else NULL, message.shape[0])
        if status != STATUS_OK:
            raise _fault(status, "ITCH message")

    def apply_file(self, const uint8_t[::1] data not None):
        """Take in a file of messages, each behind its length: how many. Errors as for apply; what
        came before the message at fault stays."""
        cdef const uint8_t* first = &data[0] if data.shape[0] else NULL
        cdef size_t offset = 0
        cdef uint64_t messages = 0
        cdef Status status
        with nogil:
            status = itch_books_apply_file(&self.books, first, data.shape[0], &offset, &messages)
        if status != STATUS_EMPTY:
            raise _fault(status, f"ITCH file: offset {offset}")
        return messages

    def _levels(self, uint16_t locate, side, bint fine, limit):
        """(price, unit) of the best levels of a side, by whole coarse steps or not."""
        cdef PriceLevels* levels
        cdef uint32_t unit
        if locate >= self.books.locates_max:
            return []
        if side not in ("B", "S"):
            raise ValueError(f"side: found {side!r}, expected 'B' or 'S'")
        levels = &self.books.books[locate].sides[fine << 1 | (side == "S")]
        found = []
        if levels.levels:
            unit = levels.best_level
            while unit and (limit is None or len(found) < limit):
                found.append((levels_price(levels, level_key(&self.books.arena, unit)), unit))
                unit = levels_next(&self.books.arena, levels, unit)
        return found

    def _merged(self, locate, side, limit):
        both = [*self._levels(locate, side, False, limit), *self._levels(locate, side, True, limit)]
        return sorted(both, reverse=side == "B")[:limit]

    def depth(self, uint16_t locate, side, uint32_t levels_max=10):
        """The best levels of side "B" or "S", best first: price, orders, quantity."""
        rows = []
        for price, unit in self._merged(locate, side, levels_max):
            rows.append((price, level_orders(&self.books.arena, unit),
                         level_displayed(&self.books.arena, unit)))
        return np.array(rows, LEVEL_DTYPE)

    def orders(self, uint16_t locate, side):
        """All orders of side "B" or "S" in priority: order_ref, price, quantity."""
        rows = []
        cdef uint32_t level, unit
        cdef Order* order
        for price, level in self._merged(locate, side, None):
            unit = level_at(&self.books.arena, level).link.next
            while unit != level:
                order = order_at(&self.books.arena, unit)
                rows.append((order_ref(order), price, order.quantity))
                unit = order.link.next
        return np.array(rows, ORDER_DTYPE)

    def counts(self):
        """What was taken in so far."""
        return {
            "orders": self.books.arena.orders_live,
            "added": self.books.added,
            "executions": self.books.executions,
            "executed_quantity": self.books.executed_quantity,
            "unknown": self.books.unknown,
            "others": self.books.others,
            "malformed": self.books.malformed,
        }
