"""Goal: quotes do the same in the core and in the model, among all other commands.

Method: the random commands of the other comparisons, with quotes between them that are drawn around
the prices of the book; every answer, the books and the invariants are compared, and each kind of
outcome is counted. A copy that was saved and loaded answers as the original does.
"""

from collections import Counter

import pytest
from tests.model import records as r
from tests.model.compare import answer_of_core, answer_of_model, books_differ, limits_of
from tests.model.engine_model import EngineModel
from tests.model.orders import Instrument
from tests.model.quote_mix import with_quotes
from tests.model.quotes import Wanted
from tests.model.rules import rule as cites

from ironcore.library.venue import VenueCore


def run(seed: int, count: int, model: EngineModel, step_actions_max: int = 0) -> Counter[int | str]:
    core = VenueCore(*model.limits)
    seen = Counter[int | str]()
    for number, record in enumerate(with_quotes(seed, count, model, step_actions_max)):
        expected = answer_of_model(model, record)
        assert answer_of_core(core, record) == expected, (seed, number, record.hex())
        if number % 20 == 0:
            core.check_invariants()
            assert not books_differ(core, model), (seed, number)
        if number % 200 == 0:
            core = VenueCore.load(core.save())
        events = [r.decode_event(data) for data in expected.events]
        if record[0] == r.QUOTE:
            seen.update(event.type for event in events)
        elif record[0] not in (r.SET_PROTECTION, r.RESET_PROTECTION):
            seen.update(event.type for event in events if event.type == r.PROTECTION_REACHED)
            seen["left"] += sum(event.reason == ord("P") for event in events)
    return seen


@cites("20.1", "20.2", "20.3", "20.4", "20.5", "20.6", "20.7", "20.8")
def test_random_quotes_do_what_the_model_says() -> None:
    seen = sum(
        (run(seed, 1500, EngineModel(limits_of(seed))) for seed in range(6)), Counter[int | str]()
    )
    for kind in (r.QUOTED, r.QUOTE_REJECTED, r.ACCEPTED, r.ADDED, r.CANCELED, r.MODIFIED):
        assert seen[kind] > 20, seen
    assert seen[r.EXECUTED] > 5, seen


class LosesPriority(EngineModel):
    """A model in which rule 20.4 is broken: every side leaves and comes in anew."""

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


@cites("20.9", "20.10", "20.11", "20.12", "20.13", "18.9", "18.10", "18.11")
def test_in_steps_too() -> None:
    seen = Counter[int | str]()
    for seed, limit in enumerate((17, 1, 33, 60, 300, 5)):
        seen += run(seed + 10, 1500, EngineModel(limits_of(seed + 10)), limit)
    assert seen[r.PROTECTION_REACHED] > 20, seen
    assert seen["left"] > 20, seen


class LetsQuotesStay(EngineModel):
    """A model in which rule 20.12 is broken: a protection that is reached is only told."""

    def act_on_protections(self) -> None:
        for key in self.due:
            self.quotes[key] = [None, None]
        super().act_on_protections()


@cites("20.12")
def test_a_model_whose_quotes_stay_is_seen() -> None:
    with pytest.raises(AssertionError):
        run(1, 1500, LetsQuotesStay(limits_of(1)))


@cites("20.4")
def test_a_model_that_loses_priority_is_seen() -> None:
    with pytest.raises(AssertionError):
        run(1, 1500, LosesPriority(limits_of(1)))
