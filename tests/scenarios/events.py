"""Events in the scenarios' words: every field of an event is in its line, or 0 as the rules say."""

import struct
from collections.abc import Callable, Sequence

from tests.scenarios import names

EVENT = struct.Struct("<BBBBIQQiI")
LAST, VISIBLE, AGGRESSOR_SELL, CROSSES, SELL, ATTRIBUTED, AT_CLOSE = 1, 2, 4, 8, 16, 32, 64


class EventReader:
    """One event's fields, each taken once; what nobody took must be 0."""

    def __init__(self, data: bytes, symbols: Sequence[str], user_ref_bits: int) -> None:
        keys = (
            "type",
            "flags",
            "reason",
            "side",
            "quantity",
            "order_ref",
            "other",
            "price",
            "slot",
        )
        self.fields: dict[str, int] = dict(zip(keys, EVENT.unpack(data), strict=True))
        self.symbols = symbols
        self.user_ref_bits = user_ref_bits
        self.type = self.take("type")

    def take(self, name: str) -> int:
        value = self.fields[name]
        self.fields[name] = 0
        return value

    def flag(self, bit: int) -> bool:
        is_set = bool(self.fields["flags"] & bit)
        self.fields["flags"] &= ~bit
        return is_set

    def character(self, name: str) -> str:
        value = self.take(name)
        return chr(value) if value > 32 else f"'{value}'"

    def price(self) -> str:
        return names.price_text(self.take("price"))

    def slot(self) -> str:
        slot = self.take("slot")
        user_ref = slot & ((1 << self.user_ref_bits) - 1)
        return f"{names.session_text(slot >> self.user_ref_bits)}{user_ref}"

    def session(self) -> str:
        """Of a slot with UserRefNum 0."""
        return self.slot().removesuffix("0")

    def symbol(self, index: int) -> str:
        return self.symbols[index] if index < len(self.symbols) else f"instrument{index}"

    def of(self) -> str:
        """The instrument in the upper half of `other`, of which the lower half stays."""
        number = self.fields["other"] >> 32
        self.fields["other"] &= 0xFFFFFFFF
        return f" of {self.symbol(number - 1)}" if number else ""

    def order(self) -> str:
        """Name, reference and side of the order concerned."""
        self.fields["flags"] ^= SELL if self.fields["side"] != ord("B") else 0
        side = names.word_of(names.SIDES, self.character("side"))
        return f"{self.slot()} #{self.take('order_ref')} {side}"

    def seen(self) -> str:
        return "" if self.flag(VISIBLE) else " unseen"

    def attributed(self) -> str:
        return " attributed" if self.flag(ATTRIBUTED) else ""

    def live(self) -> None:
        """The state of a new order is 'L'."""
        self.fields["reason"] ^= ord("L")

    def rest(self) -> str:
        """What no rule asks for, in raw numbers."""
        return "".join(f" {name}={value}" for name, value in self.fields.items() if value)


def _accepted(e: EventReader) -> str:
    e.live()
    return f"accepted {e.order()} {e.take('quantity')} @ {e.price()}"


def _rejected(e: EventReader) -> str:
    return f"rejected {e.take('slot'):02X}"


def _executed(e: EventReader) -> str:
    e.fields["flags"] ^= AGGRESSOR_SELL if e.fields["side"] == ord("B") else 0
    seen, at_close = e.seen(), " at-close" if e.flag(AT_CLOSE) else ""
    text = f"executed {e.order()} {e.take('quantity')} @ {e.price()}"
    return f"{text} match {e.take('other')}{at_close}{seen}"


def _canceled(e: EventReader) -> str:
    seen, of, left = e.seen(), e.of(), e.take("other")
    text = f"canceled {e.order()} {e.take('quantity')}"
    text += f" left {left}" if left else ""
    return f"{text} @ {e.price()} {e.character('reason')}{of}{seen}"


def _replaced(e: EventReader) -> str:
    e.live()
    old, anew = e.take("other"), " anew" if e.flag(CROSSES) else ""
    seen, attributed = e.seen(), e.attributed()
    text = f"replaced {e.order()} {e.take('quantity')} @ {e.price()}"
    return f"{text} for #{old}{anew}{attributed}{seen}"


def _added(e: EventReader) -> str:
    seen, attributed, reserve = e.seen(), e.attributed(), e.take("other")
    text = f"added {e.order()} {e.take('quantity')} @ {e.price()}"
    return text + (f" reserve {reserve}" if reserve else "") + attributed + seen


def _modified(e: EventReader) -> str:
    seen, less = e.seen(), e.take("other")
    return f"modified {e.order()} {e.take('quantity')} less {less} @ {e.price()}{seen}"


def _replenished(e: EventReader) -> str:
    seen, attributed, old = e.seen(), e.attributed(), e.take("other")
    reason = e.take("reason")
    text = f"replenished {e.order()} {e.take('quantity')} @ {e.price()}"
    return f"{text} for #{old}{attributed}" + (f" {chr(reason)}" if reason else "") + seen


def _reduced(e: EventReader) -> str:
    seen, of, left = e.seen(), e.of(), e.take("other")
    text = f"reduced {e.order()} {e.take('quantity')}"
    return text + (f" left {left}" if left else "") + f" @ {e.price()}{of}{seen}"


def _activated(e: EventReader) -> str:
    return f"activated {e.order()} {e.take('quantity')} @ {e.price()}"


def _crossed(e: EventReader) -> str:
    seen, match, kind = e.seen(), e.take("other"), e.character("reason")
    text = f"crossed {e.order()} {e.take('quantity')} @ {e.price()}"
    return f"{text} match {match} {kind}{seen}"


def _cross(e: EventReader) -> str:
    text = f"cross {e.character('reason')} {e.take('order_ref')} @ {e.price()}"
    return f"{text} match {e.take('other')}{e.seen()}"


def _indicative(e: EventReader) -> str:
    seen, of = e.seen(), e.of()
    more = {"N": "even", "O": "no-price"}.get(
        side := e.character("side"), names.word_of(names.SIDES, side)
    )
    text = f"indicative {e.character('reason')} {e.take('order_ref')} @ {e.price()}"
    text += f" imbalance {e.take('quantity')} {more}"
    return f"{text} reference {names.price_text(e.take('slot'))}{of}{seen}"


def _state_changed(e: EventReader) -> str:
    before = names.word_of(names.STATES, e.character("side"))
    after = names.word_of(names.STATES, e.character("reason"))
    why = e.take("quantity").to_bytes(4, "little").decode("latin-1").rstrip(" ")
    return f"state {before} to {after}{' ' + why if why else ''}{e.seen()}"


def _collars(e: EventReader) -> str:
    upper, lower = divmod(e.take("order_ref"), 1 << 32)
    text = f"collars {names.price_text(lower)} to {names.price_text(upper)} around {e.price()}"
    extension = e.take("quantity")
    return text + (f" extension {extension}" if extension else "") + e.seen()


def _end_set(e: EventReader) -> str:
    last, first = divmod(e.take("order_ref"), 1 << 32)
    if not e.fields["reason"]:
        return f"end none{e.seen()}"
    state = names.word_of(names.STATES, e.character("reason"))
    text = f"end {names.second_text(first)} to {names.second_text(last)} then {state}"
    no_cancel, extension = e.take("quantity"), e.take("other")
    text += f" no-cancel {no_cancel}" if no_cancel else ""
    return text + (f" extension {extension}" if extension else "") + e.seen()


def _cancel_rejected(e: EventReader) -> str:
    return f"cancel-rejected {e.order()} @ {e.price()}"


def _broken(e: EventReader) -> str:
    return f"broken {e.slot()} match {e.take('other')} {e.character('reason')}{e.seen()}"


def _mass_canceled(e: EventReader) -> str:
    return f"mass-canceled {e.session()} {e.take('quantity')}"


def _next(e: EventReader) -> str:
    return f"next {e.session()} {e.take('quantity')}"


def _of_entry(what: str) -> Callable[[EventReader], str]:
    def write(e: EventReader) -> str:
        entry, reason = e.take("quantity"), e.take("reason")
        text = f"{what} {e.slot()}{f' entry {entry}' if entry else ''}"
        return text + (f" {reason:02X}" if reason else "")

    return write


def _protection_set(e: EventReader) -> str:
    reason = e.take("reason")
    return f"protection {e.session()} set" + (f" rejected {reason:02X}" if reason else "")


def _protection_reached(e: EventReader) -> str:
    delta = e.take("other")
    delta -= 1 << 64 if delta >> 63 else 0
    text = f"protection {e.session()} reached {e.character('reason')}"
    for word, value in (
        ("volume", e.take("order_ref")),
        ("delta", delta),
        ("executions", e.take("quantity")),
    ):
        text += f" {word} {value}" if value else ""
    return text


def _of_instrument(what: str) -> Callable[[EventReader], str]:
    return lambda e: f"instrument {e.symbol(e.take('slot'))} {what}"


WRITERS: dict[int, Callable[[EventReader], str]] = {
    128: _accepted,
    129: _rejected,
    130: _executed,
    131: _canceled,
    132: _replaced,
    133: _added,
    134: _modified,
    135: _mass_canceled,
    136: lambda e: f"entry-disabled {e.session()}",
    137: lambda e: f"entry-enabled {e.session()}",
    138: _next,
    139: _of_instrument("defined"),
    140: lambda e: f"session {e.session()} defined",
    141: lambda e: f"system {e.character('reason')}",
    142: _replenished,
    143: _reduced,
    144: _activated,
    145: _crossed,
    146: _cross,
    147: _indicative,
    148: _state_changed,
    149: _collars,
    150: _broken,
    151: _of_instrument("changed"),
    152: _of_instrument("retired"),
    153: _of_instrument("next"),
    154: _end_set,
    155: _cancel_rejected,
    160: _of_entry("quoted"),
    161: _of_entry("quote-rejected"),
    162: _protection_set,
    163: _protection_reached,
    164: lambda e: f"protection {e.session()} reset",
}


def event_text(data: bytes, symbols: Sequence[str], user_ref_bits: int, is_last: bool) -> str:
    """The event as a scenario writes it. Whatever it says beyond that follows as field=number."""
    event = EventReader(data, symbols, user_ref_bits)
    event.fields["flags"] ^= LAST if is_last else 0
    write = WRITERS.get(event.type)
    text = write(event) if write else f"type={event.type}"
    return text + event.rest()
