"""What the words of `ironpit control` name: instruments and orders of the venue's event stream."""

import argparse

from ironpit.cli.arguments import ALL
from ironpit.common.decimals import Decimals
from ironpit.common.errors import Exit, UserError
from ironpit.config import Config
from ironpit.operate.control import NO_EFFECT
from ironpit.venue import definitions
from ironpit.venue.day_file import as_the_day_began
from ironpit.venue.stream_names import StreamNames, shown

# Neither the end of an instrument nor a definition is given to all by one word.
ACTIONS_OF_ALL = ("state", "end", "halt", "resume", "change")


class Targets:
    """What the arguments name in the venue's stream, and the command for each."""

    def __init__(self, config: Config, names: StreamNames, arguments: argparse.Namespace) -> None:
        self.config = as_the_day_began(config)
        self.names = names
        self.arguments = arguments
        self.action: str = arguments.action
        self.tables = names.tick_tables()
        self.in_file = [instrument.symbol for instrument in config.instruments]
        self.all = arguments.symbols == [ALL] and self.action in ACTIONS_OF_ALL
        if self.all:
            self.symbols = list(names.live)
        else:
            self.symbols = list(dict.fromkeys(arguments.symbols))
            for symbol in self.symbols:
                self._check(symbol)

    def added(self) -> list[str]:
        """Of `all`: what was defined since. A venue that is just starting defines its instruments
        until it takes the first command."""
        if not self.all:
            return []
        self.names.read()
        known = set(self.symbols)
        return [symbol for symbol in self.names.live if symbol not in known]

    def command(self, symbol: str) -> bytes:
        """UserError when there is none for this instrument."""
        arguments = self.arguments
        if self.action == "add-instrument":
            place = self._place_of_new(symbol)
            return definitions.define_instrument(self.config, place, self.tables)
        number = self.names.instruments[symbol]
        if self.action == "bust":
            return definitions.bust_trade(number, arguments.match, self.slots(), arguments.reason)
        if symbol not in self.names.live:
            raise UserError("it is retired in the venue's stream")
        if self.action == "change":
            return self._change(symbol, number)
        if self.action == "retire":
            return definitions.retire_instrument(number)
        if self.action == "end":
            return self._end(number)
        state = {"halt": "halted", "resume": "continuous"}.get(self.action)
        force = getattr(arguments, "force", False)
        return definitions.set_state(number, state or arguments.state, arguments.reason, force)

    def take_tables(self) -> list[bytes]:
        """The definitions of the tick tables that the commands so far name and the stream has not
        got, once each: they come before the commands."""
        added = list(self.tables.added)
        self.tables.added.clear()
        return added

    def explained(self, symbol: str, error: UserError) -> UserError:
        """An error of its command; of a change without effect it names what live orders keep."""
        if self.action != "change" or str(error) != NO_EFFECT:
            return error
        place, known = self.in_file.index(symbol), self.names.instruments[symbol]
        key = f"{self.arguments.config}: instruments[{place}]"
        wanted = definitions.instrument_body(self.config.instruments[place], self.tables)
        kept = definitions.kept_term(key, self.names.definition(known), wanted)
        return UserError(f"no effect: {kept}", error.code) if kept else error

    def decimals(self, symbol: str) -> Decimals:
        """Of the numbers in the instrument's events; a new one's are those of the file."""
        if symbol in self.names.instruments:
            number = self.names.instruments[symbol]
            return definitions.decimals_of(self.names.definition(number))
        return self.config.decimals[symbol]

    def slots(self) -> tuple[int, int]:
        """Of the two orders of a trade, as the stream numbers sessions."""
        sessions = self.names.sessions
        slots = []
        for order in self.arguments.orders:
            user, _, number = order.partition(":")
            if user not in sessions:
                raise UserError(
                    f"{order}: expected USER:REF, a user name out of {shown(list(sessions))} and a "
                    "UserRefNum",
                    Exit.USAGE,
                )
            slots.append((sessions[user] << self.names.user_ref_bits) + int(number))
        return slots[0], slots[1]

    def _check(self, symbol: str) -> None:
        """Wrong names are refused before anything is done."""
        file, known = self.arguments.config, self.names.instruments
        if self.action == "add-instrument":
            if symbol not in self.in_file:
                raise UserError(
                    f"{file}: instruments: found no {symbol}, expected one of "
                    f"{shown(self.in_file)}",
                    Exit.USAGE,
                )
        elif symbol not in known:
            why = ""
            if symbol in self.in_file:
                why = (
                    f" ({file}: instruments[{self.in_file.index(symbol)}] was added after the "
                    f"start: `add-instrument {symbol}` defines it)"
                )
            raise UserError(
                f"found no {symbol} in the venue's stream{why}, expected one of "
                f"{shown(list(known))}",
                Exit.USAGE,
            )
        elif self.action == "change" and symbol not in self.in_file:
            raise UserError(
                f"{file}: instruments: found no {symbol}, which is in the venue's stream; expected "
                "its new values there",
                Exit.USAGE,
            )

    def _place_of_new(self, symbol: str) -> int:
        if symbol in self.names.instruments:
            raise UserError("it is in the venue's stream already")
        place, expected = self.in_file.index(symbol), self.names.instrument_next
        if place != expected:
            raise UserError(
                f"{self.arguments.config}: found it at instruments[{place}], expected it at "
                f"instruments[{expected}], after the {expected} that the venue's stream has"
            )
        return place

    def _end(self, number: int) -> bytes:
        arguments = self.arguments
        end = definitions.End(
            arguments.first,
            arguments.last,
            arguments.then,
            arguments.no_cancel,
            arguments.extension,
        )
        return definitions.set_end(number, end, arguments.reason, arguments.force)

    def _change(self, symbol: str, number: int) -> bytes:
        if symbol not in self.in_file:  # one of `all`
            raise UserError(f"{self.arguments.config}: instruments: found none of this symbol")
        place = self.in_file.index(symbol)
        body = definitions.instrument_body(self.config.instruments[place], self.tables)
        key = f"{self.arguments.config}: instruments[{place}]"
        definitions.check_decimals(key, self.names.definition(number), body)
        return definitions.record(definitions.COMMAND_CHANGE_INSTRUMENT, body, instrument=number)
