# What an auction has come to between two of its steps (rules 14.1 to 14.11 and 18.14 of
# docs/MATCHING_RULES.md). Orders and levels are said by their units: no pointers, so that all of it
# can be kept in a snapshot.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

cdef enum AuctionPhase:              # what comes next
    AUCTION_DUE = 0                  # it has not begun
    AUCTION_PRICING = 1
    AUCTION_COUNTING = 2             # the imbalance-only orders that the surplus executes with
    AUCTION_PAIRING = 3
    AUCTION_PAIRING_LATE = 4         # these, with the surplus
    AUCTION_ENDING = 5               # what is left of those that waited for it leaves

cdef enum SearchPhase:               # of the price
    SEARCH_PAIRS = 0                 # as far as buys and sells meet
    SEARCH_BEYOND = 1                # the next price of each side
    SEARCH_LIMITS = 2                # all limits, for their mean

cdef struct AuctionPrice:
    uint64_t volume                  # 0: there is no price
    uint64_t imbalance
    int32_t price
    uint32_t tick                    # of that price
    uint8_t side                     # with more quantity: 'B' or 'S'; or one of auction_price.pxd

cdef struct Offers:                  # one side's quantity by price, the best first
    uint32_t sell
    uint32_t levels[3]               # next of those displayed, hidden and waiting; 0 at the end
    uint32_t market_level            # of market orders that are not counted yet, or 0
    uint64_t market_quantity         # theirs, that no price has taken yet
    uint64_t of_market               # of the quantity at the price reached
    int64_t tick                     # of the price reached; beyond the range at the end
    uint64_t quantity                # left there; 0 at the end
    bint is_limit                    # some of what is there has that price as its limit
    bint is_one_by_one               # hidden orders may not take part, so each is looked at
    # On the way to the next price.
    bint is_moving
    uint32_t key                     # of that price; KEY_NONE: it is to be found
    uint32_t index                   # of levels: the queue whose turn it is
    uint32_t unit                    # of an order there: the next one; 0: none was looked at

cdef struct Candidates:              # the prices that are left after volume and imbalance
    int64_t low                      # ticks
    int64_t high
    bint more_buys                   # at some of them more is bought than sold
    bint more_sells
    int64_t buy_tick                 # the first limits of what finds no pair
    int64_t sell_tick
    uint64_t buy_quantity
    uint64_t sell_quantity
    bint buys_are_limited            # some of these have that limit
    bint sells_are_limited
    int64_t pressed                  # the tick that the surplus of one side decides for; -1: none

cdef struct AuctionSearch:
    SearchPhase phase
    uint8_t cross_type
    Offers offers[2]                 # buys, sells
    uint64_t volume
    int64_t low                      # ticks: those of the last pair, or the lowest and the highest
    int64_t high                     # limit
    Candidates candidates

cdef struct AuctionTurn:             # one side's orders that take part, in order of priority
    uint32_t sell
    bint is_late                     # of imbalance-only orders, and no others (14.11)
    uint32_t worst_key               # of those that take part
    uint32_t levels[4]               # next of each kind of queue; 0 at the end
    uint32_t kind                    # of the queue in hand
    uint32_t level                   # the queue in hand
    uint32_t waiting                 # order that follows there, or the level at its end
    bint is_moving                   # to the next order
    uint32_t unit                    # order in hand; 0 at the end
    uint32_t quantity                # what of it is left
    uint32_t other                   # leaves, as the order in hand has executed; 0: none

cdef struct AuctionWaiting:          # the orders that waited for an auction, in order of 14.7
    uint32_t queues_begun            # of four
    uint32_t side                    # of the queue in hand
    uint32_t level
    uint32_t level_next              # there, or 0
    uint32_t unit                    # order that comes next, or the level at its end

cdef struct Auction:                 # the one in progress
    AuctionPhase phase
    uint8_t cross_type
    AuctionSearch search
    AuctionPrice price
    uint64_t late_volume
    AuctionTurn turns[2]             # buys, sells
    AuctionTurn late
    AuctionWaiting waiting
    uint64_t protection_due          # Engine.protection_due, and the last, of the steps so far
    uint64_t protection_due_last

cdef struct AuctionDue:              # of an instrument: the change of state that its auction is for
    uint32_t next                    # number of the book whose auction comes next, or 0
    uint32_t why                     # the four characters of STATE_CHANGED
    uint8_t state                    # that follows; 0: no auction is due or in progress
    uint8_t force
    uint8_t reserved[2]
