"""Quotes: section 20 of the rules."""

import struct

from tests.model import records as r
from tests.model.engine_base import IgnoredError
from tests.model.matching import LEFT
from tests.model.options import Options
from tests.model.order_commands import ORDER_REF_MAX
from tests.model.order_rules import (
    BAD_NUMBER,
    BAD_PRICE,
    BAD_SYMBOL,
    ENTRY_DISABLED,
    NO_ROOM,
    NOT_YET,
    Details,
    collar_reason,
    form_reason,
    state_reason,
)
from tests.model.orders import CONTINUOUS, RETIRED, TRADE_AT_CLOSE, Instrument, Order, is_market
from tests.model.protections import Protections

ENTRY = struct.Struct("<IiIiII")
CROSSED_QUOTE, PROTECTED = 0x91, 0x92
Wanted = tuple[int, int]  # price and quantity
EXECUTING = (CONTINUOUS, TRADE_AT_CLOSE)


class Quotes(Protections):
    """A session's pair of orders in each instrument."""

    def quote(self, record: bytes, session: int, user_ref: int) -> None:
        """Rules 20.1 to 20.3."""
        entries = list(ENTRY.iter_unpack(record[r.BODY :]))
        member = self.sessions[session]
        if user_ref <= member.user_ref_last:
            raise IgnoredError
        last = user_ref + 2 * len(entries) - 1
        first = entries[0][0]
        self.stamped = first if first < len(self.instruments) else r.INSTRUMENT_NONE
        is_beyond = last >= 1 << self.limits.user_ref_bits
        if not is_beyond:
            member.user_ref_last = last
        for index, (number, bid, bids, ask, asks, _) in enumerate(entries):
            own = user_ref + 2 * index
            if is_beyond:
                self.refuse(session, own, index, BAD_NUMBER)
            elif number >= len(self.instruments) or self.instruments[number].state == RETIRED:
                self.refuse(session, own, index, BAD_SYMBOL)
            else:
                instrument = self.instruments[number]
                self.quote_one(session, own, index, instrument, ((bid, bids), (ask, asks)))

    def refuse(self, session: int, user_ref: int, index: int, reason: int) -> None:
        is_known = user_ref < 1 << self.limits.user_ref_bits
        slot = self.slot(session, user_ref if is_known else 0)
        self.emit(r.QUOTE_REJECTED, reason=reason, quantity=index, slot=slot)

    def quote_one(
        self,
        session: int,
        user_ref: int,
        index: int,
        instrument: Instrument,
        wanted: tuple[Wanted, Wanted],
    ) -> None:
        if index:
            self.emit(r.INSTRUMENT_NEXT, slot=instrument.index)
        if not instrument.is_busy:  # rule 20.1: as if it came alone
            instrument.last_before = instrument.last_price
        pair = self.quotes.get((session, instrument.index), [None, None])
        old = [order if order and self.is_live(order) else None for order in pair]
        for order in old:  # rule 20.8
            if order and self.is_named(order):
                old[old.index(order)] = None
        stays = [
            order is not None and order.event_price == price and 0 < quantity <= order.quantity
            for order, (price, quantity) in zip(old, wanted, strict=True)
        ]
        reason = self.quote_reason(session, instrument, wanted, old, stays)
        if reason:
            self.refuse(session, user_ref, index, reason)
            return
        self.emit(r.QUOTED, quantity=index, slot=self.slot(session, user_ref))
        for order, (_, quantity), is_kept in zip(old, wanted, stays, strict=True):
            if order and not is_kept:
                self.cancel(order, "U")
            elif order and quantity < order.quantity:
                decrement = order.quantity - quantity
                self.shrink(order, decrement)
                flags = r.VISIBLE if order.is_visible else 0
                self.emit(r.MODIFIED, order, flags=flags, quantity=quantity, other=decrement)
        pair = list(old)
        for number, (price, quantity) in enumerate(wanted):
            is_protected = self.is_protected(session, instrument.index)
            if quantity and not stays[number] and not is_protected:
                side = "BS"[number]
                details = self.of_side(price, quantity, side)
                order = self.new_order(
                    session, user_ref + number, instrument.index, side, details, executed=0
                )
                pair[number] = order
                self.quotes[session, instrument.index] = pair
                self.emit(r.ACCEPTED, order, reason=ord("L"), quantity=quantity)
                if index and self.step_is_over() and instrument.state in EXECUTING:
                    self.be_busy(instrument)
                self.start_or_wait(order)
        self.quotes[session, instrument.index] = pair
        self.settle(instrument)

    def of_side(self, price: int, quantity: int, side: str) -> Details:
        return Details(quantity, quantity, price, "0", "Y", "N", Options(), side == "S")

    def is_quoted(self, order: Order) -> bool:
        return order in self.quotes.get((order.session, order.instrument), [])

    def is_named(self, order: Order) -> bool:
        """Rule 18.6: the work that waits cancels it now."""
        if self.is_in_auction(order):
            return False
        for work in self.waiting:
            if order in work.orders and work.names(order):
                self.take(work, order)
                self.actions += LEFT
                if not work.empties:
                    self.park_pegs_beside([order])
                return True
        return False

    def quote_reason(
        self,
        session: int,
        instrument: Instrument,
        wanted: tuple[Wanted, Wanted],
        old: list[Order | None],
        stays: list[bool],
    ) -> int:
        """Rule 20.5, in its order."""
        if (wanted[0][1] or wanted[1][1]) and self.sessions[session].entry_disabled:
            return ENTRY_DISABLED
        if (wanted[0][1] or wanted[1][1]) and self.is_protected(session, instrument.index):
            return PROTECTED
        for (price, quantity), side in zip(wanted, "BS", strict=True):
            if quantity:
                details = self.of_side(price, quantity, side)
                reason = (
                    form_reason(instrument.terms, details)
                    or (BAD_PRICE if is_market(price) else 0)
                    or state_reason(instrument.state_next or instrument.state, details)
                    or collar_reason(instrument, details)
                )
                if reason:
                    return reason
        (bid, bids), (ask, asks) = wanted
        if bids and asks and bid >= ask:
            return CROSSED_QUOTE
        for order, (_, quantity), is_kept in zip(old, wanted, stays, strict=True):
            if order and not (is_kept and quantity == order.quantity) and self.is_held(order):
                return NOT_YET
        coming = sum(
            quantity > 0 and not kept for (_, quantity), kept in zip(wanted, stays, strict=True)
        )
        leaving = sum(
            order is not None and not kept for order, kept in zip(old, stays, strict=True)
        )
        if coming == 0:
            return 0
        is_full = len(self.live) + coming - leaving > self.limits.orders_max
        is_full = is_full or not self.has_place(session, instrument.index)
        return NO_ROOM if is_full or self.order_ref_last + 1 >= ORDER_REF_MAX else 0
