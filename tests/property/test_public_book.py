"""Goal: a consumer that sees only the ITCH messages has exactly the visible book after every
command, for every type of order, in every state and auction, and never learns of anything hidden.

Method: a random mix of all commands through the core (and, apart from it, through the reference
model); the events as frames through the publisher's feed; its messages through the subscriber's
book builder. What is visible is read off the model, and off the core's own books.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.engine_model import EngineModel
from tests.model.orders import Instrument, Order
from tests.model.pair_mix import with_pairs
from tests.model.quote_mix import with_quotes

from ironcore.engine.matching_engine import MatchingEngine
from ironcore.market_data.itch_feed import Feed
from ironpit.common.digest import visible_digest
from ironpit.market_data.books import Books

FRAME_BYTES_MAX = 1280
TRADING_STATES = dict(zip("TPHCRBOQLX", "TPHHHQQQQQ", strict=True))
KINDS = ("core", "model")
SEEDS = range(6)
COMMANDS = 2000


class Row(NamedTuple):
    order_ref: int
    price: int
    quantity: int


def frames(command: bytes, events: list[bytes]) -> Iterator[bytes]:
    """A transaction as the matcher publishes it."""
    if not events:
        command = command[:1] + bytes([command[1] | r.LAST]) + command[2:]
    room = (FRAME_BYTES_MAX - len(command)) // r.EVENT.size
    yield command + b"".join(events[:room])
    for first in range(room, len(events), FRAME_BYTES_MAX // r.EVENT.size):
        yield b"".join(events[first : first + FRAME_BYTES_MAX // r.EVENT.size])


def messages(blocks: bytes) -> Iterator[bytes]:
    while blocks:
        size = int.from_bytes(blocks[:2], "big")
        yield blocks[2 : 2 + size]
        blocks = blocks[2 + size :]


class Subscriber:
    """The feed of a stream, and what one builds who hears it."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.books = Books()
        self.sequence = 0
        self.heard: list[bytes] = []

    def take(self, command: bytes, events: list[bytes]) -> None:
        self.heard = []
        for frame in frames(command, events):
            self.sequence += 1
            self.heard += messages(self.feed.apply(self.sequence, frame))
        for message in self.heard:
            self.books.apply(message)

    def rows(self, locate: int, side: str) -> list[Row]:
        orders = self.books.orders()
        chosen = orders[(orders["locate"] == locate) & (orders["side"] == ord(side))]
        return [Row(*map(int, o)) for o in chosen[["order_ref", "price", "quantity"]].tolist()]


def visible(instrument: Instrument, side: str) -> list[Row]:
    """What the public may know of a side: displayed quantities by price and time."""
    sells = side == "S"
    orders = [o for o in instrument.orders if o.is_visible and o.sells == sells]
    orders.sort(key=lambda o: (o.rest_price if sells else -o.rest_price, o.arrival))
    # Between two steps of an auction an iceberg may display nothing.
    return [Row(o.order_ref, o.rest_price, o.reachable) for o in orders if o.reachable]


def assert_attributed(model: EngineModel, orders: dict[int, Order], message: bytes) -> None:
    order = orders.get(int.from_bytes(message[11:19], "big"))
    if order is None:
        return
    firm = model.sessions[order.session].firm[:4]  # what ITCH has room for
    assert message[:1] == (b"F" if order.display == "A" else b"A")
    assert message[36:] == (firm if order.display == "A" else b"")


def assert_equal(subscriber: Subscriber, model: EngineModel) -> None:
    states = subscriber.books.builder.states()
    for instrument in model.instruments:
        locate = instrument.index + 1
        for side in "BS":
            assert subscriber.rows(locate, side) == visible(instrument, side)
        if not model.is_emptied(instrument):  # its end is said with the last step (rule 18.3)
            assert states[locate] == TRADING_STATES[instrument.state]
    counts = subscriber.books.counts()
    assert (counts["unknown"], counts["malformed"]) == (0, 0)
    live = {order.order_ref: order for order in model.live.values()}
    for message in subscriber.heard:
        if message[:1] in b"AF":
            assert_attributed(model, live, message)


class Engine:
    """The core or the model: what a command causes, and the command as it is in the stream."""

    def __init__(self, kind: str, model: EngineModel) -> None:
        self.model = model
        self.core = MatchingEngine(*model.limits) if kind == "core" else None

    def apply(self, record: bytes) -> tuple[bytes, list[bytes]] | None:
        status, events = self.model.apply(record)
        stamped = bytearray(record)
        if self.core is not None:
            statuses, _, rows = self.core.apply_batch(stamped, stamp=True)
            status, events = int(statuses[0]), [row.tobytes() for row in np.atleast_1d(rows)]
        elif self.model.stamped is not None:
            stamped[28:32] = self.model.stamped.to_bytes(4, "little")
        return (bytes(stamped), events) if status == r.OK else None


def assert_levels_equal(displayed: NDArray[np.void], levels: NDArray[np.void]) -> None:
    displayed = displayed[displayed["quantity"] > 0]
    for name in ("price", "quantity"):
        assert displayed[name].tolist() == levels[name].tolist()


def assert_core_agrees(subscriber: Subscriber, core: MatchingEngine) -> None:
    assert subscriber.books.digest() == visible_digest(core)
    for number, symbol in enumerate(core.symbols):
        bids, asks = subscriber.books.depth(symbol)
        assert_levels_equal(core.depth(number, "B", levels_max=10_000), bids)
        assert_levels_equal(core.depth(number, "S", levels_max=10_000), asks)


def run(kind: str, seed: int, count: int, limits: r.Limits, stride: int) -> None:
    """Compare after every `stride` commands."""
    model = EngineModel(limits)
    mix = CommandMix(seed, model)
    for_subscriber(kind, model, chain(mix.opening(), mix.commands(count)), stride)


def for_subscriber(kind: str, model: EngineModel, stream: Iterable[bytes], stride: int) -> None:
    engine, subscriber = Engine(kind, model), Subscriber()
    for number, record in enumerate(stream):
        applied = engine.apply(record)
        if applied is None:
            continue
        subscriber.take(*applied)
        if number % stride == 0:
            assert_equal(subscriber, model)
            if engine.core is not None:
                assert_core_agrees(subscriber, engine.core)
    assert_equal(subscriber, model)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_public_book_is_the_visible_one_after_every_command(kind: str, seed: int) -> None:
    limits = r.Limits(orders_max=(40, 200, 1000)[seed % 3], user_ref_bits=14)
    run(kind, seed, COMMANDS, limits, stride=1)


@pytest.mark.parametrize("step_actions_max", [0, 40])
def test_so_it_is_with_quotes_that_are_protected(step_actions_max: int) -> None:
    model = EngineModel(r.Limits(orders_max=200, user_ref_bits=14))
    for_subscriber("core", model, with_quotes(5, COMMANDS, model, step_actions_max), stride=3)


@pytest.mark.parametrize("step_actions_max", [0, 40])
def test_so_it_is_with_pairs(step_actions_max: int) -> None:
    model = EngineModel(r.Limits(orders_max=200, user_ref_bits=14))
    for_subscriber("core", model, with_pairs(5, COMMANDS, model, step_actions_max), stride=3)


@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 300),
    orders_max=st.integers(1, 40),
    sessions_max=st.integers(1, 4),
    instruments_max=st.integers(1, 4),
)
@settings(max_examples=25)
def test_any_limits_and_any_stream_leave_the_visible_book(
    seed: int, count: int, orders_max: int, sessions_max: int, instruments_max: int
) -> None:
    run(KINDS[0], seed, count, r.Limits(instruments_max, sessions_max, orders_max, 10), stride=1)


def test_the_mix_publishes_every_kind_of_message_that_there_is() -> None:
    kinds: set[bytes] = set()
    model = EngineModel(r.Limits(orders_max=200, user_ref_bits=14))
    engine, mix, subscriber = Engine("model", model), CommandMix(2, model), Subscriber()
    for stream in (mix.opening(), mix.commands(6000)):
        for record in stream:
            if applied := engine.apply(record):
                subscriber.take(*applied)
                kinds.update(message[:1] for message in subscriber.heard)
    assert kinds == {bytes([kind]) for kind in b"SRHAFECXDUPQIJB"}


def test_the_comparison_sees_a_message_that_was_lost() -> None:
    model = EngineModel(r.Limits())
    engine, mix, subscriber = Engine("model", model), CommandMix(3, model), Subscriber()
    for stream in (mix.opening(), mix.commands(200)):
        for record in stream:
            if applied := engine.apply(record):
                subscriber.take(*applied)
    lost = next(o for o in model.live.values() if o.is_visible)
    delete = b"D" + bytes(10) + lost.order_ref.to_bytes(8, "big")
    subscriber.books.apply(delete)
    with pytest.raises(AssertionError):
        assert_equal(subscriber, model)
