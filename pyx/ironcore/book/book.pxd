# One instrument's book: its queues of orders by price, and what an order can do to them. It knows
# prices as keys and owners as slots; sessions, UserRefNums and records are the engine's.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.base.builtins cimport iron_word_load, iron_word_store
from ironcore.book.order_pool cimport (
    Arena, Level, Link, Order, level_at, order_at, queue_append, queue_remove,
)
from ironcore.book.price_grid cimport PriceGrid
from ironcore.book.price_levels cimport (
    PriceLevels, PriceTree, level_add_order, level_take_order, levels_leave, levels_take,
)
from ironcore.book.limits cimport InstrumentLimits
from ironcore.wire.record cimport RECORD_LAST, Event

# What an order's queue is for. A level page and a PriceTree say which one they belong to:
# index = instrument << SIDE_SHIFT | kind << KIND_SHIFT | 1 for sells.
cdef enum QueueKind:
    KIND_SHOWN = 0                   # on the visible book
    KIND_HIDDEN = 1
    KIND_STOPS = 2                   # dormant, by stop price: buys from the lowest, sells from the
                                     # highest
    KIND_WAITING = 3                 # for their auction, by limit
    KIND_WAITING_MARKET = 4          # for their auction, market orders: all at key 0
    KIND_PARKED = 5                  # no queue: pegs without a price, trailing stops without one
    KIND_UNDER_WAY = 6               # no queue: their turn is to come, or they are in hand

cdef enum:
    KIND_SHIFT = 1
    SIDE_SHIFT = 4
    SIDE_MASK = 15                   # kind and side
    SIDES_COUNT = 10
    TREES_AT = 320                   # bytes from a side of a book to its tree

cdef struct Book:                    # 832 bytes
    # Most orders look at one line of the sides, of what is displayed, and at one more behind them.
    PriceLevels sides[10]            # by kind << KIND_SHIFT | sell
    PriceTree trees[10]              # of the sides
    # The next 64 bytes are that line.
    InstrumentLimits limits
    uint8_t state                    # InstrumentState
    uint8_t is_plain                 # continuous, by price and time, and neither collar nor
                                     # protection (book_classify)
    uint16_t shown_pegs              # live ones that are displayed where they have a price
    uint32_t followers               # dormant stops and pegs: with none, nothing to settle
    int32_t last_price               # 0, or PRICE_NONE: none
    uint32_t protections             # of sessions' quotes (engine/quotes)
    PriceGrid grid
    # The rest is for rarer orders.
    int32_t reference_price          # 0: none
    int32_t last_before_price           # last_price before the command in hand
    uint16_t static_collar_bp
    uint16_t dynamic_collar_bp
    uint16_t auction_collar_bp
    uint16_t entry_collar_bp
    uint16_t market_protection_bp
    uint16_t pause_seconds
    uint8_t post_only_mode
    uint8_t auction_extensions_max
    uint8_t auction_extensions       # of the auction that is to come
    uint8_t pegs_are_stale           # PegsStale: to be priced whatever the quotes are
    uint32_t peg_keys[2]             # the quotes' keys at which pegs were last priced
    Link pegs                        # first and last, 0 when there is none
    Link trailing                    # stops that trail, likewise
    uint32_t pause_second            # 13.9: the count's start + 1; 0 before it
    int32_t trailed_price            # last price that all stops that trail have followed; 0: none
    uint32_t pegs_left_next          # likewise the next, PEGS_LEFT_END; 0: its pegs are not left
    uint16_t followers_max           # rule 4.14
    uint16_t min_quantity_max
    uint16_t min_quantity_live[2]    # live orders with MinQty: buys, sells
    char symbol[8]
    uint8_t price_decimals           # what the edges say by: the book knows integers
    uint8_t quantity_decimals
    uint8_t allocation               # Allocation, of what is displayed at one price
    # Between two steps of what orders do here (under_way.pxd).
    uint8_t is_busy                  # steps are left
    uint8_t in_hand                  # Hand: whether the first order under way has begun to execute
    uint8_t is_pricing_pegs
    uint8_t is_pricing_shown         # the displayed ones still, which come first
    uint8_t is_pricing_again         # as what follows was priced before in the same settlement
    uint8_t were_pegs_priced         # in the settlement that is not at its end
    uint32_t in_hand_key             # its limit, as Aggressor.limit_key
    Link under_way                   # first and last order, 0 when there is none
    uint32_t busy_next               # number of the next busy book, or 0
    uint32_t peg_next                # while pegs are priced: the one whose turn comes next
    int32_t pegs_last_price          # last_price when that began
    uint32_t allocation_min          # pro-rata: a share below it is none. Books begin with a cache
                                     # line

# The grid is set: empty sides, no state and no price.
cdef void book_create(Arena* arena, Book* book, uint32_t index) noexcept nogil
# The empty book's grid has changed.
cdef void book_reshape(Arena* arena, Book* book, uint32_t index) noexcept nogil
# Sets is_plain; to be called after every change of state, collars, allocation or protections.
cdef void book_classify(Book* book) noexcept nogil
cdef bint book_is_empty(const Book* book) noexcept nogil


cdef inline void book_note_last(Book* book) noexcept nogil:
    """A command begins. Between two steps, those in between do not."""
    if not book.is_busy:
        book.last_before_price = book.last_price


cdef inline uint32_t book_key(const PriceGrid* grid, uint32_t sell, uint32_t tick) noexcept nogil:
    """The key of a price, given as its tick, on the buy (0) or the sell (1) side: the tick, or
    ticks_count - 1 - tick, without a branch."""
    cdef uint32_t flipped = sell - 1
    return (tick ^ flipped) + (grid.ticks_count & flipped)


cdef inline void book_queue(Arena* arena, Book* book, uint32_t side, uint32_t key,
                            uint32_t unit) noexcept nogil:
    """Put an order, its quantity set, behind all others at its key. Of displayed orders: for hidden
    ones there is more to note (book_queue_any). side is kind << 1 | sell."""
    cdef Order* order = order_at(arena, unit)
    cdef uint32_t level = levels_take(arena, &book.sides[side], key)
    order.level = level
    queue_append(arena, level, unit)
    level_add_order(arena, level, order.quantity)


cdef inline void book_unlink(Arena* arena, Book* book, uint32_t side, uint32_t unit) noexcept nogil:
    """Take an order out of its queue; its unit stays the caller's."""
    cdef Order* order = order_at(arena, unit)
    cdef Level* level = level_at(arena, order.level)
    queue_remove(arena, unit)
    level_take_order(arena, order.level, order.quantity)
    if level.total == 0:
        levels_leave(arena, &book.sides[side], order.level)
        if side >> KIND_SHIFT == KIND_HIDDEN:
            book.sides[side & 1].hidden_key = book.sides[side].best_key


cdef inline void book_queue_any(Arena* arena, Book* book, uint32_t side, uint32_t key,
                                uint32_t unit) noexcept nogil:
    book_queue(arena, book, side, key, unit)
    if side >> KIND_SHIFT == KIND_HIDDEN:
        book.sides[side & 1].hidden_key = book.sides[side].best_key


cdef inline void book_reduce(Arena* arena, Order* order, uint32_t decrement) noexcept nogil:
    """Less than all of the order; it keeps its priority."""
    order.quantity -= decrement
    level_at(arena, order.level).total -= decrement


cdef inline void event_write(Event* event, uint8_t type, uint8_t flags, uint8_t reason,
                             uint8_t side, uint32_t quantity, uint64_t order_ref, uint64_t other,
                             int32_t price, uint32_t slot) noexcept nogil:
    cdef char* words = <char*>event
    iron_word_store(words, type | <uint64_t>flags << 8 | <uint64_t>reason << 16
                    | <uint64_t>side << 24 | <uint64_t>quantity << 32)
    iron_word_store(words + 8, order_ref)
    iron_word_store(words + 16, other)
    iron_word_store(words + 24, <uint32_t>price | <uint64_t>slot << 32)


cdef inline void event_mark_last(Event* event) noexcept nogil:
    cdef char* words = <char*>event
    iron_word_store(words, iron_word_load(words) | RECORD_LAST << 8)


cdef inline void event_unmark_last(Event* event) noexcept nogil:
    cdef char* words = <char*>event
    iron_word_store(words, iron_word_load(words) & ~(<uint64_t>RECORD_LAST << 8))


cdef inline void event_copy(Event* event, const Event* other) noexcept nogil:
    """By words, as it was written: other has perhaps only just been."""
    cdef char* to = <char*>event
    cdef const char* words = <const char*>other
    cdef uint64_t first = iron_word_load(words)
    cdef uint64_t second = iron_word_load(words + 8)
    cdef uint64_t third = iron_word_load(words + 16)
    cdef uint64_t fourth = iron_word_load(words + 24)
    iron_word_store(to, first)
    iron_word_store(to + 8, second)
    iron_word_store(to + 16, third)
    iron_word_store(to + 24, fourth)
