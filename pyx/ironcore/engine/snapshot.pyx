"""A core's whole state as bytes, and back."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from ironcore.base.builtins cimport iron_lowest_bit
from ironcore.book.auction_end cimport AuctionEnd
from ironcore.book.book cimport Book
from ironcore.engine.auctions.auction_state cimport AuctionDue
from ironcore.engine.engine cimport WORKS_MAX, Engine, EngineLimits, Session, Work
from ironcore.book.order_pool cimport (
    ORDER_SPECIAL, PAGE_LEVELS, Arena, Level, LevelPage, Link, Order, Pool, PriceNode, Special,
    order_at, special_at,
)
from ironcore.engine.pending_work cimport work_at, work_last
from ironcore.engine.quotes.session_quotes cimport QUOTES_MAX, Protection, SessionQuotes
from ironcore.engine.used_numbers cimport session_block
from ironcore.book.options cimport SECONDS_A_DAY
from ironcore.wire.checksum cimport crc32c
from ironcore.book.price_grid cimport TickTable
from ironcore.wire.record cimport RECORD_VERSION, SLOT_NONE, TICK_TABLES_MAX

cdef enum:
    SNAPSHOT_VERSION = 13            # also of what structs mean that keep their sizes
    EXPIRY_END = 0xFFFFFFFF

cdef struct SnapshotHeader:          # 64 bytes
    char magic[8]
    uint32_t version
    uint32_t record_version
    uint32_t struct_bytes[5]         # of what is held as it is
    uint32_t checksum                # CRC-32C of the limits and of what follows
    uint64_t body_bytes
    EngineLimits limits

cdef enum Mode:
    MODE_COUNT
    MODE_SAVE
    MODE_LOAD

cdef struct Cursor:
    uint8_t* at                      # COUNT: NULL
    uint64_t bytes_done
    uint64_t bytes_max               # LOAD
    Mode mode
    bint is_sound


cdef void _block(Cursor* cursor, void* memory, uint64_t byte_count) noexcept nogil:
    """The next bytes of the snapshot are those of this memory."""
    if cursor.mode == MODE_LOAD and (not cursor.is_sound
                                     or byte_count > cursor.bytes_max - cursor.bytes_done):
        cursor.is_sound = False
        return
    if cursor.mode == MODE_LOAD:
        memcpy(memory, cursor.at + cursor.bytes_done, byte_count)
    elif cursor.mode == MODE_SAVE:
        memcpy(cursor.at + cursor.bytes_done, memory, byte_count)
    cursor.bytes_done += byte_count


cdef void _adopt_pointers(Engine* loaded, const Engine* engine) noexcept nogil:
    """The tables stay where they are in the core that is filled, and its own limit holds."""
    cdef Arena* arena = &loaded.arena
    loaded.events = engine.events
    loaded.events_base = engine.events_base
    loaded.events_count = 0
    loaded.books = engine.books
    loaded.sessions = engine.sessions
    loaded.expiry = engine.expiry
    loaded.collected = engine.collected
    loaded.block_next = engine.block_next
    loaded.works_lasts = engine.works_lasts
    loaded.ends = engine.ends
    loaded.auctions = engine.auctions
    loaded.tick_tables = engine.tick_tables
    loaded.quotes = engine.quotes
    loaded.dry_run_steps_max = engine.dry_run_steps_max
    loaded.allocation_orders_max = engine.allocation_orders_max
    arena.units = engine.arena.units
    arena.reserves = engine.arena.reserves
    arena.rounds = engine.arena.rounds
    arena.specials = engine.arena.specials
    arena.slots = engine.arena.slots
    arena.pages = engine.arena.pages
    arena.nodes = engine.arena.nodes
    arena.order_pool.free = engine.arena.order_pool.free
    arena.page_pool.free = engine.arena.page_pool.free
    arena.node_pool.free = engine.arena.node_pool.free


cdef bint _counts_fit(const Engine* loaded, const Engine* engine) noexcept nogil:
    cdef const Arena* arena = &loaded.arena
    return (memcmp(&loaded.limits, &engine.limits, sizeof(EngineLimits)) == 0
            and loaded.books_count <= loaded.limits.instruments_max
            and loaded.sessions_count <= loaded.limits.sessions_max
            and loaded.tick_tables_count <= TICK_TABLES_MAX
            and arena.page_first == engine.arena.page_first
            and arena.pages_max == engine.arena.pages_max
            and arena.nodes_max == engine.arena.nodes_max
            and arena.slots_count == engine.arena.slots_count
            and loaded.block_shift == engine.block_shift
            and loaded.works_first < WORKS_MAX and loaded.works_count <= WORKS_MAX
            and loaded.busy_first <= loaded.books_count
            and loaded.busy_last <= loaded.books_count
            and loaded.auctions_first <= loaded.books_count
            and loaded.auctions_last <= loaded.books_count
            and arena.order_pool.fresh <= engine.arena.orders_max
            and arena.order_pool.free_count <= arena.order_pool.fresh
            and arena.page_pool.fresh >= arena.page_first - 1
            and arena.page_pool.fresh < arena.page_first + arena.pages_max
            and arena.page_pool.free_count <= arena.pages_max
            and arena.node_pool.fresh <= arena.nodes_max
            and arena.node_pool.free_count <= arena.node_pool.fresh)


cdef void _scalars(Cursor* cursor, Engine* engine) noexcept nogil:
    """The counts and limits, by which the rest is read."""
    cdef Engine loaded = engine[0]
    _block(cursor, &loaded, sizeof(Engine))
    if cursor.mode == MODE_LOAD and cursor.is_sound:
        cursor.is_sound = _counts_fit(&loaded, engine)
        if cursor.is_sound:
            _adopt_pointers(&loaded, engine)
            engine[0] = loaded


cdef void _books(Cursor* cursor, Engine* engine) noexcept nogil:
    """With the tick tables first, which stand at the same place from every book."""
    cdef uint32_t index
    _block(cursor, engine.tick_tables, engine.tick_tables_count * <uint64_t>sizeof(TickTable))
    _block(cursor, engine.books, engine.books_count * <uint64_t>sizeof(Book))
    _block(cursor, engine.ends, engine.books_count * <uint64_t>sizeof(AuctionEnd))
    _block(cursor, engine.auctions, engine.books_count * <uint64_t>sizeof(AuctionDue))
    for index in range(engine.books_count):
        if engine.books[index].grid.tick_table > engine.tick_tables_count:
            cursor.is_sound = False


cdef void _pool(Cursor* cursor, Pool* pool) noexcept nogil:
    _block(cursor, pool.free, pool.free_count * <uint64_t>sizeof(uint32_t))


cdef void _reserves(Cursor* cursor, Arena* arena) noexcept nogil:
    """Of the levels that have one."""
    cdef uint32_t page
    cdef uint64_t levels, level
    for page in range(arena.page_first, arena.page_pool.fresh + 1):
        levels = arena.pages[page].with_reserve
        while levels:
            level = <uint64_t>page * PAGE_LEVELS + iron_lowest_bit(levels)
            _block(cursor, &arena.reserves[level], sizeof(uint64_t))
            levels &= levels - 1


cdef void _rounds(Cursor* cursor, Arena* arena) noexcept nogil:
    """Of the pages with a level that has so many orders."""
    cdef uint32_t page
    for page in range(arena.page_first, arena.page_pool.fresh + 1):
        if arena.pages[page].crowded:
            _block(cursor, &arena.rounds[<uint64_t>page * PAGE_LEVELS],
                   PAGE_LEVELS * sizeof(uint16_t))


cdef void _arena(Cursor* cursor, Arena* arena) noexcept nogil:
    cdef uint64_t orders = arena.order_pool.fresh
    cdef uint64_t pages = arena.page_pool.fresh + 1 - arena.page_first
    _pool(cursor, &arena.order_pool)
    _pool(cursor, &arena.page_pool)
    _pool(cursor, &arena.node_pool)
    _block(cursor, order_at(arena, 2), orders * sizeof(Order))
    _block(cursor, &arena.units[<uint64_t>arena.page_first * PAGE_LEVELS],
           pages * PAGE_LEVELS * sizeof(Level))
    _block(cursor, &arena.pages[arena.page_first], pages * sizeof(LevelPage))
    _block(cursor, arena.nodes, (<uint64_t>arena.node_pool.fresh + 1) * sizeof(PriceNode))
    _reserves(cursor, arena)
    _rounds(cursor, arena)


cdef void _orders(Cursor* cursor, Arena* arena) noexcept nogil:
    """What rare orders have besides, and which slot leads to each order: none to one that is free,
    whose memory says what it said last."""
    cdef uint32_t number, unit, slot
    for number in range(1, arena.order_pool.fresh + 1):
        unit = 2 * number
        if order_at(arena, unit).ref_side & ORDER_SPECIAL:
            _block(cursor, special_at(arena, unit), sizeof(Special))
        slot = order_at(arena, unit).slot
        if cursor.mode != MODE_LOAD and arena.slots[slot] != unit:
            slot = SLOT_NONE
        _block(cursor, &slot, sizeof(slot))
        if cursor.mode == MODE_LOAD and slot != SLOT_NONE:
            if not cursor.is_sound or slot >= arena.slots_count:
                cursor.is_sound = False
                return
            arena.slots[slot] = unit


cdef void _expiry(Cursor* cursor, Link* expiry) noexcept nogil:
    """The seconds at which orders expire."""
    cdef uint32_t second = 0
    while cursor.is_sound:
        if cursor.mode != MODE_LOAD:
            while second < SECONDS_A_DAY and expiry[second].next == 0:
                second += 1
            if second == SECONDS_A_DAY:
                second = EXPIRY_END
        _block(cursor, &second, sizeof(second))
        if second == EXPIRY_END:
            return
        if second >= SECONDS_A_DAY:
            cursor.is_sound = False
            return
        _block(cursor, &expiry[second], sizeof(Link))
        second += 1


cdef void _numbers(Cursor* cursor, Engine* engine, Session* session) noexcept nogil:
    """The blocks of numbers in which a session may have orders: each leads to a later one."""
    cdef uint32_t block = session_block(engine, session, 0)
    cdef uint32_t last = session_block(engine, session, session.user_ref_last)
    cdef uint32_t following
    cdef bint sweep_is_met = session.sweep == 0
    cursor.is_sound = cursor.is_sound and session.user_ref_last >> engine.limits.user_ref_bits == 0
    while cursor.is_sound and block != last:
        sweep_is_met = sweep_is_met or session.sweep == block
        following = engine.block_next[block]
        _block(cursor, &following, sizeof(following))
        cursor.is_sound = cursor.is_sound and following > block and following <= last
        if cursor.is_sound:
            engine.block_next[block] = following
            block = following
    cursor.is_sound = cursor.is_sound and sweep_is_met


cdef void _works(Cursor* cursor, Engine* engine) noexcept nogil:
    """The last numbers that mass cancels which wait concern, of the sessions to come."""
    cdef uint32_t index
    cdef const Work* work
    for index in range(engine.works_count):
        work = work_at(engine, index)
        cursor.is_sound = (cursor.is_sound and work.session <= work.session_end
                           and work.session_end <= engine.sessions_count + 1)
        if cursor.is_sound:
            _block(cursor, work_last(engine, work, work.session),
                   (work.session_end - work.session) * sizeof(uint32_t))


cdef void _quotes(Cursor* cursor, Engine* engine) noexcept nogil:
    """Where the quotes of each session are, and how they are protected."""
    cdef uint32_t session, count, place
    cdef SessionQuotes* quotes
    for session in range(1, engine.sessions_count + 1):
        quotes = &engine.quotes[session]
        count = quotes.count
        _block(cursor, &count, sizeof(count))
        if not cursor.is_sound or count > QUOTES_MAX:
            cursor.is_sound = False
            return
        quotes.count = count
        _block(cursor, quotes.instruments, count * sizeof(uint32_t))
        _block(cursor, quotes.slots, count * 2 * sizeof(uint32_t))
        _block(cursor, quotes.protections, count * sizeof(Protection))
        for place in range(count):
            cursor.is_sound = (cursor.is_sound
                               and quotes.instruments[place] < engine.books_count
                               and quotes.slots[place][0] < engine.arena.slots_count
                               and quotes.slots[place][1] < engine.arena.slots_count)


cdef bint _walk(Cursor* cursor, Engine* engine) noexcept nogil:
    """One order of everything, whichever way the bytes go."""
    cdef uint32_t session
    _scalars(cursor, engine)
    if not cursor.is_sound:
        return False
    _books(cursor, engine)
    _block(cursor, engine.sessions, (engine.sessions_count + <uint64_t>1) * sizeof(Session))
    for session in range(1, engine.sessions_count + 1):
        _numbers(cursor, engine, &engine.sessions[session])
    _arena(cursor, &engine.arena)
    if cursor.is_sound:
        _orders(cursor, &engine.arena)
    _expiry(cursor, engine.expiry)
    _works(cursor, engine)
    if cursor.is_sound:
        _quotes(cursor, engine)
    return cursor.is_sound


cdef void _head(SnapshotHeader* header, const EngineLimits* limits) noexcept nogil:
    memcpy(header.magic, b"ironbook", sizeof(header.magic))
    header.version = SNAPSHOT_VERSION
    header.record_version = RECORD_VERSION
    header.struct_bytes = [sizeof(Engine), sizeof(Book), sizeof(Session), sizeof(Special),
                           sizeof(PriceNode)]
    header.checksum = 0
    header.body_bytes = 0
    header.limits = limits[0]


cdef uint32_t _checksum(const SnapshotHeader* header, const uint8_t* body,
                        uint64_t body_bytes) noexcept nogil:
    cdef uint32_t of_limits = crc32c(0, <const uint8_t*>&header.limits, sizeof(EngineLimits))
    return crc32c(of_limits, body, body_bytes)


cdef uint64_t snapshot_bytes(Engine* engine) noexcept nogil:
    cdef Cursor cursor = Cursor(at=NULL, bytes_done=0, bytes_max=0, mode=MODE_COUNT, is_sound=True)
    _walk(&cursor, engine)
    return sizeof(SnapshotHeader) + cursor.bytes_done


cdef uint64_t snapshot_save(Engine* engine, uint8_t* out) noexcept nogil:
    cdef SnapshotHeader header
    cdef Cursor cursor = Cursor(at=out + sizeof(SnapshotHeader), bytes_done=0, bytes_max=0,
                                mode=MODE_SAVE, is_sound=True)
    _walk(&cursor, engine)
    _head(&header, &engine.limits)
    header.body_bytes = cursor.bytes_done
    header.checksum = _checksum(&header, cursor.at, cursor.bytes_done)
    memcpy(out, &header, sizeof(header))
    return sizeof(header) + cursor.bytes_done


cdef bint snapshot_check(const uint8_t* saved, uint64_t byte_count,
                         EngineLimits* limits) noexcept nogil:
    cdef SnapshotHeader header, expected
    if byte_count < sizeof(header):
        return False
    memcpy(&header, saved, sizeof(header))
    _head(&expected, &header.limits)
    expected.checksum = _checksum(&header, saved + sizeof(header), byte_count - sizeof(header))
    expected.body_bytes = byte_count - sizeof(header)
    limits[0] = header.limits
    return memcmp(&header, &expected, sizeof(header)) == 0


cdef bint snapshot_load(Engine* engine, const uint8_t* saved, uint64_t byte_count) noexcept nogil:
    cdef Cursor cursor = Cursor(
        at=<uint8_t*>saved + sizeof(SnapshotHeader), bytes_done=0,
        bytes_max=byte_count - sizeof(SnapshotHeader), mode=MODE_LOAD, is_sound=True)
    return _walk(&cursor, engine) and cursor.bytes_done == cursor.bytes_max
