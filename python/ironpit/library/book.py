"""One instrument's book, for a page of Python."""

from typing import Any, NamedTuple, Self

import numpy as np

from ironpit.common.decimals import Decimals
from ironpit.library import commands
from ironpit.library.codes import MARKET_PRICE, EventType
from ironpit.library.commands import Codes, Numbers
from ironpit.library.results import Rows, Status
from ironpit.library.venue import Side, Venue


class Entered(NamedTuple):
    """user_ref: the order's number, by which it is cancelled and replaced; events EVENT_DTYPE[k]:
    what it caused, perhaps its rejection."""

    user_ref: int
    events: Rows


class Book:
    """One instrument and one member: each method is one command and returns its events.

    The same core as Venue's, as `venue`, for all that has no method here. The orders' numbers count
    up by themselves, each is used once, and there are 2^user_ref_bits - 1 of them (by default
    16,777,215): a replacement takes one too, and every later order is rejected. `settings` are
    those of Venue.add_instrument.
    """

    instrument = 0
    session = 1

    def __init__(
        self,
        symbol: str = "BOOK",
        *,
        orders_max: int = 1 << 16,
        user_ref_bits: int = 24,
        **settings: Any,
    ) -> None:
        self.venue = Venue(
            instruments_max=1, sessions_max=1, orders_max=orders_max, user_ref_bits=user_ref_bits
        )
        self.venue.add_instrument(symbol, **settings)
        self.venue.add_session()

    def limit(self, side: Codes, quantity: int, price: int, **options: Numbers | Codes) -> Entered:
        """A new order; options as in commands.enter. Quantity and price are integers, which
        `decimals` makes of text."""
        user_ref = self.venue.user_ref_next(self.session)
        row = commands.enter(
            session=self.session,
            user_ref=user_ref,
            instrument=self.instrument,
            side=side,
            quantity=quantity,
            price=price,
            **options,
        )
        return Entered(user_ref, self._apply(row))

    def market(self, side: Codes, quantity: int, **options: Numbers | Codes) -> Entered:
        """An order without a price: what does not execute at once is cancelled (rule 5.6)."""
        return self.limit(side, quantity, MARKET_PRICE, **options)

    def cancel(self, user_ref: int, quantity: int = 0) -> Rows:
        """Cancel down to this total size; 0 takes all that is open. Empty: nothing to cancel."""
        row = commands.cancel(session=self.session, user_ref=user_ref, quantity=quantity)
        return self._apply(row)

    def replace(
        self,
        user_ref: int,
        quantity: int,
        price: int,
        *,
        display: Codes,
        time_in_force: Codes,
        **options: Numbers | Codes,
    ) -> Entered:
        """Another order in an order's place: its total size (what is executed included), price,
        and, said anew, how it is displayed and how long it is good."""
        new_ref = self.venue.user_ref_next(self.session)
        row = commands.replace(
            session=self.session,
            orig_user_ref=user_ref,
            user_ref=new_ref,
            quantity=quantity,
            price=price,
            display=display,
            time_in_force=time_in_force,
            **options,
        )
        return Entered(new_ref, self._apply(row))

    def modify(self, user_ref: int, quantity: int, side: Codes) -> Rows:
        """A smaller total size with the priority kept."""
        row = commands.modify(session=self.session, user_ref=user_ref, quantity=quantity, side=side)
        return self._apply(row)

    def apply(self, rows: Rows) -> Rows:
        """Any commands, in one call: their events, EVENT_DTYPE[k]."""
        return self.venue.apply(rows).events

    def _apply(self, row: Rows) -> Rows:
        applied = self.venue.apply(row)
        if applied.statuses[0] == Status.MALFORMED:
            raise ValueError(f"found a malformed command: {row[0]}")
        return applied.events

    @property
    def decimals(self) -> Decimals:
        """Of the book's prices and quantities: see Venue.decimals."""
        return self.venue.decimals(self.instrument)

    def depth(self, side: Side, levels_max: int = 10) -> Rows:
        """The visible book's best levels, best first: LEVEL_DTYPE[k]."""
        return self.venue.depth(self.instrument, side, levels_max)

    def orders(self, side: Side) -> Rows:
        """Every live order of one side, hidden and waiting ones too: see Venue.orders."""
        return self.venue.orders(self.instrument, side)

    def best_price(self, side: Side) -> int | None:
        """The best displayed price; None for an empty side."""
        levels = self.depth(side, 1)
        return int(levels["price"][0]) if len(levels) else None

    def executed(self, entered: Entered) -> int:
        """How much of the quantity executed at once, from the events of an order. What follows an
        ACTIVATED is another order's: of a stop that it triggered, or of a peg."""
        types = entered.events["type"]
        others = np.cumsum(types == EventType.ACTIVATED) > 0
        executions = entered.events[(types == EventType.EXECUTED) & ~others]
        return int(np.sum(executions["quantity"], dtype=np.int64))

    def copy(self) -> Self:
        """A book of its own in the same state: see Venue.copy."""
        book = type(self).__new__(type(self))
        book.__dict__.update(self.__dict__)
        book.venue = self.venue.copy()
        return book

    def __copy__(self) -> Self:
        return self.copy()

    def __repr__(self) -> str:
        best = [self.best_price("B"), self.best_price("S")]
        buy, sell = (None if one is None else self.decimals.show_price(one) for one in best)
        return f"<Book {self.venue.symbols[0]}: best buy {buy}, best sell {sell}>"
