"""Commands from the scenarios' words: one line, one record."""

import struct
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from tests.model.records import RECORD_VERSION, options_block
from tests.scenarios import names
from tests.scenarios.definitions import Instrument, table_fields
from tests.scenarios.names import NotationError
from tests.scenarios.options import OPTIONS

from ironcore.wire import record

DTYPES = record.dtypes()
INSTRUMENT_NONE = 0xFFFFFFFF
TYPES = {
    "StreamStart": 1,
    "DefineInstrument": 2,
    "DefineSession": 3,
    "SystemEvent": 4,
    "ChangeInstrument": 5,
    "RetireInstrument": 6,
    "SetState": 7,
    "Clock": 8,
    "BustTrade": 9,
    "Continue": 10,
    "SetEnd": 11,
    "DefineTickTable": 12,
    "EnterOrder": 16,
    "ReplaceOrder": 17,
    "CancelOrder": 18,
    "ModifyOrder": 19,
    "MassCancel": 20,
    "DisableOrderEntry": 21,
    "EnableOrderEntry": 22,
    "AccountQuery": 23,
    "CancelSession": 24,
    "Quote": 32,
    "SetProtection": 33,
    "ResetProtection": 34,
}
ENTRY = struct.Struct("<IiIiII")
Side = tuple[int, int]  # price and quantity

Words = list[str]


def make(kind: str, options: bytes = b"", **fields: Any) -> bytes:
    """A record, with options from OUCH's elements; what is not named is 0."""
    dtype = DTYPES[kind]
    row = np.zeros(1, dtype)
    block = options_block(options)
    row["type"] = TYPES[kind]
    row["record_bytes"] = dtype.itemsize + len(block)
    row["instrument"] = INSTRUMENT_NONE
    for name, value in fields.items():
        row[name] = value.encode("latin-1") if isinstance(value, str) else value
    return row.tobytes() + block


class CommandWriter:
    """Turns lines into records. It knows the instruments that were named, to find their ids."""

    def __init__(self) -> None:
        self.limits = {"instruments": 2, "sessions": 4, "orders": 64, "user-ref-bits": 10}
        self.limits["step-actions"] = 0
        self.instruments: dict[str, Instrument] = {}

    @property
    def symbols(self) -> list[str]:
        return list(self.instruments)

    def write(self, text: str) -> bytes:
        """NotationError when the line is no command, or a value does not fit its field."""
        words = text.split()
        first = words[0]
        try:
            if first in self.VERBS:
                return self.VERBS[first](self, words[1:])
            if words[1:2] == ["replaces"]:
                return self._replace(words)
            return self._enter(words)
        except (ValueError, OverflowError, IndexError, struct.error) as error:
            raise NotationError(f"found {text!r}, expected values that fit: {error}") from None

    def _instrument(self, words: Words) -> int:
        """The id of the instrument named next, else the first one's."""
        if words and words[0] in self.instruments:
            return int(self.instruments[words.pop(0)].fields["instrument"])
        if words and words[0] == "unknown":
            words.pop(0)
            return INSTRUMENT_NONE
        return 0

    def _end(self, words: Words) -> None:
        if words:
            raise NotationError(f"found {' '.join(words)!r}, expected the end of the line")

    def _take(self, words: Words, what: str) -> str:
        if not words:
            raise NotationError(f"found the end of the line, expected {what}")
        return words.pop(0)

    def _expect(self, words: Words, word: str) -> None:
        found = self._take(words, repr(word))
        if found != word:
            raise NotationError(f"found {found!r}, expected {word!r}")

    # Orders

    def _details(self, words: Words) -> tuple[dict[str, str], bytes]:
        fields = {"time_in_force": "0", "display": "Y", "cross_type": "N"}
        elements = b""
        while words:
            word = words.pop(0)
            if word in names.TIMES_IN_FORCE:
                fields["time_in_force"] = names.TIMES_IN_FORCE[word]
            elif word in names.DISPLAYS:
                fields["display"] = names.DISPLAYS[word]
            elif word in names.CROSSES:
                fields["cross_type"] = names.CROSSES[word]
            elif word in ("tif", "display", "cross"):
                name = {"tif": "time_in_force", "cross": "cross_type"}.get(word, word)
                fields[name] = names.code_of({}, self._take(words, "a character"), "a code")
            elif word in OPTIONS:
                elements += OPTIONS[word](self._take(words, f"the value of {word}"))
            else:
                raise NotationError(f"found {word!r}, expected an option of an order")
        return fields, elements

    def _enter(self, words: Words) -> bytes:
        session, user_ref = names.order(words.pop(0))
        side = names.code_of(names.SIDES, self._take(words, "a side"), "a side")
        quantity = names.integer(self._take(words, "a quantity"), "a quantity")
        instrument = self._instrument(words)
        self._expect(words, "@")
        price = names.price(self._take(words, "a price"))
        fields, elements = self._details(words)
        return make(
            "EnterOrder",
            elements,
            session=session,
            user_ref=user_ref,
            instrument=instrument,
            side=side,
            quantity=quantity,
            price=price,
            capacity="P",
            iso="N",
            **fields,
        )

    def _replace(self, words: Words) -> bytes:
        session, user_ref = names.order(words.pop(0))
        self._expect(words, "replaces")
        owner, original = names.order(self._take(words, "the order to replace"))
        if owner != session:
            raise NotationError("found orders of two sessions, expected two of one session")
        quantity = names.integer(self._take(words, "a quantity"), "a quantity")
        self._expect(words, "@")
        price = names.price(self._take(words, "a price"))
        fields, elements = self._details(words)
        del fields["cross_type"]
        return make(
            "ReplaceOrder",
            elements,
            session=session,
            user_ref=user_ref,
            orig_user_ref=original,
            quantity=quantity,
            price=price,
            iso="N",
            **fields,
        )

    def _reason(self, words: Words) -> str:
        if words and words[0] == "reason":
            words.pop(0)
            return self._take(words, "a reason")
        return "\0"

    def _cancel(self, words: Words) -> bytes:
        session, user_ref = names.order(self._take(words, "an order"))
        total = 0
        if words and words[0] == "to":
            words.pop(0)
            total = names.integer(self._take(words, "a total"), "a total")
        reason = self._reason(words)
        self._end(words)
        return make(
            "CancelOrder", session=session, user_ref=user_ref, quantity=total, reason=reason
        )

    def _modify(self, words: Words) -> bytes:
        session, user_ref = names.order(self._take(words, "an order"))
        self._expect(words, "to")
        total = names.integer(self._take(words, "a total"), "a total")
        self._expect(words, "as")
        side = names.code_of(names.SIDES, self._take(words, "a side"), "a side")
        self._end(words)
        return make("ModifyOrder", session=session, user_ref=user_ref, quantity=total, side=side)

    # Sessions

    def _mass_cancel(self, words: Words) -> bytes:
        fields: dict[str, Any] = {"session": names.session(self._take(words, "a session"))}
        while words:
            if words[0] in self.instruments or words[0] == "unknown":
                fields |= {"symbol_given": 1, "instrument": self._instrument(words)}
            elif words[0] == "reason":
                fields["reason"] = self._reason(words)
            elif (word := words.pop(0)) == "firm":
                fields |= {"scope": 1, "firm_given": 1}
            elif word in ("buys", "sells"):
                fields |= {"side_given": 1, "side": "B" if word == "buys" else "S"}
            elif word == "group":
                group = names.integer(self._take(words, "a group"), "a group")
                fields |= {"group_given": 1, "group": group}
            else:
                raise NotationError(f"found {word!r}, expected what to cancel")
        return make("MassCancel", **fields)

    def _of_session(self, kind: str, words: Words) -> bytes:
        session = names.session(self._take(words, "a session"))
        reason = self._reason(words)
        self._end(words)
        given: dict[str, Any] = {"reason": reason} if kind == "CancelSession" else {}
        return make(kind, session=session, **given)

    # Quotes

    def _side(self, words: Words) -> Side:
        if words and words[0] == "none":
            words.pop(0)
            return 0, 0
        quantity = names.integer(self._take(words, "a quantity, or none"), "a quantity")
        self._expect(words, "@")
        return names.price(self._take(words, "a price")), quantity

    def _entry(self, words: Words) -> bytes:
        instrument = self._instrument(words)
        bid = self._side(words)
        self._expect(words, "/")
        return ENTRY.pack(instrument, *bid, *self._side(words), 0)

    def _quote(self, words: Words) -> bytes:
        session, user_ref = names.order(self._take(words, "an order"))
        body = self._entry(words)
        while words:
            self._expect(words, "and")
            body += self._entry(words)
        data = bytearray(make("Quote", session=session, user_ref=user_ref))
        data[DTYPES["Quote"].itemsize - ENTRY.size :] = body
        data[2:4] = len(data).to_bytes(2, "little")
        return bytes(data)

    def _protect(self, words: Words) -> bytes:
        session = names.session(self._take(words, "a session"))
        instrument = self._instrument(words)
        fields: dict[str, Any] = {
            field: self._number_of(word, words)
            for word, field in (
                ("volume", "volume_max"),
                ("delta", "delta_max"),
                ("executions", "executions_max"),
                ("window", "window_seconds"),
            )
        }
        self._end(words)
        return make("SetProtection", session=session, instrument=instrument, **fields)

    def _reset(self, words: Words) -> bytes:
        session = names.session(self._take(words, "a session"))
        instrument = self._instrument(words)
        self._end(words)
        return make("ResetProtection", session=session, instrument=instrument)

    # The venue

    def _start(self, words: Words) -> bytes:
        version = RECORD_VERSION
        if words and words[0] == "version":
            version = names.integer(words[1], "a version")
            del words[:2]
        limits = self.limits | self.limits_of(words)
        return make(
            "StreamStart",
            version=version,
            stream_name="SCENARIOS ",
            instruments_max=limits["instruments"],
            orders_max=limits["orders"],
            sessions_max=limits["sessions"],
            user_ref_bits=limits["user-ref-bits"],
            step_actions_max=limits["step-actions"],
        )

    def limits_of(self, words: Words) -> dict[str, int]:
        """From words as `orders 2 sessions 1`."""
        limits = {}
        while words:
            key = words.pop(0)
            if key not in self.limits:
                raise NotationError(f"found {key!r}, expected one of {' '.join(self.limits)}")
            limits[key] = names.integer(self._take(words, "a limit"), "a limit")
        return limits

    def _define_table(self, words: Words) -> bytes:
        table, bands = self._take(words, "an id"), self._take(words, "bands")
        fields = table_fields(table, bands)
        if words and words[0] == "count":
            fields["bands_count"] = names.integer(words[1], "a number")
            del words[:2]
        return make("DefineTickTable", **fields)

    def _define_instrument(self, words: Words) -> bytes:
        symbol = self._take(words, "a symbol")
        instrument = Instrument(symbol, len(self.instruments))
        instrument.update(words)
        data = make("DefineInstrument", **instrument.fields)
        self.instruments[symbol] = instrument
        return data

    def _change_instrument(self, words: Words) -> bytes:
        symbol = self._take(words, "a symbol")
        if symbol == "unknown":
            instrument = Instrument(symbol, len(self.instruments))
        elif symbol in self.instruments:
            instrument = self.instruments[symbol].copy()
        else:
            raise NotationError(f"found {symbol!r}, expected one of {' '.join(self.symbols)}")
        instrument.update(words)
        return make("ChangeInstrument", **instrument.fields)

    def _define_session(self, words: Words) -> bytes:
        letter = self._take(words, "a session")
        fields: dict[str, Any] = {"session": names.session(letter), "firm": (letter * 4).ljust(8)}
        while words:
            key = words.pop(0)
            value = self._take(words, f"the value of {key}")
            if key == "firm":
                fields["firm"] = value.ljust(8)
            elif key == "stp":
                fields["stp_mode"] = names.code_of(names.STP_MODES, value, "a mode")
            elif key == "group":
                fields["stp_group"] = names.integer(value, "a group")
            else:
                raise NotationError(f"found {key!r}, expected one of firm stp group")
        return make("DefineSession", username=letter.ljust(16), **fields)

    def _retire(self, words: Words) -> bytes:
        instrument = self._instrument(words)
        self._end(words)
        return make("RetireInstrument", instrument=instrument)

    def _set_state(self, words: Words) -> bytes:
        instrument = self._instrument(words)
        state = names.code_of(names.STATES, self._take(words, "a state"), "a state")
        reason = self._reason(words).strip("\0").ljust(4)
        force = words[:1] == ["force"]
        self._end(words[1:] if force else words)
        return make("SetState", instrument=instrument, state=state, reason=reason, force=force)

    def _clock(self, words: Words) -> bytes:
        second = names.second(self._take(words, "a time"))
        force = words[:1] == ["force"]
        words = words[1:] if force else words
        draw = self._number_of("draw", words)
        self._end(words)
        return make("Clock", second=second, force=force, draw=draw)

    def _number_of(self, word: str, words: Words) -> int:
        """The number behind this word, if it comes next; else 0."""
        if words[:1] != [word]:
            return 0
        words.pop(0)
        return names.integer(self._take(words, f"the value of {word}"), f"the value of {word}")

    def _set_end(self, words: Words) -> bytes:
        instrument = self._instrument(words)
        first = names.second(self._take(words, "a time"))
        self._expect(words, "to")
        last = names.second(self._take(words, "a time"))
        state = "T"
        if words[:1] == ["then"]:
            words.pop(0)
            state = names.code_of(names.STATES, self._take(words, "a state"), "a state")
        no_cancel = self._number_of("no-cancel", words)
        extension = self._number_of("extension", words)
        reason = self._reason(words).strip("\0").ljust(4)
        force = words[:1] == ["force"]
        self._end(words[1:] if force else words)
        return make(
            "SetEnd",
            instrument=instrument,
            second_first=first,
            second_last=last,
            no_cancel_seconds=no_cancel,
            extension_seconds=extension,
            state=state,
            reason=reason,
            force=force,
        )

    def _continue(self, words: Words) -> bytes:
        self._end(words)
        return make("Continue")

    def _bust(self, words: Words) -> bytes:
        instrument = self._instrument(words)
        match_number = names.integer(self._take(words, "a match number"), "a match number")
        slots = []
        for _ in range(2):
            word = self._take(words, "an order, or - for none")
            session, user_ref = (0, 0) if word == "-" else names.order(word)
            slots.append(session << self.limits["user-ref-bits"] | user_ref)
        reason = self._reason(words)
        self._end(words)
        return make(
            "BustTrade",
            instrument=instrument,
            match_number=match_number,
            slot_1=slots[0],
            slot_2=slots[1],
            reason=reason,
        )

    def _system(self, words: Words) -> bytes:
        code = self._take(words, "a code")
        self._end(words)
        return make("SystemEvent", event_code=code)

    def _bytes(self, words: Words) -> bytes:
        """Hexadecimal; 00x28 is 28 bytes of 00."""
        data = b""
        for word in words:
            digits, _, times = word.partition("x")
            data += bytes.fromhex(digits) * int(times or "1")
        return data

    VERBS: ClassVar[dict[str, Callable[["CommandWriter", Words], bytes]]] = {
        "cancel": _cancel,
        "modify": _modify,
        "mass-cancel": _mass_cancel,
        "cancel-session": lambda self, words: self._of_session("CancelSession", words),
        "disable": lambda self, words: self._of_session("DisableOrderEntry", words),
        "enable": lambda self, words: self._of_session("EnableOrderEntry", words),
        "quote": _quote,
        "protect": _protect,
        "reset": _reset,
        "query": lambda self, words: self._of_session("AccountQuery", words),
        "start": _start,
        "table": _define_table,
        "instrument": _define_instrument,
        "change": _change_instrument,
        "session": _define_session,
        "retire": _retire,
        "state": _set_state,
        "clock": _clock,
        "end": _set_end,
        "bust": _bust,
        "continue": _continue,
        "system": _system,
        "bytes": _bytes,
    }
