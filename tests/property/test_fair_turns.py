"""Goal: whoever waits has its turn within a number that nobody can raise by asking more often.

Method: hypothesis gives the pairs of user name and address that ask without end, each again as soon
as it had its turn, some of them many times over; one more joins them after a while.
"""

from hypothesis import example, given
from hypothesis import strategies as st

from ironpit.venue.fair_turns import REMEMBERED_MAX, FairTurns

Pair = tuple[str, int]

PAIRS = st.tuples(st.sampled_from("ABCDEF"), st.integers(1, 6))


def bound(waiting: set[Pair], joined: Pair) -> int:
    """Names times the pairs of this name, or addresses times those of this address; twice, as the
    two take turns."""
    names, addresses = ({pair[side] for pair in waiting} for side in (0, 1))
    of_name = [pair for pair in waiting if pair[0] == joined[0]]
    of_address = [pair for pair in waiting if pair[1] == joined[1]]
    return 2 * min(len(names) * len(of_name), len(addresses) * len(of_address))


# Its name is served for another address, and its address for another name, all the time.
@example([("A", 2), ("B", 1)], ("A", 1), 4)
@given(st.lists(PAIRS, min_size=1, max_size=60), PAIRS, st.integers(0, 50))
def test_each_has_its_turn_within_a_bound(
    flood: list[Pair], joined: Pair, turns_before: int
) -> None:
    turns = FairTurns()
    for _ in range(turns_before):
        turns.next(flood)
    waiting = [*flood, joined]
    for _ in range(bound(set(waiting), joined)):
        if waiting[turns.next(waiting)] == joined:
            return
    raise AssertionError(f"no turn for {joined}")


def test_what_is_remembered_is_bounded() -> None:
    turns = FairTurns()
    for number in range(REMEMBERED_MAX + 100):
        turns.next([(f"X{number}", number)])
    assert turns.remembered <= REMEMBERED_MAX
