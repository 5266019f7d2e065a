"""OUCH 5.0 messages of members, turned into the command records of the order ring.

Only the form is judged here. Whether an order is acceptable is the engine's word alone, so that
every acceptance and every rejection is in the stream.
"""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from ironcore.base.status cimport (
    STATUS_IGNORED, STATUS_MALFORMED, STATUS_OK, STATUS_UNKNOWN_TYPE,
)
from ironcore.stream.directory cimport Directory, directory_find
from ironcore.order_entry.commands cimport command_begin
from ironcore.order_entry.seeds cimport SeedPool, seeds_next
from ironcore.order_entry.session_state cimport Sessions, sessions_defined
from ironcore.wire.order_options cimport (
    NAMED_PRICE_TYPE, NAMED_RESERVE_SEED, OrderOptions, options_from_tags,
)
from ironcore.wire.ouch50_appendage cimport (
    OUCH50_TAG_GROUP_ID, OUCH50_TAG_HANDLE_INST, OUCH50_TAG_SCOPE, OUCH50_TAG_SIDE, OuchOptions,
    ouch50_decode_options, ouch50_has, ouch50_value,
)
from ironcore.wire.ouch50_inbound cimport (
    OUCH50_ACCOUNT_QUERY, OUCH50_CANCEL_ORDER, OUCH50_DISABLE_ORDER_ENTRY,
    OUCH50_ENABLE_ORDER_ENTRY, OUCH50_ENTER_ORDER, OUCH50_MASS_CANCEL, OUCH50_MODIFY_ORDER,
    OUCH50_REPLACE_ORDER, OuchAccountQuery, OuchCancelOrder, OuchDisableOrderEntry,
    OuchEnableOrderEntry, OuchEnterOrder, OuchMassCancel, OuchModifyOrder, OuchReplaceOrder,
    ouch50_decode_account_query, ouch50_decode_cancel_order, ouch50_decode_disable_order_entry,
    ouch50_decode_enable_order_entry, ouch50_decode_enter_order, ouch50_decode_mass_cancel,
    ouch50_decode_modify_order, ouch50_decode_replace_order,
)
from ironcore.wire.record cimport (
    COMMAND_ACCOUNT_QUERY, COMMAND_CANCEL_ORDER, COMMAND_DISABLE_ORDER_ENTRY,
    COMMAND_ENABLE_ORDER_ENTRY, COMMAND_ENTER_ORDER, COMMAND_MASS_CANCEL, COMMAND_MODIFY_ORDER,
    COMMAND_REPLACE_ORDER, PRICE_INVALID, PRICE_MARKET, PRICE_MAX, AccountQuery, CancelOrder,
    EnterOrder, EntrySwitch, MassCancel, ModifyOrder, ReplaceOrder,
)

cdef enum:
    SCOPE_SESSION = 83               # 'S'
    SCOPE_FIRM = 77                  # 'M'
    HANDLE_IMBALANCE = 73            # 'I' of HandleInst
    PRICE_TYPE_IMBALANCE = 73        # and of the record
    CL_ORD_ID_BYTES = 14
    CLIENT_ORDER_ID_BYTES = 20
    FIRM_BYTES = 8


cdef inline int32_t _price(uint64_t price) noexcept nogil:
    return <int32_t>price if price <= <uint64_t>PRICE_MARKET else PRICE_INVALID


cdef inline void _client_order_id(const char* cl_ord_id, char* out) noexcept nogil:
    """OUCH's ClOrdID is shorter than the record's field."""
    memcpy(out, cl_ord_id, CL_ORD_ID_BYTES)
    memset(out + CL_ORD_ID_BYTES, b' ', CLIENT_ORDER_ID_BYTES - CL_ORD_ID_BYTES)


cdef inline int _options(const uint8_t* appendage, uint16_t appendage_bytes, SeedPool* seeds,
                         OrderOptions* out) noexcept nogil:
    """What an order names of what this venue knows, and a seed where it lacks one. Other tags pass:
    a later version of OUCH may have them. Imbalance-only is a kind of price here."""
    cdef OuchOptions found
    cdef int status
    out.named = 0
    if appendage_bytes == 0:
        return STATUS_OK
    status = ouch50_decode_options(appendage, appendage_bytes, &found)
    if status != STATUS_OK and status != STATUS_UNKNOWN_TYPE:
        return status
    options_from_tags(out, found.present, found.values, PRICE_MAX)
    if (ouch50_value(&found, OUCH50_TAG_HANDLE_INST) == HANDLE_IMBALANCE
            and not out.named & NAMED_PRICE_TYPE):
        out.named |= NAMED_PRICE_TYPE
        out.price_type = PRICE_TYPE_IMBALANCE
    if out.random_reserves and not out.named & NAMED_RESERVE_SEED:
        out.named |= NAMED_RESERVE_SEED
        out.reserve_seed = seeds_next(seeds)
    return STATUS_OK


cdef int _enter(const Directory* directory, SeedPool* seeds, uint32_t session,
                const uint8_t* message, uint32_t bytes, uint8_t* record,
                uint32_t* record_bytes) noexcept nogil:
    cdef OuchEnterOrder m
    cdef EnterOrder* order = <EnterOrder*>record
    cdef OrderOptions options
    cdef int status = ouch50_decode_enter_order(message, bytes, &m)
    if status == STATUS_OK:
        status = _options(m.appendage, m.appendage_bytes, seeds, &options)
    if status != STATUS_OK:
        return status
    record_bytes[0] = sizeof(EnterOrder)
    if options.named:
        record_bytes[0] += sizeof(OrderOptions)
    command_begin(record, COMMAND_ENTER_ORDER, record_bytes[0], session, m.user_ref_num)
    order.header.instrument = directory_find(directory, m.symbol)
    order.quantity = m.quantity
    order.price = _price(m.price)
    order.side = m.side
    order.time_in_force = m.time_in_force
    order.display = m.display
    order.capacity = m.capacity
    order.iso = m.iso
    order.cross_type = m.cross_type
    _client_order_id(m.cl_ord_id, order.client_order_id)
    if options.named:
        (<OrderOptions*>(order + 1))[0] = options
    return STATUS_OK


cdef int _replace(SeedPool* seeds, uint32_t session, const uint8_t* message, uint32_t bytes,
                  uint8_t* record, uint32_t* record_bytes) noexcept nogil:
    cdef OuchReplaceOrder m
    cdef ReplaceOrder* order = <ReplaceOrder*>record
    cdef OrderOptions options
    cdef int status = ouch50_decode_replace_order(message, bytes, &m)
    if status == STATUS_OK:
        status = _options(m.appendage, m.appendage_bytes, seeds, &options)
    if status != STATUS_OK:
        return status
    record_bytes[0] = sizeof(ReplaceOrder)
    if options.named:
        record_bytes[0] += sizeof(OrderOptions)
    command_begin(record, COMMAND_REPLACE_ORDER, record_bytes[0], session, m.user_ref_num)
    order.quantity = m.quantity
    order.price = _price(m.price)
    order.orig_user_ref = m.orig_user_ref_num
    order.time_in_force = m.time_in_force
    order.display = m.display
    order.iso = m.iso
    _client_order_id(m.cl_ord_id, order.client_order_id)
    if options.named:
        (<OrderOptions*>(order + 1))[0] = options
    return STATUS_OK


cdef inline int _firm(const char* named, const char* own, uint8_t* given) noexcept nogil:
    """A session acts for its own firm; blanks mean just that."""
    given[0] = memcmp(named, b"    ", 4) != 0
    if not given[0]:
        return STATUS_OK
    # A name that is longer than OUCH's field is no firm that a member can name.
    return STATUS_IGNORED if (memcmp(named, own, 4) != 0
                              or memcmp(&own[4], b"    ", FIRM_BYTES - 4) != 0) else STATUS_OK


cdef int _mass_cancel(const Directory* directory, uint32_t session, const char* firm,
                      const uint8_t* message, uint32_t bytes, MassCancel* record,
                      uint32_t* record_bytes) noexcept nogil:
    cdef OuchMassCancel m
    cdef OuchOptions options
    cdef uint64_t scope = 0
    cdef uint8_t given = 0
    cdef int status = ouch50_decode_mass_cancel(message, bytes, &m)
    if status == STATUS_OK:
        status = ouch50_decode_options(m.appendage, m.appendage_bytes, &options)
    if status == STATUS_OK or status == STATUS_UNKNOWN_TYPE:
        scope = ouch50_value(&options, OUCH50_TAG_SCOPE)
        status = _firm(m.firm, firm, &given)
    if status == STATUS_OK and ouch50_has(&options, OUCH50_TAG_SCOPE) \
            and scope != SCOPE_SESSION and scope != SCOPE_FIRM:
        status = STATUS_MALFORMED
    if status != STATUS_OK:
        return status
    record_bytes[0] = sizeof(MassCancel)
    command_begin(<uint8_t*>record, COMMAND_MASS_CANCEL, sizeof(MassCancel), session,
                  m.user_ref_num)
    record.firm_given = given
    record.symbol_given = memcmp(m.symbol, b"        ", 8) != 0
    if record.symbol_given:
        record.header.instrument = directory_find(directory, m.symbol)
    record.group = <uint16_t>ouch50_value(&options, OUCH50_TAG_GROUP_ID)
    record.group_given = ouch50_has(&options, OUCH50_TAG_GROUP_ID)
    record.side = <uint8_t>ouch50_value(&options, OUCH50_TAG_SIDE)
    record.side_given = ouch50_has(&options, OUCH50_TAG_SIDE)
    record.scope = scope == SCOPE_FIRM
    return STATUS_OK


cdef int _entry_switch(uint32_t session, const char* firm, const uint8_t* message, uint32_t bytes,
                       EntrySwitch* record, uint32_t* record_bytes) noexcept nogil:
    cdef OuchDisableOrderEntry disable
    cdef OuchEnableOrderEntry enable
    cdef uint8_t given = 0
    cdef int status
    if message[0] == OUCH50_DISABLE_ORDER_ENTRY:
        status = ouch50_decode_disable_order_entry(message, bytes, &disable)
        if status == STATUS_OK:
            status = _firm(disable.firm, firm, &given)
        if status == STATUS_OK:
            command_begin(<uint8_t*>record, COMMAND_DISABLE_ORDER_ENTRY, sizeof(EntrySwitch),
                          session, disable.user_ref_num)
    else:
        status = ouch50_decode_enable_order_entry(message, bytes, &enable)
        if status == STATUS_OK:
            status = _firm(enable.firm, firm, &given)
        if status == STATUS_OK:
            command_begin(<uint8_t*>record, COMMAND_ENABLE_ORDER_ENTRY, sizeof(EntrySwitch),
                          session, enable.user_ref_num)
    if status == STATUS_OK:
        record.firm_given = given
        record_bytes[0] = sizeof(EntrySwitch)
    return status


cdef int _cancel(uint32_t session, const uint8_t* message, uint32_t bytes, CancelOrder* record,
                 uint32_t* record_bytes) noexcept nogil:
    cdef OuchCancelOrder m
    cdef int status = ouch50_decode_cancel_order(message, bytes, &m)
    if status != STATUS_OK:
        return status
    record_bytes[0] = sizeof(CancelOrder)
    command_begin(<uint8_t*>record, COMMAND_CANCEL_ORDER, sizeof(CancelOrder), session,
                  m.user_ref_num)
    record.quantity = m.quantity
    record.reason = b'U'
    # OUCH's request has no name of its own.
    memset(record.client_order_id, b' ', CLIENT_ORDER_ID_BYTES)
    return STATUS_OK


cdef int _modify(uint32_t session, const uint8_t* message, uint32_t bytes, ModifyOrder* record,
                 uint32_t* record_bytes) noexcept nogil:
    cdef OuchModifyOrder m
    cdef int status = ouch50_decode_modify_order(message, bytes, &m)
    if status != STATUS_OK:
        return status
    record_bytes[0] = sizeof(ModifyOrder)
    command_begin(<uint8_t*>record, COMMAND_MODIFY_ORDER, sizeof(ModifyOrder), session,
                  m.user_ref_num)
    record.quantity = m.quantity
    record.side = m.side
    return STATUS_OK


cdef int _account_query(uint32_t session, const uint8_t* message, uint32_t bytes,
                        uint8_t* record, uint32_t* record_bytes) noexcept nogil:
    cdef OuchAccountQuery m
    cdef int status = ouch50_decode_account_query(message, bytes, &m)
    if status == STATUS_OK:
        record_bytes[0] = sizeof(AccountQuery)
        command_begin(record, COMMAND_ACCOUNT_QUERY, sizeof(AccountQuery), session, 0)
    return status


cdef int ouch_command(const Sessions* sessions, SeedPool* seeds, uint32_t session,
                      const uint8_t* message, uint32_t message_bytes, uint8_t* record,
                      uint32_t* record_bytes) noexcept nogil:
    cdef const Directory* directory = &sessions.facts.directory
    cdef const char* firm = &sessions_defined(sessions, session).firm[0]
    if message_bytes == 0:
        return STATUS_MALFORMED
    if message[0] == OUCH50_ENTER_ORDER:
        return _enter(directory, seeds, session, message, message_bytes, record, record_bytes)
    if message[0] == OUCH50_REPLACE_ORDER:
        return _replace(seeds, session, message, message_bytes, record, record_bytes)
    if message[0] == OUCH50_CANCEL_ORDER:
        return _cancel(session, message, message_bytes, <CancelOrder*>record, record_bytes)
    if message[0] == OUCH50_MODIFY_ORDER:
        return _modify(session, message, message_bytes, <ModifyOrder*>record, record_bytes)
    if message[0] == OUCH50_MASS_CANCEL:
        return _mass_cancel(directory, session, firm, message, message_bytes,
                            <MassCancel*>record, record_bytes)
    if message[0] == OUCH50_DISABLE_ORDER_ENTRY or message[0] == OUCH50_ENABLE_ORDER_ENTRY:
        return _entry_switch(session, firm, message, message_bytes, <EntrySwitch*>record,
                             record_bytes)
    if message[0] == OUCH50_ACCOUNT_QUERY:
        return _account_query(session, message, message_bytes, record, record_bytes)
    return STATUS_UNKNOWN_TYPE
