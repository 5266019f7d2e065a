"""Goal: the model itself is sound, and its events say all that the public and the owners must know.

Method: random commands into the model; a judge who sees commands and events only follows each
order from its entry to its end, and a consumer of the visible events rebuilds the visible book;
after each command both must agree with what the model holds. That each can fail is shown with
broken models.
"""

import pytest
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.compare import displayed_of_model, limits_of
from tests.model.engine_model import EngineModel
from tests.model.judge import Judge
from tests.model.orders import Order
from tests.model.rules import rule
from tests.model.visible_book import VisibleBook

COMMANDS = 1500


def judged_run(model: EngineModel, seed: int, count: int) -> None:
    """A seed's commands, with all that must hold after each."""
    mix, judge, public = CommandMix(seed, model), Judge(), VisibleBook()
    for stream in (mix.opening(), mix.commands(count)):
        for record in stream:
            status, events = model.apply(record)
            if status != r.OK:
                assert events == []
                continue
            instrument = r.instrument_of(record) if model.stamped is None else model.stamped
            judge.see(record, instrument, events)
            public.see(instrument, events)
            assert judge.open_quantities() == {
                model.slot_of(order): order.quantity for order in model.live.values()
            }
            check_books(model, public)


def check_books(model: EngineModel, public: VisibleBook) -> None:
    """The public sees what is displayed, in priority, and never a crossed book while trading."""
    for instrument in model.instruments:
        best = {}
        for sells, side in ((False, "B"), (True, "S")):
            shown = public.side(instrument.index, sells)
            assert shown == displayed_of_model(model, instrument.index, side)
            best[sells] = shown[0][1] if shown else None
        if instrument.state == "T" and None not in best.values():
            assert best[False] < best[True]  # type: ignore[operator]


@rule("1.5", "1.6", "5.3", "8.3", "9.1", "9.6", "14.4", "15.1", "17.1", "17.3")
@pytest.mark.parametrize("seed", range(9))
def test_no_order_is_lost_none_jumps_and_the_public_sees_what_is_displayed(seed: int) -> None:
    judged_run(EngineModel(limits_of(seed)), seed, COMMANDS)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 120))
def test_no_order_is_lost_in_many_commands(seed: int) -> None:
    judged_run(EngineModel(limits_of(seed)), seed, 20_000)


class LastInFirstOut(EngineModel):
    """Rule 5.3 is broken: at one price the newest goes first."""

    def priority(self, order: Order) -> tuple[int, bool, int]:
        price, is_hidden, arrival = super().priority(order)
        return price, is_hidden, -arrival


class LeakyReserve(EngineModel):
    """Rule 9.1 is broken: hidden orders are said to the public."""

    def emit(self, kind: int, order: Order | None = None, **fields: int) -> None:
        if kind == r.ADDED:
            fields["flags"] |= r.VISIBLE
        super().emit(kind, order, **fields)


class Forgetful(EngineModel):
    """Rule 5.5 is broken: now and then an order that comes to rest is lost."""

    def rest(self, order: Order, price: int, announce: bool = True) -> None:
        super().rest(order, price, announce)
        if order.order_ref % 50 == 0:
            self.remove(order)


@pytest.mark.parametrize("broken", [LastInFirstOut, LeakyReserve, Forgetful])
def test_a_broken_model_is_found_out(broken: type[EngineModel]) -> None:
    with pytest.raises((AssertionError, KeyError)):
        judged_run(broken(limits_of(1)), 1, COMMANDS)
