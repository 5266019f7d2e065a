"""The matching core for native programs, as a capsule: docs/EMBEDDING.md."""

from cpython.pycapsule cimport PyCapsule_New
from libc cimport errno as c_errno
from libc.errno cimport EINVAL
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from ironcore.base.check cimport iron_static_assert
from ironcore.base.status cimport (
    STATUS_EMPTY, STATUS_FULL, STATUS_IGNORED, STATUS_LATER, STATUS_MALFORMED, STATUS_OK,
)
from ironcore.engine.batch cimport PREFETCH_NEVER, PREFETCH_ORDERS_MIN, Batch, batch_apply
from ironcore.engine.dispatch cimport engine_apply
from ironcore.engine.engine cimport engine_create, engine_destroy
from ironcore.library.queries cimport query_depth, query_level, query_order
from ironcore.engine.snapshot cimport (
    snapshot_bytes, snapshot_check, snapshot_load, snapshot_save,
)
from ironcore.book.limits cimport SIDE_BUY, SIDE_SELL
from ironcore.wire.record cimport RECORD_VERSION

# Macros, as the structs are defined further down in the generated file than this text; the prefixes
# are how Cython names them in C.
cdef extern from *:
    """
    #include "iron_options.h"
    #define RECORD(name) struct __pyx_t_8ironcore_4wire_6record_##name
    #define SAME_SIZE(ours, theirs) \\
        _Static_assert(sizeof(RECORD(ours)) == sizeof(struct theirs), "size of " #theirs)
    #define SAME(ours, theirs, field) \\
        _Static_assert(offsetof(RECORD(ours), field) == offsetof(struct theirs, field) \\
                       && sizeof(((RECORD(ours) *)0)->field) \\
                          == sizeof(((struct theirs *)0)->field), #theirs "." #field)
    #define EQUAL(name) \\
        _Static_assert((int)__pyx_e_8ironcore_4wire_6record_##name == (int)IRONPIT_##name, #name)
    #define VIEW(ours, theirs, field) \\
        _Static_assert(offsetof(struct __pyx_t_8ironcore_##ours, field) \\
                       == offsetof(struct theirs, field), #theirs "." #field)
    #define iron_assert_header_views() \\
        VIEW(6engine_6engine_EngineLimits, ironpit_limits, instruments_max); \\
        VIEW(6engine_6engine_EngineLimits, ironpit_limits, sessions_max); \\
        VIEW(6engine_6engine_EngineLimits, ironpit_limits, orders_max); \\
        VIEW(6engine_6engine_EngineLimits, ironpit_limits, user_ref_bits); \\
        VIEW(7library_7queries_LevelView, ironpit_level, price); \\
        VIEW(7library_7queries_LevelView, ironpit_level, orders); \\
        VIEW(7library_7queries_LevelView, ironpit_level, quantity); \\
        VIEW(7library_7queries_OrderView, ironpit_order, order_ref); \\
        VIEW(7library_7queries_OrderView, ironpit_order, slot); \\
        VIEW(7library_7queries_OrderView, ironpit_order, instrument); \\
        VIEW(7library_7queries_OrderView, ironpit_order, displayed); \\
        VIEW(7library_7queries_OrderView, ironpit_order, open); \\
        VIEW(7library_7queries_OrderView, ironpit_order, executed); \\
        VIEW(7library_7queries_OrderView, ironpit_order, price); \\
        VIEW(7library_7queries_OrderView, ironpit_order, side); \\
        VIEW(7library_7queries_OrderView, ironpit_order, place);
    #define iron_assert_header_structs() \\
            SAME_SIZE(CommandHeader, ironpit_header); SAME(CommandHeader, ironpit_header, type);  \\
            SAME(CommandHeader, ironpit_header, flags);                                           \\
            SAME(CommandHeader, ironpit_header, record_bytes);                                    \\
            SAME(CommandHeader, ironpit_header, session);                                         \\
            SAME(CommandHeader, ironpit_header, time_ns);                                         \\
            SAME(CommandHeader, ironpit_header, source_sequence);                                 \\
            SAME(CommandHeader, ironpit_header, user_ref);                                        \\
            SAME(CommandHeader, ironpit_header, instrument);                                      \\
            SAME(CommandHeader, ironpit_header, source);                                          \\
            SAME(CommandHeader, ironpit_header, account);                                         \\
            SAME_SIZE(StreamStart, ironpit_stream_start);                                         \\
            SAME(StreamStart, ironpit_stream_start, header);                                      \\
            SAME(StreamStart, ironpit_stream_start, stream_name);                                 \\
            SAME(StreamStart, ironpit_stream_start, version);                                     \\
            SAME(StreamStart, ironpit_stream_start, instruments_max);                             \\
            SAME(StreamStart, ironpit_stream_start, midnight_ns);                                 \\
            SAME(StreamStart, ironpit_stream_start, orders_max);                                  \\
            SAME(StreamStart, ironpit_stream_start, sessions_max);                                \\
            SAME(StreamStart, ironpit_stream_start, user_ref_bits);                               \\
            SAME(StreamStart, ironpit_stream_start, step_actions_max);                            \\
            SAME_SIZE(TickBand, ironpit_tick_band);                                               \\
            SAME(TickBand, ironpit_tick_band, price_from);                                     \\
            SAME(TickBand, ironpit_tick_band, tick_size);                                      \\
            SAME_SIZE(DefineTickTable, ironpit_define_tick_table);                                \\
            SAME(DefineTickTable, ironpit_define_tick_table, header);                             \\
            SAME(DefineTickTable, ironpit_define_tick_table, tick_table);                         \\
            SAME(DefineTickTable, ironpit_define_tick_table, bands_count);                        \\
            SAME(DefineTickTable, ironpit_define_tick_table, bands);                              \\
            SAME_SIZE(DefineInstrument, ironpit_define_instrument);                               \\
            SAME(DefineInstrument, ironpit_define_instrument, header);                            \\
            SAME(DefineInstrument, ironpit_define_instrument, symbol);                            \\
            SAME(DefineInstrument, ironpit_define_instrument, tick_size);                      \\
            SAME(DefineInstrument, ironpit_define_instrument, lot_size);                          \\
            SAME(DefineInstrument, ironpit_define_instrument, price_min);                      \\
            SAME(DefineInstrument, ironpit_define_instrument, price_max);                      \\
            SAME(DefineInstrument, ironpit_define_instrument, quantity_max);                      \\
            SAME(DefineInstrument, ironpit_define_instrument, reference_price);                \\
            SAME(DefineInstrument, ironpit_define_instrument, static_collar_bp);                  \\
            SAME(DefineInstrument, ironpit_define_instrument, dynamic_collar_bp);                 \\
            SAME(DefineInstrument, ironpit_define_instrument, auction_collar_bp);                 \\
            SAME(DefineInstrument, ironpit_define_instrument, entry_collar_bp);                   \\
            SAME(DefineInstrument, ironpit_define_instrument, market_protection_bp);              \\
            SAME(DefineInstrument, ironpit_define_instrument, pause_seconds);                     \\
            SAME(DefineInstrument, ironpit_define_instrument, post_only_mode);                    \\
            SAME(DefineInstrument, ironpit_define_instrument, initial_state);                     \\
            SAME(DefineInstrument, ironpit_define_instrument, auction_extensions_max);            \\
            SAME(DefineInstrument, ironpit_define_instrument, allocation);                        \\
            SAME(DefineInstrument, ironpit_define_instrument, followers_max);                     \\
            SAME(DefineInstrument, ironpit_define_instrument, min_quantity_max);                  \\
            SAME(DefineInstrument, ironpit_define_instrument, price_decimals);                    \\
            SAME(DefineInstrument, ironpit_define_instrument, quantity_decimals);                 \\
            SAME(DefineInstrument, ironpit_define_instrument, pause_random_seconds);              \\
            SAME(DefineInstrument, ironpit_define_instrument, tick_table);                        \\
            SAME(DefineInstrument, ironpit_define_instrument, allocation_min);                    \\
            SAME_SIZE(DefineSession, ironpit_define_session);                                     \\
            SAME(DefineSession, ironpit_define_session, header);                                  \\
            SAME(DefineSession, ironpit_define_session, username);                                \\
            SAME(DefineSession, ironpit_define_session, firm);                                    \\
            SAME(DefineSession, ironpit_define_session, clearing_firm);                           \\
            SAME(DefineSession, ironpit_define_session, cancel_on_disconnect);                    \\
            SAME(DefineSession, ironpit_define_session, stp_mode);                                \\
            SAME(DefineSession, ironpit_define_session, protocol);                                \\
            SAME(DefineSession, ironpit_define_session, reserved);                                \\
            SAME(DefineSession, ironpit_define_session, stp_group);                               \\
            SAME(DefineSession, ironpit_define_session, reserved_money);                          \\
            SAME_SIZE(SystemEventCommand, ironpit_system_event);                                  \\
            SAME(SystemEventCommand, ironpit_system_event, header);                               \\
            SAME(SystemEventCommand, ironpit_system_event, event_code);                           \\
            SAME(SystemEventCommand, ironpit_system_event, reserved);                             \\
            SAME_SIZE(RetireInstrument, ironpit_retire_instrument);                               \\
            SAME(RetireInstrument, ironpit_retire_instrument, header);                            \\
            SAME(RetireInstrument, ironpit_retire_instrument, reserved);                          \\
            SAME_SIZE(SetState, ironpit_set_state); SAME(SetState, ironpit_set_state, header);    \\
            SAME(SetState, ironpit_set_state, state); SAME(SetState, ironpit_set_state, force);   \\
            SAME(SetState, ironpit_set_state, reserved); \\
            SAME(SetState, ironpit_set_state, reason); \\
            SAME_SIZE(ClockCommand, ironpit_clock); SAME(ClockCommand, ironpit_clock, header);    \\
            SAME(ClockCommand, ironpit_clock, second); \\
            SAME(ClockCommand, ironpit_clock, force); SAME(ClockCommand, ironpit_clock, draw);    \\
            SAME_SIZE(BustTrade, ironpit_bust_trade); SAME(BustTrade, ironpit_bust_trade, header);\\
            SAME(BustTrade, ironpit_bust_trade, match_number);                                    \\
            SAME(BustTrade, ironpit_bust_trade, slots);                                           \\
            SAME(BustTrade, ironpit_bust_trade, reason);                                          \\
            SAME(BustTrade, ironpit_bust_trade, reserved);                                        \\
            SAME_SIZE(ContinueCommand, ironpit_continue);                                         \\
            SAME(ContinueCommand, ironpit_continue, header);                                      \\
            SAME(ContinueCommand, ironpit_continue, continued);                                   \\
            SAME(ContinueCommand, ironpit_continue, firm_given);                                  \\
            SAME(ContinueCommand, ironpit_continue, symbol_given);                                \\
            SAME(ContinueCommand, ironpit_continue, reserved);                                    \\
            SAME_SIZE(SetEnd, ironpit_set_end); SAME(SetEnd, ironpit_set_end, header);            \\
            SAME(SetEnd, ironpit_set_end, second_first);                                          \\
            SAME(SetEnd, ironpit_set_end, second_last);                                           \\
            SAME(SetEnd, ironpit_set_end, no_cancel_seconds);                                     \\
            SAME(SetEnd, ironpit_set_end, extension_seconds);                                     \\
            SAME(SetEnd, ironpit_set_end, state); SAME(SetEnd, ironpit_set_end, force);           \\
            SAME(SetEnd, ironpit_set_end, reserved); SAME(SetEnd, ironpit_set_end, reason);       \\
            SAME_SIZE(EnterOrder, ironpit_enter_order);                                           \\
            SAME(EnterOrder, ironpit_enter_order, header);                                        \\
            SAME(EnterOrder, ironpit_enter_order, quantity);                                      \\
            SAME(EnterOrder, ironpit_enter_order, price);                                         \\
            SAME(EnterOrder, ironpit_enter_order, side);                                          \\
            SAME(EnterOrder, ironpit_enter_order, time_in_force);                                 \\
            SAME(EnterOrder, ironpit_enter_order, display);                                       \\
            SAME(EnterOrder, ironpit_enter_order, capacity);                                      \\
            SAME(EnterOrder, ironpit_enter_order, iso);                                           \\
            SAME(EnterOrder, ironpit_enter_order, cross_type);                                    \\
            SAME(EnterOrder, ironpit_enter_order, reserved);                                      \\
            SAME(EnterOrder, ironpit_enter_order, client_order_id);                               \\
            SAME(EnterOrder, ironpit_enter_order, reserved_end);                                  \\
            SAME_SIZE(ReplaceOrder, ironpit_replace_order);                                       \\
            SAME(ReplaceOrder, ironpit_replace_order, header);                                    \\
            SAME(ReplaceOrder, ironpit_replace_order, quantity);                                  \\
            SAME(ReplaceOrder, ironpit_replace_order, price);                                     \\
            SAME(ReplaceOrder, ironpit_replace_order, orig_user_ref);                             \\
            SAME(ReplaceOrder, ironpit_replace_order, open_before);                               \\
            SAME(ReplaceOrder, ironpit_replace_order, time_in_force);                             \\
            SAME(ReplaceOrder, ironpit_replace_order, display);                                   \\
            SAME(ReplaceOrder, ironpit_replace_order, iso);                                       \\
            SAME(ReplaceOrder, ironpit_replace_order, reserved);                                  \\
            SAME(ReplaceOrder, ironpit_replace_order, client_order_id);                           \\
            SAME_SIZE(CancelOrder, ironpit_cancel_order);                                         \\
            SAME(CancelOrder, ironpit_cancel_order, header);                                      \\
            SAME(CancelOrder, ironpit_cancel_order, quantity);                                    \\
            SAME(CancelOrder, ironpit_cancel_order, reason);                                      \\
            SAME(CancelOrder, ironpit_cancel_order, reserved);                                    \\
            SAME(CancelOrder, ironpit_cancel_order, client_order_id);                             \\
            SAME(CancelOrder, ironpit_cancel_order, reserved_end);                                \\
            SAME_SIZE(ModifyOrder, ironpit_modify_order);                                         \\
            SAME(ModifyOrder, ironpit_modify_order, header);                                      \\
            SAME(ModifyOrder, ironpit_modify_order, quantity);                                    \\
            SAME(ModifyOrder, ironpit_modify_order, side);                                        \\
            SAME(ModifyOrder, ironpit_modify_order, reserved);                                    \\
            SAME_SIZE(MassCancel, ironpit_mass_cancel);                                           \\
            SAME(MassCancel, ironpit_mass_cancel, header);                                        \\
            SAME(MassCancel, ironpit_mass_cancel, group);                                         \\
            SAME(MassCancel, ironpit_mass_cancel, group_given);                                   \\
            SAME(MassCancel, ironpit_mass_cancel, side);                                          \\
            SAME(MassCancel, ironpit_mass_cancel, side_given);                                    \\
            SAME(MassCancel, ironpit_mass_cancel, symbol_given);                                  \\
            SAME(MassCancel, ironpit_mass_cancel, firm_given);                                    \\
            SAME(MassCancel, ironpit_mass_cancel, scope);                                         \\
            SAME(MassCancel, ironpit_mass_cancel, reason);                                        \\
            SAME(MassCancel, ironpit_mass_cancel, reserved);                                      \\
            SAME_SIZE(EntrySwitch, ironpit_entry_switch);                                         \\
            SAME(EntrySwitch, ironpit_entry_switch, header);                                      \\
            SAME(EntrySwitch, ironpit_entry_switch, firm_given);                                  \\
            SAME(EntrySwitch, ironpit_entry_switch, reserved);                                    \\
            SAME_SIZE(AccountQuery, ironpit_account_query);                                       \\
            SAME(AccountQuery, ironpit_account_query, header);                                    \\
            SAME_SIZE(CancelSession, ironpit_cancel_session);                                     \\
            SAME(CancelSession, ironpit_cancel_session, header);                                  \\
            SAME(CancelSession, ironpit_cancel_session, reason);                                  \\
            SAME(CancelSession, ironpit_cancel_session, reserved);                                \\
            SAME_SIZE(QuoteEntry, ironpit_quote_entry);                                           \\
            SAME(QuoteEntry, ironpit_quote_entry, instrument);                                    \\
            SAME(QuoteEntry, ironpit_quote_entry, bid_price);                                     \\
            SAME(QuoteEntry, ironpit_quote_entry, bid_quantity);                                  \\
            SAME(QuoteEntry, ironpit_quote_entry, ask_price);                                     \\
            SAME(QuoteEntry, ironpit_quote_entry, ask_quantity);                                  \\
            SAME(QuoteEntry, ironpit_quote_entry, reserved);                                      \\
            SAME_SIZE(Quote, ironpit_quote); SAME(Quote, ironpit_quote, header);                  \\
            SAME(Quote, ironpit_quote, entries);                                                  \\
            SAME_SIZE(SetProtection, ironpit_set_protection);                                     \\
            SAME(SetProtection, ironpit_set_protection, header);                                  \\
            SAME(SetProtection, ironpit_set_protection, volume_max);                              \\
            SAME(SetProtection, ironpit_set_protection, delta_max);                               \\
            SAME(SetProtection, ironpit_set_protection, executions_max);                          \\
            SAME(SetProtection, ironpit_set_protection, window_seconds);                          \\
            SAME_SIZE(ResetProtection, ironpit_reset_protection);                                 \\
            SAME(ResetProtection, ironpit_reset_protection, header);                              \\
            SAME_SIZE(Event, ironpit_event);                                                      \\
            SAME(Event, ironpit_event, type); SAME(Event, ironpit_event, flags);                  \\
            SAME(Event, ironpit_event, reason); SAME(Event, ironpit_event, side);                 \\
            SAME(Event, ironpit_event, quantity); SAME(Event, ironpit_event, order_ref);          \\
            SAME(Event, ironpit_event, other); SAME(Event, ironpit_event, price);              \\
            SAME(Event, ironpit_event, slot);
    #define SAME_OPTION(type, name, ouch, tag, bytes, kind, value, kept) \\
        _Static_assert(offsetof(struct iron_order_options, name) \\
                       == offsetof(struct ironpit_order_options, name), #name); \\
        _Static_assert(sizeof(((struct iron_order_options *)0)->name) \\
                       == sizeof(((struct ironpit_order_options *)0)->name), #name);
    #define SAME_BIT(lower, upper) \\
        _Static_assert((int)IRON_NAMED_##lower == (int)IRONPIT_NAMED_##upper, #lower);
    #define iron_assert_header_options() \\
        _Static_assert(sizeof(struct iron_order_options) \\
                       == sizeof(struct ironpit_order_options), "options"); \\
        IRON_FOR_OPTIONS(SAME_OPTION) \\
        SAME_BIT(min_quantity, MIN_QUANTITY) SAME_BIT(reserve_seed, RESERVE_SEED) \\
        SAME_BIT(max_floor, MAX_FLOOR) SAME_BIT(random_reserves, RANDOM_RESERVES) \\
        SAME_BIT(peg_offset, PEG_OFFSET) SAME_BIT(expire_second, EXPIRE_SECOND) \\
        SAME_BIT(stop_price, STOP_PRICE) SAME_BIT(trail_offset, TRAIL_OFFSET) \\
        SAME_BIT(oco_ref, OCO_REF) \\
        SAME_BIT(group, GROUP) SAME_BIT(price_type, PRICE_TYPE) \\
        SAME_BIT(post_only, POST_ONLY) SAME_BIT(stp_mode, STP_MODE) \\
        SAME_BIT(new_side, NEW_SIDE) SAME_BIT(discretion_price, DISCRETION_PRICE) \\
        SAME_BIT(route, ROUTE)
    #define iron_assert_header_constants() \\
            EQUAL(COMMAND_STREAM_START); EQUAL(COMMAND_DEFINE_INSTRUMENT);                        \\
            EQUAL(COMMAND_DEFINE_SESSION); EQUAL(COMMAND_SYSTEM_EVENT);                           \\
            EQUAL(COMMAND_CHANGE_INSTRUMENT); EQUAL(COMMAND_RETIRE_INSTRUMENT);                   \\
            EQUAL(COMMAND_SET_STATE); EQUAL(COMMAND_CLOCK); EQUAL(COMMAND_BUST_TRADE);            \\
            EQUAL(COMMAND_CONTINUE); EQUAL(COMMAND_SET_END); EQUAL(COMMAND_DEFINE_TICK_TABLE);    \\
            EQUAL(COMMAND_ENTER_ORDER); EQUAL(COMMAND_REPLACE_ORDER); EQUAL(COMMAND_CANCEL_ORDER);\\
            EQUAL(COMMAND_MODIFY_ORDER); EQUAL(COMMAND_MASS_CANCEL);                              \\
            EQUAL(COMMAND_DISABLE_ORDER_ENTRY); EQUAL(COMMAND_ENABLE_ORDER_ENTRY);                \\
            EQUAL(COMMAND_ACCOUNT_QUERY); EQUAL(COMMAND_CANCEL_SESSION); EQUAL(EVENT_ACCEPTED);   \\
            EQUAL(COMMAND_QUOTE); EQUAL(COMMAND_SET_PROTECTION);                                  \\
            EQUAL(COMMAND_RESET_PROTECTION);                                                      \\
            EQUAL(EVENT_REJECTED); EQUAL(EVENT_EXECUTED); EQUAL(EVENT_CANCELED);                  \\
            EQUAL(EVENT_REPLACED); EQUAL(EVENT_ADDED); EQUAL(EVENT_MODIFIED);                     \\
            EQUAL(EVENT_MASS_CANCEL_RESPONSE); EQUAL(EVENT_ORDER_ENTRY_DISABLED);                 \\
            EQUAL(EVENT_ORDER_ENTRY_ENABLED); EQUAL(EVENT_ACCOUNT_QUERY_RESPONSE);                \\
            EQUAL(EVENT_INSTRUMENT_DEFINED); EQUAL(EVENT_SESSION_DEFINED); EQUAL(EVENT_SYSTEM);   \\
            EQUAL(EVENT_REPLENISHED); EQUAL(EVENT_REDUCED); EQUAL(EVENT_ACTIVATED);               \\
            EQUAL(EVENT_CROSSED); EQUAL(EVENT_CROSS); EQUAL(EVENT_INDICATIVE);                    \\
            EQUAL(EVENT_STATE_CHANGED); EQUAL(EVENT_COLLARS); EQUAL(EVENT_BROKEN);                \\
            EQUAL(EVENT_INSTRUMENT_CHANGED); EQUAL(EVENT_INSTRUMENT_RETIRED);                     \\
            EQUAL(EVENT_INSTRUMENT_NEXT); EQUAL(EVENT_END_SET); EQUAL(EVENT_CANCEL_REJECTED);     \\
            EQUAL(EVENT_QUOTED); EQUAL(EVENT_QUOTE_REJECTED); EQUAL(EVENT_PROTECTION_SET);        \\
            EQUAL(EVENT_PROTECTION_REACHED); EQUAL(EVENT_PROTECTION_RESET);                       \\
            EQUAL(RECORD_LAST);                                                                   \\
            EQUAL(EVENT_VISIBLE); EQUAL(EVENT_AGGRESSOR_SELL); EQUAL(EVENT_CROSSES);              \\
            EQUAL(EVENT_SELL); EQUAL(EVENT_ATTRIBUTED); EQUAL(EVENT_AT_CLOSE);                    \\
            EQUAL(COMMAND_BYTES_MAX); EQUAL(RECORD_VERSION);
    """
    void iron_assert_header_structs() nogil
    void iron_assert_header_constants() nogil
    void iron_assert_header_options() nogil
    void iron_assert_header_views() nogil

cdef extern from "ironpit_core.h" nogil:
    enum:
        IRONPIT_OK
        IRONPIT_EMPTY
        IRONPIT_FULL
        IRONPIT_MALFORMED
        IRONPIT_IGNORED
        IRONPIT_LATER


cdef void _assert_header() noexcept nogil:
    """Never called: it is there to be compiled."""
    iron_assert_header_structs()
    iron_assert_header_constants()
    iron_assert_header_options()
    iron_assert_header_views()
    iron_static_assert(<int>IRONPIT_OK == <int>STATUS_OK)
    iron_static_assert(<int>IRONPIT_EMPTY == <int>STATUS_EMPTY)
    iron_static_assert(<int>IRONPIT_FULL == <int>STATUS_FULL)
    iron_static_assert(<int>IRONPIT_MALFORMED == <int>STATUS_MALFORMED)
    iron_static_assert(<int>IRONPIT_IGNORED == <int>STATUS_IGNORED)
    iron_static_assert(<int>IRONPIT_LATER == <int>STATUS_LATER)
    iron_static_assert(sizeof(ironpit_limits) == sizeof(EngineLimits))
    iron_static_assert(sizeof(ironpit_level) == sizeof(LevelView))
    iron_static_assert(sizeof(ironpit_order) == sizeof(OrderView))


cdef ironpit_core* _create(const ironpit_limits* limits) noexcept nogil:
    cdef Context* context = <Context*>calloc(1, sizeof(Context))
    if context == NULL:
        return NULL
    context.engine = engine_create(<const EngineLimits*>limits)
    if context.engine == NULL:
        free(context)
        return NULL
    return <ironpit_core*>context


cdef void _destroy(ironpit_core* core) noexcept nogil:
    if core != NULL:
        engine_destroy((<Context*>core).engine)
        free(core)


cdef int _apply(ironpit_core* core, void* command, uint32_t command_bytes,
                const ironpit_event** events, uint32_t* events_count) noexcept nogil:
    cdef Context* context = <Context*>core
    cdef int status
    # The core has room for one command's events: those that wait would be written over.
    if context.engine.events_count:
        events[0] = NULL
        events_count[0] = 0
        return STATUS_FULL
    status = engine_apply(context.engine, <uint8_t*>command, command_bytes)
    events[0] = <const ironpit_event*>context.engine.events
    events_count[0] = context.engine.events_count
    # They are told: a batch that follows does not begin with them.
    context.engine.events_count = 0
    return status


cdef int _submit(ironpit_core* core, ironpit_batch* asked) noexcept nogil:
    cdef Context* context = <Context*>core
    cdef Batch batch
    cdef int status
    # Another batch may not begin before the events of this one are taken.
    if context.drained or (asked.applied == 0 and context.engine.events_count):
        return STATUS_FULL
    batch.records = <uint8_t*>asked.records
    batch.offsets = asked.offsets
    batch.count = asked.count
    batch.applied = asked.applied
    batch.statuses = asked.statuses
    batch.events_counts = asked.events_counts
    batch.events = <Event*>asked.events
    batch.events_count = asked.events_count
    batch.events_max = asked.events_max
    batch.prefetch_orders_min = PREFETCH_NEVER
    if asked.prefetch == IRONPIT_PREFETCH_ADAPTIVE:
        batch.prefetch_orders_min = PREFETCH_ORDERS_MIN
    elif asked.prefetch == IRONPIT_PREFETCH_ALWAYS:
        batch.prefetch_orders_min = 0
    status = batch_apply(context.engine, &batch)
    asked.applied = batch.applied
    asked.events_count = batch.events_count
    return status


cdef uint64_t _drain(ironpit_core* core, ironpit_event* events, uint64_t events_max) noexcept nogil:
    cdef Context* context = <Context*>core
    cdef Engine* engine = context.engine
    cdef uint64_t count = min(events_max, <uint64_t>(engine.events_count - context.drained))
    if count == 0:
        return 0
    memcpy(events, engine.events + context.drained, count * sizeof(Event))
    context.drained += <uint32_t>count
    if context.drained == engine.events_count:
        context.drained = 0
        engine.events_count = 0
    return count


cdef uint32_t _depth(ironpit_core* core, uint32_t instrument, uint8_t side, ironpit_level* levels,
                     uint32_t levels_max) noexcept nogil:
    if side != SIDE_BUY and side != SIDE_SELL:
        c_errno.errno = EINVAL
        return 0
    return query_depth((<Context*>core).engine, instrument, side != SIDE_BUY, <LevelView*>levels,
                       levels_max)


cdef int _level(ironpit_core* core, uint32_t instrument, uint8_t side, int32_t price,
                ironpit_level* level) noexcept nogil:
    if side != SIDE_BUY and side != SIDE_SELL:
        return STATUS_MALFORMED
    return query_level((<Context*>core).engine, instrument, side != SIDE_BUY, price,
                       <LevelView*>level)


cdef int _order(ironpit_core* core, uint32_t session, uint32_t user_ref,
                ironpit_order* order) noexcept nogil:
    return query_order((<Context*>core).engine, session, user_ref, <OrderView*>order)


cdef uint64_t _save(ironpit_core* core, void* out, uint64_t bytes_max) noexcept nogil:
    cdef Engine* engine = (<Context*>core).engine
    cdef uint64_t needed = snapshot_bytes(engine)
    if needed <= bytes_max:
        snapshot_save(engine, <uint8_t*>out)
    return needed


cdef ironpit_core* _load(const void* saved, uint64_t byte_count) noexcept nogil:
    cdef EngineLimits limits
    cdef ironpit_core* core
    if not snapshot_check(<const uint8_t*>saved, byte_count, &limits):
        c_errno.errno = EINVAL
        return NULL
    core = _create(<const ironpit_limits*>&limits)
    if core == NULL:
        return NULL
    if not snapshot_load((<Context*>core).engine, <const uint8_t*>saved, byte_count):
        _destroy(core)
        c_errno.errno = EINVAL
        return NULL
    return core


# Functions, and nothing that changes.
cdef ironpit_api _api
_api.abi_version = IRONPIT_ABI_VERSION
_api.struct_bytes = sizeof(ironpit_api)
_api.record_version = RECORD_VERSION
_api.reserved = 0
_api.create = _create
_api.destroy = _destroy
_api.apply = _apply
_api.submit = _submit
_api.drain = _drain
_api.depth = _depth
_api.level = _level
_api.order = _order
_api.save = _save
_api.load = _load

api = PyCapsule_New(&_api, "ironcore.library.capsule.api", NULL)
