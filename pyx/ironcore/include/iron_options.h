/* The options of an order. One line declares an option, for the record of an order, the engine,
 * OUCH's appendage, the library's rows and the clients: what they have in common is made from these
 * lines. docs/EXTENDING.md has the recipe for one more. */
#ifndef IRON_OPTIONS_H
#define IRON_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define IRON_KEPT 1    /* a replacement that does not name it keeps the old order's */
#define IRON_DROPPED 0 /* it is the replacement's alone */

/* Type in records, name there, name in OUCH, OUCH's tag, bytes and kind, the value where it is not
 * named, and what a replacement does with it. Kinds: u unsigned, i signed, c a character, a text, p
 * a price, which is -1 in a record where it is too high for one.
 *
 * The line's place is its bit in `named`. The fields leave no gap: each stands at a multiple of its
 * width, and before it stand 4 bytes and the fields above. */
#define IRON_FOR_OPTIONS(OPTION)                                                                   \
    OPTION(uint32_t, min_quantity, MinQty, 3, 4, 'u', 0, IRON_KEPT)                                \
    OPTION(uint64_t, reserve_seed, ReserveSeed, 133, 8, 'u', 0, IRON_KEPT)                         \
    OPTION(uint32_t, max_floor, MaxFloor, 5, 4, 'u', 0, IRON_KEPT)                                 \
    OPTION(uint32_t, random_reserves, RandomReserves, 13, 4, 'u', 0, IRON_KEPT)                    \
    OPTION(int32_t, peg_offset, PegOffset, 7, 4, 'i', 0, IRON_KEPT)                                \
    OPTION(uint32_t, expire_second, ExpireTime, 15, 4, 'u', 0, IRON_KEPT)                          \
    OPTION(int32_t, stop_price, StopPrice, 128, 8, 'p', 0, IRON_KEPT)                              \
    OPTION(uint32_t, trail_offset, TrailOffset, 129, 4, 'u', 0, IRON_KEPT)                         \
    OPTION(uint32_t, oco_ref, OcoRef, 135, 4, 'u', 0, IRON_DROPPED)                                \
    OPTION(uint16_t, group, GroupID, 24, 2, 'u', 0, IRON_KEPT)                                     \
    OPTION(uint8_t, price_type, PriceType, 6, 1, 'c', 'L', IRON_KEPT)                              \
    OPTION(uint8_t, post_only, PostOnly, 12, 1, 'c', 'N', IRON_KEPT)                               \
    OPTION(uint8_t, stp_mode, SelfTradePrevention, 130, 1, 'c', 0, IRON_KEPT)                      \
    OPTION(uint8_t, new_side, Side, 27, 1, 'c', 0, IRON_DROPPED)

/* Known, and refused wherever they are named (rule 4.9): a record says that they were, and has no
 * value. Name, name in OUCH, tag, bytes and kind. Their bits follow those of the options. */
#define IRON_FOR_REFUSED_OPTIONS(OPTION)                                                           \
    OPTION(discretion_price, DiscretionPrice, 9, 8, 'p')                                           \
    OPTION(route, Route, 14, 4, 'a')

/* What else an appendage of OUCH 5.0 may have, as OUCH names it. Nothing of it is in a record, but
 * for GroupID, Side and Scope of a mass cancel; replies have two of them. Scope is this venue's
 * own. */
#define IRON_FOR_OTHER_TAGS(TAG)                                                                   \
    TAG(SecondaryOrdRefNum, 1, 8, 'u')                                                             \
    TAG(Firm, 2, 4, 'a')                                                                           \
    TAG(CustomerType, 4, 1, 'c')                                                                   \
    TAG(DiscretionPriceType, 10, 1, 'c')                                                           \
    TAG(DiscretionPegOffset, 11, 4, 'i')                                                           \
    TAG(TradeNow, 16, 1, 'c')                                                                      \
    TAG(HandleInst, 17, 1, 'c')                                                                    \
    TAG(BBOWeightIndicator, 18, 1, 'c')                                                            \
    TAG(DisplayQuantity, 22, 4, 'u')                                                               \
    TAG(DisplayPrice, 23, 8, 'p')                                                                  \
    TAG(SharesLocated, 25, 1, 'c')                                                                 \
    TAG(LocateBroker, 26, 4, 'a')                                                                  \
    TAG(UserRefIdx, 28, 1, 'u')                                                                    \
    TAG(Scope, 134, 1, 'c')

/* All tags alike: name, tag, bytes and kind. */
#define IRON_OPTION_TAG(type, name, ouch, tag, bytes, kind, value, kept)                           \
    IRON_TAG(ouch, tag, bytes, kind)
#define IRON_REFUSED_TAG(name, ouch, tag, bytes, kind) IRON_TAG(ouch, tag, bytes, kind)
#define IRON_FOR_TAGS                                                                              \
    IRON_FOR_OPTIONS(IRON_OPTION_TAG)                                                              \
    IRON_FOR_REFUSED_OPTIONS(IRON_REFUSED_TAG)                                                     \
    IRON_FOR_OTHER_TAGS(IRON_TAG)

enum iron_option_number {
#define IRON_NUMBER(type, name, ouch, tag, bytes, kind, value, kept) IRON_NUMBER_##name,
#define IRON_REFUSED_NUMBER(name, ouch, tag, bytes, kind) IRON_NUMBER_##name,
    IRON_FOR_OPTIONS(IRON_NUMBER) IRON_FOR_REFUSED_OPTIONS(IRON_REFUSED_NUMBER) IRON_OPTIONS_COUNT
};

/* Bits of `named`. */
enum iron_option_named {
#define IRON_BIT(type, name, ouch, tag, bytes, kind, value, kept)                                  \
    IRON_NAMED_##name = 1u << IRON_NUMBER_##name,
#define IRON_REFUSED_BIT(name, ouch, tag, bytes, kind)                                             \
    IRON_NAMED_##name = 1u << IRON_NUMBER_##name,
    IRON_FOR_OPTIONS(IRON_BIT) IRON_FOR_REFUSED_OPTIONS(IRON_REFUSED_BIT)
#define IRON_KEPT_BIT(type, name, ouch, tag, bytes, kind, value, kept)                             \
    | (kept ? IRON_NAMED_##name : 0u)
    IRON_NAMED_KEPT = 0u IRON_FOR_OPTIONS(IRON_KEPT_BIT),
    IRON_NAMED_ALL = (1u << IRON_OPTIONS_COUNT) - 1
};

#define IRON_OPTIONS_BYTES 56
#define IRON_WIDTH(type, name, ouch, tag, bytes, kind, value, kept) -sizeof(type)
#define IRON_FIELD(type, name, ouch, tag, bytes, kind, value, kept) type name;

/* As it stands behind an order's record; of the engine's own, what is not named has its default. */
struct iron_order_options {
    uint32_t named;
    IRON_FOR_OPTIONS(IRON_FIELD)
    uint8_t reserved[IRON_OPTIONS_BYTES - 4 IRON_FOR_OPTIONS(IRON_WIDTH)];
};
_Static_assert(sizeof(struct iron_order_options) == IRON_OPTIONS_BYTES, "options have gaps");

/* Each field that is not named gets its default, and the reserved bytes 0. */
static inline void iron_options_complete(struct iron_order_options *options) {
#define IRON_COMPLETE(type, name, ouch, tag, bytes, kind, value, kept)                             \
    if (!(options->named & IRON_NAMED_##name))                                                     \
        options->name = value;
    IRON_FOR_OPTIONS(IRON_COMPLETE)
    memset(options->reserved, 0, sizeof options->reserved);
}

/* What a replacement does not name is as it was. */
static inline void iron_options_inherit(struct iron_order_options *options,
                                        const struct iron_order_options *old) {
#define IRON_INHERIT(type, name, ouch, tag, bytes, kind, value, kept)                              \
    if (kept && !(options->named & IRON_NAMED_##name))                                             \
        options->name = old->name;
    IRON_FOR_OPTIONS(IRON_INHERIT)
    options->named |= old->named & IRON_NAMED_KEPT;
}

/* Names, besides what is named, every field that is not 0. */
static inline void iron_options_name(struct iron_order_options *options) {
#define IRON_NAME(type, name, ouch, tag, bytes, kind, value, kept)                                 \
    options->named |= options->name != 0 ? IRON_NAMED_##name : 0;
    IRON_FOR_OPTIONS(IRON_NAME)
}

/* Values of an appendage by the index of their tags; bit n of `present` stands for values[n].
 * OUCH's own tags are their own index, the venue's begin at 32. */
#define IRON_TAG_INDEX(tag) ((tag) < 128 ? (tag) : (tag) - 128 + 32)
#define IRON_TAG_BIT(tag) (UINT64_C(1) << IRON_TAG_INDEX(tag))
#define IRON_TAG_VALUES 64

/* Every tag once, with its length and its number. */
#define IRON_OPTION_BYTES(type, name, ouch, tag, bytes, kind, value, kept) +2 + bytes
#define IRON_REFUSED_BYTES(name, ouch, tag, bytes, kind) +2 + bytes
#define IRON_OTHER_BYTES(ouch, tag, bytes, kind) +2 + bytes
enum {
    IRON_APPENDAGE_BYTES_MAX = 0 IRON_FOR_OPTIONS(IRON_OPTION_BYTES)
        IRON_FOR_REFUSED_OPTIONS(IRON_REFUSED_BYTES) IRON_FOR_OTHER_TAGS(IRON_OTHER_BYTES)
};

/* Into a record's field and back. */
static inline uint64_t iron_option_from_wire(char kind, uint64_t value, uint64_t price_max) {
    return kind == 'p' && value > price_max ? UINT64_MAX : value;
}

static inline void iron_options_from_tags(struct iron_order_options *options, uint64_t present,
                                          const uint64_t *values, uint64_t price_max) {
    memset(options, 0, sizeof *options);
#define IRON_FROM_TAG(type, name, ouch, tag, bytes, kind, value, kept)                             \
    if (present & IRON_TAG_BIT(tag)) {                                                             \
        options->named |= IRON_NAMED_##name;                                                       \
        options->name = (type)iron_option_from_wire(kind, values[IRON_TAG_INDEX(tag)], price_max); \
    }
#define IRON_REFUSED_FROM_TAG(name, ouch, tag, bytes, kind)                                        \
    options->named |= present & IRON_TAG_BIT(tag) ? IRON_NAMED_##name : 0;
    IRON_FOR_OPTIONS(IRON_FROM_TAG)
    IRON_FOR_REFUSED_OPTIONS(IRON_REFUSED_FROM_TAG)
}

/* The tags that are present then. */
static inline uint64_t iron_options_to_tags(const struct iron_order_options *options,
                                            uint64_t *values) {
    uint64_t present = 0;
#define IRON_TO_TAG(type, name, ouch, tag, bytes, kind, value, kept)                               \
    if (options->named & IRON_NAMED_##name) {                                                      \
        present |= IRON_TAG_BIT(tag);                                                              \
        values[IRON_TAG_INDEX(tag)] = (uint64_t)options->name;                                     \
    }
    IRON_FOR_OPTIONS(IRON_TO_TAG)
    return present;
}

#endif
