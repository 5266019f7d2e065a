"""The check's report as a table for people: grouped, worst first, coloured on a terminal."""

import os
import shutil
import sys
import textwrap
from typing import TextIO

from host_tuning.checking.check import Verdict
from host_tuning.common.cpulist import format_list
from host_tuning.common.verdict import WORST_FIRST, Cost, Finding, Status
from host_tuning.common.words import counted
from host_tuning.reports import check_json as report_json
from host_tuning.reports.check import Report, by_group, core_verdicts, merged

COLOURS = {
    Status.FAIL: "1;31",
    Status.NEEDS_REBOOT: "1;35",
    Status.UNKNOWN: "36",
    Status.WARN: "33",
    Status.INFO: "34",
    Status.PASS: "32",
    Status.NOT_APPLICABLE: "2",
}
WORDS = {Status.NOT_APPLICABLE: "n/a", Status.NEEDS_REBOOT: "reboot"}
STATUS_COLUMNS, ID_COLUMNS, WIDTH_MIN = 8, 19, 60
FIXES_MAX = 2  # a setting of 64 CPUs has 64 fixes; all of them are in the JSON and in --plan


COMMANDS = ("sudo ", "echo ")  # how fixes begin that are typed into a shell


def is_coloured(stream: TextIO) -> bool:
    """Whether colours are wanted: on a terminal that has them, unless NO_COLOR is set
    (no-color.org)."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return stream.isatty() and wanted


def cost_words(cost: Cost) -> str:
    """A cost with its source: `133 µs (sysfs)`; empty if it is unknown."""
    if cost.value is None:
        return f"{cost.citation} (cited)" if cost.source == "cited" and cost.citation else ""
    value, unit = float(cost.value), cost.unit
    for limit, larger in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if unit == "ns" and value >= limit:
            value, unit = value / limit, larger
            break
    source = f"{cost.source}: {cost.citation}" if cost.citation else cost.source
    return f"{value:g} {unit} ({source})"


class _Printer:
    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.coloured = is_coloured(stream)
        width = shutil.get_terminal_size((120, 24)).columns if stream.isatty() else 120
        self.width = max(width, WIDTH_MIN)

    def paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.coloured else text

    def line(self, text: str = "") -> None:
        self.stream.write(text.rstrip() + "\n")

    def row(self, status: Status, name: str, text: str) -> None:
        """A row: status, id, and text that is wrapped into its own column."""
        word = WORDS.get(status, status.value)
        head = f"  {self.paint(word.ljust(STATUS_COLUMNS), COLOURS[status])}{name:{ID_COLUMNS}}"
        indent = " " * (2 + STATUS_COLUMNS + ID_COLUMNS)
        room = self.width - len(indent)
        lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
        self.line(head + (lines[0] if lines else ""))
        for more in lines[1:]:
            self.line(indent + more)

    def note(self, text: str, more: str = "") -> None:
        """A line below a row, in the row's text column. more: what ends each line but the last."""
        indent = " " * (2 + STATUS_COLUMNS + ID_COLUMNS)
        wrapped = textwrap.wrap(
            text, self.width - len(more), initial_indent=indent, subsequent_indent=indent + "  ",
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        for at, part in enumerate(wrapped, 1):
            self.line(self.paint(part + more * (at < len(wrapped)), "2"))

    def wrapped(self, head: str, colour: str, words: str) -> None:
        """A line of its own that begins with a coloured head, wrapped into the width."""
        lines = textwrap.wrap(
            f"{head}: {words}", self.width, subsequent_indent="  ",
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        self.line(self.paint(head, colour) + lines[0][len(head) :])
        for more in lines[1:]:
            self.line(more)

    def fix(self, text: str) -> None:
        """What mends it; a command that is wrapped can still be pasted into a shell."""
        self.note(f"fix: {text}", " \\" if text.startswith(COMMANDS) else "")


def _says(finding: Finding, status: Status, is_one_of_many: bool) -> str:
    """A finding in one sentence; of several about the host, each begins with its file's name."""
    actual = " ".join(finding.actual.split())
    if len(actual) > 160:
        actual = actual[:157] + "..."
    subject = "" if finding.subject == "host" else f"{finding.subject}: "
    if is_one_of_many and not subject and len(finding.paths) == 1:
        subject = f"{finding.paths[0].rpartition('/')[2]}: "
    if status in (Status.NOT_APPLICABLE, Status.UNKNOWN) and finding.reason:
        return subject + finding.reason
    words = actual or "nothing"
    if status in (Status.FAIL, Status.WARN, Status.NEEDS_REBOOT) and finding.expected:
        words += f", expected {finding.expected}"
    return subject + words + (f" ({finding.reason})" if finding.reason else "")


def _verdict(printer: _Printer, verdict: Verdict) -> None:
    rows = merged(verdict)
    name = verdict.setting.id
    fixes: list[str] = []
    for status, finding in rows:
        if status is not verdict.status and status in (Status.PASS, Status.NOT_APPLICABLE):
            continue
        printer.row(status, name, _says(finding, status, len(rows) > 1))
        name = ""
        cost = finding.cost if finding.cost.source != "unknown" else verdict.setting.cost
        if status in (Status.FAIL, Status.WARN, Status.NEEDS_REBOOT):
            if cost_words(cost):
                printer.note(f"cost: {cost_words(cost)}")
            fixes += [fix for fix in finding.fix if fix not in fixes]
    for fix in fixes[:FIXES_MAX]:
        printer.fix(fix)
    if len(fixes) > FIXES_MAX:
        printer.note(f"and {len(fixes) - FIXES_MAX} more: tune-host --plan")
    if verdict.waiver:
        printer.note(f"waived until {verdict.waiver.until}: {verdict.waiver.reason}")
    if verdict.expired:
        printer.note(f"the waiver expired on {verdict.expired.until}: {verdict.expired.reason}")


def write(report: Report, stream: TextIO = sys.stdout) -> None:
    """Print the table."""
    printer = _Printer(stream)
    target = report.host.target
    printer.line(
        f"{report.host.identity.summary}; "
        f"kernel {report_json.kernel(report) or 'unknown'}; profile {report.profile.name}"
    )
    printer.line(
        f"hot CPUs {format_list(target.hot) or 'none'}; "
        f"housekeeping {format_list(target.housekeeping)}; "
        f"interfaces {', '.join(target.interfaces) or 'none'}; from {target.source}"
    )
    for group, verdicts in by_group(report.verdicts):
        printer.line()
        printer.line(printer.paint(group, "1"))
        for verdict in verdicts:
            _verdict(printer, verdict)
    _end(printer, report)


def _end(printer: _Printer, report: Report) -> None:
    printer.line()
    for core in core_verdicts(report):
        if core.failing:
            words = f"not fit: {', '.join(core.failing)}"
            if core.unproved:
                words += f"; unproved: {', '.join(core.unproved)}"
        elif core.unproved:
            words = f"nothing fails, unproved: {', '.join(core.unproved)}"
        else:
            words = "fit"
        colour = COLOURS[Status.FAIL if core.failing else core.status]
        printer.wrapped(f"cpu {core.cpu}", colour, words)
    counts = report.counts()
    said = [
        printer.paint(f"{counts[status]} {status.value}", COLOURS[status])
        for status in WORST_FIRST
        if counts[status]
    ]
    printer.line(f"{counted(len(report.verdicts), 'check')}: {', '.join(said)}")
