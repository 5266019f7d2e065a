"""`ironpit doctor`: what this host offers, what the venue uses of it, why not, and what to do."""

import argparse
from pathlib import Path
from typing import Any

from ironpit.cli.arguments import add_json_argument
from ironpit.common.output import table, write_json

MARKS = {True: "yes", False: "no", None: "unknown"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-c", "--config", type=Path, metavar="FILE", help="also show what this venue asks for"
    )
    parser.add_argument(
        "--require-onload",
        action="store_true",
        help="exit with 3 unless a socket like the order-entry listener is proved accelerated",
    )
    parser.add_argument(
        "--host-report",
        type=Path,
        metavar="FILE",
        help="include the report that `tune-host --check --json` wrote",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    from ironpit import config
    from ironpit.onload.truth import Truth
    from ironpit.operate.doctor import examination
    from ironpit.operate.doctor.feature import Context

    venue = config.load(arguments.config) if arguments.config is not None else None
    host = None
    if arguments.host_report is not None:
        host = examination.host_report(arguments.host_report)
    context = Context(venue, Truth(), require_onload=arguments.require_onload)
    document = examination.report(context, examination.examine(context), host)
    if arguments.json:
        write_json(document, arguments.json)
    if arguments.json != "-":
        print(text_of(document))
    return int(document["exit_code"])


def text_of(document: dict[str, Any]) -> str:
    """The report as a person reads it."""
    lines = [_matrix(document["features"], bool(document["running"]))]
    notes = [
        f"{f['title']}: {f['why_not'] or 'not known'}"
        + (f"\n    {f['what_to_do']}" if f["what_to_do"] else "")
        for f in document["features"]
        if f["why_not"] or f["what_to_do"]
    ]
    if notes:
        lines.append("why not, and what to do:\n" + "\n".join(f"  {note}" for note in notes))
    if document["host_report"] is not None:
        lines.append(_host(document["host_report"]))
    lines += [f"! {reason}" for reason in document["reasons"]]
    return "\n\n".join(lines)


def _matrix(features: list[dict[str, Any]], running: bool) -> str:
    rows = [
        [
            feature["title"],
            MARKS[feature["available"]],
            MARKS[feature["in_use"]] if running else "no venue runs",
            "yes" if feature["wanted"] else "-",
        ]
        for feature in features
    ]
    return table(rows, ["feature", "available", "in use", "asked for"])


def _host(host: dict[str, Any]) -> str:
    summary = ", ".join(f"{count} {status}" for status, count in host["summary"].items() if count)
    found = [
        f"  {check['id']}: {check['status']}"
        for check in host["checks"]
        if check["status"] in ("fail", "needs-reboot")
    ]
    return "\n".join([f"host (tune-host, profile {host['profile']}): {summary}", *found])
