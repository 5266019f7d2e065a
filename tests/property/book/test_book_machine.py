"""Goal: the core and the reference model do the same, whatever hypothesis thinks of.

Method: a state machine, small and dense: few prices, numbers and orders, so that every command
meets every state. After each step the answers are compared, the invariants checked, and all live
orders compared. The slow variant takes a million steps.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.compare import answer_of_core, answer_of_model, books_differ
from tests.model.describe import describe_command
from tests.model.engine_model import EngineModel
from tests.model.options import write_options
from tests.model.order_mix import MID, STEP

from ironcore.engine.matching_engine import MatchingEngine

STEPS_SLOW = 1_000_000
LIMITS = r.Limits(instruments_max=2, sessions_max=3, orders_max=8, user_ref_bits=10)

sessions = st.integers(1, 3)
instruments = st.sampled_from([0, 0, 0, 1])
prices = st.one_of(
    st.integers(-4, 4).map(lambda steps: MID + steps * STEP),
    st.sampled_from([r.MARKET, r.MARKET_CROSS, MID - 11 * STEP, MID + 1]),
)
quantities = st.one_of(st.integers(1, 12), st.sampled_from([0, 20, 40, 60, 100]))
numbers = st.integers(0, 30)
ahead = st.sampled_from([1, 1, 1, 1, 0, 3])
lots = st.sampled_from([1, 2, 3, 4, 5, 10])
options = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"max_floor": lots}, optional={"random_reserves": lots}),
    st.fixed_dictionaries({"min_qty": lots}),
    st.fixed_dictionaries({"post_only": st.just("P")}),
    st.fixed_dictionaries(
        {"price_type": st.sampled_from("PRM")},
        optional={"peg_offset": st.sampled_from([-150, -100, 50, 100, 300]), "min_qty": lots},
    ),
    st.just({"price_type": "K"}),
    st.fixed_dictionaries({"stop_price": prices}, optional={"trail_offset": st.just(200)}),
    st.fixed_dictionaries({"trail_offset": st.sampled_from([50, 100, 300])}),
    st.fixed_dictionaries(
        {"expire_time": st.integers(0, 20)}, optional={"group_id": st.integers(0, 2)}
    ),
    st.fixed_dictionaries({"stp": st.sampled_from("NOBD-")}),
)


class CoreAgainstModel(RuleBasedStateMachine):
    """Both take each command."""

    def __init__(self) -> None:
        super().__init__()
        self.core, self.model = MatchingEngine(*LIMITS), EngineModel(LIMITS)
        self.mix: CommandMix | None = None

    def both(self, record: bytes) -> None:
        said = describe_command(record)
        assert answer_of_core(self.core, record) == answer_of_model(self.model, record), said
        self.core.check_invariants()
        assert books_differ(self.core, self.model) == "", said

    def next_number(self, session: int, step: int) -> int:
        return self.model.sessions[session].user_ref_last + step

    @initialize(
        seed=st.integers(0, 1000),
        groups=st.lists(st.integers(0, 1), min_size=3, max_size=3),
        modes=st.lists(st.sampled_from("NOBD-\0"), min_size=3, max_size=3),
        collar=st.sampled_from([0, 0, 20, 40]),
        post_only_mode=st.integers(0, 1),
        steps_max=st.sampled_from([1, 2, 3, 5, 4_096]),
        allocations=st.lists(st.integers(0, 2), min_size=2, max_size=2),
        allocation_min=st.integers(0, 5),
        sharers_max=st.sampled_from([1, 2, 3, 1_024]),
    )
    def opening(
        self,
        seed: int,
        groups: list[int],
        modes: list[str],
        collar: int,
        post_only_mode: int,
        steps_max: int,
        allocations: list[int],
        allocation_min: int,
        sharers_max: int,
    ) -> None:
        self.core.dry_run_steps_max = self.model.steps_max = steps_max  # rule 10.9
        self.core.allocation_orders_max = self.model.allocation_orders_max = sharers_max
        self.both(r.stream_start(LIMITS))
        terms: dict[str, Any] = {
            "price_min": MID - 10 * STEP,
            "price_max": MID + 10 * STEP,
            "post_only_mode": post_only_mode,
            "allocation_min": allocation_min,
        }
        collars: dict[str, Any] = {
            "static": 2 * collar,
            "dynamic": collar,
            "auction": collar,
            "entry": 2 * collar,
        }
        first, second = ({**terms, "allocation": allocation} for allocation in allocations)
        self.both(r.define_instrument(0, reference=MID, pause_seconds=2, **first, **collars))
        self.both(r.define_tick_table(1, ((0, 100), (MID, 50), (MID + 200, 200))))
        self.both(r.define_instrument(1, lot=2, table=1, protection=20, **second))
        for session in range(1, 4):
            firm = "ELSE" if session == 3 else "FIRM"
            self.both(r.define_session(session, modes[session - 1], groups[session - 1], firm))
        self.mix = CommandMix(seed, self.model)

    @rule(
        session=sessions,
        step=ahead,
        side=st.sampled_from("BBSSTE"),
        quantity=quantities,
        price=prices,
        instrument=instruments,
        time_in_force=st.sampled_from("00000013346"),
        display=st.sampled_from("YYYANN"),
        cross_type=st.sampled_from("NNNNNNNOCH"),
        given=options,
    )
    def enter(
        self, session: int, step: int, side: str, given: dict[str, Any], **fields: Any
    ) -> None:
        number = self.next_number(session, step)
        self.both(r.enter(session, number, side, options=write_options(**given), **fields))

    @rule(
        session=sessions,
        step=ahead,
        original=numbers,
        quantity=quantities,
        price=prices,
        time_in_force=st.sampled_from("00000013346"),
        display=st.sampled_from("YYYANN"),
        given=options,
    )
    def replace(
        self, session: int, step: int, original: int, given: dict[str, Any], **fields: Any
    ) -> None:
        number = self.next_number(session, step)
        old = max(0, number - 1 - original)
        self.both(r.replace(session, old, number, options=write_options(**given), **fields))

    @rule(session=sessions, back=numbers, total=quantities)
    def cancel(self, session: int, back: int, total: int) -> None:
        self.both(r.cancel(session, max(0, self.next_number(session, -back)), total))

    @rule(session=sessions, back=numbers, total=quantities, side=st.sampled_from("BSTE"))
    def modify(self, session: int, back: int, total: int, side: str) -> None:
        self.both(r.modify(session, max(0, self.next_number(session, -back)), total, side))

    @rule(
        instrument=instruments,
        state=st.sampled_from("TTTTBOCHPQL"),
        force=st.booleans(),
    )
    def set_state(self, instrument: int, state: str, force: bool) -> None:
        self.both(r.set_state(instrument, state, "T1", force))

    @rule(seconds=st.integers(0, 3))
    def clock(self, seconds: int) -> None:
        self.both(r.clock(max(0, self.model.second + seconds)))

    @rule(count=st.integers(1, 5))
    def mixed(self, count: int) -> None:
        """Commands of any kind, as the seeds' streams have them."""
        assert self.mix is not None
        for record in self.mix.commands(count):
            self.both(record)

    @rule(
        session=sessions,
        instrument=st.sampled_from([0, 1, 2]),
        symbol_given=st.booleans(),
        side_given=st.booleans(),
        side=st.sampled_from("BS"),
        group=st.sampled_from([None, None, 1]),
        scope=st.integers(0, 1),
    )
    def cancel_many(self, session: int, **fields: Any) -> None:
        self.both(r.mass_cancel(session, **fields))

    @rule(session=sessions)
    def cancel_session(self, session: int) -> None:
        self.both(r.short(r.CANCEL_SESSION, session))


TestCoreAgainstModel = CoreAgainstModel.TestCase
TestCoreAgainstModel.settings = settings(max_examples=40, stateful_step_count=50)


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
def test_a_million_steps_do_the_same() -> None:
    class Counted(CoreAgainstModel):
        steps = 0

        def both(self, record: bytes) -> None:
            super().both(record)
            Counted.steps += 1

    many = settings(
        max_examples=1000,
        stateful_step_count=200,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    while Counted.steps < STEPS_SLOW:
        run_state_machine_as_test(Counted, settings=many)  # another seed each time
    print(f"{Counted.steps:,} steps")


def test_the_machine_sees_a_broken_rule() -> None:
    class Generous(EngineModel):
        """Rule 6.1 is broken: an order that is made smaller keeps its size. Not where prevention
        does it (12.2): two orders that kept theirs would meet for ever."""

        prevents = False

        def prevent(self, *orders: Any) -> None:
            self.prevents = True
            super().prevent(*orders)
            self.prevents = False

        def shrink(self, order: Any, decrement: int) -> int:
            return super().shrink(order, decrement) if self.prevents else int(order.reachable)

    class Broken(CoreAgainstModel):
        def __init__(self) -> None:
            super().__init__()
            self.model = Generous(LIMITS)

    few = settings(max_examples=50, stateful_step_count=30, database=None, phases=[Phase.generate])
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Broken, settings=few)
