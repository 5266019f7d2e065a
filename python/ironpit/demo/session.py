"""The main job from end to end: a venue on loopback, order flow into it, market data out of it.

At the end three parties must hold the same books: the matcher when it stopped, a subscriber that
saw nothing but the market data, and a replay of the journal.
"""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ironcore.base.counters import CountersReader
from ironcore.runtime import pipeline
from ironcore.runtime.replay import Replay, ReplayReport
from ironpit.client import LoginError
from ironpit.client.load import LoadError, LoadResult, Member, Pace, run_load
from ironpit.common.decimals import Decimals
from ironpit.common.digest import visible_digest
from ironpit.common.errors import Exit, UserError
from ironpit.demo.temporary_venue import TemporaryVenue, one_thread, split
from ironpit.flow import Flow, FlowError, from_itch, generate
from ironpit.flow.generator import BTCUSD, MESSAGES, Traded
from ironpit.market_data import FeedClient, FeedError, open_feed, stream_digest
from ironpit.venue.stream_identity import session_of

FEED_TIMEOUT_S = 15.0
RECORD = "feed.itch"
USER_REFS_MIN = 1 << 16
SIDES: tuple[tuple[str, Literal["B", "S"]], ...] = (("bid", "B"), ("ask", "S"))
PLACEMENTS = {"one-thread": one_thread, "split": split}

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Options:
    """What to demonstrate. orders: an ITCH 5.0 file, None for the generated flow."""

    orders: Path | None = None
    sessions: int = 4
    pace: Pace = field(default_factory=Pace)
    placement: str = "one-thread"
    messages_max: int | None = None
    market_data: str = "multicast"
    events: str = "shm"


@dataclass(frozen=True)
class Report:
    """What was seen."""

    source: str
    load: LoadResult
    replay: ReplayReport
    feed: dict[str, int]
    feed_digest: str
    books_equal: dict[str, bool]
    best_prices: dict[str, dict[str, list[str]]]  # by symbol and side: quantity and price
    degraded: list[dict[str, str]]
    notes: list[str]

    @property
    def good(self) -> bool:
        """Everything acknowledged exactly once, and all books equal."""
        return self.load.complete and all(self.books_equal.values()) and not self.replay.fault

    def as_json(self) -> dict[str, Any]:
        """The report as `--json` writes it."""
        load = self.load.as_json()
        return {
            "orders_sent": load["orders_sent"],
            "orders_acknowledged": load["orders_acknowledged"],
            "trades": self.replay.trades,
            "throughput_per_s": load["throughput_per_s"],
            "order_to_ack_ns": load["order_to_ack_ns"],
            "books_equal": self.books_equal,
            "best_prices": self.best_prices,
            "stream_digest": self.replay.stream_digest,
            "feed_digest": self.feed_digest,
            "degraded": self.degraded,
        }


def flow_of(options: Options, progress: Progress, traded: Traded = BTCUSD) -> Flow:
    """The flow that the options ask for; `traded` is what a generated one trades. UserError when
    the file is none."""
    if options.orders is None:
        return generate(options.sessions, options.messages_max or MESSAGES, traded=traded)
    try:
        size = options.orders.stat().st_size
        flow = from_itch(
            options.orders,
            options.sessions,
            options.messages_max,
            lambda done: progress("reading", done, size),
        )
    except OSError as error:
        raise UserError(f"{options.orders}: {error.strerror}", Exit.USAGE) from error
    except FlowError as error:
        raise UserError(str(error), Exit.USAGE) from error
    if not len(flow.operations):
        raise UserError(f"{options.orders}: found no orders, expected some", Exit.USAGE)
    return flow


def settings_of(flow: Flow, options: Options) -> dict[str, Any]:
    """A venue with the flow's symbols and sessions; limits as the flow needs them."""
    user_refs_max = USER_REFS_MIN
    while user_refs_max <= flow.user_refs_max() + 1:
        user_refs_max *= 2
    orders_max = max(1024, min(int((flow.operations["kind"] == ord("O")).sum()), (1 << 22) - 1))
    ticks = flow.tick_sizes()
    return {
        "venue": {"name": "DEMO"},
        "limits": {
            "orders_max": orders_max,
            "sessions_max": flow.sessions_count,
            "instruments_max": len(flow.symbols),
            "user_refs_max": user_refs_max,
        },
        "instruments": [
            {
                "symbol": symbol,
                "price_decimals": flow.decimals.price,
                "quantity_decimals": flow.decimals.quantity,
                "tick_size": flow.decimals.show_price(tick),
            }
            for symbol, tick in zip(flow.symbols, ticks, strict=True)
        ],
        "sessions": [
            {"username": f"MEM{i}", "firm": f"F{i}"} for i in range(1, flow.sessions_count + 1)
        ],
        "streams": {
            "market_data": {
                "transport": options.market_data,
                "heartbeat": "100ms",
                "capacity": "64MiB",
            },
            "events": {"transport": options.events, "heartbeat": "100ms", "capacity": "16MiB"},
        },
        "journal": {"durability": "interval", "interval": "10ms"},
        "placement": PLACEMENTS[options.placement](),
    }


def run_demo(options: Options, progress: Progress) -> Report:
    """Everything from the first line to the report. UserError when a part cannot run."""
    flow = flow_of(options, progress)
    with closing(TemporaryVenue(settings_of(flow, options))) as venue:
        if options.market_data == "shm":
            # The ring is the venue's to make; it holds what was said before we look.
            venue.start()
            client, degraded = _subscribe(venue)
        else:
            # Subscribed before it starts, so that the first message is not missed.
            client, degraded = _subscribe(venue)
            venue.start()
        with client as feed:
            return _run(venue, feed, flow, options, degraded, progress)


def _subscribe(venue: TemporaryVenue) -> tuple[FeedClient, list[dict[str, str]]]:
    """A subscriber, and what it has to do without: on a host that refuses multicast it asks the
    re-request server for the whole stream."""
    stream, session = venue.config.streams.market_data, session_of(venue.config)
    record = venue.directory / RECORD
    try:
        return FeedClient(opened=open_feed(stream, session), record=record), []
    except FeedError as refused:
        client = FeedClient(opened=open_feed(stream, session, groups=False), record=record)
        return client, [{"feature": "multicast", "reason": str(refused)}]


def _run(
    venue: TemporaryVenue,
    feed: FeedClient,
    flow: Flow,
    options: Options,
    degraded: list[dict[str, str]],
    progress: Progress,
) -> Report:
    total = len(flow.operations)
    try:
        load = run_load(
            venue.config.order_entry.listen,
            [Member(session.username, venue.password) for session in venue.config.sessions],
            flow,
            options.pace,
            lambda done: progress("sending", done, total),
        )
    except (LoadError, LoginError, OSError) as error:
        raise UserError(f"{error}\n{venue.said()}".rstrip()) from error
    _await_feed(venue, feed)
    degraded = [*degraded, *_status(venue)]
    code = venue.stop()
    feed.stop()
    if code != Exit.OK:
        raise UserError(f"the venue stopped with exit code {code}\n{venue.said()}".rstrip())
    notes = [f"{count} {reason}" for reason, count in flow.skipped.items()]
    return _compare(venue, feed, load, degraded, options, notes)


def _await_feed(venue: TemporaryVenue, feed: FeedClient) -> bool:
    """Until the publisher has read the whole stream, and the subscriber has all that it said."""
    events = venue.config.streams.events.path

    def equal() -> bool:
        published = _published(venue)
        frames = pipeline.last_sequence(events)
        return (
            published.get("publisher.frames") == frames
            and published["publisher.messages"] + 1 == feed.feed.next_sequence
        )

    return feed.wait_until(equal, FEED_TIMEOUT_S)


def _published(venue: TemporaryVenue) -> dict[str, int]:
    """The counters of the venue's processes."""
    found: dict[str, int] = {}
    for file in venue.config.venue.data_directory.glob("counters-*.dat"):
        found |= CountersReader(file).snapshot()
    return found


def _status(venue: TemporaryVenue) -> list[dict[str, str]]:
    """What the venue's processes had to do without, each feature and reason once."""
    found: dict[tuple[str, str], None] = {}
    for file in sorted(venue.config.venue.data_directory.glob("status-*.json")):
        for entry in json.loads(file.read_text())["degraded"]:
            found[entry["feature"], entry["reason"]] = None
    return [{"feature": feature, "reason": reason} for feature, reason in found]


def _compare(
    venue: TemporaryVenue,
    feed: FeedClient,
    load: LoadResult,
    degraded: list[dict[str, str]],
    options: Options,
    notes: list[str],
) -> Report:
    kept = json.loads((venue.config.venue.data_directory / "books.json").read_text())
    replay = Replay(venue.config.journal.directory)
    report = replay.run()
    return Report(
        source=str(options.orders) if options.orders else "generated flow",
        load=load,
        replay=report,
        feed=feed.counts(),
        feed_digest=stream_digest(venue.directory / RECORD),
        books_equal={
            "feed": feed.feed.complete and feed.books.digest() == kept["visible_digest"],
            "replay": report.books_digest == kept["books_digest"]
            and visible_digest(replay.engine) == kept["visible_digest"],
        },
        best_prices=_best_prices(replay),
        degraded=degraded,
        notes=notes,
    )


def _best_prices(replay: Replay) -> dict[str, dict[str, list[str]]]:
    """What is left on top of every book, in its instrument's decimals."""
    engine = replay.engine
    found: dict[str, dict[str, list[str]]] = {}
    for number, symbol in enumerate(engine.symbols):
        decimals = Decimals(*engine.decimals(number))
        found[symbol] = {
            name: [decimals.show_quantity(best["quantity"]), decimals.show_price(best["price"])]
            for name, side in SIDES
            for best in engine.depth(number, side, 1)
        }
    return found
