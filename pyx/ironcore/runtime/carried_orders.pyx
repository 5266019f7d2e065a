"""The orders that stay when a trading day ends, as the commands that enter them on the next one.

They are what a member would send to have the same order again: open for what it is open for, at the
price at which it rests, with the options that it has by now. Entered one after the other while
nothing trades, they come to stand as they stood.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.memory cimport memory_release, memory_reserve
from ironcore.base.status cimport STATUS_OK
from ironcore.book.book cimport (
    KIND_HIDDEN, KIND_PARKED, KIND_SHIFT, KIND_STOPS, SIDES_COUNT, Book,
)
from ironcore.book.limits cimport (
    CROSS_NONE, DISPLAY_ATTRIBUTABLE, DISPLAY_NO, DISPLAY_YES, TIME_IN_FORCE_GTC,
    price_is_market,
)
from ironcore.book.options cimport Options, options_fit
from ironcore.book.order_pool cimport (
    ORDER_ATTRIBUTED, ORDER_SPECIAL, Order, Special, level_at, order_at, order_side, special_at,
)
from ironcore.book.price_grid cimport PRICE_NONE
from ironcore.book.price_levels cimport level_key, levels_next, levels_price
from ironcore.engine.engine cimport Engine
from ironcore.engine.matching_engine cimport MatchingEngine
from ironcore.engine.orders cimport order_open, order_price, order_sell
from ironcore.stream.frame_taker cimport FrameTaker
from ironcore.wire.order_options cimport (
    NAMED_OCO_REF, NAMED_RESERVE_SEED, NAMED_STOP_PRICE, OPTIONS_BYTES, OrderOptions, options_name,
)
from ironcore.wire.record cimport (
    COMMAND_ENTER_ORDER, COMMAND_REPLACE_ORDER, CommandHeader, EnterOrder, ReplaceOrder,
)

cdef struct Carried:                 # an ENTER_ORDER with options
    EnterOrder order
    OrderOptions options


cdef list _units(Engine* engine, const Book* book):
    """The live orders with their kind of queue: pegs in order of acceptance, as they have no other
    one while nothing trades."""
    cdef uint32_t side, level, unit
    units = []
    for side in range(<uint32_t>SIDES_COUNT):
        level = book.sides[side].best_level if book.sides[side].levels else 0
        while level:
            unit = level_at(&engine.arena, level).link.next
            while unit != level:
                units.append((unit, side >> KIND_SHIFT))
                unit = order_at(&engine.arena, unit).link.next
            level = levels_next(&engine.arena, &book.sides[side], level)
    for unit in (book.pegs.next, book.trailing.next):
        while unit:
            if order_at(&engine.arena, unit).level == 0:
                units.append((unit, <uint32_t>KIND_PARKED))
            unit = special_at(&engine.arena, unit).peers.next
    return units


cdef void _terms(Engine* engine, const Book* book, uint32_t unit, uint32_t kind,
                 EnterOrder* command) noexcept:
    cdef const Order* order = order_at(&engine.arena, unit)
    cdef const Special* special = special_at(&engine.arena, unit)
    memset(command, 0, sizeof(EnterOrder))
    command.header.type = COMMAND_ENTER_ORDER
    command.header.record_bytes = sizeof(EnterOrder)
    command.header.session = order.slot >> engine.limits.user_ref_bits
    command.header.user_ref = order.slot & ((1u << engine.limits.user_ref_bits) - 1)
    command.header.instrument = <uint32_t>(book - engine.books)
    command.quantity = order_open(engine, unit)
    command.price = order_price(engine, unit)
    command.side = order_side(order)
    command.cross_type = CROSS_NONE
    command.time_in_force = TIME_IN_FORCE_GTC
    command.display = DISPLAY_NO if kind == KIND_HIDDEN else DISPLAY_YES
    if order.ref_side & ORDER_ATTRIBUTED:
        command.display = DISPLAY_ATTRIBUTABLE
    if order.ref_side & ORDER_SPECIAL:
        command.display = special.display
        command.time_in_force = special.time_in_force


cdef void _options(Engine* engine, const Book* book, uint32_t unit, uint32_t kind,
                   Carried* carried) noexcept:
    cdef const Special* special = special_at(&engine.arena, unit)
    cdef uint32_t named = special.options.named
    cdef Options options = special.options
    cdef uint32_t level = order_at(&engine.arena, unit).level
    options_fit(&options, 0, carried.order.quantity, price_is_market(carried.order.price),
                carried.order.display != DISPLAY_NO)
    options.reserve_seed = special.seed_state
    options.oco_ref = 0
    if special.other:
        options.oco_ref = (order_at(&engine.arena, special.other).slot
                           & ((1u << engine.limits.user_ref_bits) - 1))
    if kind == KIND_STOPS and level:
        # A stop that trails is where it has come to.
        options.stop_price = levels_price(
            &book.sides[KIND_STOPS << KIND_SHIFT | order_sell(order_at(&engine.arena, unit))],
            level_key(&engine.arena, level))
        named |= NAMED_STOP_PRICE
    options.named = named
    options_name(&options)
    if options.reserve_seed == 0:
        options.named &= ~<uint32_t>NAMED_RESERVE_SEED
    if options.oco_ref == 0:
        options.named &= ~<uint32_t>NAMED_OCO_REF
    carried.options = options
    carried.order.header.record_bytes = sizeof(EnterOrder) + OPTIONS_BYTES


cdef Name* _name_of(const Names* names, uint32_t session, uint32_t user_ref) noexcept nogil:
    cdef uint64_t slot = <uint64_t>session << names.user_ref_bits | user_ref
    if user_ref >> names.user_ref_bits or slot >= names.count:
        slot = 0
    return &names.name[slot]


cdef int _names_take(void* self, uint64_t sequence, const uint8_t* payload,
                     uint32_t payload_bytes) noexcept nogil:
    cdef const Names* names = <const Names*>self
    cdef const CommandHeader* header = <const CommandHeader*>payload
    cdef const EnterOrder* order = <const EnterOrder*>header
    cdef const ReplaceOrder* replacement = <const ReplaceOrder*>header
    cdef Name* name
    if payload_bytes < sizeof(EnterOrder):
        return STATUS_OK
    if header.type == COMMAND_ENTER_ORDER:
        name = _name_of(names, header.session, header.user_ref)
        name.capacity = order.capacity
        name.iso = order.iso
        name.account = header.account
        memcpy(name.client_order_id, order.client_order_id, sizeof(name.client_order_id))
    elif header.type == COMMAND_REPLACE_ORDER:
        name = _name_of(names, header.session, header.user_ref)
        name[0] = _name_of(names, header.session, replacement.orig_user_ref)[0]
        name.iso = replacement.iso
        memcpy(name.client_order_id, replacement.client_order_id, sizeof(name.client_order_id))
    return STATUS_OK


cdef class OrderNames(FrameTaker):
    """What members said of their orders that the core does not know, by slot; from the day's
    stream, all of its frames in order."""

    def __cinit__(self, MatchingEngine matching):
        cdef const Engine* engine = matching.engine
        self.names.user_ref_bits = engine.limits.user_ref_bits
        self.names.count = <uint64_t>(engine.limits.sessions_max + 1) << self.names.user_ref_bits
        self.names.name = <Name*>memory_reserve(self.names.count * sizeof(Name))
        if self.names.name == NULL:
            raise MemoryError
        self.take = _names_take
        self.self = &self.names

    def __dealloc__(self):
        memory_release(self.names.name, self.names.count * sizeof(Name))

    cdef void _tell(self, EnterOrder* command) noexcept:
        cdef const Name* name = _name_of(&self.names, command.header.session,
                                         command.header.user_ref)
        command.header.account = name.account
        command.capacity = name.capacity if name.capacity else b'P'
        command.iso = name.iso if name.iso else b'N'
        memcpy(command.client_order_id, name.client_order_id, sizeof(name.client_order_id))


def carried_orders(MatchingEngine matching, uint32_t instrument, OrderNames names not None):
    """See the stub."""
    cdef Engine* engine = matching.engine
    cdef const Book* book
    cdef Carried carried
    cdef uint32_t unit, kind
    if instrument >= engine.books_count:
        raise IndexError(f"instrument {instrument}: expected one of {engine.books_count} from 0")
    book = &engine.books[instrument]
    records = []
    for unit, kind in _units(engine, book):
        _terms(engine, book, unit, kind, &carried.order)
        names._tell(&carried.order)
        if order_at(&engine.arena, unit).ref_side & ORDER_SPECIAL:
            _options(engine, book, unit, kind, &carried)
        records.append((<const char*>&carried)[:carried.order.header.record_bytes])
    return records


def reference_price(MatchingEngine matching, uint32_t instrument):
    """See the stub."""
    cdef const Book* book
    if instrument >= matching.engine.books_count:
        raise IndexError(
            f"instrument {instrument}: expected one of {matching.engine.books_count} from 0")
    book = &matching.engine.books[instrument]
    if book.last_price != 0 and book.last_price != PRICE_NONE:
        return book.last_price
    return book.reference_price
