"""`ironpit replay`: a journal through a fresh matching engine."""

import argparse
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ironpit.cli.arguments import add_json_argument
from ironpit.cli.book_table import HEADER, book_lines
from ironpit.common.decimals import Decimals
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import show_count, table, write_json
from ironpit.venue.journal_mark import mark_warning

LEVELS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("journal", type=Path, metavar="JOURNAL", help="the journal's directory")
    parser.add_argument(
        "--until",
        type=until,
        metavar="T",
        help="stop at this time (UTC, such as 2026-11-20T10:30:00.5) or after this sequence number",
    )
    parser.add_argument(
        "--book",
        metavar="SYMBOL",
        help="show the book of this symbol as it was at the end of the replay",
    )
    parser.add_argument(
        "--levels",
        type=int,
        default=LEVELS,
        metavar="N",
        help=f"show N price levels (default {LEVELS})",
    )
    add_json_argument(parser)


def until(text: str) -> dict[str, int]:
    """A sequence number, or a moment as nanoseconds since the UNIX epoch."""
    if re.fullmatch(r"[0-9]+", text):
        return {"until_sequence": int(text)}
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?Z?", text)
    try:
        if match is None:
            raise ValueError
        moment = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"found {text!r}, expected a sequence number or a time such as 2026-11-20T10:30:00"
        ) from None
    # The fraction is added as an integer: a float has not got the digits of a nanosecond.
    return {
        "until_time_ns": int(moment.timestamp()) * 1_000_000_000
        + int((match[2] or "").ljust(9, "0"))
    }


def run(arguments: argparse.Namespace) -> int:
    from ironcore.runtime.replay import Replay
    from ironcore.stream.journal_reader import read_mark
    from ironpit.common.digest import visible_digest

    if not arguments.journal.is_dir():
        raise UserError(f"{arguments.journal}: found no such directory", Exit.USAGE)
    try:
        marked = read_mark(arguments.journal)  # first: who writes the journal goes on
        replay = Replay(arguments.journal)
        report = replay.run(**(arguments.until or {}))
    except (ValueError, OSError) as error:
        raise UserError(f"{arguments.journal}: {error}") from error
    behind = "" if arguments.until else mark_warning(marked, report.sequence)
    if behind:
        print(f"ironpit: {arguments.journal}: {behind}", file=sys.stderr)
    document: dict[str, Any] = {
        "schema": 1,
        "mark_sequence": marked.sequence if marked is not None and not marked.fault else None,
        **report._asdict(),
        "visible_digest": visible_digest(replay.engine),
    }
    if arguments.book is not None:
        document["book"] = _book(replay.engine, arguments)
    if arguments.json:
        write_json(document, arguments.json)
    if arguments.json != "-":
        print(_text(document))
    return Exit.FAILED if report.fault else Exit.OK


def _book(engine: Any, arguments: argparse.Namespace) -> dict[str, Any]:
    from ironpit.venue.stream_names import shown

    symbols = engine.symbols
    if arguments.book not in symbols:
        raise UserError(
            f"--book: found {arguments.book}, expected one of {shown(symbols)}", Exit.USAGE
        )
    instrument = symbols.index(arguments.book)
    price, quantity = engine.decimals(instrument)
    book: dict[str, Any] = {
        "symbol": arguments.book,
        "price_decimals": price,
        "quantity_decimals": quantity,
    }
    book["bids"] = _levels(engine.depth(instrument, "B", arguments.levels))
    book["asks"] = _levels(engine.depth(instrument, "S", arguments.levels))
    return book


def _levels(rows: Any) -> list[dict[str, int]]:
    return [{name: int(row[name]) for name in ("price", "quantity", "orders")} for row in rows]


def _text(document: dict[str, Any]) -> str:
    moment = datetime.fromtimestamp(document["time_ns"] // 1_000_000_000, UTC)
    rows = [
        ["last sequence", show_count(document["sequence"])],
        ["commands", show_count(document["commands"])],
        ["trades", show_count(document["trades"])],
        ["time of the last command, UTC", moment.strftime("%Y-%m-%d %H:%M:%S")],
        ["event stream, receive times masked", document["stream_digest"]],
        ["state of the engine", document["books_digest"]],
        ["visible books", document["visible_digest"]],
    ]
    text = "\n".join(f"{name + ':':36}{value}" for name, value in rows)
    if document["fault"]:
        text += f"\nstopped: {document['fault']}"
    book = document.get("book")
    if book:
        decimals = Decimals(book["price_decimals"], book["quantity_decimals"])
        lines = book_lines(book["bids"], book["asks"], decimals)
        text += f"\n\n{book['symbol']}\n{table(lines, HEADER) if lines else 'empty'}"
    return text
