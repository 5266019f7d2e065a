# What the events of a book have said so far, order by order, in a flat table by order reference.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.engine.engine cimport Engine
from ironcore.wire.record cimport CommandHeader

cdef enum:
    LEDGER_REFS_MAX = 65536          # order references of one input
    LEDGER_LIVE_MAX = 256            # the fuzzer's largest orders_max, and one that trades

cdef enum EntryFlags:
    ENTRY_LIVE = 1
    ENTRY_HIDDEN = 2                 # by its display: never visible
    ENTRY_SHOWN = 4                  # on the visible book
    ENTRY_ICEBERG = 8                # came to rest with a reserve
    ENTRY_SELL = 16

cdef struct Entry:
    uint32_t open
    uint32_t shown                   # of these displayed, while it is on the visible book
    uint32_t executed                # by it and those that it replaced
    uint32_t slot
    int32_t limit_price                 # as entered, perhaps a market price
    int32_t price                 # where it rests
    uint32_t arrival                 # at its place on the visible book; counts up
    uint32_t live_at                 # its index in Ledger.live
    uint16_t instrument
    uint8_t flags                    # EntryFlags

cdef struct Ledger:
    Entry* entries                   # by order reference, LEDGER_REFS_MAX of them
    uint32_t* live                   # references of the live orders, in no order
    uint32_t live_count
    uint64_t reference_last
    uint64_t match_last
    uint32_t arrivals
    # Of the command whose events are read:
    const CommandHeader* command
    const Engine* engine
    uint64_t aggressor               # who executes against the book now, and up to which price
    int32_t aggressor_limit
    uint64_t used_up                 # the iceberg that must be replenished next, or 0
    Entry* vanished                  # a dead iceberg of which REDUCED must speak next, or NULL
    int32_t auction_price
    uint64_t auction_left            # volume of the auction that is not executed yet
    uint32_t pair_quantity           # of the CROSSED whose sell is to come, or 0
    uint32_t cancelled               # orders
    uint32_t quote_entry             # of the last QUOTED
    uint32_t quote_slot              # of its bid
    bint is_protected                # PROTECTION_REACHED has come: quotes may leave
    bint was_in_auction              # before the command in hand
    # Of all commands since none waited for a step:
    uint32_t cancelled_in_steps
    bint is_full                     # more references than it can hold: it looks no further

cdef void ledger_open(Ledger* ledger) noexcept nogil
# Forget everything, for another engine.
cdef void ledger_restart(Ledger* ledger) noexcept nogil
# The events of a command that was OK, in engine.events; iron_assert when they contradict what was
# said before. The command is as it was handed in.
cdef void ledger_read(Ledger* ledger, const Engine* engine,
                      const CommandHeader* command) noexcept nogil
# The engine's orders are those of the ledger, and have the quantities and prices that it was told.
cdef void ledger_compare(const Ledger* ledger, Engine* engine) noexcept nogil
