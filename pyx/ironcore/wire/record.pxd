# The project's own records: what the order ring and the event stream carry, and the journal keeps.
#
# Fixed little-endian layout, natural alignment, sizes asserted at compile time (docs/WIRE.md).
# A frame of the stream holds one command, stamped by the sequencer, followed by the events that it
# caused. A transaction that does not fit one frame goes on in frames that hold events only; the
# last record of the transaction carries RECORD_LAST. Every record starts with type u8, flags u8;
# a command then says its own length, an event is always EVENT_BYTES long.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.base.status cimport Status

cdef enum:
    COMMAND_HEADER_BYTES = 40
    COMMAND_BYTES_MAX = 512          # no command is longer, with all that follows its struct
    EVENT_BYTES = 32
    FRAME_PAYLOAD_BYTES_MAX = 1280   # one frame fits one datagram on any network
    TRANSACTION_EVENTS_FIRST_MIN = 24
    SLOT_NONE = 0xFFFFFFFF
    INSTRUMENT_NONE = 0xFFFFFFFF
    PRICE_INVALID = -0x80000000      # the member's price does not fit the field: always rejected
    PRICE_MARKET = 0x7FFFFFFF        # OUCH 5.0: "market", whatever the instrument's decimals
    PRICE_MARKET_CROSS = 2000000000  # OUCH 5.0: means "market" as well
    PRICE_MAX = 1999999900           # OUCH 5.0: the highest limit price (four decimals: 199,999.99)

cdef enum RecordFlags:
    RECORD_LAST = 1          # last record of its transaction
    EVENT_VISIBLE = 2        # the order concerned was on the visible book
    EVENT_AGGRESSOR_SELL = 4  # EXECUTED: the incoming order sold (the resting one bought)
    EVENT_CROSSES = 8        # REPLACED: the old order leaves the visible book by itself (ITCH D);
                             # the rest of the new one, if any, comes as ADDED. Else: one ITCH U.
    EVENT_SELL = 16          # the side of the order concerned (ADDED, REPLACED, CANCELED, ...)
    EVENT_ATTRIBUTED = 32    # ADDED, REPLENISHED, REPLACED: displayed with attribution (ITCH F)
    EVENT_AT_CLOSE = 64      # EXECUTED: at the closing price, wherever the order rests (ITCH C)

# Commands: type < 128.
cdef enum CommandType:
    COMMAND_STREAM_START = 1
    COMMAND_DEFINE_INSTRUMENT = 2
    COMMAND_DEFINE_SESSION = 3
    COMMAND_SYSTEM_EVENT = 4
    COMMAND_CHANGE_INSTRUMENT = 5    # DefineInstrument of an instrument that is defined
    COMMAND_RETIRE_INSTRUMENT = 6
    COMMAND_SET_STATE = 7
    COMMAND_CLOCK = 8                # the second of the day: expiry, resumption, indicative prices
    COMMAND_BUST_TRADE = 9
    COMMAND_CONTINUE = 10            # the next step of a command that takes several
    COMMAND_SET_END = 11             # within which seconds an auction ends by itself
    COMMAND_DEFINE_TICK_TABLE = 12
    COMMAND_ENTER_ORDER = 16
    COMMAND_REPLACE_ORDER = 17
    COMMAND_CANCEL_ORDER = 18
    COMMAND_MODIFY_ORDER = 19
    COMMAND_MASS_CANCEL = 20
    COMMAND_DISABLE_ORDER_ENTRY = 21
    COMMAND_ENABLE_ORDER_ENTRY = 22
    COMMAND_ACCOUNT_QUERY = 23
    COMMAND_CANCEL_SESSION = 24      # cancel on disconnect: every live order of the session
    COMMAND_QUOTE = 32               # quotes of up to 16 instruments
    COMMAND_SET_PROTECTION = 33      # how much may execute of a session's quotes
    COMMAND_RESET_PROTECTION = 34    # it may quote again

# Events: type >= 128.
cdef enum EventType:
    EVENT_ACCEPTED = 128             # the order was accepted; reason is its state, 'L' or 'D'
    EVENT_REJECTED = 129             # code is the OUCH reject reason
    EVENT_EXECUTED = 130             # order_ref and slot are the resting order's
    EVENT_CANCELED = 131             # quantity is the decrement, reason the OUCH reason; other: low
                                     # 32 bits what is left; high 32 bits 0, or instrument id + 1
                                     # where it is not the command's (mass and session cancels)
    EVENT_REPLACED = 132             # order_ref is the new reference, other the old one
    EVENT_ADDED = 133                # the rest of the order now rests on the visible book
    EVENT_MODIFIED = 134             # quantity is what is open now, other the decrement
    EVENT_MASS_CANCEL_RESPONSE = 135
    EVENT_ORDER_ENTRY_DISABLED = 136
    EVENT_ORDER_ENTRY_ENABLED = 137
    EVENT_ACCOUNT_QUERY_RESPONSE = 138   # quantity is the next UserRefNum
    EVENT_INSTRUMENT_DEFINED = 139
    EVENT_SESSION_DEFINED = 140
    EVENT_SYSTEM = 141
    EVENT_REPLENISHED = 142          # an iceberg shows its next peak; other: old reference
    EVENT_REDUCED = 143              # the displayed part of an iceberg shrank: what the public sees
    EVENT_ACTIVATED = 144            # this order (a stop, a peg) is the aggressor from here on
    EVENT_CROSSED = 145              # one side of an execution in an auction; other: match number
    EVENT_CROSS = 146                # an auction: order_ref is its volume
    EVENT_INDICATIVE = 147
    EVENT_STATE_CHANGED = 148        # reason is the state; quantity the four characters of why
    EVENT_COLLARS = 149              # order_ref is upper << 32 | lower, price the reference
    EVENT_BROKEN = 150               # a bust trade; other: match number
    EVENT_INSTRUMENT_CHANGED = 151
    EVENT_INSTRUMENT_RETIRED = 152
    EVENT_INSTRUMENT_NEXT = 153      # slot is the instrument of the events behind it, in the place
                                     # of the command's
    EVENT_END_SET = 154              # order_ref is the last second << 32 | the first
    EVENT_CANCEL_REJECTED = 155      # the order may not be cancelled or reduced now
    EVENT_QUOTED = 160               # an entry of a QUOTE takes effect; quantity is its index
    EVENT_QUOTE_REJECTED = 161       # it does not: reason is why
    EVENT_PROTECTION_SET = 162       # reason 0, or why it is not
    EVENT_PROTECTION_REACHED = 163   # order_ref, quantity and other are what was executed
    EVENT_PROTECTION_RESET = 164

cdef struct CommandHeader:           # 40 bytes
    uint8_t type
    uint8_t flags
    uint16_t record_bytes            # whole record, a multiple of 8
    uint32_t session                 # venue session id; 0 is the venue itself
    uint64_t time_ns                 # stamped by the sequencer: ns since the UNIX epoch
    uint64_t source_sequence         # frame of the order ring that it came in; 0: the venue's own
    uint32_t user_ref                # OUCH UserRefNum
    uint32_t instrument              # instrument id, INSTRUMENT_NONE when the symbol is unknown;
                                     # where the member names an order only (cancel, modify,
                                     # replace), the engine fills in the order's when it applies
                                     # the command
    uint16_t source                  # order source that it came from, in the configuration's order
                                     # from 1; 0: the venue's own. source_sequence counts within it
    uint16_t reserved
    uint32_t account                 # whose money it moves; 0: not said

cdef struct EnterOrder:              # 80 bytes; with options an OrderOptions behind it (136)
    CommandHeader header
    uint32_t quantity
    int32_t price                    # with the instrument's decimals, as every price and quantity
    uint8_t side                     # OUCH 'B' 'S' 'T' 'E'
    uint8_t time_in_force            # OUCH '0' '3' ...
    uint8_t display
    uint8_t capacity
    uint8_t iso
    uint8_t cross_type
    uint8_t reserved[2]
    char client_order_id[20]         # the member's own name for it; zeros or spaces: none
    uint8_t reserved_end[4]

cdef struct ReplaceOrder:            # 80 bytes, options as above; header.user_ref is the new one
    CommandHeader header
    uint32_t quantity                # total liability of the chain: executed and open
    int32_t price
    uint32_t orig_user_ref
    uint32_t open_before             # of the order that it replaces; the engine fills it in where
                                     # it fills in header.instrument
    uint8_t time_in_force
    uint8_t display
    uint8_t iso
    uint8_t reserved
    char client_order_id[20]         # of the new order

cdef struct CancelOrder:             # 72 bytes
    CommandHeader header
    uint32_t quantity                # intended total size, 0 cancels all
    uint8_t reason                   # OUCH cancel reason; 0: the member's own wish
    uint8_t reserved[3]
    char client_order_id[20]         # of this request
    uint8_t reserved_end[4]

cdef struct ModifyOrder:             # 48 bytes
    CommandHeader header
    uint32_t quantity                # intended total size
    uint8_t side                     # the new one
    uint8_t reserved[3]

cdef struct MassCancel:              # 56 bytes; header.instrument counts with symbol_given
    CommandHeader header
    uint16_t group                   # counts with group_given
    uint8_t group_given
    uint8_t side                     # counts with side_given
    uint8_t side_given
    uint8_t symbol_given
    uint8_t firm_given               # the member named its firm
    uint8_t scope                    # 0 the session, 1 all sessions of its firm
    uint8_t reason                   # OUCH cancel reason; 0: the member's own wish
    uint8_t reserved[7]

# DISABLE_ORDER_ENTRY and ENABLE_ORDER_ENTRY.
cdef struct EntrySwitch:             # 48 bytes
    CommandHeader header
    uint8_t firm_given               # the member named its firm
    uint8_t reserved[7]

cdef struct AccountQuery:            # 40 bytes
    CommandHeader header

cdef struct CancelSession:           # 48 bytes
    CommandHeader header
    uint8_t reason                   # OUCH cancel reason; 0: 'Z', by the system
    uint8_t reserved[7]

cdef enum:
    QUOTE_ENTRIES_MAX = 16           # of one QUOTE

cdef struct QuoteEntry:              # 24 bytes; a quantity of 0: nothing on that side
    uint32_t instrument
    int32_t bid_price
    uint32_t bid_quantity            # what is to be open, whatever has been executed
    int32_t ask_price
    uint32_t ask_quantity
    uint32_t reserved

cdef struct Quote:                   # 64 bytes, and 24 for each further entry; entry i takes the
    CommandHeader header             # numbers header.user_ref + 2 i (bid) and + 2 i + 1 (ask)
    QuoteEntry entries[1]

cdef struct SetProtection:           # 64 bytes; of header.session, in header.instrument
    CommandHeader header
    uint64_t volume_max              # executed of the quotes, in a window; each limit 0: none
    uint64_t delta_max               # bought less sold, or sold less bought
    uint32_t executions_max
    uint32_t window_seconds          # 0: from RESET_PROTECTION on

cdef struct ResetProtection:         # 40 bytes; likewise
    CommandHeader header

cdef struct StreamStart:             # 80 bytes
    CommandHeader header
    char stream_name[10]             # MoldUDP64 and SoupBinTCP session
    uint16_t version                 # of this record layout: RECORD_VERSION
    uint32_t instruments_max
    uint64_t midnight_ns             # UNIX ns of the midnight from which ITCH and OUCH times count
    uint32_t orders_max              # live orders, all books together
    uint32_t sessions_max
    uint32_t user_ref_bits           # slot = session << user_ref_bits | user_ref
    uint32_t step_actions_max        # rule 18.1: of one step; 0: every command is one step

cdef struct TickBand:                # 8 bytes
    int32_t price_from            # from this price on
    uint32_t tick_size            # prices are multiples of this

cdef enum:
    TICK_BANDS_MAX = 24              # of one table
    TICK_TABLES_MAX = 256            # of one stream

cdef struct DefineTickTable:         # 240 bytes; a table never changes
    CommandHeader header
    uint32_t tick_table              # its id, 1-based and dense
    uint32_t bands_count
    TickBand bands[24]               # the first one from price 0 on; behind the last one zeros

# Also CHANGE_INSTRUMENT.
cdef struct DefineInstrument:        # 104 bytes; header.instrument is the id, 0-based and dense
    CommandHeader header
    char symbol[8]                   # padded with spaces
    uint32_t tick_size               # 0: those of the tick table
    uint32_t lot_size
    int32_t price_min
    int32_t price_max
    uint32_t quantity_max
    int32_t reference_price       # 0: none
    uint16_t static_collar_bp        # basis points, each 0: none
    uint16_t dynamic_collar_bp
    uint16_t auction_collar_bp
    uint16_t entry_collar_bp
    uint16_t market_protection_bp
    uint16_t pause_seconds           # a pause ends by itself after these; 0: it does not
    uint8_t post_only_mode           # 0 reject, 1 reprice
    uint8_t initial_state            # 0: continuous
    uint8_t auction_extensions_max
    uint8_t allocation               # Allocation
    uint16_t followers_max           # rule 4.14: live pegs and stops; 0: 256
    uint16_t min_quantity_max        # likewise orders with MinQty
    uint8_t price_decimals           # 0 to 9: prices are integers of 1/10^price_decimals
    uint8_t quantity_decimals        # likewise quantities; neither ever changes
    uint16_t pause_random_seconds    # a pause may last so much longer, as CLOCK's draw decides
    uint32_t tick_table              # id of the one that it has; 0: none, but a tick_size
    uint32_t allocation_min          # pro-rata: a share below it is none; 0: each whole lot counts

cdef struct DefineSession:           # 96 bytes; header.session is the id, 1-based and dense
    CommandHeader header
    char username[16]                # padded with spaces, as the firms
    char firm[8]
    char clearing_firm[8]            # that settles for the firm; blank: the firm itself
    uint8_t cancel_on_disconnect
    uint8_t stp_mode                 # 'N' 'O' 'B' 'D' '-'; 0 is '-'
    uint8_t protocol                 # of its gateway (docs/WIRE.md); 0: a program's session
    uint8_t reserved
    uint32_t stp_group               # sessions of one group do not trade with one another; 0: none
    uint8_t reserved_money[16]       # for a check of the account's money

cdef struct SystemEventCommand:      # 48 bytes
    CommandHeader header
    uint8_t event_code               # ITCH 'O' 'S' 'Q' 'M' 'E' 'C'
    uint8_t reserved[7]

cdef struct RetireInstrument:        # 48 bytes; header.instrument
    CommandHeader header
    uint8_t reserved[8]

cdef struct SetState:                # 48 bytes; header.instrument
    CommandHeader header
    uint8_t state                    # InstrumentState
    uint8_t force                    # not 0: no extension of an auction beyond its collar
    uint8_t reserved[2]
    char reason[4]                   # ITCH trading action reason, padded with spaces

cdef struct ClockCommand:            # 48 bytes; header.instrument: the first that resumed, or
    CommandHeader header             # INSTRUMENT_NONE; the engine fills it in
    uint32_t second                  # of the day
    uint16_t force                   # not 0: part of the stream though nothing is due with it
    uint16_t draw                    # a random number, where an end depends on one (rule 13.11)

cdef struct BustTrade:               # 64 bytes; header.instrument
    CommandHeader header
    uint64_t match_number
    uint32_t slots[2]                # of the two orders; 0: none
    uint8_t reason                   # OUCH broken trade reason
    uint8_t reserved[7]

cdef struct ContinueCommand:         # 48 bytes; the engine fills all of it in: the session, the
    CommandHeader header             # user_ref and the instrument are of the command that goes on,
    uint8_t continued                # which is of this type
    uint8_t firm_given               # as a MASS_CANCEL that goes on says
    uint8_t symbol_given
    uint8_t reserved[5]

cdef struct SetEnd:                  # 64 bytes; header.instrument
    CommandHeader header
    uint32_t second_first            # of the day: the auction ends with none before it,
    uint32_t second_last             # and with this one at the latest
    uint32_t no_cancel_seconds       # before second_first, in which members cannot cancel; 0: none
    uint32_t extension_seconds       # of an extension (rule 14.9); 0: it has no end by itself
    uint8_t state                    # InstrumentState that follows
    uint8_t force                    # as of SetState
    uint8_t reserved[2]
    char reason[4]                   # as of SetState

cdef enum InstrumentState:
    STATE_CLOSED = 67                # 'C'
    STATE_PRE_OPEN = 66              # 'B'
    STATE_OPENING_AUCTION = 79       # 'O'
    STATE_CONTINUOUS = 84            # 'T'
    STATE_HALTED = 72                # 'H'
    STATE_PAUSED = 80                # 'P'
    STATE_QUOTE_ONLY = 81            # 'Q'
    STATE_CLOSING_AUCTION = 76       # 'L'
    STATE_RETIRED = 82               # 'R'
    STATE_TRADE_AT_CLOSE = 88        # 'X'

cdef enum Allocation:                # of what is displayed at one price: docs/MATCHING_RULES.md, 19
    ALLOCATION_PRICE_TIME = 0
    ALLOCATION_PRO_RATA = 1
    ALLOCATION_SIZE_TIME = 2

cdef struct Event:                   # 32 bytes
    uint8_t type
    uint8_t flags
    uint8_t reason
    uint8_t side                     # OUCH side of the order concerned, where it matters
    uint32_t quantity
    uint64_t order_ref               # the venue's reference: dense from 1
    uint64_t other                   # match number, old reference, what is left: see EventType
    int32_t price
    uint32_t slot                    # owner of the order concerned; REJECTED: the reject code

cdef enum:
    RECORD_VERSION = 3

# A record in a frame; data is 8-byte aligned when the frame is.
cdef struct RecordView:
    uint8_t type
    uint8_t flags
    uint16_t bytes
    const uint8_t* data

# The size of a command of this type without options; 0 for an unknown type.
cdef size_t record_command_bytes(uint8_t command_type) noexcept nogil
cdef bint record_is_event(uint8_t record_type) noexcept nogil
# One whole command, `bytes` long: STATUS_OK, STATUS_TRUNCATED (record_bytes reaches further),
# STATUS_MALFORMED (a size that its type does not have), STATUS_TOO_LARGE or STATUS_UNKNOWN_TYPE.
cdef Status record_check_command(const uint8_t* command, size_t bytes) noexcept nogil
# The record at *offset (start with 0), which moves on behind it. STATUS_EMPTY at the end; otherwise
# *offset stays, with the statuses of record_check_command.
cdef Status record_next(const uint8_t* frame, size_t bytes, size_t* offset,
                        RecordView* out) noexcept nogil
# A frame of the stream: a command may come first only, RECORD_LAST last only, and it is not empty.
cdef Status record_check_frame(const uint8_t* frame, size_t bytes) noexcept nogil


cdef inline bint record_is_known_event(uint8_t record_type) noexcept nogil:
    return (EVENT_ACCEPTED <= record_type <= EVENT_CANCEL_REJECTED
            or EVENT_QUOTED <= record_type <= EVENT_PROTECTION_RESET)
