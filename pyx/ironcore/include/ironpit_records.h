/* The records of the matching core: commands and events, docs/WIRE.md and docs/MATCHING_RULES.md.
 *
 * Little-endian, naturally aligned, every size and offset asserted. Prices and quantities are
 * integers, with the decimals of their instrument. Included by ironpit_core.h.
 */
#ifndef IRONPIT_RECORDS_H
#define IRONPIT_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define IRONPIT_ASSERT(condition, sentence) static_assert(condition, sentence)
#else
#define IRONPIT_ASSERT(condition, sentence) _Static_assert(condition, sentence)
#endif
#define IRONPIT_SIZE(type, bytes) IRONPIT_ASSERT(sizeof(struct type) == (bytes), "size of " #type)
#define IRONPIT_AT(type, field, offset) \
    IRONPIT_ASSERT(offsetof(struct type, field) == (offset), #type "." #field)

enum { IRONPIT_RECORD_VERSION = 3, IRONPIT_COMMAND_BYTES_MAX = 512 };

#define IRONPIT_INSTRUMENT_NONE UINT32_C(0xFFFFFFFF)
#define IRONPIT_SLOT_NONE UINT32_C(0xFFFFFFFF)
#define IRONPIT_PRICE_MARKET INT32_C(0x7FFFFFFF) /* an order without a price */
#define IRONPIT_PRICE_MAX INT32_C(1999999900)

enum ironpit_command_type {
    IRONPIT_COMMAND_STREAM_START = 1,
    IRONPIT_COMMAND_DEFINE_INSTRUMENT = 2,
    IRONPIT_COMMAND_DEFINE_SESSION = 3,
    IRONPIT_COMMAND_SYSTEM_EVENT = 4,
    IRONPIT_COMMAND_CHANGE_INSTRUMENT = 5,
    IRONPIT_COMMAND_RETIRE_INSTRUMENT = 6,
    IRONPIT_COMMAND_SET_STATE = 7,
    IRONPIT_COMMAND_CLOCK = 8,
    IRONPIT_COMMAND_BUST_TRADE = 9,
    IRONPIT_COMMAND_CONTINUE = 10,
    IRONPIT_COMMAND_SET_END = 11,
    IRONPIT_COMMAND_DEFINE_TICK_TABLE = 12,
    IRONPIT_COMMAND_ENTER_ORDER = 16,
    IRONPIT_COMMAND_REPLACE_ORDER = 17,
    IRONPIT_COMMAND_CANCEL_ORDER = 18,
    IRONPIT_COMMAND_MODIFY_ORDER = 19,
    IRONPIT_COMMAND_MASS_CANCEL = 20,
    IRONPIT_COMMAND_DISABLE_ORDER_ENTRY = 21,
    IRONPIT_COMMAND_ENABLE_ORDER_ENTRY = 22,
    IRONPIT_COMMAND_ACCOUNT_QUERY = 23,
    IRONPIT_COMMAND_CANCEL_SESSION = 24,
    IRONPIT_COMMAND_QUOTE = 32,
    IRONPIT_COMMAND_SET_PROTECTION = 33,
    IRONPIT_COMMAND_RESET_PROTECTION = 34
};

enum ironpit_event_type {
    IRONPIT_EVENT_ACCEPTED = 128,
    IRONPIT_EVENT_REJECTED = 129,
    IRONPIT_EVENT_EXECUTED = 130,
    IRONPIT_EVENT_CANCELED = 131,
    IRONPIT_EVENT_REPLACED = 132,
    IRONPIT_EVENT_ADDED = 133,
    IRONPIT_EVENT_MODIFIED = 134,
    IRONPIT_EVENT_MASS_CANCEL_RESPONSE = 135,
    IRONPIT_EVENT_ORDER_ENTRY_DISABLED = 136,
    IRONPIT_EVENT_ORDER_ENTRY_ENABLED = 137,
    IRONPIT_EVENT_ACCOUNT_QUERY_RESPONSE = 138,
    IRONPIT_EVENT_INSTRUMENT_DEFINED = 139,
    IRONPIT_EVENT_SESSION_DEFINED = 140,
    IRONPIT_EVENT_SYSTEM = 141,
    IRONPIT_EVENT_REPLENISHED = 142,
    IRONPIT_EVENT_REDUCED = 143,
    IRONPIT_EVENT_ACTIVATED = 144,
    IRONPIT_EVENT_CROSSED = 145,
    IRONPIT_EVENT_CROSS = 146,
    IRONPIT_EVENT_INDICATIVE = 147,
    IRONPIT_EVENT_STATE_CHANGED = 148,
    IRONPIT_EVENT_COLLARS = 149,
    IRONPIT_EVENT_BROKEN = 150,
    IRONPIT_EVENT_INSTRUMENT_CHANGED = 151,
    IRONPIT_EVENT_INSTRUMENT_RETIRED = 152,
    IRONPIT_EVENT_INSTRUMENT_NEXT = 153, /* slot: the instrument of the events behind it */
    IRONPIT_EVENT_END_SET = 154,         /* order_ref: the last second << 32 | the first */
    IRONPIT_EVENT_CANCEL_REJECTED = 155, /* the order may not be cancelled or reduced now */
    IRONPIT_EVENT_QUOTED = 160,          /* an entry of a QUOTE takes effect */
    IRONPIT_EVENT_QUOTE_REJECTED = 161,
    IRONPIT_EVENT_PROTECTION_SET = 162,
    IRONPIT_EVENT_PROTECTION_REACHED = 163, /* the session's quotes there have left */
    IRONPIT_EVENT_PROTECTION_RESET = 164
};

/* Bits of an event's flags. */
enum ironpit_event_flag {
    IRONPIT_RECORD_LAST = 1, /* the last event of its command */
    IRONPIT_EVENT_VISIBLE = 2,
    IRONPIT_EVENT_AGGRESSOR_SELL = 4,
    IRONPIT_EVENT_CROSSES = 8,
    IRONPIT_EVENT_SELL = 16,
    IRONPIT_EVENT_ATTRIBUTED = 32,
    IRONPIT_EVENT_AT_CLOSE = 64 /* of EXECUTED: at the closing price */
};

/* Commands. Reserved bytes are 0; texts are padded with spaces. */

struct ironpit_header {
    uint8_t type; /* enum ironpit_command_type */
    uint8_t flags;
    uint16_t record_bytes; /* whole record with its options, a multiple of 8 */
    uint32_t session;      /* from 1; 0 in the venue's own commands */
    uint64_t time_ns;      /* not read by the core, nor is source_sequence */
    uint64_t source_sequence;
    uint32_t user_ref;
    uint32_t instrument; /* where a member names an order only, the core fills it in */
    uint16_t source;     /* not read by the core; 0: the venue's own */
    uint16_t reserved;
    uint32_t account; /* 0: not said */
};
IRONPIT_SIZE(ironpit_header, 40);
IRONPIT_AT(ironpit_header, record_bytes, 2);
IRONPIT_AT(ironpit_header, session, 4);
IRONPIT_AT(ironpit_header, time_ns, 8);
IRONPIT_AT(ironpit_header, source_sequence, 16);
IRONPIT_AT(ironpit_header, user_ref, 24);
IRONPIT_AT(ironpit_header, instrument, 28);
IRONPIT_AT(ironpit_header, source, 32);
IRONPIT_AT(ironpit_header, account, 36);

struct ironpit_stream_start { /* the first command, with the limits of `create` */
    struct ironpit_header header;
    char stream_name[10];
    uint16_t version; /* IRONPIT_RECORD_VERSION */
    uint32_t instruments_max;
    uint64_t midnight_ns;
    uint32_t orders_max;
    uint32_t sessions_max;
    uint32_t user_ref_bits;
    uint32_t step_actions_max; /* rule 18.1: of one step; 0: every command is one step */
};
IRONPIT_SIZE(ironpit_stream_start, 80);
IRONPIT_AT(ironpit_stream_start, version, 50);
IRONPIT_AT(ironpit_stream_start, instruments_max, 52);
IRONPIT_AT(ironpit_stream_start, midnight_ns, 56);
IRONPIT_AT(ironpit_stream_start, orders_max, 64);
IRONPIT_AT(ironpit_stream_start, sessions_max, 68);
IRONPIT_AT(ironpit_stream_start, user_ref_bits, 72);
IRONPIT_AT(ironpit_stream_start, step_actions_max, 76);

struct ironpit_tick_band {
    int32_t price_from;
    uint32_t tick_size;
};
IRONPIT_SIZE(ironpit_tick_band, 8);

struct ironpit_define_tick_table { /* a table never changes */
    struct ironpit_header header;
    uint32_t tick_table; /* its id, which counts from 1 */
    uint32_t bands_count; /* 1 to 24 */
    struct ironpit_tick_band bands[24]; /* the first one from price 0 on */
};
IRONPIT_SIZE(ironpit_define_tick_table, 240);
IRONPIT_AT(ironpit_define_tick_table, tick_table, 40);
IRONPIT_AT(ironpit_define_tick_table, bands_count, 44);
IRONPIT_AT(ironpit_define_tick_table, bands, 48);

struct ironpit_define_instrument { /* also CHANGE_INSTRUMENT; header.instrument counts from 0 */
    struct ironpit_header header;
    char symbol[8];
    uint32_t tick_size; /* 0: those of the tick table */
    uint32_t lot_size;
    int32_t price_min;
    int32_t price_max;
    uint32_t quantity_max;
    int32_t reference_price;
    uint16_t static_collar_bp;
    uint16_t dynamic_collar_bp;
    uint16_t auction_collar_bp;
    uint16_t entry_collar_bp;
    uint16_t market_protection_bp;
    uint16_t pause_seconds;
    uint8_t post_only_mode;
    uint8_t initial_state; /* 0: continuous */
    uint8_t auction_extensions_max;
    uint8_t allocation; /* 0 price-time, 1 pro-rata, 2 size-time (section 19) */
    uint16_t followers_max; /* 0: 256 */
    uint16_t min_quantity_max;
    uint8_t price_decimals; /* 0 to 9: prices are integers of 1/10^price_decimals */
    uint8_t quantity_decimals; /* likewise quantities; neither ever changes */
    uint16_t pause_random_seconds; /* a pause may last so much longer (rule 13.9) */
    uint32_t tick_table; /* id of the one that it has; 0: none, but a tick_size */
    uint32_t allocation_min; /* pro-rata: a share below it is none (rule 19.4) */
};
IRONPIT_SIZE(ironpit_define_instrument, 104);
IRONPIT_AT(ironpit_define_instrument, symbol, 40);
IRONPIT_AT(ironpit_define_instrument, tick_size, 48);
IRONPIT_AT(ironpit_define_instrument, lot_size, 52);
IRONPIT_AT(ironpit_define_instrument, price_min, 56);
IRONPIT_AT(ironpit_define_instrument, price_max, 60);
IRONPIT_AT(ironpit_define_instrument, quantity_max, 64);
IRONPIT_AT(ironpit_define_instrument, reference_price, 68);
IRONPIT_AT(ironpit_define_instrument, static_collar_bp, 72);
IRONPIT_AT(ironpit_define_instrument, dynamic_collar_bp, 74);
IRONPIT_AT(ironpit_define_instrument, auction_collar_bp, 76);
IRONPIT_AT(ironpit_define_instrument, entry_collar_bp, 78);
IRONPIT_AT(ironpit_define_instrument, market_protection_bp, 80);
IRONPIT_AT(ironpit_define_instrument, pause_seconds, 82);
IRONPIT_AT(ironpit_define_instrument, post_only_mode, 84);
IRONPIT_AT(ironpit_define_instrument, initial_state, 85);
IRONPIT_AT(ironpit_define_instrument, auction_extensions_max, 86);
IRONPIT_AT(ironpit_define_instrument, allocation, 87);
IRONPIT_AT(ironpit_define_instrument, followers_max, 88);
IRONPIT_AT(ironpit_define_instrument, min_quantity_max, 90);
IRONPIT_AT(ironpit_define_instrument, price_decimals, 92);
IRONPIT_AT(ironpit_define_instrument, quantity_decimals, 93);
IRONPIT_AT(ironpit_define_instrument, pause_random_seconds, 94);
IRONPIT_AT(ironpit_define_instrument, tick_table, 96);
IRONPIT_AT(ironpit_define_instrument, allocation_min, 100);

struct ironpit_define_session { /* header.session counts from 1 */
    struct ironpit_header header;
    char username[16];
    char firm[8];
    char clearing_firm[8]; /* blank: the firm itself */
    uint8_t cancel_on_disconnect;
    uint8_t stp_mode;
    uint8_t protocol; /* 1: OUCH; 0: not said; not read by the core */
    uint8_t reserved;
    uint32_t stp_group;
    uint8_t reserved_money[16];
};
IRONPIT_SIZE(ironpit_define_session, 96);
IRONPIT_AT(ironpit_define_session, username, 40);
IRONPIT_AT(ironpit_define_session, firm, 56);
IRONPIT_AT(ironpit_define_session, clearing_firm, 64);
IRONPIT_AT(ironpit_define_session, cancel_on_disconnect, 72);
IRONPIT_AT(ironpit_define_session, stp_mode, 73);
IRONPIT_AT(ironpit_define_session, protocol, 74);
IRONPIT_AT(ironpit_define_session, stp_group, 76);

struct ironpit_system_event {
    struct ironpit_header header;
    uint8_t event_code;
    uint8_t reserved[7];
};
IRONPIT_SIZE(ironpit_system_event, 48);
IRONPIT_AT(ironpit_system_event, event_code, 40);

struct ironpit_retire_instrument {
    struct ironpit_header header;
    uint8_t reserved[8];
};
IRONPIT_SIZE(ironpit_retire_instrument, 48);

struct ironpit_set_state {
    struct ironpit_header header;
    uint8_t state;
    uint8_t force;
    uint8_t reserved[2];
    char reason[4];
};
IRONPIT_SIZE(ironpit_set_state, 48);
IRONPIT_AT(ironpit_set_state, state, 40);
IRONPIT_AT(ironpit_set_state, force, 41);
IRONPIT_AT(ironpit_set_state, reason, 44);

struct ironpit_clock {
    struct ironpit_header header;
    uint32_t second; /* of the day */
    uint16_t force;  /* not 0: part of the stream though nothing is due with it */
    uint16_t draw;   /* a new random number each time, for ends that depend on one (rule 13.11) */
};
IRONPIT_SIZE(ironpit_clock, 48);
IRONPIT_AT(ironpit_clock, second, 40);
IRONPIT_AT(ironpit_clock, force, 44);
IRONPIT_AT(ironpit_clock, draw, 46);

struct ironpit_set_end { /* rule 13.11: within which seconds an auction ends by itself */
    struct ironpit_header header;
    uint32_t second_first; /* of the day */
    uint32_t second_last;
    uint32_t no_cancel_seconds; /* before second_first, in which members cannot cancel */
    uint32_t extension_seconds; /* of an extension; 0: it has no end by itself */
    uint8_t state;              /* that follows */
    uint8_t force;              /* as in ironpit_set_state */
    uint8_t reserved[2];
    char reason[4];
};
IRONPIT_SIZE(ironpit_set_end, 64);
IRONPIT_AT(ironpit_set_end, second_first, 40);
IRONPIT_AT(ironpit_set_end, second_last, 44);
IRONPIT_AT(ironpit_set_end, no_cancel_seconds, 48);
IRONPIT_AT(ironpit_set_end, extension_seconds, 52);
IRONPIT_AT(ironpit_set_end, state, 56);
IRONPIT_AT(ironpit_set_end, force, 57);
IRONPIT_AT(ironpit_set_end, reason, 60);

struct ironpit_bust_trade {
    struct ironpit_header header;
    uint64_t match_number;
    uint32_t slots[2];
    uint8_t reason;
    uint8_t reserved[7];
};
IRONPIT_SIZE(ironpit_bust_trade, 64);
IRONPIT_AT(ironpit_bust_trade, match_number, 40);
IRONPIT_AT(ironpit_bust_trade, slots, 48);
IRONPIT_AT(ironpit_bust_trade, reason, 56);

struct ironpit_continue { /* rule 18.3; the core fills all of it in but the type and the length */
    struct ironpit_header header;
    uint8_t continued; /* enum ironpit_command_type: of the command that goes on */
    uint8_t firm_given; /* as a MASS_CANCEL that goes on says */
    uint8_t symbol_given;
    uint8_t reserved[5];
};
IRONPIT_SIZE(ironpit_continue, 48);
IRONPIT_AT(ironpit_continue, continued, 40);
IRONPIT_AT(ironpit_continue, firm_given, 41);
IRONPIT_AT(ironpit_continue, symbol_given, 42);

/* What an order asks for besides price and quantity (rule 4.9); it follows the order's struct, and
 * record_bytes count it. What is not named is not looked at. */
struct ironpit_order_options {
    uint32_t named; /* enum ironpit_option_named */
    uint32_t min_quantity;
    uint64_t reserve_seed;
    uint32_t max_floor;
    uint32_t random_reserves;
    int32_t peg_offset;
    uint32_t expire_second;
    int32_t stop_price;
    uint32_t trail_offset;
    uint32_t oco_ref; /* of a live order of the session: one cancels the other (section 21) */
    uint16_t group;
    uint8_t price_type; /* 'L' 'P' 'R' 'M' 'K' 'I' */
    uint8_t post_only;  /* 'P' 'N' */
    uint8_t stp_mode;   /* 'N' 'O' 'B' 'D' '-' */
    uint8_t new_side;   /* of a replacement */
    uint8_t reserved[6];
};
IRONPIT_SIZE(ironpit_order_options, 56);
IRONPIT_AT(ironpit_order_options, reserve_seed, 8);
IRONPIT_AT(ironpit_order_options, stop_price, 32);
IRONPIT_AT(ironpit_order_options, group, 44);
IRONPIT_AT(ironpit_order_options, new_side, 49);

enum ironpit_option_named {
    IRONPIT_NAMED_MIN_QUANTITY = 1,
    IRONPIT_NAMED_RESERVE_SEED = 2,
    IRONPIT_NAMED_MAX_FLOOR = 4,
    IRONPIT_NAMED_RANDOM_RESERVES = 8,
    IRONPIT_NAMED_PEG_OFFSET = 16,
    IRONPIT_NAMED_EXPIRE_SECOND = 32,
    IRONPIT_NAMED_STOP_PRICE = 64,
    IRONPIT_NAMED_TRAIL_OFFSET = 128,
    IRONPIT_NAMED_OCO_REF = 256,
    IRONPIT_NAMED_GROUP = 512,
    IRONPIT_NAMED_PRICE_TYPE = 1024,
    IRONPIT_NAMED_POST_ONLY = 2048,
    IRONPIT_NAMED_STP_MODE = 4096,
    IRONPIT_NAMED_NEW_SIDE = 8192,
    IRONPIT_NAMED_DISCRETION_PRICE = 16384,
    IRONPIT_NAMED_ROUTE = 32768
};

struct ironpit_enter_order { /* an ironpit_order_options may follow */
    struct ironpit_header header;
    uint32_t quantity;
    int32_t price;
    uint8_t side;          /* 'B' 'S' 'T' 'E' */
    uint8_t time_in_force; /* '0' day, '1' good till cancelled, '3' IOC, '4' FOK, '6' till time */
    uint8_t display;       /* 'Y' 'A' 'N' */
    uint8_t capacity;
    uint8_t iso;
    uint8_t cross_type; /* 'N' 'O' 'C' 'H' */
    uint8_t reserved[2];
    char client_order_id[20]; /* the member's own name for it; not read by the core */
    uint8_t reserved_end[4];
};
IRONPIT_SIZE(ironpit_enter_order, 80);
IRONPIT_AT(ironpit_enter_order, quantity, 40);
IRONPIT_AT(ironpit_enter_order, price, 44);
IRONPIT_AT(ironpit_enter_order, side, 48);
IRONPIT_AT(ironpit_enter_order, time_in_force, 49);
IRONPIT_AT(ironpit_enter_order, display, 50);
IRONPIT_AT(ironpit_enter_order, capacity, 51);
IRONPIT_AT(ironpit_enter_order, iso, 52);
IRONPIT_AT(ironpit_enter_order, cross_type, 53);
IRONPIT_AT(ironpit_enter_order, client_order_id, 56);

struct ironpit_replace_order { /* options may follow; header.user_ref is the new number */
    struct ironpit_header header;
    uint32_t quantity; /* of the whole chain: executed and open */
    int32_t price;
    uint32_t orig_user_ref;
    uint32_t open_before; /* of the order that it replaces; the core fills it in */
    uint8_t time_in_force;
    uint8_t display;
    uint8_t iso;
    uint8_t reserved;
    char client_order_id[20];
};
IRONPIT_SIZE(ironpit_replace_order, 80);
IRONPIT_AT(ironpit_replace_order, quantity, 40);
IRONPIT_AT(ironpit_replace_order, price, 44);
IRONPIT_AT(ironpit_replace_order, orig_user_ref, 48);
IRONPIT_AT(ironpit_replace_order, open_before, 52);
IRONPIT_AT(ironpit_replace_order, time_in_force, 56);
IRONPIT_AT(ironpit_replace_order, display, 57);
IRONPIT_AT(ironpit_replace_order, iso, 58);
IRONPIT_AT(ironpit_replace_order, client_order_id, 60);

struct ironpit_cancel_order {
    struct ironpit_header header;
    uint32_t quantity; /* the total size wanted; 0 cancels all */
    uint8_t reason;    /* 0: the member's own wish */
    uint8_t reserved[3];
    char client_order_id[20]; /* of this request */
    uint8_t reserved_end[4];
};
IRONPIT_SIZE(ironpit_cancel_order, 72);
IRONPIT_AT(ironpit_cancel_order, quantity, 40);
IRONPIT_AT(ironpit_cancel_order, reason, 44);
IRONPIT_AT(ironpit_cancel_order, client_order_id, 48);

struct ironpit_modify_order {
    struct ironpit_header header;
    uint32_t quantity; /* the total size wanted */
    uint8_t side;      /* the new one */
    uint8_t reserved[3];
};
IRONPIT_SIZE(ironpit_modify_order, 48);
IRONPIT_AT(ironpit_modify_order, quantity, 40);
IRONPIT_AT(ironpit_modify_order, side, 44);

struct ironpit_mass_cancel {
    struct ironpit_header header; /* its instrument counts with symbol_given */
    uint16_t group;
    uint8_t group_given;
    uint8_t side;
    uint8_t side_given;
    uint8_t symbol_given;
    uint8_t firm_given; /* not read by the core */
    uint8_t scope;      /* 0 the session, 1 all sessions of its firm */
    uint8_t reason;
    uint8_t reserved[7];
};
IRONPIT_SIZE(ironpit_mass_cancel, 56);
IRONPIT_AT(ironpit_mass_cancel, group, 40);
IRONPIT_AT(ironpit_mass_cancel, group_given, 42);
IRONPIT_AT(ironpit_mass_cancel, side, 43);
IRONPIT_AT(ironpit_mass_cancel, side_given, 44);
IRONPIT_AT(ironpit_mass_cancel, symbol_given, 45);
IRONPIT_AT(ironpit_mass_cancel, firm_given, 46);
IRONPIT_AT(ironpit_mass_cancel, scope, 47);
IRONPIT_AT(ironpit_mass_cancel, reason, 48);

struct ironpit_entry_switch { /* DISABLE_ORDER_ENTRY and ENABLE_ORDER_ENTRY */
    struct ironpit_header header;
    uint8_t firm_given; /* not read by the core */
    uint8_t reserved[7];
};
IRONPIT_SIZE(ironpit_entry_switch, 48);
IRONPIT_AT(ironpit_entry_switch, firm_given, 40);

struct ironpit_account_query {
    struct ironpit_header header;
};
IRONPIT_SIZE(ironpit_account_query, 40);

struct ironpit_cancel_session {
    struct ironpit_header header;
    uint8_t reason;
    uint8_t reserved[7];
};
IRONPIT_SIZE(ironpit_cancel_session, 48);
IRONPIT_AT(ironpit_cancel_session, reason, 40);

struct ironpit_quote_entry {
    uint32_t instrument;
    int32_t bid_price;
    uint32_t bid_quantity; /* what is to be open; 0: there is to be no bid */
    int32_t ask_price;
    uint32_t ask_quantity;
    uint32_t reserved;
};
IRONPIT_SIZE(ironpit_quote_entry, 24);
IRONPIT_AT(ironpit_quote_entry, bid_price, 4);
IRONPIT_AT(ironpit_quote_entry, ask_quantity, 16);

struct ironpit_quote {
    struct ironpit_header header; /* user_ref: of the first bid; each side has the next number */
    struct ironpit_quote_entry entries[1]; /* up to 15 more behind it */
};
IRONPIT_SIZE(ironpit_quote, 64);
IRONPIT_AT(ironpit_quote, entries, 40);

struct ironpit_set_protection {
    struct ironpit_header header;
    uint64_t volume_max; /* each limit 0: none */
    uint64_t delta_max;
    uint32_t executions_max;
    uint32_t window_seconds; /* 0: without end */
};
IRONPIT_SIZE(ironpit_set_protection, 64);
IRONPIT_AT(ironpit_set_protection, volume_max, 40);
IRONPIT_AT(ironpit_set_protection, delta_max, 48);
IRONPIT_AT(ironpit_set_protection, executions_max, 56);
IRONPIT_AT(ironpit_set_protection, window_seconds, 60);

struct ironpit_reset_protection {
    struct ironpit_header header;
};
IRONPIT_SIZE(ironpit_reset_protection, 40);

struct ironpit_event {
    uint8_t type;  /* enum ironpit_event_type */
    uint8_t flags; /* enum ironpit_event_flag */
    uint8_t reason;
    uint8_t side;
    uint32_t quantity;
    uint64_t order_ref; /* the venue's: dense from 1 */
    uint64_t other;     /* match number, old reference, what is left: by type */
    int32_t price;
    uint32_t slot; /* session << user_ref_bits | user_ref; REJECTED: the reject reason */
};
IRONPIT_SIZE(ironpit_event, 32);
IRONPIT_AT(ironpit_event, flags, 1);
IRONPIT_AT(ironpit_event, reason, 2);
IRONPIT_AT(ironpit_event, side, 3);
IRONPIT_AT(ironpit_event, quantity, 4);
IRONPIT_AT(ironpit_event, order_ref, 8);
IRONPIT_AT(ironpit_event, other, 16);
IRONPIT_AT(ironpit_event, price, 24);
IRONPIT_AT(ironpit_event, slot, 28);

#endif
