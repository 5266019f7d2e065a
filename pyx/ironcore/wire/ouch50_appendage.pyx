"""OUCH 5.0 appendages: the walk over TagValue elements, and the known tags as one struct."""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.status cimport (
    STATUS_EMPTY, STATUS_MALFORMED, STATUS_OK, STATUS_UNKNOWN_TYPE, Status,
)
from ironcore.wire.codec cimport (
    load_u16_be, load_u32_be, load_u64_be, store_u16_be, store_u32_be, store_u64_be,
)
from ironcore.wire.layout cimport Layout


cdef Status ouch50_next_tag(const uint8_t* appendage, size_t bytes, size_t* offset,
                            OuchTag* out) noexcept nogil:
    cdef size_t at = offset[0]
    cdef size_t length
    if at >= bytes:
        return STATUS_EMPTY
    length = appendage[at]
    if length == 0 or length > bytes - at - 1:
        return STATUS_MALFORMED
    out.tag = appendage[at + 1]
    out.value_bytes = <uint8_t>(length - 1)
    out.value = appendage + at + 2
    offset[0] = at + 1 + length
    return STATUS_OK


cdef size_t ouch50_tag_value_bytes(uint8_t tag) noexcept nogil:
    if tag == OUCH50_TAG_SECONDARY_ORD_REF_NUM or tag == OUCH50_TAG_DISCRETION_PRICE \
            or tag == OUCH50_TAG_DISPLAY_PRICE or tag == OUCH50_TAG_STOP_PRICE \
            or tag == OUCH50_TAG_RESERVE_SEED:
        return 8
    if tag == OUCH50_TAG_FIRM or tag == OUCH50_TAG_ROUTE or tag == OUCH50_TAG_LOCATE_BROKER \
            or tag == OUCH50_TAG_MIN_QTY or tag == OUCH50_TAG_MAX_FLOOR \
            or tag == OUCH50_TAG_PEG_OFFSET or tag == OUCH50_TAG_DISCRETION_PEG_OFFSET \
            or tag == OUCH50_TAG_RANDOM_RESERVES or tag == OUCH50_TAG_EXPIRE_TIME \
            or tag == OUCH50_TAG_DISPLAY_QUANTITY or tag == OUCH50_TAG_TRAIL_OFFSET:
        return 4
    if tag == OUCH50_TAG_GROUP_ID:
        return 2
    if tag == OUCH50_TAG_CUSTOMER_TYPE or tag == OUCH50_TAG_PRICE_TYPE \
            or tag == OUCH50_TAG_DISCRETION_PRICE_TYPE or tag == OUCH50_TAG_POST_ONLY \
            or tag == OUCH50_TAG_TRADE_NOW or tag == OUCH50_TAG_HANDLE_INST \
            or tag == OUCH50_TAG_BBO_WEIGHT_INDICATOR or tag == OUCH50_TAG_SHARES_LOCATED \
            or tag == OUCH50_TAG_SIDE or tag == OUCH50_TAG_USER_REF_IDX \
            or tag == OUCH50_TAG_SELF_TRADE_PREVENTION or tag == OUCH50_TAG_SCOPE:
        return 1
    return 0


cdef Status ouch50_check_appendage(const uint8_t* appendage, size_t bytes) noexcept nogil:
    cdef OuchOptions options
    return ouch50_decode_options(appendage, bytes, &options)


cdef void _load_option(const OuchTag* element, OuchOptions* out) noexcept nogil:
    cdef uint8_t tag = element.tag
    cdef const uint8_t* value = element.value
    if tag == OUCH50_TAG_SECONDARY_ORD_REF_NUM:
        out.secondary_ord_ref_num = load_u64_be(value)
    elif tag == OUCH50_TAG_FIRM:
        memcpy(out.firm, value, 4)
    elif tag == OUCH50_TAG_MIN_QTY:
        out.min_qty = load_u32_be(value)
    elif tag == OUCH50_TAG_CUSTOMER_TYPE:
        out.customer_type = value[0]
    elif tag == OUCH50_TAG_MAX_FLOOR:
        out.max_floor = load_u32_be(value)
    elif tag == OUCH50_TAG_PRICE_TYPE:
        out.price_type = value[0]
    elif tag == OUCH50_TAG_PEG_OFFSET:
        out.peg_offset = <int32_t>load_u32_be(value)
    elif tag == OUCH50_TAG_DISCRETION_PRICE:
        out.discretion_price = load_u64_be(value)
    elif tag == OUCH50_TAG_DISCRETION_PRICE_TYPE:
        out.discretion_price_type = value[0]
    elif tag == OUCH50_TAG_DISCRETION_PEG_OFFSET:
        out.discretion_peg_offset = <int32_t>load_u32_be(value)
    elif tag == OUCH50_TAG_POST_ONLY:
        out.post_only = value[0]
    elif tag == OUCH50_TAG_RANDOM_RESERVES:
        out.random_reserves = load_u32_be(value)
    elif tag == OUCH50_TAG_ROUTE:
        memcpy(out.route, value, 4)
    elif tag == OUCH50_TAG_EXPIRE_TIME:
        out.expire_time = load_u32_be(value)
    elif tag == OUCH50_TAG_TRADE_NOW:
        out.trade_now = value[0]
    elif tag == OUCH50_TAG_HANDLE_INST:
        out.handle_inst = value[0]
    elif tag == OUCH50_TAG_BBO_WEIGHT_INDICATOR:
        out.bbo_weight_indicator = value[0]
    elif tag == OUCH50_TAG_DISPLAY_QUANTITY:
        out.display_quantity = load_u32_be(value)
    elif tag == OUCH50_TAG_DISPLAY_PRICE:
        out.display_price = load_u64_be(value)
    elif tag == OUCH50_TAG_GROUP_ID:
        out.group_id = load_u16_be(value)
    elif tag == OUCH50_TAG_SHARES_LOCATED:
        out.shares_located = value[0]
    elif tag == OUCH50_TAG_LOCATE_BROKER:
        memcpy(out.locate_broker, value, 4)
    elif tag == OUCH50_TAG_SIDE:
        out.side = value[0]
    elif tag == OUCH50_TAG_USER_REF_IDX:
        out.user_ref_idx = value[0]
    elif tag == OUCH50_TAG_STOP_PRICE:
        out.stop_price = load_u64_be(value)
    elif tag == OUCH50_TAG_TRAIL_OFFSET:
        out.trail_offset = load_u32_be(value)
    elif tag == OUCH50_TAG_SELF_TRADE_PREVENTION:
        out.self_trade_prevention = value[0]
    elif tag == OUCH50_TAG_RESERVE_SEED:
        out.reserve_seed = load_u64_be(value)
    elif tag == OUCH50_TAG_SCOPE:
        out.scope = value[0]


cdef Status ouch50_decode_options(const uint8_t* appendage, size_t bytes,
                                  OuchOptions* out) noexcept nogil:
    cdef OuchTag element
    cdef size_t offset = 0
    cdef size_t value_bytes
    cdef uint64_t bit
    cdef Status status
    cdef Status result = STATUS_OK
    memset(out, 0, sizeof(OuchOptions))
    while True:
        status = ouch50_next_tag(appendage, bytes, &offset, &element)
        if status == STATUS_EMPTY:
            return result
        if status != STATUS_OK:
            return status
        value_bytes = ouch50_tag_value_bytes(element.tag)
        if value_bytes == 0:
            result = STATUS_UNKNOWN_TYPE
            continue
        bit = ouch50_tag_bit(element.tag)
        if element.value_bytes != value_bytes or out.present & bit:
            return STATUS_MALFORMED
        out.present = out.present | bit
        _load_option(&element, out)


cdef inline size_t _store_head(uint8_t* out, uint8_t tag, size_t value_bytes) noexcept nogil:
    out[0] = <uint8_t>(1 + value_bytes)
    out[1] = tag
    return 2 + value_bytes


cdef inline size_t _store_u8(uint8_t* out, uint8_t tag, uint8_t value) noexcept nogil:
    out[2] = value
    return _store_head(out, tag, 1)


cdef inline size_t _store_u32(uint8_t* out, uint8_t tag, uint32_t value) noexcept nogil:
    store_u32_be(out + 2, value)
    return _store_head(out, tag, 4)


cdef inline size_t _store_u64(uint8_t* out, uint8_t tag, uint64_t value) noexcept nogil:
    store_u64_be(out + 2, value)
    return _store_head(out, tag, 8)


cdef inline size_t _store_text(uint8_t* out, uint8_t tag, const char* value) noexcept nogil:
    memcpy(out + 2, value, 4)
    return _store_head(out, tag, 4)


cdef size_t _store_option(const OuchOptions* o, uint8_t tag, uint8_t* out) noexcept nogil:
    if tag == OUCH50_TAG_SECONDARY_ORD_REF_NUM:
        return _store_u64(out, tag, o.secondary_ord_ref_num)
    if tag == OUCH50_TAG_FIRM:
        return _store_text(out, tag, o.firm)
    if tag == OUCH50_TAG_MIN_QTY:
        return _store_u32(out, tag, o.min_qty)
    if tag == OUCH50_TAG_CUSTOMER_TYPE:
        return _store_u8(out, tag, o.customer_type)
    if tag == OUCH50_TAG_MAX_FLOOR:
        return _store_u32(out, tag, o.max_floor)
    if tag == OUCH50_TAG_PRICE_TYPE:
        return _store_u8(out, tag, o.price_type)
    if tag == OUCH50_TAG_PEG_OFFSET:
        return _store_u32(out, tag, <uint32_t>o.peg_offset)
    if tag == OUCH50_TAG_DISCRETION_PRICE:
        return _store_u64(out, tag, o.discretion_price)
    if tag == OUCH50_TAG_DISCRETION_PRICE_TYPE:
        return _store_u8(out, tag, o.discretion_price_type)
    if tag == OUCH50_TAG_DISCRETION_PEG_OFFSET:
        return _store_u32(out, tag, <uint32_t>o.discretion_peg_offset)
    if tag == OUCH50_TAG_POST_ONLY:
        return _store_u8(out, tag, o.post_only)
    if tag == OUCH50_TAG_RANDOM_RESERVES:
        return _store_u32(out, tag, o.random_reserves)
    if tag == OUCH50_TAG_ROUTE:
        return _store_text(out, tag, o.route)
    if tag == OUCH50_TAG_EXPIRE_TIME:
        return _store_u32(out, tag, o.expire_time)
    if tag == OUCH50_TAG_TRADE_NOW:
        return _store_u8(out, tag, o.trade_now)
    if tag == OUCH50_TAG_HANDLE_INST:
        return _store_u8(out, tag, o.handle_inst)
    if tag == OUCH50_TAG_BBO_WEIGHT_INDICATOR:
        return _store_u8(out, tag, o.bbo_weight_indicator)
    if tag == OUCH50_TAG_DISPLAY_QUANTITY:
        return _store_u32(out, tag, o.display_quantity)
    if tag == OUCH50_TAG_DISPLAY_PRICE:
        return _store_u64(out, tag, o.display_price)
    if tag == OUCH50_TAG_GROUP_ID:
        store_u16_be(out + 2, o.group_id)
        return _store_head(out, tag, 2)
    if tag == OUCH50_TAG_SHARES_LOCATED:
        return _store_u8(out, tag, o.shares_located)
    if tag == OUCH50_TAG_LOCATE_BROKER:
        return _store_text(out, tag, o.locate_broker)
    if tag == OUCH50_TAG_SIDE:
        return _store_u8(out, tag, o.side)
    if tag == OUCH50_TAG_USER_REF_IDX:
        return _store_u8(out, tag, o.user_ref_idx)
    if tag == OUCH50_TAG_STOP_PRICE:
        return _store_u64(out, tag, o.stop_price)
    if tag == OUCH50_TAG_TRAIL_OFFSET:
        return _store_u32(out, tag, o.trail_offset)
    if tag == OUCH50_TAG_SELF_TRADE_PREVENTION:
        return _store_u8(out, tag, o.self_trade_prevention)
    if tag == OUCH50_TAG_RESERVE_SEED:
        return _store_u64(out, tag, o.reserve_seed)
    if tag == OUCH50_TAG_SCOPE:
        return _store_u8(out, tag, o.scope)
    return 0


cdef size_t ouch50_encode_options(const OuchOptions* options, uint8_t* out) noexcept nogil:
    cdef size_t bytes = 0
    cdef uint8_t tag
    for tag in range(1, OUCH50_TAG_VENUE_MAX + 1):
        if ouch50_tag_value_bytes(tag) and options.present & ouch50_tag_bit(tag):
            bytes += _store_option(options, tag, out + bytes)
    return bytes


# The options under their names of docs/WIRE.md, in the order of OuchOptions.
cdef Layout _options = Layout(
    "OUCH", "- appendage 107 present:u8 "
    "SecondaryOrdRefNum:u8 DiscretionPrice:u8 DisplayPrice:u8 StopPrice:u8 ReserveSeed:u8 "
    "MinQty:u4 MaxFloor:u4 PegOffset:i4 "
    "DiscretionPegOffset:i4 RandomReserves:u4 ExpireTime:u4 DisplayQuantity:u4 TrailOffset:u4 "
    "GroupID:u2 Firm:a4 "
    "Route:a4 LocateBroker:a4 CustomerType:c PriceType:c DiscretionPriceType:c PostOnly:c "
    "TradeNow:c HandleInst:c BBOWeightIndicator:c SharesLocated:c Side:c UserRefIdx:u1 "
    "SelfTradePrevention:c Scope:c",
    sizeof(OuchOptions), {})

cdef dict _tag_numbers = {
    "SecondaryOrdRefNum": OUCH50_TAG_SECONDARY_ORD_REF_NUM,
    "Firm": OUCH50_TAG_FIRM,
    "MinQty": OUCH50_TAG_MIN_QTY,
    "CustomerType": OUCH50_TAG_CUSTOMER_TYPE,
    "MaxFloor": OUCH50_TAG_MAX_FLOOR,
    "PriceType": OUCH50_TAG_PRICE_TYPE,
    "PegOffset": OUCH50_TAG_PEG_OFFSET,
    "DiscretionPrice": OUCH50_TAG_DISCRETION_PRICE,
    "DiscretionPriceType": OUCH50_TAG_DISCRETION_PRICE_TYPE,
    "DiscretionPegOffset": OUCH50_TAG_DISCRETION_PEG_OFFSET,
    "PostOnly": OUCH50_TAG_POST_ONLY,
    "RandomReserves": OUCH50_TAG_RANDOM_RESERVES,
    "Route": OUCH50_TAG_ROUTE,
    "ExpireTime": OUCH50_TAG_EXPIRE_TIME,
    "TradeNow": OUCH50_TAG_TRADE_NOW,
    "HandleInst": OUCH50_TAG_HANDLE_INST,
    "BBOWeightIndicator": OUCH50_TAG_BBO_WEIGHT_INDICATOR,
    "DisplayQuantity": OUCH50_TAG_DISPLAY_QUANTITY,
    "DisplayPrice": OUCH50_TAG_DISPLAY_PRICE,
    "GroupID": OUCH50_TAG_GROUP_ID,
    "SharesLocated": OUCH50_TAG_SHARES_LOCATED,
    "LocateBroker": OUCH50_TAG_LOCATE_BROKER,
    "Side": OUCH50_TAG_SIDE,
    "UserRefIdx": OUCH50_TAG_USER_REF_IDX,
    "StopPrice": OUCH50_TAG_STOP_PRICE,
    "TrailOffset": OUCH50_TAG_TRAIL_OFFSET,
    "SelfTradePrevention": OUCH50_TAG_SELF_TRADE_PREVENTION,
    "ReserveSeed": OUCH50_TAG_RESERVE_SEED,
    "Scope": OUCH50_TAG_SCOPE,
}


cdef dict ouch50_appendage_dict(Layout message, const uint8_t* appendage, size_t bytes):
    cdef OuchOptions options
    cdef OuchTag element
    cdef size_t offset = 0
    cdef dict out = {}
    cdef Status status
    if bytes == 0:
        return out
    status = ouch50_decode_options(appendage, bytes, &options)
    if status != STATUS_OK and status != STATUS_UNKNOWN_TYPE:
        raise message.error("appendage", (<char*>appendage)[:bytes].hex(" "),
                            "whole elements, known tags once and of their length")
    fields = _options.load(<const uint8_t*>&options)
    for name, tag in _tag_numbers.items():
        if options.present & ouch50_tag_bit(<uint8_t>tag):
            out[name] = fields[name]
    while ouch50_next_tag(appendage, bytes, &offset, &element) == STATUS_OK:
        if ouch50_tag_value_bytes(element.tag) == 0:
            out[f"Tag{element.tag}"] = (<char*>element.value)[:element.value_bytes]
    return out


cdef bytes ouch50_appendage_bytes(Layout message, dict options):
    cdef OuchOptions host
    cdef uint8_t[OUCH50_APPENDAGE_BYTES_MAX] out
    cdef uint64_t present = 0
    # A value for every field: those that are not present are filled but never written out.
    cdef dict fields = _options.load(<const uint8_t*>memset(&host, 0x20, sizeof(host)))
    del fields["kind"]
    for name, value in options.items():
        if name not in _tag_numbers:
            raise message.error("appendage", f"option {name!r}",
                                "one of " + " ".join(_tag_numbers))
        fields[name] = value
        present |= ouch50_tag_bit(<uint8_t>_tag_numbers[name])
    _options.store(fields, <uint8_t*>&host)
    host.present = present
    return (<char*>out)[:ouch50_encode_options(&host, out)]
