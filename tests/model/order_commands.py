"""Orders entered, replaced, cancelled and modified: sections 3 to 7 of the rules."""

from typing import Any

from tests.model import records as r
from tests.model.engine_base import IgnoredError
from tests.model.icebergs import attribution
from tests.model.options import Options, fitted, inherited, read_options
from tests.model.order_rules import (
    BAD_CROSS,
    BAD_NUMBER,
    BAD_SIDE,
    BAD_SYMBOL,
    ENTRY_DISABLED,
    NO_PRICE,
    NO_ROOM,
    NOT_YET,
    Details,
    collar_reason,
    form_reason,
    option_reason,
    specials_reason,
    state_reason,
)
from tests.model.orders import (
    CONTINUOUS,
    RETIRED,
    TRADE_AT_CLOSE,
    Instrument,
    Order,
    Place,
    is_market,
)
from tests.model.venue_commands import VenueCommands

ORDER_REF_MAX = (1 << 48) - 1 - (1 << 28)  # rule 16.3


class OrderCommands(VenueCommands):
    """What members do with orders."""

    def reject(self, reason: int) -> None:
        self.emit(r.REJECTED, slot=reason)

    # Sections 3 and 4: new orders

    def enter(self, record: bytes, session_id: int, user_ref: int, index: int) -> None:
        quantity, price, side, tif, display, _, _, cross, _ = r.ENTER.unpack_from(record, r.BODY)
        options = Options(**read_options(r.options_of(record)))
        session = self.sessions[session_id]
        if user_ref <= session.user_ref_last:  # rule 3.1
            raise IgnoredError
        if user_ref >= 1 << self.limits.user_ref_bits:  # rule 3.3
            self.reject(BAD_NUMBER)
            return
        session.user_ref_last = user_ref  # rule 3.2
        sells = chr(side) != "B"
        details = Details(
            quantity, quantity, price, chr(tif), chr(display), chr(cross), options, sells
        )
        reason = self.enter_reason(session_id, index, chr(side), details)
        if reason:
            self.reject(reason)
            return
        details = self.limited(self.instruments[index], details)
        order = self.new_order(session_id, user_ref, index, chr(side), details, executed=0)
        self.pair_up(order, self.wanted_other(session_id, options, None))
        self.emit(r.ACCEPTED, order, reason=ord("L"), quantity=quantity)  # rule 5.1
        self.start_or_wait(order)
        self.settle(self.instruments[index])

    def enter_reason(self, session_id: int, index: int, side: str, details: Details) -> int:
        """Section 4, in its order."""
        if self.sessions[session_id].entry_disabled:  # rule 4.1
            return ENTRY_DISABLED
        if index >= len(self.instruments) or self.instruments[index].state == RETIRED:  # rule 4.2
            return BAD_SYMBOL
        if side not in "BSTE":  # rule 4.3
            return BAD_SIDE
        instrument = self.instruments[index]
        reason = form_reason(instrument.terms, details)
        if reason:
            return reason
        if details.cross_type not in "NOCH":  # rule 4.8
            return BAD_CROSS
        return (
            option_reason(instrument, details, self.second)
            or self.pair_reason(session_id, index, details.options)
            or state_reason(instrument.state_next or instrument.state, details)  # rule 4.10
            or collar_reason(instrument, self.limited(instrument, details))
            or self.unpriced_reason(instrument, details)
            or self.room_reason(instrument, details)
        )

    def limited(self, instrument: Instrument, details: Details) -> Details:
        """Rule 5.13: a market-to-limit order with its limit, where it gets one now."""
        best = instrument.best_displayed(not details.sells)
        is_due = details.options.is_to_limit and details.cross_type == "N"
        if not is_due or instrument.state != CONTINUOUS or best is None:
            return details
        return details._replace(price=best, options=details.options._replace(price_type="L"))

    def unpriced_reason(self, instrument: Instrument, details: Details) -> int:
        """Rule 4.12."""
        if details.options.is_to_limit and details.cross_type == "N":
            return 0 if self.limited(instrument, details) != details else NO_PRICE
        if not details.options.is_peg or instrument.state != CONTINUOUS:
            return 0
        side = "S" if details.sells else "B"
        trial = self.make_order(0, (0, 0), instrument.index, side, details, executed=0)
        return NO_PRICE if self.peg_price(trial) is None else 0

    def could_rest(self, details: Details) -> bool:
        """Rule 4.13."""
        trial = self.make_order(0, (0, 0), 0, "B", details, executed=0)
        return trial.may_rest or details.options.is_stop or details.cross_type != "N"

    def room_reason(self, instrument: Instrument, details: Details) -> int:
        """Rules 4.13 and 4.14."""
        could_rest = self.could_rest(details) or self.makes_wait(instrument)
        is_full = could_rest and len(self.live) >= self.limits.orders_max
        if is_full or self.order_ref_last >= ORDER_REF_MAX:
            return NO_ROOM
        return specials_reason(instrument, details) if could_rest else 0

    def make_order(
        self,
        order_ref: int,
        owner: tuple[int, int],
        index: int,
        side: str,
        details: Details,
        executed: int,
    ) -> Order:
        return Order(
            order_ref,
            *owner,
            index,
            side,
            details.price,
            details.open_quantity,
            executed,
            details.time_in_force,
            details.display,
            details.cross_type,
            details.options,
            accepted=order_ref,
        )

    def new_order(
        self,
        session: int,
        user_ref: int,
        index: int,
        side: str,
        details: Details,
        executed: int,
    ) -> Order:
        owner = (session, user_ref)
        return self.make_order(self.next_order_ref(), owner, index, side, details, executed)

    def start(self, order: Order) -> None:
        """What becomes of an order after ACCEPTED or REPLACED: rules 5.2, 10.4, 11.5 and 13.3."""
        if order.cross_type != "N":
            self.put(order, Place.WAITING)
        elif order.options.is_stop:
            self.make_stop(order)
        elif order.is_peg:
            self.start_peg(order)
        elif self.is_continuous(order):
            self.aggress(order, self.limit_of(order))
        elif self.instrument_of(order).state == TRADE_AT_CLOSE:
            self.trade_at_close(order)
        else:
            self.rest(order, order.price)

    # Section 6: cancel and modify

    def find(self, session: int, user_ref: int) -> Order:
        order = self.live.get((session, user_ref))
        if order is None:  # rules 6.2, 6.5, 7.1
            raise IgnoredError
        self.stamped = order.instrument  # rule 8.6
        return order

    def is_off_lot(self, order: Order, total: int) -> bool:
        return total % self.instrument_of(order).terms.lot != 0

    def cancel_order(self, order: Order, total: int, code: int) -> None:
        self.meet(order)
        is_whole = total <= order.executed
        # Rules 6.2 and 6.3.
        if not is_whole and (total >= order.total or self.is_off_lot(order, total)):
            raise IgnoredError
        reason = chr(code or ord("U"))
        if self.is_held(order) and (reason == "U" or self.is_in_auction(order)):  # rule 13.12
            self.emit(r.CANCEL_REJECTED, order)
        elif is_whole:  # rule 6.1
            self.cancel(order, reason)
        else:
            self.cancel(order, reason, order.total - total)
        self.settle(self.instrument_of(order))

    def modify_order(self, order: Order, total: int, side: str) -> None:
        self.meet(order)
        if side not in "BSTE" or (side == "B") != (order.side == "B"):  # rule 6.5
            raise IgnoredError
        is_whole = total <= order.executed
        if not is_whole and (
            total > order.total
            or self.is_off_lot(order, total)
            or (total == order.total and side == order.side)
        ):
            raise IgnoredError
        if total < order.total and self.is_held(order):  # rule 13.12
            self.emit(r.CANCEL_REJECTED, order)
        elif is_whole:  # rule 6.6
            self.cancel(order, "U")
        else:  # rule 6.4
            decrement = order.total - total
            reachable = self.shrink(order, decrement)
            order.side = side
            visible = order.is_visible and not order.is_iceberg  # rule 9.6
            self.emit(
                r.MODIFIED,
                order,
                flags=r.VISIBLE if visible else 0,
                quantity=order.quantity,
                other=decrement,
            )
            self.say_reduced(order, reachable)
        self.settle(self.instrument_of(order))

    # Section 7: replace

    def replace(self, record: bytes, session_id: int, user_ref: int) -> None:
        """The checks in the order of rule 7.9."""
        total, price, original, _, tif, display, _, _ = r.REPLACE.unpack_from(record, r.BODY)
        given = read_options(r.options_of(record))
        session = self.sessions[session_id]
        if user_ref <= session.user_ref_last:  # rule 7.1
            raise IgnoredError
        old = self.find(session_id, original)
        self.open_before = old.quantity  # rule 7.10
        self.meet(old)
        if user_ref >= 1 << self.limits.user_ref_bits:  # rule 3.3
            self.reject(BAD_NUMBER)
            return
        if self.order_ref_last >= ORDER_REF_MAX:
            self.reject(BAD_NUMBER)
            return
        instrument = self.instrument_of(old)
        details = self.replacement(old, total, price, chr(tif), chr(display), given)
        reason = ENTRY_DISABLED if session.entry_disabled else 0
        reason = reason or state_reason(instrument.state_next or instrument.state, details)
        reason = reason or (NOT_YET if self.is_held(old) else 0)
        if reason:  # rule 7.2
            session.user_ref_last = user_ref
            self.reject(reason)
            return
        side = details.options.side or old.side
        if self.is_invalid(instrument, old, side, details) or total <= old.executed:
            self.cancel(old, "U")  # rules 7.3 and 7.4
        else:
            session.user_ref_last = user_ref
            details = self.limited(instrument, details)
            new = self.new_order(
                session_id, user_ref, instrument.index, side, details, old.executed
            )
            self.pair_up(new, self.wanted_other(session_id, details.options, old))
            self.replace_with(old, new)
        self.settle(instrument)

    def replacement(
        self, old: Order, total: int, price: int, tif: str, display: str, given: dict[str, Any]
    ) -> Details:
        """Rules 7.4 and 7.5."""
        open_quantity = max(0, total - old.executed)
        leaves_at_once = is_market(price) or tif in "34"
        options = fitted(
            inherited(old.options, given),
            given,
            open_quantity,
            display != "N",
            leaves_at_once,
            not is_market(price),
        )
        cross = old.cross_type
        return Details(total, open_quantity, price, tif, display, cross, options, old.sells)

    def is_invalid(self, instrument: Instrument, old: Order, side: str, details: Details) -> bool:
        """Rules 7.3 and 7.5."""
        if side not in "BSTE" or (side == "B") != (old.side == "B"):
            return True
        reason = (
            form_reason(instrument.terms, details)
            or option_reason(instrument, details, self.second)
            or self.pair_reason(old.session, instrument.index, details.options, old)
            or collar_reason(instrument, self.limited(instrument, details))
            or self.unpriced_reason(instrument, details)
        )
        if reason == 0 and (self.could_rest(details) or self.makes_wait(instrument)):
            reason = specials_reason(instrument, details, old)
        return reason != 0

    def replace_with(self, old: Order, new: Order) -> None:
        """Rules 7.6 and 7.7."""
        was_visible, had_reserve = old.is_visible, old.reserve > 0
        self.remove(old)
        is_one_event = (
            was_visible
            and not had_reserve
            and (old.display == "A") == (new.display == "A")
            and self.rests_at_once(new)
        )
        self.emit(
            r.REPLACED,
            new,
            flags=(0 if is_one_event else r.CROSSES)
            | (r.VISIBLE if was_visible else 0)
            | attribution(new),
            reason=ord("L"),
            quantity=new.quantity,
            other=old.order_ref,
        )
        if is_one_event:
            self.rest(new, new.price, announce=False)
        else:
            self.start_or_wait(new)

    def rests_at_once(self, new: Order) -> bool:
        """Rule 7.6: displayed in full, at its limit, meeting no order."""
        if new.is_hidden or not new.may_rest or new.options.is_stop or new.cross_type != "N":
            return False
        if new.options.is_peg:  # it has no limit of its own
            return False
        if 0 < new.options.max_floor < new.quantity:
            return False
        if self.makes_wait(self.instrument_of(new)):  # rule 18.10
            return False
        if self.instrument_of(new).state == TRADE_AT_CLOSE:
            return not self.met_at_close(new)
        if not self.is_continuous(new):
            return True
        return self.first_met(new, new.price, self.opposite(new)) is None
