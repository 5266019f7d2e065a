"""`ironpit feed`: a venue's market data, as books and as a file."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ironpit.cli.arguments import add_config_argument, add_json_argument
from ironpit.cli.book_table import HEADER, book_lines
from ironpit.common.decimals import Decimals
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import show_count, table, write_json

if TYPE_CHECKING:
    from ironpit.market_data import FeedClient

TURN_S = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="write every message to this ITCH 5.0 file"
    )
    parser.add_argument(
        "--interval",
        type=float,
        default=1.0,
        metavar="S",
        help="report every S seconds (default 1)",
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="stop after S seconds")
    parser.add_argument(
        "--late",
        action="store_true",
        help="with --record: allow the feed to begin with a snapshot, as it does without --record",
    )
    parser.add_argument(
        "--session",
        metavar="NAME",
        help="the stream's session (default: the one that the venue's journal names, or the "
        "venue's name if this host has no journal; a venue whose session differs from its name "
        "says so at its start)",
    )
    parser.add_argument("--symbol", metavar="SYMBOL", help="show the book of this symbol")
    parser.add_argument(
        "--levels",
        type=int,
        default=5,
        metavar="N",
        help="show N price levels of the book (default 5)",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from ironpit import config
    from ironpit.common.lifecycle import Lifecycle
    from ironpit.market_data import FeedClient, FeedError, open_feed
    from ironpit.venue.stream_identity import session_of

    venue = config.load(arguments.config)
    stream = venue.streams.market_data
    # A recording is of the whole stream, and the books of a snapshot are none of its messages.
    # Only multicast has the two halves to splice.
    spliced = stream.snapshot is not None and stream.transport == "multicast"
    wanted = spliced and (arguments.late or arguments.record is None)
    snapshot = stream.snapshot.listen if stream.snapshot is not None and wanted else None
    session = arguments.session or session_of(venue)
    try:
        client = FeedClient(
            opened=open_feed(
                stream,
                session,
                snapshot=snapshot is not None,
                refuse=venue.degrade.af_xdp == "refuse",
            ),
            snapshot=snapshot,
            record=arguments.record,
        )
    except FeedError as error:
        raise UserError(str(error), Exit.REFUSED) from error
    quiet = arguments.json == "-"
    for note in [*client.notes, *client.truths]:
        print(f"ironpit: {note}", file=sys.stderr)
    started_s = time.monotonic()
    shown_s = started_s
    with Lifecycle() as lifecycle, client:
        while client.running and not lifecycle.wait(TURN_S):
            now_s = time.monotonic()
            if arguments.seconds is not None and now_s - started_s >= arguments.seconds:
                break
            if not quiet and now_s - shown_s >= arguments.interval:
                shown_s = now_s
                print(_look(client, arguments.symbol, arguments.levels, venue.decimals), flush=True)
    if client.feed.error:
        import os

        raise UserError(f"{arguments.record}: {os.strerror(client.feed.error)}")
    if client.failure:
        raise UserError(client.failure)
    if client.feed.session_next:
        session, other = client.feed.session_name, client.feed.session_next
        print(f"ironpit: session {session} was followed by {other}", file=sys.stderr)
    document = {
        "schema": 1,
        "session": client.feed.session_name,
        "complete": client.feed.complete,
        "published": client.feed.published,
        "books_digest": client.books.digest(),
        "feeds": [truth.as_json() for truth in client.truths],
        **client.counts(),
    }
    if arguments.json:
        write_json(document, arguments.json)
    if not quiet:
        print(table([[name, str(value)] for name, value in document.items()]))
    return Exit.OK if client.feed.complete else Exit.FAILED


def _look(
    client: "FeedClient", symbol: str | None, levels: int, decimals: dict[str, Decimals]
) -> str:
    counts = client.counts()
    head = (
        f"{client.feed.session_name or 'silence'}: {show_count(counts['messages'])} messages, "
        f"{counts['gaps']} gaps, {counts.get('recovered', 0)} recovered, {counts['lost']} lost"
    )
    if not client.feed.published:
        head += ", the publisher is gone"
    if symbol is None:
        return f"{head}\n{top_of_book(client, decimals)}\n"
    return f"{head}\n{depth(client, symbol, levels, decimals)}\n"


def top_of_book(client: "FeedClient", decimals: dict[str, Decimals]) -> str:
    """Best bid and ask of every symbol. ITCH says no decimals: those of the file are taken, and
    what is not in it has the usual ones."""
    rows = []
    for symbol in client.books.symbols():
        bids, asks = client.books.depth(symbol, 1)
        lines = book_lines(bids, asks, decimals.get(symbol, Decimals()))
        rows.append([symbol, *(lines[0] if lines else [""] * len(HEADER))])
    return table(rows, ["symbol", *HEADER]) if rows else "no symbols"


def depth(client: "FeedClient", symbol: str, levels: int, decimals: dict[str, Decimals]) -> str:
    """The best levels of one book, bids to the left."""
    try:
        bids, asks = client.books.depth(symbol, levels)
    except KeyError:
        return f"{symbol}: not in the stock directory yet"
    rows = book_lines(bids, asks, decimals.get(symbol, Decimals()))
    return table(rows, HEADER) if rows else f"{symbol}: empty"
