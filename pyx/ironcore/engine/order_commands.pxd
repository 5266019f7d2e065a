# Orders entered and replaced: sections 4, 5 and 7 of docs/MATCHING_RULES.md.
#
# Most orders have no options, are displayed, are for the day, good till cancelled or immediate, and
# come to a book that trades continuously and has no collars. Their path is here, in line, so that
# it is compiled in one piece with what calls it. It does what special_commands does for an order of
# any kind, and leaves to order_commands.pyx what it is not made for: the reasons to reject an order
# among the rest.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.base.builtins cimport iron_unlikely
from ironcore.base.status cimport STATUS_IGNORED, STATUS_OK
from ironcore.book.book cimport (
    KIND_SHOWN, SIDE_SHIFT, Book, book_key, book_queue, book_unlink, event_mark_last, event_write,
)
from ironcore.book.execution cimport Execution, book_match
from ironcore.book.limits cimport price_is_market, quantity_fits
from ironcore.book.order_pool cimport (
    ORDER_ATTRIBUTED, ORDER_REF_MAX, ORDER_SPECIAL, REF_SHIFT, Order, order_at, order_ref,
    order_side, order_take,
)
from ironcore.book.price_grid cimport PRICE_NONE, grid_tick
from ironcore.book.price_levels cimport KEY_WORST
from ironcore.engine.aggressor cimport aggressor_crosses, aggressor_trade
from ironcore.engine.order_path cimport plain_hold
from ironcore.engine.pending_work cimport step_count
from ironcore.engine.engine cimport NOT_PLAIN, Engine, Session, engine_slot
from ironcore.engine.event_place cimport events_withdraw
from ironcore.engine.order_terms cimport Aggressor
from ironcore.engine.order_exit cimport CANCEL_REASON_IOC
from ironcore.engine.orders cimport place_book, place_kind, place_side, queued_place
from ironcore.engine.settlement cimport book_settle_more
from ironcore.engine.used_numbers cimport session_enter_block
from ironcore.wire.record cimport (
    EVENT_ACCEPTED, EVENT_ADDED, EVENT_CANCELED, EVENT_REPLACED, EVENT_SELL, RECORD_LAST,
    EnterOrder, Event, ReplaceOrder,
)

cdef extern from *:
    """
    /* What the letters of a plain order come to, to be added up: flags of an Order (order_pool.pxd)
     * with its side, flags of the event that says that it rests, and what its path asks. A letter
     * with which an order is not plain has nothing: of four letters each has to give its share. */
    #define TRAIT_EVENT_SHIFT 16
    #define TRAIT_SELL_SHIFT 24
    #define TRAIT_IMMEDIATE (UINT32_C(1) << 25)
    #define TRAIT_SHARE_SHIFT 28
    #define TRAIT_PLAIN_SHIFT 30
    #define TRAIT_SHARE (UINT32_C(1) << TRAIT_SHARE_SHIFT)
    #define TRAIT_SELL (TRAIT_SHARE | UINT32_C(1) << TRAIT_SELL_SHIFT | 16u << TRAIT_EVENT_SHIFT)
    static const uint32_t iron_side_traits[256] = {
        ['B'] = TRAIT_SHARE | 'B', ['S'] = TRAIT_SELL | 'S', ['T'] = TRAIT_SELL | 'T',
        ['E'] = TRAIT_SELL | 'E',
    };
    static const uint32_t iron_time_traits[256] = {
        ['0'] = TRAIT_SHARE, ['1'] = TRAIT_SHARE | 0x400, ['3'] = TRAIT_SHARE | TRAIT_IMMEDIATE,
    };
    static const uint32_t iron_display_traits[256] = {
        ['Y'] = TRAIT_SHARE | 2u << TRAIT_EVENT_SHIFT,
        ['A'] = TRAIT_SHARE | 34u << TRAIT_EVENT_SHIFT | 0x200,
    };
    static const uint32_t iron_cross_traits[256] = {['N'] = TRAIT_SHARE};
    """
    const uint32_t iron_side_traits[256]
    const uint32_t iron_time_traits[256]
    const uint32_t iron_display_traits[256]
    const uint32_t iron_cross_traits[256]
    const uint32_t TRAIT_EVENT_SHIFT
    const uint32_t TRAIT_SELL_SHIFT
    const uint32_t TRAIT_IMMEDIATE
    const uint32_t TRAIT_SHARE
    const uint32_t TRAIT_PLAIN_SHIFT

cdef enum:
    ORDER_STATE_LIVE = 76            # 'L'
    TRAIT_FLAGS = 0xFFFF             # of an Order
    TRAIT_EVENT_FLAGS = 0xFF

cdef struct PlainTerms:              # a valid order of the common kind, as the book needs it
    uint32_t traits
    uint32_t sell                    # 0 or 1
    uint32_t key                     # of its price; not for a market order
    uint32_t limit_key               # the worst that it may meet, on the opposite side's scale
    uint32_t quantity
    int32_t price
    uint32_t slot
    uint32_t executed                # before, by the orders that it replaces

# Of any kind. Each applies one whole and well-formed record of a defined session, and returns the
# status that engine_apply is to return.
cdef int enter_order(Engine* engine, EnterOrder* command) noexcept nogil
cdef int replace_order(Engine* engine, ReplaceOrder* command) noexcept nogil


cdef inline bint terms_fit(const Book* book, uint32_t traits, uint32_t quantity, int32_t price,
                           PlainTerms* terms) noexcept nogil:
    """Fills the terms, slot and what was executed before apart. False for a quantity or a price
    that is to be rejected."""
    cdef uint32_t tick = 0
    terms.traits = traits
    terms.sell = (traits >> TRAIT_SELL_SHIFT) & 1
    terms.quantity = quantity
    terms.price = price
    if iron_unlikely(not quantity_fits(&book.limits, quantity)):
        return False
    if iron_unlikely(not grid_tick(&book.grid, price, &tick)):
        terms.key = 0
        terms.limit_key = KEY_WORST
        terms.traits |= TRAIT_IMMEDIATE
        return price_is_market(price)
    terms.key = book_key(&book.grid, terms.sell, tick)
    terms.limit_key = book.grid.ticks_count - 1 - terms.key
    return True


cdef inline bint session_enters(Engine* engine, Session* session,
                                uint32_t user_ref) noexcept nogil:
    """Consume a number above the last one; false when it is too large (rule 3.3)."""
    # No number of the block in hand is.
    if iron_unlikely(user_ref >= session.user_ref_end):
        if user_ref >> engine.limits.user_ref_bits:
            return False
        session_enter_block(engine, session, user_ref)
    session.user_ref_last = user_ref
    return True


cdef inline void plain_rest(Engine* engine, Book* book, const PlainTerms* terms, uint32_t unit,
                            uint64_t reference, uint32_t quantity) noexcept nogil:
    cdef Order* order = order_at(&engine.arena, unit)
    order.quantity = quantity
    order.ref_side = reference << REF_SHIFT | (terms.traits & TRAIT_FLAGS)
    order.slot = terms.slot
    order.executed = terms.executed + terms.quantity - quantity
    book_queue(&engine.arena, book, terms.sell, terms.key, unit)
    engine.arena.slots[terms.slot] = unit


cdef inline uint32_t plain_trade_on(Engine* engine, Book* book, uint32_t sell, uint32_t limit_key,
                                    uint32_t quantity) noexcept nogil:
    """Past an iceberg or an order with an expiry, or with hidden orders in reach."""
    cdef Aggressor aggressor
    aggressor.sell = sell
    aggressor.limit_key = limit_key
    aggressor.quantity = quantity
    aggressor.executed = 0
    aggressor.min_quantity = 0
    aggressor.stp_group = 0
    aggressor.is_interrupted = False
    aggressor.may_stop = True
    aggressor.has_acted = True
    aggressor.has_unit = False
    aggressor.is_stopped = False
    aggressor.activated_price = PRICE_NONE
    aggressor.other = 0
    events_withdraw(engine)
    step_count(engine)
    aggressor_trade(engine, book, &aggressor)
    engine.is_stopped = aggressor.is_stopped
    return aggressor.quantity


cdef inline uint32_t plain_trade(Engine* engine, Book* book, uint32_t sell, uint32_t limit_key,
                                 uint32_t quantity) noexcept nogil:
    """Execute what can be executed; the quantity that is left."""
    cdef Execution execution
    execution.limit_key = limit_key
    execution.quantity = quantity
    if not iron_unlikely(book.sides[sell ^ 1].hidden_key <= limit_key):
        execution.match_number = engine.match_number_last
        execution.events = &engine.events[engine.events_count]
        execution.end = execution.events + engine.executions_max
        book_match(&engine.arena, book, sell, &execution)
        engine.match_number_last = execution.match_number
        engine.events_count = <uint32_t>(execution.events - engine.events)
    if execution.quantity and iron_unlikely(aggressor_crosses(book, sell, limit_key)):
        return plain_trade_on(engine, book, sell, limit_key, execution.quantity)
    return execution.quantity


cdef inline void plain_leave_or_rest(Engine* engine, Book* book, const PlainTerms* terms,
                                     uint64_t reference, uint32_t quantity,
                                     Event* event) noexcept nogil:
    """What is left of it; says so in the command's last event."""
    cdef uint8_t flags = <uint8_t>(terms.traits >> TRAIT_EVENT_SHIFT)
    cdef uint8_t side = <uint8_t>terms.traits
    if terms.traits & TRAIT_IMMEDIATE:
        event_write(event, EVENT_CANCELED, RECORD_LAST | (flags & EVENT_SELL), CANCEL_REASON_IOC,
                    side, quantity, reference, 0, terms.price, terms.slot)
        return
    plain_rest(engine, book, terms, order_take(&engine.arena), reference, quantity)
    event_write(event, EVENT_ADDED, RECORD_LAST | flags, 0, side, quantity, reference, 0,
                terms.price, terms.slot)


cdef inline int enter_plain(Engine* engine, const EnterOrder* command) noexcept nogil:
    """Of a record without options. NOT_PLAIN, and nothing has happened: it is to be entered as one
    of any kind."""
    cdef Session* session = &engine.sessions[command.header.session]
    cdef Book* book = &engine.books[command.header.instrument]
    cdef Event* event = engine.events
    cdef uint32_t left = command.quantity
    cdef uint32_t count = 1
    cdef uint32_t traits = (
        iron_side_traits[command.side] + iron_time_traits[command.time_in_force]
        + iron_display_traits[command.display] + iron_cross_traits[command.cross_type])
    cdef uint64_t reference
    cdef PlainTerms terms
    if iron_unlikely(command.header.instrument >= engine.books_count):
        return NOT_PLAIN
    if iron_unlikely((traits >> TRAIT_PLAIN_SHIFT & session.is_plain & book.is_plain) == 0):
        return NOT_PLAIN
    if iron_unlikely(not terms_fit(book, traits, command.quantity, command.price, &terms)):
        return NOT_PLAIN
    if iron_unlikely(engine.arena.orders_live == engine.arena.orders_max
                     or engine.order_ref_last >= ORDER_REF_MAX):
        return NOT_PLAIN
    if iron_unlikely(command.header.user_ref <= session.user_ref_last):
        return NOT_PLAIN
    if iron_unlikely(not session_enters(engine, session, command.header.user_ref)):
        return NOT_PLAIN
    terms.slot = engine_slot(engine, command.header.session, command.header.user_ref)
    terms.executed = 0
    engine.order_ref_last += 1
    reference = engine.order_ref_last
    event_write(event, EVENT_ACCEPTED, <uint8_t>(terms.traits >> TRAIT_EVENT_SHIFT) & EVENT_SELL,
                ORDER_STATE_LIVE, <uint8_t>terms.traits, left, reference, 0, terms.price,
                terms.slot)
    if aggressor_crosses(book, terms.sell, terms.limit_key):
        engine.events_count = 1
        left = plain_trade(engine, book, terms.sell, terms.limit_key, left)
        event = engine.events
        count = engine.events_count
        if iron_unlikely(engine.is_stopped):
            engine.is_stopped = False
            plain_hold(engine, book, command, reference, left)
            left = 0
    if left:
        plain_leave_or_rest(engine, book, &terms, reference, left, event + count)
        count += 1
    else:
        event_mark_last(event + count - 1)
    engine.events_count = count
    if iron_unlikely(book.followers):
        events_withdraw(engine)
        book_settle_more(engine, book)
    return STATUS_OK


cdef inline int replace_plain(Engine* engine, ReplaceOrder* command) noexcept nogil:
    """Of a displayed order without a Special by one that rests at once and looks the same; of a
    record without options. NOT_PLAIN, and nothing has happened: as one of any kind."""
    cdef Session* session = &engine.sessions[command.header.session]
    cdef uint32_t unit, place, traits
    cdef Order* order
    cdef Book* book
    cdef PlainTerms terms
    if iron_unlikely(command.orig_user_ref >> engine.limits.user_ref_bits):
        return STATUS_IGNORED
    unit = engine.arena.slots[engine_slot(engine, command.header.session, command.orig_user_ref)]
    if unit == 0 or iron_unlikely(command.header.user_ref <= session.user_ref_last):
        return STATUS_IGNORED
    order = order_at(&engine.arena, unit)
    if iron_unlikely(order.ref_side & ORDER_SPECIAL):
        return NOT_PLAIN
    place = queued_place(engine, order)
    book = place_book(engine, place)
    traits = (iron_side_traits[order_side(order)] + iron_time_traits[command.time_in_force]
              + iron_display_traits[command.display] + TRAIT_SHARE)
    if iron_unlikely((traits >> TRAIT_PLAIN_SHIFT & session.is_plain & book.is_plain) == 0
                     or place_kind(place) != KIND_SHOWN):
        return NOT_PLAIN
    if iron_unlikely(not terms_fit(book, traits, command.quantity, command.price, &terms)
                     or command.quantity <= order.executed
                     or engine.order_ref_last >= ORDER_REF_MAX):
        return NOT_PLAIN
    if iron_unlikely(terms.traits & TRAIT_IMMEDIATE
                     or (order.ref_side ^ terms.traits) & ORDER_ATTRIBUTED
                     or aggressor_crosses(book, terms.sell, terms.limit_key)):
        return NOT_PLAIN
    if iron_unlikely(not session_enters(engine, session, command.header.user_ref)):
        return NOT_PLAIN
    command.header.instrument = place >> SIDE_SHIFT
    command.open_before = order.quantity
    terms.quantity = command.quantity - order.executed
    terms.executed = order.executed
    terms.slot = engine_slot(engine, command.header.session, command.header.user_ref)
    engine.order_ref_last += 1
    event_write(engine.events, EVENT_REPLACED,
                RECORD_LAST | <uint8_t>(terms.traits >> TRAIT_EVENT_SHIFT), ORDER_STATE_LIVE,
                <uint8_t>terms.traits, terms.quantity, engine.order_ref_last, order_ref(order),
                terms.price, terms.slot)
    engine.events_count = 1
    engine.arena.slots[order.slot] = 0
    book_unlink(&engine.arena, book, place_side(place), unit)
    plain_rest(engine, book, &terms, unit, engine.order_ref_last, terms.quantity)
    if iron_unlikely(book.followers):
        events_withdraw(engine)
        book_settle_more(engine, book)
    return STATUS_OK
