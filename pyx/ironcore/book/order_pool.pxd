# The arena that orders and price levels live in, and the flat table from which an order is found.
#
# One array of 16-byte units with 32-bit indices: an order is two units, a level is one. Orders and
# levels begin alike, with the links of a circular list, so that a level is the sentinel of its own
# queue and neither joining nor leaving it asks whether the neighbour is an order or the level.
#
#   unit 0           nothing: index 0 means "none"
#   2 .. 2n+1        orders, n = orders_max
#   64 m ..          price level pages of 64 units (price_levels.pxd)

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.base.memory cimport Reservation
from ironcore.book.options cimport Options

cdef enum:
    PAGE_LEVELS = 64
    # A level's total: the quantity of its orders below (2^22 orders of 2^32 - 1 fit 54 bits), and
    # their count above, which goes round at 2^10. How often it has is counted in Arena.rounds.
    TOTAL_COUNT_SHIFT = 54
    ROUND_SHIFT = 10
    # An order's reference shares a word with its side and flags.
    REF_SHIFT = 16
    ORDER_SIDE_MASK = 0xFF           # the OUCH side, 'B' 'S' 'T' 'E'
    ORDER_SPECIAL = 0x100            # it has a Special
    ORDER_ATTRIBUTED = 0x200         # display 'A'
    ORDER_STAYS = 0x400              # good till cancelled: the end of day leaves it
    ORDER_ICEBERG = 0x800            # it came to rest with a reserve

cdef extern from *:
    """
    /* Replenishments need none to be left: 2^22 icebergs have fewer than 2^28. */
    #define ORDER_REF_MAX ((UINT64_C(1) << 48) - 1 - (UINT64_C(1) << 28))
    #define TOTAL_ONE_ORDER (UINT64_C(1) << 54)
    #define TOTAL_QUANTITY_MASK (TOTAL_ONE_ORDER - 1)
    """
    const uint64_t ORDER_REF_MAX
    const uint64_t TOTAL_ONE_ORDER
    const uint64_t TOTAL_QUANTITY_MASK

cdef struct Link:                    # how every order and every level begins
    uint32_t next
    uint32_t prev

cdef struct Level:                   # 16 bytes
    Link link                        # next is the order with the highest priority
    uint64_t total                   # orders << TOTAL_COUNT_SHIFT | open quantity of them all; 0:
                                     # there is none, as no more than one has nothing open

cdef struct Order:                   # 32 bytes
    Link link
    uint32_t quantity                # open; of an iceberg displayed; never 0 in a queue
    uint32_t level                   # unit of the level in whose queue it is; 0: it is parked
    uint64_t ref_side                # order reference << REF_SHIFT | flags and side
    uint32_t slot                    # who owns it: session << user_ref_bits | user_ref
    uint32_t executed                # by this order and those that it replaced

# What only rare orders have, in a table of its own by order number (unit >> 1).
cdef struct Special:                 # 104 bytes
    Options options                  # as entered or inherited; a triggered stop's name no stop
    Link expiry                      # good till time: the other orders of its second, 0 at the ends
    Link peers                       # pegs, trailing stops: the instrument's others, in acceptance
    uint64_t seed_state              # of the next random peak
    uint32_t reserve                 # of an iceberg: open, and not displayed
    uint32_t instrument
    int32_t price                 # as entered
    uint32_t other                   # unit: one cancels the other (rule 21.1); 0: none
    uint8_t time_in_force
    uint8_t display
    uint8_t cross_type
    uint8_t is_under_way             # its turn is to come, or it is in hand (under_way.pxd)

cdef struct Pool:                    # of indices 1 .. n; last in, first out: they stay cached
    uint32_t* free
    uint32_t free_count
    uint32_t fresh                   # the highest index that was ever handed out

cdef struct LevelPage:               # 32 bytes: what the 64 levels of one page have in common
    uint64_t occupied                # one bit a level
    uint64_t with_reserve            # likewise: icebergs there have a reserve
    uint32_t parent                  # node
    uint32_t key_base
    uint32_t side                    # PriceTree.index of the side that it belongs to
    uint32_t crowded                 # of the levels: how many have rounds

cdef struct PriceNode:               # 272 bytes
    uint64_t occupied                # one bit a child
    uint32_t parent                  # node; 0 for a root
    uint32_t index                   # of this node in its parent
    uint32_t child[64]               # nodes, or pages in the lowest nodes; valid where occupied

cdef struct Arena:
    Level* units                     # an order is two of them
    uint64_t* reserves               # by level, where with_reserve: what its icebergs do not show
    uint16_t* rounds                 # by level, where its page is crowded: orders >> ROUND_SHIFT
    Special* specials                # by order number
    uint32_t* slots                  # slot -> unit of the live order, 0 when there is none
    LevelPage* pages                 # by page number: unit >> 6
    PriceNode* nodes
    Pool order_pool
    Pool page_pool
    Pool node_pool
    uint32_t orders_max
    uint32_t orders_live
    uint32_t page_first              # page numbers start after the orders
    uint32_t pages_max
    uint32_t nodes_max
    uint32_t trees_at                # bytes from a PriceLevels to its PriceTree
    uint64_t slots_count

cdef enum:
    ARENA_TABLES = 10
    PAGES_HOT = 1024                 # of price levels, in memory from the start
    NODES_HOT = 2048

# trees_at: how far the books' trees are from their sides (price_levels.pxd). pages_hot: so many
# level pages, PAGES_HOT at least, and twice as many nodes are in memory from the start; the rest is
# reserved (arena_ahead.pxd).
cdef int arena_create(Arena* arena, uint32_t orders_max, uint32_t books_max, uint32_t trees_at,
                      uint32_t pages_hot, uint64_t slots_count) noexcept nogil
cdef void arena_destroy(Arena* arena) noexcept nogil
# What it has reserved: ARENA_TABLES of them.
cdef void arena_tables(const Arena* arena, Reservation* tables) noexcept nogil


cdef inline uint32_t pool_take(Pool* pool) noexcept nogil:
    """The caller knows that one is left: each pool is as large as its users together can need."""
    if pool.free_count:
        pool.free_count -= 1
        return pool.free[pool.free_count]
    pool.fresh += 1
    return pool.fresh


cdef inline void pool_give(Pool* pool, uint32_t index) noexcept nogil:
    pool.free[pool.free_count] = index
    pool.free_count += 1


cdef inline Order* order_at(Arena* arena, uint32_t unit) noexcept nogil:
    return <Order*>&arena.units[unit]


cdef inline Level* level_at(Arena* arena, uint32_t unit) noexcept nogil:
    return &arena.units[unit]


cdef inline Link* link_at(Arena* arena, uint32_t unit) noexcept nogil:
    return &arena.units[unit].link


cdef inline Special* special_at(Arena* arena, uint32_t unit) noexcept nogil:
    return &arena.specials[unit >> 1]


cdef inline uint32_t order_take(Arena* arena) noexcept nogil:
    """A unit for a new order; the caller has seen that orders_live < orders_max."""
    arena.orders_live += 1
    return 2 * pool_take(&arena.order_pool)


cdef inline void order_give(Arena* arena, uint32_t unit) noexcept nogil:
    arena.orders_live -= 1
    pool_give(&arena.order_pool, unit >> 1)


cdef inline uint64_t order_ref(const Order* order) noexcept nogil:
    return order.ref_side >> REF_SHIFT


cdef inline uint8_t order_side(const Order* order) noexcept nogil:
    return <uint8_t>(order.ref_side & ORDER_SIDE_MASK)


cdef inline void queue_append(Arena* arena, uint32_t level, uint32_t unit) noexcept nogil:
    """Join the end of the level's queue: the lowest priority at that price."""
    cdef Link* sentinel = link_at(arena, level)
    cdef Link* link = link_at(arena, unit)
    cdef uint32_t last = sentinel.prev
    link.next = level
    link.prev = last
    link_at(arena, last).next = unit
    sentinel.prev = unit


cdef inline void queue_remove(Arena* arena, uint32_t unit) noexcept nogil:
    cdef Link* link = link_at(arena, unit)
    link_at(arena, link.prev).next = link.next
    link_at(arena, link.next).prev = link.prev
