"""Goal: quotes do the same in the core and in the model, among all other commands.

Method: the random commands of the other comparisons, with quotes between them that are drawn around
the prices of the book; every answer, the books and the invariants are compared, and each kind of
outcome is counted. A copy that was saved and loaded answers as the original does.
"""

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.compare import answer_of_core, answer_of_model, books_differ, limits_of
from tests.model.engine_model import EngineModel
from tests.model.orders import Instrument, Order
from tests.model.quotes import Wanted
from tests.model.rules import rule as cites

from ironcore.library.venue import VenueCore


def a_quote(random: Random, model: EngineModel) -> bytes:
    session = random.choice(list(model.sessions))
    entries = []
    for _ in range(random.choice((1, 1, 2, 5, 16))):
        index = random.randrange(len(model.instruments) + (random.random() < 0.05))
        terms = model.instruments[min(index, len(model.instruments) - 1)].terms
        pair = model.quotes.get((session, index), [None, None])
        sides = [side_of(random, terms.price_min, terms.price_max, order) for order in pair]
        if random.random() < 0.9 and sides[0][0] > sides[1][0]:
            sides.reverse()
        entries.append((index, *sides[0], *sides[1]))
    last = model.sessions[session].user_ref_last
    return r.quote(session, last + random.choice((0, 1, 1, 1, 1, 4)), *entries)


def side_of(random: Random, lowest: int, highest: int, order: Order | None) -> tuple[int, int]:
    if order is not None and order.quantity and random.random() < 0.5:
        return order.price, max(0, order.quantity + random.choice((-1, 0, 0, 1)))
    middle = (lowest + highest) // 2
    price = random.randrange(max(lowest, middle - 2000), min(highest, middle + 2000) + 1)
    return price // 100 * 100, random.choice((0, 1, 10, 100))


def with_quotes(seed: int, count: int, model: EngineModel) -> Iterator[bytes]:
    mix, random = CommandMix(seed, model), Random(seed)
    yield from mix.opening()
    for record in mix.commands(count):
        yield record
        if random.random() < 0.3:
            yield a_quote(random, model)


def run(seed: int, count: int, model: EngineModel) -> Counter[int]:
    core = VenueCore(*model.limits)
    seen = Counter[int]()
    for number, record in enumerate(with_quotes(seed, count, model)):
        expected = answer_of_model(model, record)
        assert answer_of_core(core, record) == expected, (seed, number, record.hex())
        if number % 20 == 0:
            core.check_invariants()
            assert not books_differ(core, model), (seed, number)
        if number % 200 == 0:
            core = VenueCore.load(core.save())
        if record[0] == r.QUOTE:
            seen.update(r.decode_event(data).type for data in expected.events)
    return seen


@cites("19.1", "19.2", "19.3", "19.4", "19.5", "19.6", "19.7", "19.8")
def test_random_quotes_do_what_the_model_says() -> None:
    seen = sum((run(seed, 1500, EngineModel(limits_of(seed))) for seed in range(6)), Counter[int]())
    for kind in (r.QUOTED, r.QUOTE_REJECTED, r.ACCEPTED, r.ADDED, r.CANCELED, r.MODIFIED):
        assert seen[kind] > 20, seen
    assert seen[r.EXECUTED] > 5, seen


class LosesPriority(EngineModel):
    """A model in which rule 19.4 is broken: every side leaves and comes in anew."""

    def quote_one(
        self,
        session: int,
        user_ref: int,
        index: int,
        instrument: Instrument,
        wanted: tuple[Wanted, Wanted],
    ) -> None:
        for order in self.quotes.get((session, instrument.index), []):
            if order and self.is_live(order):
                self.cancel(order, "U")
        super().quote_one(session, user_ref, index, instrument, wanted)


@cites("19.4")
def test_a_model_that_loses_priority_is_seen() -> None:
    with pytest.raises(AssertionError):
        run(1, 1500, LosesPriority(limits_of(1)))
