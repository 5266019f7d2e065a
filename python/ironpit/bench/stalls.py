"""`ironpit bench stalls`: the polls of a venue that cost most beyond their work, and why.

A venue with all stages on one spinning thread takes orders for a minute. In the second half other
members send, and the first ones log in once more and ask for everything that they were ever told.
Each poll's own CPU time is taken, and from it the mean of an idle poll and of its units of work
(commands, frames). The cause is what happened in the dearest polls and seldom else: pages that were
touched for the first time, and counters of the stage that moved.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ironpit.bench import plans
from ironpit.bench.stalls_ends import LONG_NS, replay
from ironpit.client.load import LoadError, Member, Pace, run_load
from ironpit.client.soup import LoginError
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import show_count, show_ns, table
from ironpit.demo.session import Options, settings_of
from ironpit.demo.temporary_venue import TemporaryVenue, one_thread
from ironpit.flow import Flow, generate

LONGEST = 10
# A counter that moves in fewer polls than one of so many names a cause.
SELDOM = 100
MEMBERS = 2  # that send at a time
SEGMENT = "16MiB"
HEADER = ["stage", "beyond its work", "CPU", "work", "after", "cause"]


@dataclass(frozen=True)
class Plan:
    """How long, how fast, and where."""

    seconds: int = plans.number(60, "seconds in which orders come", lowest=2, highest=3600)
    rate: int = plans.number(10_000, "messages a second", highest=1_000_000)
    venue_cpu: int = plans.cpu(1, "the venue")


def settings(flow: Flow, plan: Plan) -> dict[str, Any]:
    """The demo's venue for twice as many members, on one spinning thread; segments of the journal
    are so short that it begins several."""
    made = settings_of(flow, Options(market_data="tcp"))
    made["limits"]["sessions_max"] = 2 * MEMBERS
    made["limits"]["orders_max"] = min(2 * made["limits"]["orders_max"], (1 << 22) - 1)
    made["sessions"] = [{"username": f"MEM{i}", "firm": f"F{i}"} for i in range(1, 2 * MEMBERS + 1)]
    made["journal"]["segment"] = SEGMENT
    made["placement"] = one_thread("spin", plan.venue_cpu)
    return made


def _drive(venue: TemporaryVenue, flow: Flow, plan: Plan) -> int:
    """Both halves: how many messages the first members were told once more."""
    listen = venue.config.order_entry.listen
    sessions = [session.username for session in venue.config.sessions]
    told: list[int] = []
    failures: list[Exception] = []

    def send(usernames: list[str]) -> None:
        members = [Member(username, venue.password) for username in usernames]
        run_load(listen, members, flow, Pace(rate=plan.rate))

    def come_back() -> None:
        try:
            for username in sessions[:MEMBERS]:
                told.append(replay((listen.address, listen.port), username, venue.password))
        except (LoginError, OSError) as error:
            failures.append(error)

    send(sessions[:MEMBERS])
    late = threading.Thread(target=come_back)
    late.start()
    try:
        send(sessions[MEMBERS:])
    finally:
        late.join()
    if failures:
        raise failures[0]
    return sum(told)


def watched(plan: Plan) -> tuple[list[dict[str, Any]], int]:
    """What was seen of each stage, and how many messages were told once more."""
    flow = generate(MEMBERS, plan.rate * plan.seconds // 2)
    venue = TemporaryVenue(settings(flow, plan))
    file = venue.directory / "polls.json"
    venue.program, venue.options = ("ironpit.bench.stalls_ends",), (str(file),)
    with venue:
        try:
            told = _drive(venue, flow, plan)
        except (LoadError, LoginError, OSError) as error:
            raise UserError(f"{error}\n{venue.said()}".rstrip()) from error
        if venue.stop() != Exit.OK:
            raise UserError(f"the venue did not stop as it should\n{venue.said()}".rstrip())
        found: list[dict[str, Any]] = json.loads(Path(file).read_text())
    return found, told


def cause_of(poll: Mapping[str, Any], stage: Mapping[str, Any]) -> str:
    """What happened in this poll and seldom in the stage's others."""
    polls = stage["idle_polls"] + stage["busy_polls"]
    total = stage["counted"]
    seldom = [name for name in poll["counted"] if total[name] * SELDOM <= polls]
    said = [f"{poll['page_faults']} page faults"] if poll["page_faults"] else []
    for name in sorted(seldom, key=lambda name: (total[name], name)):
        said.append(f"{name.replace('_', ' ')} {poll['counted'][name]:,}")
    return ", ".join(said) or "nothing that is counted"


def run(plan: Plan) -> dict[str, Any]:
    """The report."""
    stages, told = watched(plan)
    longest = [
        {"stage": stage["stage"], **poll, "cause": cause_of(poll, stage)}
        for stage in stages
        for poll in stage["longest"]
    ]
    longest.sort(key=lambda poll: -poll["excess_ns"])
    return {
        "schema": "ironpit-bench-stalls-1",
        "measured": "CPU time of each poll of each stage, less the mean of an idle poll and of its "
        "units of work; interrupts that came meanwhile are in it",
        "seconds": plan.seconds,
        "rate": plan.rate,
        "cpus": {"venue": plan.venue_cpu},
        "told_again": told,
        "long_ns": LONG_NS,
        "stages": [
            {key: value for key, value in stage.items() if key != "longest"} for stage in stages
        ],
        "longest": longest[:LONGEST],
        "notes": [],
    }


def text_of(report: dict[str, Any]) -> str:
    """The report as a person reads it: the dearest polls, then how many there were."""
    rows = [
        [
            poll["stage"],
            show_ns(poll["excess_ns"]),
            show_ns(poll["cpu_ns"]),
            show_count(poll["work"]),
            show_ns(poll["at_ns"]),
            poll["cause"],
        ]
        for poll in report["longest"]
    ]
    lines = [table(rows, HEADER)]
    for stage in report["stages"]:
        lines.append(
            f"{stage['stage']}: {stage['busy_polls']:,} polls with work and "
            f"{stage['idle_polls']:,} idle, {stage['long_polls']:,} of them more than "
            f"{show_ns(report['long_ns'])} beyond their work"
        )
    return "\n".join([*lines, report["measured"], *report["notes"]])
