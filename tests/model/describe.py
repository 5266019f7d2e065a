"""Records as one readable line each."""

from tests.model import records as r
from tests.model.engine_model import EngineModel
from tests.model.options import MalformedError, read_options
from tests.model.orders import Place

COMMANDS = {
    r.STREAM_START: "STREAM_START",
    r.DEFINE_INSTRUMENT: "DEFINE_INSTRUMENT",
    r.DEFINE_SESSION: "DEFINE_SESSION",
    r.SYSTEM_EVENT: "SYSTEM_EVENT",
    r.CHANGE_INSTRUMENT: "CHANGE_INSTRUMENT",
    r.RETIRE_INSTRUMENT: "RETIRE_INSTRUMENT",
    r.SET_STATE: "SET_STATE",
    r.CLOCK: "CLOCK",
    r.BUST_TRADE: "BUST_TRADE",
    r.CONTINUE: "CONTINUE",
    r.SET_END: "SET_END",
    r.DEFINE_TICK_TABLE: "DEFINE_TICK_TABLE",
    r.ENTER_ORDER: "ENTER",
    r.REPLACE_ORDER: "REPLACE",
    r.CANCEL_ORDER: "CANCEL",
    r.MODIFY_ORDER: "MODIFY",
    r.MASS_CANCEL: "MASS_CANCEL",
    r.DISABLE_ORDER_ENTRY: "DISABLE",
    r.ENABLE_ORDER_ENTRY: "ENABLE",
    r.ACCOUNT_QUERY: "ACCOUNT_QUERY",
    r.CANCEL_SESSION: "CANCEL_SESSION",
    r.QUOTE: "QUOTE",
    r.SET_PROTECTION: "SET_PROTECTION",
    r.RESET_PROTECTION: "RESET_PROTECTION",
}
EVENTS = {
    value: name
    for name, value in vars(r).items()
    if isinstance(value, int) and r.ACCEPTED <= value <= r.PROTECTION_RESET
}
TERMS = (
    "symbol",
    "tick",
    "lot",
    "price_min",
    "price_max",
    "quantity_max",
    "reference",
    "static",
    "dynamic",
    "auction",
    "entry",
    "protection",
    "pause_seconds",
    "post_only_mode",
    "initial_state",
    "extensions",
    "allocation",
    "followers_max",
    "min_quantity_max",
    "price_decimals",
    "quantity_decimals",
    "pause_random_seconds",
    "table",
    "allocation_min",
)
FLAGS = ("LAST", "VISIBLE", "AGGRESSOR_SELL", "CROSSES", "SELL", "ATTRIBUTED", "AT_CLOSE")


BODIES = {
    r.CANCEL_ORDER: (r.CANCEL, "quantity reason client_order_id"),
    r.MODIFY_ORDER: (r.MODIFY, "quantity side"),
    r.MASS_CANCEL: (
        r.MASS,
        "group group_given side side_given symbol_given firm_given scope reason",
    ),
    r.DISABLE_ORDER_ENTRY: (r.ONE_BYTE, "firm_given"),
    r.ENABLE_ORDER_ENTRY: (r.ONE_BYTE, "firm_given"),
    r.CANCEL_SESSION: (r.ONE_BYTE, "reason"),
}


def describe_command(record: bytes) -> str:
    if len(record) < r.HEADER.size:
        return f"{len(record)} bytes"
    kind, _, size, session, _, _, user_ref, index, *_ = r.HEADER.unpack_from(record)
    name = COMMANDS.get(kind, f"type {kind}")
    if size > len(record) or size < r.BODY:
        return f"{name}, {len(record)} of {size} bytes"
    where = "" if index == r.INSTRUMENT_NONE else f" instrument {index}"
    if kind < r.ENTER_ORDER:
        return f"{name}{where}: {describe_venue_body(kind, record)}"
    return f"{name} session {session} #{user_ref}{where}: {describe_member_body(kind, record)}"


def describe_member_body(kind: int, record: bytes) -> str:
    if kind == r.ENTER_ORDER and len(record) >= r.OPTIONS_AT:
        quantity, price, side, tif, display, _, _, cross, _ = r.ENTER.unpack_from(record, r.BODY)
        form = f"tif {chr(tif)} display {chr(display)} cross {chr(cross)}"
        what = f"{chr(side)} {quantity} @ {describe_price(price)} {form}"
        return f"{what} {describe_options(record)}"
    if kind == r.REPLACE_ORDER and len(record) >= r.OPTIONS_AT:
        quantity, price, original, _, tif, display, _, _ = r.REPLACE.unpack_from(record, r.BODY)
        what = f"for #{original}: {quantity} @ {describe_price(price)}"
        form = f"tif {chr(tif)} display {chr(display)}"
        return f"{what} {form} {describe_options(record)}"
    if kind in BODIES and len(record) >= r.BODY + BODIES[kind][0].size:
        body, names = BODIES[kind]
        said = zip(names.split(), body.unpack_from(record, r.BODY), strict=True)
        return str({name: value for name, value in said if value})
    return record[r.BODY :].hex()


def describe_venue_body(kind: int, record: bytes) -> str:
    if kind == r.SET_STATE:
        state, force, reason = r.STATE.unpack_from(record, r.BODY)
        return f"{chr(state)} force {force} reason {reason!r}"
    if kind == r.CLOCK and len(record) >= r.BODY + r.TIME.size:
        return str(r.TIME.unpack_from(record, r.BODY))
    if kind == r.SET_END and len(record) >= r.BODY + r.END.size:
        return str(r.END.unpack_from(record, r.BODY))
    if (
        kind in (r.DEFINE_INSTRUMENT, r.CHANGE_INSTRUMENT)
        and len(record) >= r.BODY + r.INSTRUMENT.size
    ):
        return str(dict(zip(TERMS, r.INSTRUMENT.unpack_from(record, r.BODY), strict=True)))
    if kind == r.DEFINE_TICK_TABLE and len(record) >= r.BODY + r.TICK_TABLE.size:
        table, count, *numbers = r.TICK_TABLE.unpack_from(record, r.BODY)
        return f"{table}: {numbers[: 2 * min(count, r.TICK_BANDS_MAX)]}"
    if kind == r.DEFINE_SESSION and len(record) >= r.BODY + r.SESSION.size:
        session = r.HEADER.unpack_from(record)[3]
        return f"{session} {r.SESSION.unpack_from(record, r.BODY)}"
    if kind == r.BUST_TRADE and len(record) >= r.BODY + r.BUST.size:
        return str(r.BUST.unpack_from(record, r.BODY))
    return record[r.BODY :].hex()


def describe_price(price: int) -> str:
    return "market" if price in (r.MARKET, r.MARKET_CROSS) else str(price)


def describe_options(record: bytes) -> str:
    try:
        return str(read_options(r.options_of(record)) or "")
    except MalformedError:
        return f"malformed options {r.options_of(record).hex()}"


def describe_event(data: bytes) -> str:
    event = r.decode_event(data)
    flags = [name for bit, name in enumerate(FLAGS) if event.flags >> bit & 1]
    reason = f"'{chr(event.reason)}'" if event.reason else "-"
    side = chr(event.side) if event.side else "-"
    other = f"{event.other >> 32}:{event.other & 0xFFFFFFFF}"
    name = EVENTS.get(event.type, str(event.type))
    return (
        f"{name:12} ref {event.order_ref} slot {event.slot:#x} {side} {event.quantity} @ "
        f"{describe_price(event.price)} reason {reason} other {other} {' '.join(flags)}"
    )


def describe_books(model: EngineModel) -> list[str]:
    """Every live order of the model, queue by queue."""
    lines = []
    for instrument in model.instruments:
        lines.append(
            f"instrument {instrument.index}: state {instrument.state} last "
            f"{instrument.last_price} reference {instrument.reference_price}"
        )
        for place in Place:
            orders = instrument.at(place)
            if place == Place.BOOK:
                orders = [*model.queue(instrument, False), *model.queue(instrument, True)]
            for order in orders:
                price = order.rest_price if place == Place.BOOK else describe_price(order.price)
                lines.append(
                    f"    {place.name:8} ref {order.order_ref} session {order.session} "
                    f"#{order.user_ref} {order.side} {order.reachable}+{order.reserve} @ "
                    f"{price} tif {order.time_in_force} display {order.display} cross "
                    f"{order.cross_type} stop {order.stop_price or '-'} {short(order.options)}"
                )
    return lines


def short(options: tuple[object, ...]) -> str:
    """Options that are not what they would be if nothing had been said."""
    plain = type(options)()
    names = options._fields  # type: ignore[attr-defined]
    pairs = zip(names, options, plain, strict=True)
    return str({name: value for name, value, nothing in pairs if value != nothing})
