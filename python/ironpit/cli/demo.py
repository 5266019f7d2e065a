"""`ironpit demo`: the main job from end to end, on loopback."""

import argparse
from typing import TYPE_CHECKING

from ironpit.cli.arguments import add_flow_arguments, add_json_argument, pace_of, positive
from ironpit.cli.book_table import HEADER
from ironpit.common.errors import Exit
from ironpit.common.output import Progress, show_count, show_ns, table, write_json

if TYPE_CHECKING:
    from ironpit.demo.session import Report

SESSIONS = 4
BOOKS_SHOWN_MAX = 5
PERCENTILES = ("p50", "p90", "p99", "p99_9", "p99_99", "max")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_flow_arguments(parser)
    parser.add_argument(
        "--sessions",
        type=positive,
        default=SESSIONS,
        metavar="N",
        help="send the orders by N sessions (default 4)",
    )
    parser.add_argument(
        "--placement",
        choices=("one-thread", "split"),
        default="one-thread",
        help="run all stages on one thread (default), or each in its own process",
    )
    for stream, default, what in (
        ("market-data", "multicast", "the market data"),
        ("events", "shm", "the event stream to the publisher"),
    ):
        parser.add_argument(
            f"--{stream}",
            choices=("shm", "multicast", "tcp"),
            default=default,
            help=f"the transport of {what} (default {default})",
        )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from ironpit.demo.session import Options, run_demo

    options = Options(
        orders=arguments.orders,
        sessions=arguments.sessions,
        pace=pace_of(arguments),
        placement=arguments.placement,
        messages_max=arguments.messages,
        market_data=arguments.market_data,
        events=arguments.events,
    )
    with Progress() as progress:
        report = run_demo(options, progress.show)
    if arguments.json:
        write_json(report.as_json(), arguments.json)
    if arguments.json != "-":
        print(text_of(report, options.placement, str(options.pace)))
    return Exit.OK if report.good else Exit.FAILED


def text_of(report: "Report", placement: str, pace: str) -> str:
    """The report as a person reads it."""
    load = report.load
    latency = load.order_to_ack_ns()
    since = "the moment of sending" if "acknowledged" in pace else "the intended moment of sending"
    rows = [
        ["orders sent", show_count(load.orders_sent)],
        ["orders acknowledged exactly once", show_count(load.orders_acknowledged)],
        ["  of these rejected", show_count(load.counts["rejected"])],
        ["replaces of orders that were gone", show_count(load.counts["ignored"])],
        ["messages sent, cancels included", show_count(load.messages)],
        ["messages a second", show_count(load.throughput_per_s)],
        ["trades", show_count(report.replay.trades)],
        ["market data messages", show_count(report.feed["messages"])],
        ["  recovered by re-request", show_count(report.feed.get("recovered", 0))],
        ["orders left on the books", show_count(report.feed["orders"])],
    ]
    parts = [
        f"{report.source}, {placement} placement, {pace}",
        table(rows),
        f"order to acknowledgement, from {since} to the reading of the answer, TCP loopback:",
        table([[name.replace("_", "."), show_ns(latency[name])] for name in PERCENTILES]),
        _verdicts(report),
        _best_prices(report),
    ]
    remarks = [f"left out of the flow: {note}" for note in report.notes]
    remarks += [f"degraded: {entry['feature']}: {entry['reason']}" for entry in report.degraded]
    if remarks:
        parts.append("\n".join(remarks))
    return "\n\n".join(parts)


def _best_prices(report: "Report") -> str:
    """The top of the first books, as it was left."""
    rows = []
    for symbol, sides in list(report.best_prices.items())[:BOOKS_SHOWN_MAX]:
        bid, ask = sides.get("bid", ["", ""]), sides.get("ask", ["", ""])
        rows.append([symbol, *bid, *reversed(ask)])
    return table(rows, ["symbol", *HEADER])


def _verdicts(report: "Report") -> str:
    def verdict(equal: bool) -> str:
        return "equal" if equal else "DIFFERENT"

    lines = [
        ["acknowledgements", "each exactly once" if report.load.complete else "WRONG"],
        ["books of the feed and of the matcher", verdict(report.books_equal["feed"])],
        ["books of the replay and of the matcher", verdict(report.books_equal["replay"])],
    ]
    if report.replay.fault:
        lines.append(["replay", report.replay.fault])
    if not report.load.complete:
        wrong = {k: v for k, v in report.load.counts.items() if v and k in _WRONG}
        lines += [[f"  {name}", show_count(count)] for name, count in wrong.items()]
    return f"{table(lines)}\nevent stream, receive times masked: {report.replay.stream_digest}"


_WRONG = ("duplicates", "missing", "unknown", "malformed")
