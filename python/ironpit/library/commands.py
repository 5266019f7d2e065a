"""Rows of COMMAND_DTYPE, made readably.

Every argument is one value for all rows, or an array or a sequence of n: numbers as integers,
characters as a str of length 1, its code, or an array of either (`S1`, `U1`, or integers). Fields
that are not given are 0, which for an option means that it is not named. The result is an array of
n rows, 1 when every argument is one value; `numpy.concatenate` joins several.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ironcore.library.command_rows import COMMAND_DTYPE, NAMES, SCOPES
from ironcore.wire import order_options
from ironpit.library.arguments import array, codes, flag, integers, texts
from ironpit.library.codes import MARKET_PRICE, CommandType, InstrumentState
from ironpit.library.results import Rows

Numbers = int | Sequence[int] | npt.NDArray[Any]
Codes = str | int | Sequence[str] | Sequence[int] | npt.NDArray[Any]

CHARACTERS: Final = frozenset(
    ["side", "time_in_force", "display", "cross_type", "reason", "event_code", "state",
     *[option.name for option in order_options.OPTIONS if option.kind == "c"]]
)  # fmt: skip
OPTIONS: Final = frozenset(["named", *NAMES])


def rows(command: CommandType, fields: Mapping[str, Any]) -> Rows:
    """Rows of one type of command, from fields of COMMAND_DTYPE by name.

    TypeError for a field that there is not and for values of another type, ValueError for a value
    that its field cannot hold and for arrays of different lengths.
    """
    given: dict[str, npt.NDArray[Any]] = {}
    for name, value in fields.items():
        if name not in (COMMAND_DTYPE.names or ()):
            raise TypeError(f"found the field {name!r}, expected one of COMMAND_DTYPE")
        given[name] = _values(name, value)
    made = np.zeros(_count(given), COMMAND_DTYPE)
    made["type"] = command
    for name, values in given.items():
        made[name] = values
    return made


def _count(given: Mapping[str, npt.NDArray[Any]]) -> int:
    """How many rows: as many as the arguments that are not one value for all."""
    lengths: dict[int, str] = {}
    for name, values in given.items():
        if values.ndim > 1:
            raise ValueError(f"{name}: found {values.ndim} dimensions, expected at most 1")
        if values.size != 1:
            lengths.setdefault(values.size, name)
    if len(lengths) > 1:
        found = ", ".join(f"{name} of {length}" for length, name in lengths.items())
        raise ValueError(f"found arrays of different lengths, {found}; expected one length")
    return next(iter(lengths), 1)


def _values(name: str, value: Any) -> npt.NDArray[Any]:
    """What a field is given, as it holds it: a number that it would wrap around, a price that is no
    integer and a text that it would cut are errors."""
    field = COMMAND_DTYPE[name]
    if field.kind == "S":
        return texts(name.removeprefix("state_"), value, field.itemsize)
    values = integers(name, codes(name, value) if name in CHARACTERS else array(name, value))
    if values.size == 0:
        return values
    limits = np.iinfo(field)
    for found in (int(values.min()), int(values.max())):
        if not int(limits.min) <= found <= int(limits.max):
            raise ValueError(f"{name}: found {found}, expected {limits.min} to {limits.max}")
    return values


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(options) - OPTIONS)
    if unknown:
        raise TypeError(f"found the option {unknown[0]!r}, expected one of {sorted(OPTIONS)}")
    return dict(options)


def named(*options: str) -> int:
    """A value for `named`: these options are given even where they are 0.

    Only a replacement needs it, to take back what the old order had (rule 7.5): with
    `named=named("min_quantity")` it has none.
    """
    unknown = [name for name in options if name not in NAMES]
    if unknown:
        raise ValueError(f"found the option {unknown[0]!r}, expected one of {sorted(NAMES)}")
    return sum({NAMES[name] for name in options})


def enter(
    *,
    session: Numbers,
    user_ref: Numbers,
    instrument: Numbers,
    side: Codes,
    quantity: Numbers,
    price: Numbers = MARKET_PRICE,
    time_in_force: Codes = "0",
    display: Codes = "Y",
    cross_type: Codes = "N",
    **options: Numbers | Codes,
) -> Rows:
    """New orders (rules 4 and 5): COMMAND_DTYPE[n]. Without a price they are market orders.

    Options (rule 4.9): min_quantity (not of a peg or a stop, which is not fill or kill either),
    max_floor, random_reserves and reserve_seed of an iceberg, price_type 'P' 'R' 'M' and
    peg_offset of a peg, price_type 'K' of a market-to-limit order, 'I' of an imbalance-only one,
    post_only 'P', expire_second with time in force '6', stop_price, trail_offset, oco_ref (the
    user_ref of a live order: one of the two is a stop, and one cancels the other), stp_mode, group.
    """
    fields = {
        "session": session, "user_ref": user_ref, "instrument": instrument, "side": side,
        "quantity": quantity, "price": price, "time_in_force": time_in_force,
        "display": display, "cross_type": cross_type,
    }  # fmt: skip
    return rows(CommandType.ENTER_ORDER, {**fields, **_options(options)})


def replace(
    *,
    session: Numbers,
    orig_user_ref: Numbers,
    user_ref: Numbers,
    quantity: Numbers,
    price: Numbers,
    time_in_force: Codes,
    display: Codes,
    **options: Numbers | Codes,
) -> Rows:
    """Replacements (rule 7): user_ref is the new number, quantity the chain's total.

    A replacement says anew how the order is displayed and how long it is good (rule 7.3): without
    a default for them no hidden order is shown by accident. Options are those of `enter`, and
    new_side, which changes the kind of sell.
    """
    fields = {
        "session": session, "orig_user_ref": orig_user_ref, "user_ref": user_ref,
        "quantity": quantity, "price": price, "time_in_force": time_in_force,
        "display": display,
    }  # fmt: skip
    return rows(CommandType.REPLACE_ORDER, {**fields, **_options(options)})


def cancel(
    *, session: Numbers, user_ref: Numbers, quantity: Numbers = 0, reason: Codes = 0
) -> Rows:
    """Cancels (rule 6.1) down to this total size; 0 takes all that is open."""
    fields = {"session": session, "user_ref": user_ref, "quantity": quantity, "reason": reason}
    return rows(CommandType.CANCEL_ORDER, fields)


def modify(*, session: Numbers, user_ref: Numbers, quantity: Numbers, side: Codes) -> Rows:
    """A smaller total, or another kind of sell; priority is kept (rule 6.4)."""
    fields = {"session": session, "user_ref": user_ref, "quantity": quantity, "side": side}
    return rows(CommandType.MODIFY_ORDER, fields)


def mass_cancel(
    *,
    session: Numbers,
    user_ref: Numbers = 0,
    firm: bool = False,
    instrument: Numbers | None = None,
    side: Codes | None = None,
    group: Numbers | None = None,
) -> Rows:
    """Cancel all orders of the session, or of its firm's sessions, that fit (rule 8.1)."""
    wanted = {"firm": flag("firm", firm), "instrument": instrument is not None,
              "side": side is not None, "group": group is not None}  # fmt: skip
    fields = {
        "session": session,
        "user_ref": user_ref,
        "scope": sum(SCOPES[name] for name, is_wanted in wanted.items() if is_wanted),
        "instrument": 0 if instrument is None else instrument,
        "side": 0 if side is None else side,
        "group": 0 if group is None else group,
    }
    return rows(CommandType.MASS_CANCEL, fields)


def cancel_session(*, session: Numbers, reason: Codes = 0) -> Rows:
    """Cancel every order of the session, as when its connection is lost (rule 8.2)."""
    return rows(CommandType.CANCEL_SESSION, {"session": session, "reason": reason})


def order_entry(*, session: Numbers, enabled: bool) -> Rows:
    """Let the session enter orders, or not (rule 8.4)."""
    is_enabled = flag("enabled", enabled)
    kind = CommandType.ENABLE_ORDER_ENTRY if is_enabled else CommandType.DISABLE_ORDER_ENTRY
    return rows(kind, {"session": session})


def account_query(*, session: Numbers) -> Rows:
    """Ask for the session's next UserRefNum (rule 8.5)."""
    return rows(CommandType.ACCOUNT_QUERY, {"session": session})


def set_state(
    *,
    instrument: Numbers,
    state: Codes | InstrumentState,
    reason: str | Sequence[str] | npt.NDArray[Any] = "    ",
    force: bool = False,
) -> Rows:
    """Another state of an instrument (rule 13.4), with its auction if there is one (rule 14.1)."""
    fields = {
        "instrument": instrument,
        "state": state,
        "state_reason": reason,
        "force": int(flag("force", force)),
    }
    return rows(CommandType.SET_STATE, fields)


def clock(*, second: Numbers, force: bool = False, draw: Numbers = 0) -> Rows:
    """The second of the day (rule 2.10): orders expire, pauses and auctions end. force: it counts
    also where nothing is due, so that good-till-time orders are judged by it (rule 5.9). draw: a
    new random number, 0 to 65,535, where an end depends on one (rule 13.11)."""
    fields = {"second": second, "force": int(flag("force", force)), "draw": draw}
    return rows(CommandType.CLOCK, fields)


def system_event(*, event_code: Codes) -> Rows:
    """A system event (rule 2.4): 'O' 'S' 'Q' 'M' 'E' 'C'."""
    return rows(CommandType.SYSTEM_EVENT, {"event_code": event_code})


def retire(*, instrument: Numbers) -> Rows:
    """Retire instruments (rule 2.8)."""
    return rows(CommandType.RETIRE_INSTRUMENT, {"instrument": instrument})
