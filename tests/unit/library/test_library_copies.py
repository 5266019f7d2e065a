"""Goal: a copy or a pickle does with every later command what the original does, to the byte.

Method: cut generated flows at many places, go on with the original, a copy and a pickle, and
compare events and digests; damage the bytes and look for an error.
"""

import copy
import pickle

import numpy as np
import pytest

from ironcore.library.venue import VenueCore
from ironpit.flow import generate
from ironpit.library import Venue, commands
from ironpit.library.flows import rows_of, venue_of


@pytest.mark.parametrize("cut", [0, 1, 500, 4999])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_copy_and_a_pickle_go_on_as_the_original_does(cut: int, seed: int) -> None:
    flow = generate(3, 5000, seed)
    rows = rows_of(flow)
    venue = venue_of(flow)
    venue.apply(rows[:cut])
    others = [venue.copy(), copy.copy(venue), copy.deepcopy(venue),
              pickle.loads(pickle.dumps(venue))]  # fmt: skip
    expected = venue.apply(rows[cut:]).events.tobytes()
    for other in others:
        assert other.apply(rows[cut:]).events.tobytes() == expected
        other.check_invariants()
        assert other.digest() == venue.digest()
        assert other.limits == venue.limits


def test_a_copy_of_a_copy_is_one_too() -> None:
    flow = generate(2, 2000, 9)
    rows = rows_of(flow)
    venue = venue_of(flow)
    whole = venue_of(flow).apply(rows).events.tobytes()
    found = b""
    for part in np.array_split(rows, 10):
        venue = pickle.loads(pickle.dumps(venue.copy()))
        found += venue.apply(part).events.tobytes()
    assert found == whole


def test_a_copy_can_be_added_to() -> None:
    venue = Venue(instruments_max=2, sessions_max=2, orders_max=100, user_ref_bits=8)
    venue.add_instrument("ABC", tick_table=[(10_000, 1000)])
    other = venue.copy()
    assert (other.add_instrument("DEF"), other.add_session()) == (1, 1)
    assert venue.symbols == ["ABC"]
    row = commands.enter(session=1, user_ref=1, instrument=0, side="B", quantity=1, price=11_000)
    del venue
    other.apply(row)
    assert other.depth(0, "B")["price"].tolist() == [11_000]


class NamedVenue(Venue):
    """A subclass whose constructor takes something else."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(instruments_max=1, sessions_max=1, orders_max=10, user_ref_bits=4)
        self.names = names


def test_a_copy_and_a_pickle_keep_class_and_attributes() -> None:
    venue = NamedVenue(["one"])
    deep = copy.deepcopy(venue)
    for other in (venue.copy(), copy.copy(venue), deep, pickle.loads(pickle.dumps(venue))):
        assert type(other) is NamedVenue
        assert other.names == ["one"]
        assert other.add_instrument("ABC") == 0
    assert venue.instruments_count == 0
    assert copy.copy(venue).names is venue.names
    assert deep.names is not venue.names


def test_the_bytes_are_as_many_as_the_orders_need() -> None:
    venue = Venue(orders_max=1 << 20)
    venue.add_instrument("ABC")
    venue.add_session()
    assert len(venue._saved()) < 100_000
    rows = commands.enter(
        session=1, user_ref=np.arange(1, 10_001), instrument=0, side="B", quantity=1, price=100
    )
    venue.apply(rows)
    assert len(venue._saved()) < 600_000


@pytest.mark.parametrize("at", [0, 8, 12, 16, 36, 60, 64, 200, -1])
def test_a_damaged_byte_is_seen(at: int) -> None:
    flow = generate(2, 200, 1)
    venue = venue_of(flow)
    venue.apply(rows_of(flow))
    saved = bytearray(venue._saved())
    saved[at] ^= 1
    with pytest.raises(ValueError, match="damaged"):
        VenueCore.load(bytes(saved))


@pytest.mark.parametrize("kept", [0, 1, 63, 64, 700])
def test_a_part_of_the_bytes_is_refused(kept: int) -> None:
    saved = Venue(orders_max=100, instruments_max=1)._saved()
    with pytest.raises(ValueError, match=f"found {kept} bytes"):
        VenueCore.load(saved[:kept])
