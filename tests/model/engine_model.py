"""The matching rules once more: naive, obvious, slow. Written from docs/MATCHING_RULES.md, whose
rule numbers the comments give, and not from the core.

Each subject is a class of its own, on top of those that it needs: engine_base, icebergs, matching,
settlement (stops and pegs), auction_model, states, venue_commands, order_commands.
"""

from tests.model import records as r
from tests.model.engine_base import DoneError, IgnoredError, LaterError
from tests.model.options import MalformedError
from tests.model.orders import Order
from tests.model.quotes import Quotes
from tests.model.steps import Work

FIXED_LENGTHS = {
    r.STREAM_START: 80,
    r.DEFINE_INSTRUMENT: 104,
    r.CHANGE_INSTRUMENT: 104,
    r.DEFINE_SESSION: 96,
    r.SYSTEM_EVENT: 48,
    r.RETIRE_INSTRUMENT: 48,
    r.SET_STATE: 48,
    r.CLOCK: 48,
    r.BUST_TRADE: 64,
    r.CONTINUE: 48,
    r.SET_END: 64,
    r.DEFINE_TICK_TABLE: 240,
    r.CANCEL_ORDER: 72,
    r.MODIFY_ORDER: 48,
    r.MASS_CANCEL: 56,
    r.DISABLE_ORDER_ENTRY: 48,
    r.ENABLE_ORDER_ENTRY: 48,
    r.ACCOUNT_QUERY: 40,
    r.CANCEL_SESSION: 48,
    r.SET_PROTECTION: 64,
    r.RESET_PROTECTION: 40,
}
ORDERS = (r.ENTER_ORDER, r.REPLACE_ORDER)
LENGTHS_OF_ORDERS = (80, 136)  # without options and with them
LENGTHS_OF_QUOTES = tuple(range(64, 64 + 16 * 24, 24))  # rule 20.1


def lengths_of(kind: int) -> tuple[int, ...]:
    """Rule 1.3."""
    if kind in ORDERS:
        return LENGTHS_OF_ORDERS
    if kind == r.QUOTE:
        return LENGTHS_OF_QUOTES
    return (FIXED_LENGTHS[kind],) if kind in FIXED_LENGTHS else ()


class EngineModel(Quotes):
    """apply() takes one record and gives its outcome and its events as bytes."""

    def apply(self, record: bytes) -> tuple[int, list[bytes]]:
        self.events = []
        self.stamped = self.open_before = None
        self.actions = 0
        self.priced = []
        for instrument in self.instruments:
            if not instrument.is_busy:
                instrument.last_before = instrument.last_price
        try:
            self.dispatch(record)
        except DoneError:
            pass
        except MalformedError:
            return r.MALFORMED, []
        except (IgnoredError, LaterError) as error:
            self.stamped = self.open_before = None
            return r.LATER if isinstance(error, LaterError) else r.IGNORED, []
        if self.events:  # rule 1.5
            last = self.events[-1]
            self.events[-1] = last._replace(flags=last.flags | r.LAST)
        return r.OK, [r.EVENT.pack(*event) for event in self.events]

    def dispatch(self, record: bytes) -> None:
        """Sections 1 and 2: is it a record, and may it be here?"""
        if len(record) < r.HEADER.size:
            raise MalformedError
        kind, _, record_bytes, session, _, _, user_ref, index, *_ = r.HEADER.unpack_from(record)
        if record_bytes not in lengths_of(kind) or record_bytes > len(record):  # rule 1.3
            raise MalformedError
        if not self.started and kind != r.STREAM_START:  # rule 1.4
            raise MalformedError
        if kind < r.ENTER_ORDER:
            self.venue_command(kind, record, session, index)
        elif session not in self.sessions:  # rule 2.3
            raise MalformedError
        elif kind == r.ENTER_ORDER:
            self.enter(record, session, user_ref, index)
        elif kind == r.REPLACE_ORDER:
            self.replace(record, session, user_ref)
        elif kind == r.QUOTE:
            self.quote(record[:record_bytes], session, user_ref)
        else:
            self.member_command(kind, record, session, user_ref, index)

    def venue_command(self, kind: int, record: bytes, session: int, index: int) -> None:
        if kind == r.STREAM_START:
            self.stream_start(record)
        elif kind == r.DEFINE_INSTRUMENT:
            self.define_instrument(record, index)
        elif kind == r.CHANGE_INSTRUMENT:
            self.change_instrument(record, index)
        elif kind == r.RETIRE_INSTRUMENT:
            self.retire_instrument(index)
        elif kind == r.DEFINE_SESSION:
            self.define_session(record, session)
        elif kind == r.SYSTEM_EVENT:
            self.system_event(record)
        elif kind == r.SET_STATE:
            self.set_state(record, index)
        elif kind == r.CLOCK:
            self.clock(record)
        elif kind == r.CONTINUE:
            self.go_on()
        elif kind == r.SET_END:
            self.set_end(record, index)
        elif kind == r.DEFINE_TICK_TABLE:
            self.define_tick_table(record)
        else:
            self.bust_trade(record, index)

    # Sections 6 and 8

    def member_command(
        self, kind: int, record: bytes, session: int, user_ref: int, index: int
    ) -> None:
        if kind == r.CANCEL_ORDER:
            quantity, reason, _ = r.CANCEL.unpack_from(record, r.BODY)
            self.cancel_order(self.find(session, user_ref), quantity, reason)
        elif kind == r.MODIFY_ORDER:
            quantity, side = r.MODIFY.unpack_from(record, r.BODY)
            self.modify_order(self.find(session, user_ref), quantity, chr(side))
        elif kind == r.MASS_CANCEL:
            self.mass_cancel(record, session, index)
        elif kind == r.SET_PROTECTION:
            self.set_protection(record, session, index)
        elif kind == r.RESET_PROTECTION:
            self.reset_protection(session, index)
        elif kind == r.CANCEL_SESSION:
            self.cancel_session(session, chr(record[r.BODY] or ord("Z")))
        elif kind == r.ACCOUNT_QUERY:  # rule 8.5
            number = self.sessions[session].user_ref_last + 1
            self.emit(r.ACCOUNT_QUERY_RESPONSE, quantity=number, slot=self.slot(session))
        else:  # rule 8.4
            disable = kind == r.DISABLE_ORDER_ENTRY
            self.sessions[session].entry_disabled = disable
            answer = r.ENTRY_DISABLED if disable else r.ENTRY_ENABLED
            self.emit(answer, slot=self.slot(session))

    def mass_cancel(self, record: bytes, session_id: int, index: int) -> None:
        """Rule 8.1."""
        (group, group_given, side, side_given, symbol_given, _, scope, reason) = r.MASS.unpack_from(
            record, r.BODY
        )
        self.needs_room(session_id)
        why = chr(reason or ord("U"))

        def names(order: Order) -> bool:
            return (
                (not symbol_given or order.instrument == index)
                and (not side_given or order.sells == (chr(side) != "B"))
                and (not group_given or order.options.group_id == group)
                and (why != "U" or not self.is_held(order))  # rule 13.12
            )

        orders = [
            order
            for order in self.in_order_of_slots(list(self.live.values()))
            if order.session == session_id or (scope == 1 and self.same_firm(order, session_id))
        ]
        work = Work(r.MASS_CANCEL, session_id, index, why, orders, names)
        if self.begin(work):
            self.finish(work)

    def same_firm(self, order: Order, session_id: int) -> bool:
        return self.sessions[order.session].firm == self.sessions[session_id].firm

    def cancel_session(self, session: int, reason: str) -> None:
        """Rule 8.2."""
        self.needs_room(session)
        orders = [order for order in self.live.values() if order.session == session]
        orders = self.in_order_of_slots(orders)
        index = r.INSTRUMENT_NONE
        work = Work(r.CANCEL_SESSION, session, index, reason, orders, lambda order: True)
        if self.begin(work) and work.cancelled == 0:
            raise IgnoredError
