"""The matching rules once more: naive, obvious, slow. Written from docs/MATCHING_RULES.md, whose
rule numbers the comments give, and not from the core."""

import struct

from tests.model import records as r
from tests.model.order_rules import (
    BAD_CROSS,
    BAD_NUMBER,
    BAD_SIDE,
    BAD_SYMBOL,
    ENTRY_DISABLED,
    OTHER,
    TAG_SIDE,
    IgnoredError,
    Instrument,
    MalformedError,
    Order,
    Session,
    details_reason,
    option_reason,
    parse_appendage,
)
from tests.model.records import Limits

FIXED_LENGTHS = {
    r.STREAM_START: 72,
    r.DEFINE_INSTRUMENT: 72,
    r.DEFINE_SESSION: 56,
    r.SYSTEM_EVENT: 40,
    r.CANCEL_ORDER: 40,
    r.MODIFY_ORDER: 40,
    r.MASS_CANCEL: 40,
    r.DISABLE_ORDER_ENTRY: 40,
    r.ENABLE_ORDER_ENTRY: 40,
    r.ACCOUNT_QUERY: 40,
    r.CANCEL_SESSION: 40,
}
APPENDAGE_LENGTH_AT = {r.ENTER_ORDER: 46, r.REPLACE_ORDER: 48}


class EngineModel:
    """apply() takes one record and gives its outcome and its events as bytes."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.started = False
        self.instruments: list[Instrument] = []
        self.sessions: dict[int, Session] = {}
        self.live: dict[tuple[int, int], Order] = {}
        self.order_ref_last = 0
        self.match_number_last = 0
        self.events: list[r.Event] = []
        self.stamped: int | None = None

    def apply(self, record: bytes) -> tuple[int, list[bytes]]:
        self.events = []
        self.stamped = None
        try:
            self._dispatch(record)
        except MalformedError:
            return r.MALFORMED, []
        except IgnoredError:
            return r.IGNORED, []
        if self.events:  # rule 1.5
            last = self.events[-1]
            self.events[-1] = last._replace(flags=last.flags | r.LAST)
        return r.OK, [r.EVENT.pack(*event) for event in self.events]

    # Section 1: the stream

    def _dispatch(self, record: bytes) -> None:
        if len(record) < r.HEADER.size:
            raise MalformedError
        kind, _, record_bytes, session, _, _, user_ref, instrument = r.HEADER.unpack_from(record)
        if record_bytes != self._length(kind, record) or record_bytes > len(record):  # rule 1.3
            raise MalformedError
        if kind == r.STREAM_START:
            self._stream_start(record)
            return
        if not self.started:  # rule 1.4
            raise MalformedError
        if kind == r.DEFINE_INSTRUMENT:
            self._define_instrument(record, instrument)
        elif kind == r.DEFINE_SESSION:
            self._define_session(session)
        elif kind == r.SYSTEM_EVENT:
            self._system_event(record)
        elif session not in self.sessions:  # rule 2.3
            raise MalformedError
        elif kind == r.ENTER_ORDER:
            self._enter(record, session, user_ref, instrument)
        elif kind == r.REPLACE_ORDER:
            self._replace(record, session, user_ref)
        else:
            self._short(kind, record, session, user_ref, instrument)

    def _length(self, kind: int, record: bytes) -> int:
        if kind in FIXED_LENGTHS:
            return FIXED_LENGTHS[kind]
        if kind not in APPENDAGE_LENGTH_AT or len(record) < 64:
            raise MalformedError
        (appendage_bytes,) = struct.unpack_from("<H", record, APPENDAGE_LENGTH_AT[kind])
        return 64 + (int(appendage_bytes) + 7) // 8 * 8

    def _stream_start(self, record: bytes) -> None:
        _, version, instruments, _, orders, sessions, bits, _ = struct.unpack_from(
            "<10sHIQIIII", record, 32
        )
        if self.started or version != r.RECORD_VERSION:
            raise MalformedError
        if Limits(instruments, sessions, orders, bits) != self.limits:
            raise MalformedError
        self.started = True

    def _emit(self, kind: int, order: Order | None = None, **fields: int) -> None:
        """One event; an order gives its own reference, slot, side and flag (rule 9.1)."""
        values = dict.fromkeys(r.Event._fields, 0)
        if order is not None:
            values["order_ref"] = order.order_ref
            values["slot"] = self._slot(order.session, order.user_ref)
            values["side"] = ord(order.side)
            values["price_e4"] = order.price
            values["flags"] = r.SELL if order.sells else 0
        values["type"] = kind
        flags = values["flags"] | fields.pop("flags", 0)
        self.events.append(r.Event(**{**values, **fields, "flags": flags}))

    def _slot(self, session: int, user_ref: int) -> int:
        return (session << self.limits.user_ref_bits) + user_ref

    # Section 2: what the venue defines

    def _define_instrument(self, record: bytes, index: int) -> None:
        _, tick, lot, price_min, price_max, quantity_max = struct.unpack_from(
            "<8sIIiiI", record, 32
        )
        if index != len(self.instruments) or index >= self.limits.instruments_max:  # rule 2.1
            raise MalformedError
        sound = (
            tick >= 1
            and lot >= 1
            and 1 <= price_min <= price_max <= r.PRICE_MAX
            and price_max // tick * tick >= price_min
            and lot <= quantity_max <= 999_999
        )
        if not sound:  # rule 2.2
            raise MalformedError
        self.instruments.append(Instrument(tick, lot, price_min, price_max, quantity_max))
        self._emit(r.INSTRUMENT_DEFINED, slot=index)

    def _define_session(self, index: int) -> None:
        if index != len(self.sessions) + 1 or index > self.limits.sessions_max:  # rule 2.3
            raise MalformedError
        self.sessions[index] = Session()
        self._emit(r.SESSION_DEFINED, slot=self._slot(index, 0))

    def _system_event(self, record: bytes) -> None:
        if chr(record[32]) not in "OSQMEC":  # rule 2.4
            raise MalformedError
        self._emit(r.SYSTEM, reason=record[32])

    # Sections 3 to 5: new orders

    def _reject(self, reason: int) -> None:
        self._emit(r.REJECTED, slot=reason)

    def _enter_reason(
        self, instrument: int, side: str, details: tuple[int, int, str, str], cross: str
    ) -> int:
        if instrument >= len(self.instruments):  # rule 4.2
            return BAD_SYMBOL
        if side not in "BSTE":  # rule 4.3
            return BAD_SIDE
        reason = details_reason(self.instruments[instrument], *details)
        if reason:
            return reason
        return 0 if cross == "N" else BAD_CROSS  # rule 4.8

    def _enter(self, record: bytes, session_id: int, user_ref: int, instrument: int) -> None:
        quantity, price, side, tif, display, _, _, cross, length, _ = r.ENTER.unpack_from(
            record, 32
        )
        elements = parse_appendage(record[64 : 64 + length])
        session = self.sessions[session_id]
        if user_ref <= session.user_ref_last:  # rule 3.1
            raise IgnoredError
        if user_ref >= 1 << self.limits.user_ref_bits:  # rule 3.3
            self._reject(BAD_NUMBER)
            return
        session.user_ref_last = user_ref  # rule 3.2
        may_rest = chr(tif) == "0" and price not in (r.MARKET, r.MARKET_CROSS)
        details = (quantity, price, chr(tif), chr(display))
        reason = (
            (ENTRY_DISABLED if session.entry_disabled else 0)  # rule 4.1
            or self._enter_reason(instrument, chr(side), details, chr(cross))
            or option_reason(elements)  # rule 4.9
            or (OTHER if may_rest and len(self.live) >= self.limits.orders_max else 0)  # rule 4.10
        )
        if reason:
            self._reject(reason)
            return
        order = Order(
            self._next_order_ref(), session_id, user_ref, instrument, chr(side), price, quantity, 0
        )
        self._emit(r.ACCEPTED, order, reason=ord("L"), quantity=quantity)  # rule 5.1
        self._trade(order)
        self._finish(order, may_rest, announce=True)

    def _next_order_ref(self) -> int:
        self.order_ref_last += 1
        return self.order_ref_last

    def _queues(self, order: Order) -> tuple[list[Order], list[Order]]:
        """The order's own side and the opposite one."""
        book = self.instruments[order.instrument]
        return (book.sells, book.buys) if order.sells else (book.buys, book.sells)

    def _may_meet(self, order: Order, resting: Order) -> bool:
        if order.price in (r.MARKET, r.MARKET_CROSS):  # rule 5.2
            return True
        return resting.price >= order.price if order.sells else resting.price <= order.price

    def _trade(self, order: Order) -> None:
        _, opposite = self._queues(order)
        while order.quantity and opposite and self._may_meet(order, opposite[0]):
            resting = opposite[0]  # rule 5.3: the queue is in order of priority
            executed = min(order.quantity, resting.quantity)  # rule 5.4
            self.match_number_last += 1
            self._emit(
                r.EXECUTED,
                resting,
                flags=r.VISIBLE | (r.AGGRESSOR_SELL if order.sells else 0),
                quantity=executed,
                other=self.match_number_last,
            )
            for party in (order, resting):
                party.quantity -= executed
                party.executed += executed
            if resting.quantity == 0:
                self._remove(resting)

    def _finish(self, order: Order, may_rest: bool, announce: bool) -> None:
        if order.quantity == 0:
            return
        if not may_rest:  # rule 5.6
            self._emit(r.CANCELED, order, reason=ord("I"), quantity=order.quantity)
            return
        own, _ = self._queues(order)
        position = 0  # rule 5.5: behind all that are as good or better
        while position < len(own) and not self._is_better(order, own[position]):
            position += 1
        own.insert(position, order)
        self.live[order.session, order.user_ref] = order
        if announce:
            self._emit(r.ADDED, order, flags=r.VISIBLE, quantity=order.quantity)

    def _is_better(self, order: Order, other: Order) -> bool:
        return order.price < other.price if order.sells else order.price > other.price

    def _remove(self, order: Order) -> None:
        own, _ = self._queues(order)
        own.remove(order)
        del self.live[order.session, order.user_ref]

    # Section 6: cancel and modify

    def _short(
        self, kind: int, record: bytes, session: int, user_ref: int, instrument: int
    ) -> None:
        quantity, side, reason, _, symbol_given = r.SHORT.unpack_from(record, 32)
        if kind == r.CANCEL_ORDER:
            self._cancel(self._find(session, user_ref), quantity, reason or ord("U"))
        elif kind == r.MODIFY_ORDER:
            self._modify(self._find(session, user_ref), quantity, chr(side))
        elif kind == r.MASS_CANCEL:  # rule 8.1
            only = instrument if symbol_given else None
            count = self._cancel_all(session, only, reason or ord("U"))
            self._emit(r.MASS_CANCEL_RESPONSE, quantity=count, slot=self._slot(session, 0))
        elif kind == r.CANCEL_SESSION:  # rule 8.2
            if self._cancel_all(session, None, reason or ord("Z")) == 0:
                raise IgnoredError
        elif kind == r.ACCOUNT_QUERY:  # rule 8.5
            number = self.sessions[session].user_ref_last + 1
            self._emit(r.ACCOUNT_QUERY_RESPONSE, quantity=number, slot=self._slot(session, 0))
        else:  # rule 8.4
            disable = kind == r.DISABLE_ORDER_ENTRY
            self.sessions[session].entry_disabled = disable
            answer = r.ENTRY_DISABLED if disable else r.ENTRY_ENABLED
            self._emit(answer, slot=self._slot(session, 0))

    def _find(self, session: int, user_ref: int) -> Order:
        order = self.live.get((session, user_ref))
        if order is None:  # rules 6.2, 6.5, 7.1
            raise IgnoredError
        return order

    def _cancel_rest(self, order: Order, reason: int, other: int = 0) -> None:
        self._emit(
            r.CANCELED, order, flags=r.VISIBLE, reason=reason, quantity=order.quantity, other=other
        )
        self._remove(order)

    def _cancel(self, order: Order, total: int, reason: int) -> None:
        if total <= order.executed:  # rule 6.1
            self._cancel_rest(order, reason)
        else:
            decrement = order.total - total
            if decrement <= 0:  # rule 6.2
                raise IgnoredError
            if total % self.instruments[order.instrument].lot:  # rule 6.3
                raise IgnoredError
            order.quantity -= decrement
            self._emit(
                r.CANCELED,
                order,
                flags=r.VISIBLE,
                reason=reason,
                quantity=decrement,
                other=order.quantity,
            )
        self.stamped = order.instrument  # rule 8.6

    def _modify(self, order: Order, total: int, side: str) -> None:
        if side not in "BSTE" or (side == "B") != (order.side == "B"):  # rule 6.5
            raise IgnoredError
        if total <= order.executed:  # rule 6.6
            self._cancel_rest(order, ord("U"))
        else:
            decrement = order.total - total
            if decrement < 0 or (decrement == 0 and side == order.side):
                raise IgnoredError
            if decrement and total % self.instruments[order.instrument].lot:
                raise IgnoredError
            order.quantity -= decrement  # rule 6.4
            order.side = side
            self._emit(r.MODIFIED, order, flags=r.VISIBLE, quantity=order.quantity, other=decrement)
        self.stamped = order.instrument

    # Section 7: replace

    def _replace(self, record: bytes, session_id: int, user_ref: int) -> None:
        quantity, price, orig, tif, display, _, length, _ = r.REPLACE.unpack_from(record, 32)
        elements = parse_appendage(record[64 : 64 + length])
        session = self.sessions[session_id]
        if user_ref <= session.user_ref_last:  # rule 7.1
            raise IgnoredError
        old = self._find(session_id, orig)
        self.stamped = old.instrument
        if user_ref >= 1 << self.limits.user_ref_bits:  # rule 3.3
            self._reject(BAD_NUMBER)
            return
        if session.entry_disabled:  # rule 7.2
            session.user_ref_last = user_ref
            self._reject(ENTRY_DISABLED)
            return
        sides = [chr(value[0]) for tag, value in elements if tag == TAG_SIDE and len(value) == 1]
        side = sides[-1] if sides and sides[-1] != "\0" else old.side
        invalid = (
            side not in "BSTE"
            or (side == "B") != (old.side == "B")  # rule 7.5
            or details_reason(
                self.instruments[old.instrument], quantity, price, chr(tif), chr(display)
            )
            or option_reason(elements)
        )
        if invalid or quantity <= old.executed:  # rules 7.3, 7.4
            self._cancel_rest(old, ord("U"))
            return
        session.user_ref_last = user_ref
        new = Order(
            self._next_order_ref(),
            session_id,
            user_ref,
            old.instrument,
            side,
            price,
            quantity - old.executed,
            old.executed,
        )
        self._replace_with(old, new, chr(tif) == "0")

    def _replace_with(self, old: Order, new: Order, is_day: bool) -> None:
        may_rest = is_day and new.price not in (r.MARKET, r.MARKET_CROSS)
        _, opposite = self._queues(new)
        trades = bool(opposite) and self._may_meet(new, opposite[0])
        crosses = trades or not may_rest  # rules 7.6, 7.7
        self._remove(old)
        self._emit(
            r.REPLACED,
            new,
            flags=r.VISIBLE | (r.CROSSES if crosses else 0),
            reason=ord("L"),
            quantity=new.quantity,
            other=old.order_ref,
        )
        self._trade(new)
        self._finish(new, may_rest, announce=crosses)

    # Section 8: sessions

    def _cancel_all(self, session: int, instrument: int | None, reason: int) -> int:
        orders = [
            order
            for (owner, _), order in sorted(self.live.items())
            if owner == session and instrument in (None, order.instrument)
        ]
        for order in orders:
            self._cancel_rest(order, reason, other=(order.instrument + 1) << 32)  # rule 8.3
        return len(orders)
