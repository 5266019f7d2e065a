"""One command of every kind, sent to a book that others have prepared."""

from collections.abc import Callable
from typing import Any, TypeAlias

from tests.dearest import quotes
from tests.dearest.opening import (
    FAR,
    GROUP_MATE,
    GROUPED,
    ICEBERG_QUANTITY,
    OWNER,
    PRICE,
    QUANTITY_MAX,
    SECOND,
    SESSIONS,
    STRANGER,
    Opening,
)
from tests.model import records as r
from tests.model.options import write_options

Command: TypeAlias = Callable[[Opening], bytes]

TOP, BOTTOM = r.PRICE_MAX, 1
MUCH = QUANTITY_MAX - 1  # which no order with MinQty executes with
ICEBERG_STEPS = 42  # that one counts for a fill or kill (rule 10.9)
HIDDEN: dict[str, Any] = {"display": "N"}


def _order(session: int, side: str, quantity: int, price: int, **fields: Any) -> Command:
    return lambda opening: opening.one(session, side, quantity, price, **fields)


def _with(session: int, side: str, quantity: int, price: int, **options: Any) -> Command:
    fields = HIDDEN if {"min_qty", "price_type"} & set(options) else {}
    return _order(session, side, quantity, price, options=write_options(**options), **fields)


def _replace(quantity: int, price: int) -> Command:
    def command(opening: Opening) -> bytes:
        session, number = opening.best
        return r.replace(session, number, opening.next_number(session), quantity, price)

    return command


def _at_once(shares_a_step: float) -> Command:
    """The most that a fill or kill may execute, of orders of one share or of icebergs."""

    def command(opening: Opening) -> bytes:
        orders = min(opening.size.steps, opening.size.orders)
        quantity = max(int(orders * shares_a_step), 1)
        return opening.one(STRANGER, "B", quantity, TOP, time_in_force="4")

    return command


def _switch(record_type: int, session: int = OWNER) -> Command:
    return lambda opening: r.short(record_type, session)


def _state(state: str) -> Command:
    return lambda opening: r.set_state(0, state, force=True)


def _change(opening: Opening) -> bytes:
    return r.define_instrument(0, record_type=r.CHANGE_INSTRUMENT, **opening.terms)


# What members send.
MEMBERS: dict[str, Command] = {
    "a buy of one share": _order(STRANGER, "B", 1, TOP),
    "a sell of one share": _order(STRANGER, "S", 1, BOTTOM),
    "a buy of two shares, at once": _order(GROUP_MATE, "B", 2, TOP, time_in_force="3"),
    "a market buy of one share": _order(STRANGER, "B", 1, r.MARKET),
    "a better buy": _order(STRANGER, "B", 1, PRICE - 1000),
    "a better sell": _order(STRANGER, "S", 1, PRICE - 9 * FAR),
    "a buy of all": _order(STRANGER, "B", MUCH, TOP, time_in_force="3"),
    "a buy of all by the group": _order(GROUP_MATE, "B", MUCH, TOP, time_in_force="3"),
    "a sell of all": _order(STRANGER, "S", MUCH, BOTTOM, time_in_force="3"),
    "a sell of all by the group": _order(GROUP_MATE, "S", MUCH, BOTTOM, time_in_force="3"),
    "a fill or kill of one share, of the group": _order(GROUP_MATE, "B", 1, TOP, time_in_force="4"),
    "a fill or kill of as many as may be counted": _at_once(1),
    "a fill or kill of as many icebergs": _at_once(ICEBERG_QUANTITY / ICEBERG_STEPS),
    "a fill or kill that fails": _order(STRANGER, "B", MUCH, TOP, time_in_force="4"),
    "a fill or kill that fails, of the group": _order(
        GROUP_MATE, "B", MUCH, TOP, time_in_force="4"
    ),
    "a buy with MinQty that rests, of the group": _with(GROUP_MATE, "B", MUCH, TOP, min_qty=MUCH),
    "a post-only buy": _with(STRANGER, "B", 1, TOP, post_only="P"),
    "a peg": _with(STRANGER, "B", 1, r.MARKET, price_type="R"),
    "a displayed peg": _order(
        STRANGER, "B", 1, r.MARKET, options=write_options(price_type="R"), display="Y"
    ),
    "a stop": _with(STRANGER, "B", 1, TOP, stop_price=PRICE + 1),
    "a trailing stop": _with(STRANGER, "B", 1, TOP, stop_price=PRICE + 1, trail_offset=1),
    "a cancel": lambda opening: r.cancel(*opening.best),
    "a modification": lambda opening: r.modify(*opening.best, 1, "T"),
    "a replacement": _replace(1, PRICE + 5),
    "a replacement that executes": _replace(2, BOTTOM),
    "a mass cancel that fits nothing": lambda opening: r.mass_cancel(OWNER, group=77),
    "a mass cancel": lambda opening: r.mass_cancel(OWNER, scope=1),
    "a mass cancel of the group": lambda opening: r.mass_cancel(GROUPED),
    "the cancel of a session": _switch(r.CANCEL_SESSION),
    "order entry disabled": _switch(r.DISABLE_ORDER_ENTRY),
    "order entry enabled": _switch(r.ENABLE_ORDER_ENTRY),
    "an account query": _switch(r.ACCOUNT_QUERY),
    **quotes.COMMANDS,
    "a protection": lambda opening: r.set_protection(OWNER, 0, executions=1),
    "a protection that is reset": lambda opening: r.reset_protection(OWNER, 0),
}
# What the venue gives itself.
VENUE: dict[str, Command] = {
    "CLOCK": lambda opening: r.clock(2, force=1),
    "CLOCK at a late second": lambda opening: r.clock(SECOND),
    "a halt": _state("H"),
    "a pause": _state("P"),
    "the begin of trading": _state("T"),
    "the close": _state("C"),
    "the call of the closing auction": _state("L"),
    "an end of the auction": lambda opening: r.set_end(0, SECOND, SECOND),
    "the retirement": lambda opening: r.retire_instrument(0),
    "a changed definition": _change,
    "a new instrument": lambda opening: r.define_instrument(opening.instruments),
    "a new session": lambda opening: r.define_session(SESSIONS + 1),
    "the begin of the day": lambda opening: r.system_event("O"),
    "CONTINUE": lambda opening: r.continue_(),
}
COMMANDS: dict[str, Command] = MEMBERS | VENUE
