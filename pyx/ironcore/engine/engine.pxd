# What the matching core keeps, and how its parts find it: limits, sessions, books, events.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.book.auction_end cimport AuctionEnd
from ironcore.book.book cimport Book, event_write
from ironcore.book.order_pool cimport Arena, Link
from ironcore.book.price_grid cimport TickTable
from ironcore.engine.auctions.auction_state cimport Auction, AuctionDue
from ironcore.engine.quotes.session_quotes cimport SessionQuotes
from ironcore.wire.record cimport (
    COMMAND_REPLACE_ORDER, CommandHeader, Event, MassCancel, ReplaceOrder,
)

cdef enum:
    ENGINE_INSTRUMENTS_MAX = 65535   # ITCH's stock locate is 16 bits wide and 0 means "none"
    ENGINE_ORDERS_MAX = 4194303      # a level counts its orders in 22 bits
    ENGINE_EVENTS_AN_ORDER = 96      # rule 16.2: what one command may cause for each live order
    ENGINE_EVENTS_AN_INSTRUMENT = 8  # likewise for each instrument
    ENGINE_EVENTS_EXTRA = 320        # and besides
    ENGINE_EVENTS_HELD = 256         # that a batch lets gather before it copies them
    ENGINE_BLOCK_SHIFT_MAX = 6       # 64 slots are 256 bytes: a block is seen to be empty at once
    DRY_RUN_STEPS_MAX = 4096         # rules 10.9 and 14.10: orders or levels a command counts
    NOT_PLAIN = -1                   # no status: a short path is not for this command
    WORKS_MAX = 64                   # commands that wait for their next step (rule 18.5)

cdef struct EngineLimits:            # what is allocated at start; STREAM_START has to say the same
    uint32_t instruments_max         # ids 0 .. instruments_max - 1
    uint32_t sessions_max            # ids 1 .. sessions_max
    uint32_t orders_max              # orders that rest at one time, all books together
    uint32_t user_ref_bits           # slot = session << user_ref_bits | user_ref

cdef struct Session:                 # 32 bytes
    uint32_t user_ref_last           # the highest UserRefNum that was consumed
    uint32_t stp_group               # 0: none
    uint8_t stp_mode                 # StpMode
    uint8_t entry_disabled
    uint8_t cancel_on_disconnect
    uint8_t is_preventing            # it has a group and a mode
    uint8_t is_plain                 # it may enter orders, and prevents nothing (session_classify)
    uint8_t reserved[3]
    char firm[8]
    uint32_t user_ref_end            # the first number behind the block of user_ref_last
    uint32_t sweep                   # 0, or the block behind which used_numbers.pyx goes on

cdef struct Work:                    # a command of which steps are left (pending_work.pxd)
    MassCancel command               # or as much of another one as says what is to be done
    uint32_t cancelled               # by the steps before
    bint is_begun                    # a step was made
    # Of a mass cancel, or the cancel of a session.
    uint32_t session                 # in hand; they go up
    uint32_t session_end             # behind the last one
    uint32_t block_before            # NumberBlocks, and the number to go on with
    uint32_t block
    uint32_t slot
    # Of an instrument whose orders leave.
    uint32_t place                   # where Engine.leaving_next is (book_orders.pyx)

cdef struct Engine:                  # the first three fields are for others to read
    Event* events                    # what the last command caused; the last one has RECORD_LAST
    uint32_t events_count            # 0 is possible (STREAM_START): the caller marks the command
    uint32_t events_max              # no command can cause more
    Book* books
    Session* sessions
    uint32_t books_count
    uint32_t sessions_plain          # sessions_count; 0 while work waits, orders expire, an auction
                                     # is in progress, or orders of an instrument cannot be
                                     # cancelled: no command is plain then
    uint64_t order_ref_last
    uint64_t match_number_last
    EngineLimits limits
    Arena arena
    Link* expiry                     # by second of the day: first and last order, 0 when none
    uint32_t expiry_first            # no order expires before this second
    uint32_t second_next             # the first second that CLOCK has not reached
    uint32_t days                    # that have begun by SYSTEM 'O'
    bint started
    bint is_expiring                 # steps are left of it (18.13): nothing executes until then
    uint32_t* collected              # room for the slots of all orders of a book
    uint32_t* block_next             # by block of numbers: its session's next one in use, or 0
    uint32_t block_shift             # of a slot, to its block
    uint64_t in_auction[1024]        # one bit an instrument: INDICATIVE is said for it
    uint64_t commands_unchecked      # to come before invariants are checked again; debug builds
    uint32_t pegs_left_first         # within a command: number of a book whose pegs are left, or 0
    uint32_t pegs_left_last          # and of the last such one
    uint32_t pegs_priced[16]         # within a step: numbers of the last books whose pegs were
                                     # priced; QUOTE_ENTRIES_MAX, as only a QUOTE comes back to one
    uint32_t pegs_priced_count       # more than 16 with more books
    Event* events_base               # where events is, but while a batch holds those before
    uint32_t dry_run_steps           # that the command in hand has counted
    uint32_t dry_run_steps_max       # DRY_RUN_STEPS_MAX; tests have a smaller one
    uint32_t allocation_orders_max   # ALLOCATION_ORDERS_MAX; likewise
    uint32_t indicate_next           # instrument that the next CLOCK's INDICATIVE begin with
    uint32_t sessions_count
    uint32_t step_actions_max        # rule 18.1, of STREAM_START; 0: every command is one step
    uint64_t step_actions            # that the step in hand has counted
    uint32_t step_blocks_left        # of numbers, that it may look at
    uint32_t works_first             # the one whose steps come next
    uint32_t works_count             # that wait
    uint32_t leaving_next            # unit of the order that its next step begins with, or 0
    Work works[64]                   # in a circle
    uint32_t busy_first              # number of the book whose next step comes first, or 0
    uint32_t busy_last
    uint32_t executions_max          # of a plain order in one step
    bint works_are_next              # with the next CONTINUE, if there are busy books too
    bint is_stopped                  # a plain order, as the step is over
    uint32_t* works_lasts            # by place in it and session: the last number concerned, or 0
    AuctionEnd* ends                 # by instrument
    uint32_t ends_random             # that CLOCK draws for
    uint32_t ends_holding            # during which members cannot cancel
    AuctionDue* auctions             # by instrument
    uint32_t auctions_first          # number of the book whose auction is in progress, or 0
    uint32_t auctions_last           # and of the last one that has one to come
    uint32_t auctions_closing        # of them close their instrument: each has a place of works
    Auction auction                  # the first of them
    TickTable* tick_tables           # by id - 1; behind the books (PriceGrid.table_at)
    uint32_t tick_tables_count
    SessionQuotes* quotes            # by session
    uint64_t protection_due          # within a command: number of the first that was reached, or 0
    uint64_t protection_due_last
    uint32_t protections_timed       # that have a window: every second counts then

cdef struct EngineMemory:
    uint64_t reserved_bytes
    uint64_t resident_bytes

# NULL with errno EINVAL for limits out of range, or ENOMEM when the host refuses the reservation.
cdef Engine* engine_create(const EngineLimits* limits) noexcept nogil
cdef void engine_destroy(Engine* engine) noexcept nogil
# The address space of its tables, and how much of it is in memory.
cdef EngineMemory engine_memory(const Engine* engine) noexcept nogil


cdef inline void session_classify(Session* session) noexcept nogil:
    """To be called after every change of what is_plain says."""
    session.is_plain = not session.entry_disabled and not session.is_preventing


cdef inline void engine_emit(Engine* engine, uint8_t type, uint8_t flags, uint8_t reason,
                             uint8_t side, uint32_t quantity, uint64_t order_ref, uint64_t other,
                             int32_t price, uint32_t slot) noexcept nogil:
    event_write(&engine.events[engine.events_count], type, flags, reason, side, quantity,
                order_ref, other, price, slot)
    engine.events_count += 1


cdef inline uint32_t engine_slot(const Engine* engine, uint32_t session,
                                 uint32_t user_ref) noexcept nogil:
    return session << engine.limits.user_ref_bits | user_ref


cdef inline uint32_t* engine_slot_at(Engine* engine, uint64_t session,
                                     uint32_t user_ref) noexcept nogil:
    """Where an order of this session is found; numbers out of range are not refused yet, and index
    0 is there to be touched."""
    cdef uint64_t slot = session << engine.limits.user_ref_bits | user_ref
    return &engine.arena.slots[slot if slot < engine.arena.slots_count else 0]


cdef inline uint32_t* engine_waiting_slot(Engine* engine, const uint8_t* command) noexcept nogil:
    """Where the order is found that a command concerns which still waits in the input; for a new
    order, where it will be. Every kind of command takes the same path, as a branch on the kind
    would be mispredicted more often than touching memory ahead is worth."""
    cdef const CommandHeader* header = <const CommandHeader*>command
    # It has not been checked yet: a record that only says so may end behind its header.
    cdef bint is_replace = (header.type == COMMAND_REPLACE_ORDER
                            and header.record_bytes >= sizeof(ReplaceOrder))
    cdef uint32_t user_ref = (<const ReplaceOrder*>command).orig_user_ref if is_replace \
        else header.user_ref
    return engine_slot_at(engine, header.session, user_ref)
