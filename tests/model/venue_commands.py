"""What the venue defines: section 2 of the rules."""

from itertools import pairwise

from tests.model import records as r
from tests.model.engine_base import IgnoredError, LaterError
from tests.model.grid import Grid
from tests.model.options import MalformedError
from tests.model.order_rules import STP_MODES
from tests.model.orders import CONTINUOUS, RETIRED, STATES, Instrument, Session, Terms
from tests.model.states import States

Bands = tuple[tuple[int, int], ...]


def read_terms(record: bytes, tables: dict[int, Bands], looks_at_state: bool) -> tuple[Terms, str]:
    """Rules 2.2, 2.5 and 2.6, and the initial state."""
    (
        _,
        tick,
        lot,
        price_min,
        price_max,
        quantity_max,
        reference,
        static,
        dynamic,
        auction,
        entry,
        protection,
        pause_seconds,
        post_only_mode,
        initial_state,
        extensions_max,
        allocation,
        followers_max,
        min_quantity_max,
        price_decimals,
        quantity_decimals,
        pause_random_seconds,
        table,
        allocation_min,
    ) = r.INSTRUMENT.unpack_from(record, r.BODY)
    if lot < 1 or not -r.PRICE_MAX <= price_min <= price_max <= r.PRICE_MAX:  # rule 2.2
        raise MalformedError
    if price_max - price_min > r.PRICE_MAX:
        raise MalformedError
    if price_min < 1 and (
        table or reference or static or dynamic or auction or entry or protection
    ):
        raise MalformedError  # rule 2.12
    if quantity_max < lot or max(price_decimals, quantity_decimals) > 9:
        raise MalformedError
    if bool(tick) == bool(table) or (table and table not in tables):  # rule 2.5
        raise MalformedError
    grid = Grid(tables[table] if table else ((0, tick),), table)
    if grid.at_or_below(price_max) < price_min:
        raise MalformedError
    state = chr(initial_state) if initial_state else CONTINUOUS  # rule 2.6
    if looks_at_state and (state not in STATES or state == RETIRED):
        raise MalformedError
    if looks_at_state and price_min < 1 and state not in "CTH":  # rule 2.12
        raise MalformedError
    if allocation > 2:
        raise MalformedError
    if post_only_mode > 1 or max(static, dynamic, auction, entry, protection) > 10_000:
        raise MalformedError
    terms = Terms(
        grid,
        lot,
        price_min,
        price_max,
        quantity_max,
        reference,
        static,
        dynamic,
        auction,
        entry,
        protection,
        pause_seconds,
        post_only_mode,
        extensions_max,
        followers_max or 256,
        min_quantity_max or 256,
        price_decimals,
        quantity_decimals,
        pause_random_seconds,
        allocation_min,
        allocation,
    )
    if reference and not terms.holds(reference):
        raise MalformedError
    return terms, state


def read_bands(count: int, numbers: list[int]) -> Bands:
    """Rule 2.11."""
    if not 1 <= count <= r.TICK_BANDS_MAX or numbers[0] != 0 or numbers[1] == 0:
        raise MalformedError
    bands = list(zip(numbers[0::2], numbers[1::2], strict=True))[:count]
    for (before, tick_below), (price_from, tick) in pairwise(bands):
        if tick == 0 or not before < price_from <= r.PRICE_MAX:
            raise MalformedError
        if price_from % tick or price_from % tick_below:
            raise MalformedError
    return tuple(bands)


class VenueCommands(States):
    """The venue's own commands but SET_STATE, CLOCK and RETIRE_INSTRUMENT."""

    def stream_start(self, record: bytes) -> None:
        """Rule 1.4."""
        version = int.from_bytes(record[50:52], "little")
        instruments_max = int.from_bytes(record[52:56], "little")
        orders_max, sessions_max, bits = (
            int.from_bytes(record[at : at + 4], "little") for at in (64, 68, 72)
        )
        if self.started or version != r.RECORD_VERSION:
            raise MalformedError
        if r.Limits(instruments_max, sessions_max, orders_max, bits) != self.limits:
            raise MalformedError
        self.step_actions_max = int.from_bytes(record[76:80], "little")  # rule 18.1
        self.started = True

    def define_tick_table(self, record: bytes) -> None:
        """Rule 2.11."""
        table, count, *numbers = r.TICK_TABLE.unpack_from(record, r.BODY)
        if table != len(self.tick_tables) + 1 or table > r.TICK_TABLES_MAX:
            raise MalformedError
        self.tick_tables[table] = read_bands(count, numbers)

    def define_instrument(self, record: bytes, index: int) -> None:
        if index != len(self.instruments) or index >= self.limits.instruments_max:  # rule 2.1
            raise MalformedError
        terms, state = read_terms(record, self.tick_tables, looks_at_state=True)
        instrument = Instrument(index, terms, state, reference_price=terms.reference)
        self.instruments.append(instrument)
        self.emit(r.INSTRUMENT_DEFINED, slot=index)

    def change_instrument(self, record: bytes, index: int) -> None:
        """Rule 2.7."""
        if index >= len(self.instruments) or self.instruments[index].state == RETIRED:
            raise MalformedError
        instrument = self.instruments[index]
        terms, _ = read_terms(record, self.tick_tables, looks_at_state=False)
        if self.decimals(terms) != self.decimals(instrument.terms):
            raise MalformedError
        if (terms.price_min < 1) != (instrument.terms.price_min < 1):  # rule 2.12
            raise MalformedError
        if instrument.is_busy or instrument.state_next:  # rule 18.5
            raise LaterError
        if instrument.orders and self.shape(terms) != self.shape(instrument.terms):
            raise IgnoredError
        instrument.terms = terms
        if terms.reference:
            instrument.reference_price = terms.reference
        self.emit(r.INSTRUMENT_CHANGED, slot=index)
        self.settle(instrument)

    def shape(self, terms: Terms) -> tuple[Grid, int, int, int]:
        """What cannot be changed while orders are live."""
        return terms.grid, terms.lot, terms.price_min, terms.price_max

    def decimals(self, terms: Terms) -> tuple[int, int]:
        """What never changes."""
        return terms.price_decimals, terms.quantity_decimals

    def define_session(self, record: bytes, index: int) -> None:
        """Rule 2.3."""
        _, firm, _, _, stp_mode, _, stp_group = r.SESSION.unpack_from(record, r.BODY)
        if index != len(self.sessions) + 1 or index > self.limits.sessions_max:
            raise MalformedError
        mode = chr(stp_mode) if stp_mode else "-"
        if mode not in STP_MODES:
            raise MalformedError
        self.sessions[index] = Session(firm, mode, stp_group)
        self.emit(r.SESSION_DEFINED, slot=self.slot(index))

    def system_event(self, record: bytes) -> None:
        """Rule 2.4."""
        if chr(record[r.BODY]) not in "OSQMEC":
            raise MalformedError
        if chr(record[r.BODY]) == "O":
            if self.has_steps_left:
                raise LaterError
            self.begin_day()
        self.emit(r.SYSTEM, reason=record[r.BODY])

    def bust_trade(self, record: bytes, index: int) -> None:
        """Rule 2.9."""
        if index >= len(self.instruments):
            raise MalformedError
        match_number, first, second, reason = r.BUST.unpack_from(record, r.BODY)
        slots = [slot for slot in (first, second) if slot]
        if not 1 <= match_number <= self.match_number_last or not slots:
            raise MalformedError
        if any(slot >> self.limits.user_ref_bits not in self.sessions for slot in slots):
            raise MalformedError
        for number, slot in enumerate(slots):
            flags = r.VISIBLE if number == 0 else 0
            self.emit(r.BROKEN, flags=flags, reason=reason, other=match_number, slot=slot)
