"""What commands print: tables, JSON, and a progress line where a person is watching."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ironpit.common.errors import Exit, UserError

BAR_CHARACTERS = 30
PROGRESS_INTERVAL_S = 0.1


def show_ns(value_ns: int) -> str:
    """A duration as a person reads it: 812 ns, 16.4 µs, 1.2 ms, 3.0 s."""
    if value_ns < 1_000:
        return f"{value_ns} ns"
    if value_ns < 1_000_000:
        return f"{value_ns / 1_000:.1f} µs"
    if value_ns < 1_000_000_000:
        return f"{value_ns / 1_000_000:.1f} ms"
    return f"{value_ns / 1_000_000_000:.1f} s"


def show_bytes(value: int) -> str:
    """An amount of memory as a person reads it: 640 B, 1.2 KiB, 64.0 MiB."""
    if value < 1 << 10:
        return f"{value} B"
    for unit, bytes_each in (("KiB", 1 << 10), ("MiB", 1 << 20)):
        if value < bytes_each << 10:
            return f"{value / bytes_each:.1f} {unit}"
    return f"{value / (1 << 30):.1f} GiB"


def show_count(value: float) -> str:
    """A count with thousands set apart."""
    return f"{value:,.0f}"


def table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
    """Aligned columns: the first to the left, all others to the right."""
    lines = [list(header), *map(list, rows)] if header else [list(row) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = []
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        text.append("  ".join(cells).rstrip())
    if header:
        text.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(text)


def write_json(document: Any, destination: str) -> None:
    """Write a document to a file, or to standard output for "-"."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if destination == "-":
        sys.stdout.write(text)
        return
    try:
        Path(destination).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{destination}: {error.strerror}", Exit.USAGE) from error


class Progress:
    """One line on standard error that says how far long work is; silent unless it is a terminal,
    and when it is to be quiet."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._shown_at_s = 0.0
        self._visible = not quiet and sys.stderr.isatty()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._visible:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def show(self, what: str, done: int, total: int) -> None:
        """Note that so much of the total is done; draws at most ten times a second."""
        now_s = time.monotonic()
        if not self._visible or now_s - self._shown_at_s < PROGRESS_INTERVAL_S:
            return
        self._shown_at_s = now_s
        total = max(total, 1)
        filled = BAR_CHARACTERS * min(done, total) // total
        bar = "█" * filled + "░" * (BAR_CHARACTERS - filled)
        percent = 100 * done // total
        sys.stderr.write(f"\r\x1b[K{what} {bar} {percent:3d} %  {done:,} of {total:,}")
        sys.stderr.flush()
