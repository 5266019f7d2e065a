"""`ironpit stat`: streams, their readers, and the counters of processes, running or dead."""

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from ironpit.cli.arguments import add_json_argument, interval
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import show_bytes, show_count, show_ns, table, write_json

COLUMNS_WITHOUT_A_TERMINAL = 120
# A reader that far behind is named, however patient the writer is.
SLOW_SHARE = 0.5
SECOND_NS = 1_000_000_000

Look = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-c", "--config", type=Path, metavar="FILE", help="the venue's configuration")
    what.add_argument(
        "--counters",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="show these counters files, such as `ironpit bridge --counters` writes",
    )
    what.add_argument(
        "--bridges",
        action="store_true",
        help="show every bridge of this user, except those started with --counters",
    )
    parser.add_argument(
        "--watch",
        type=interval,
        nargs="?",
        const=1.0,
        metavar="S",
        help="repeat every S seconds (default 1) with rates, until Ctrl-C",
    )
    parser.add_argument("--all", action="store_true", help="also show counters that are zero")
    parser.add_argument(
        "--dead",
        action="store_true",
        help="with --bridges: show dead bridges in full instead of one line each",
    )
    parser.add_argument(
        "--prune",
        action="store_true",
        help="with --bridges: remove the counters files of dead bridges",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    for option in ("dead", "prune"):
        if getattr(arguments, option) and not arguments.bridges:
            raise UserError(f"--{option}: expected with --bridges", Exit.USAGE)
    if arguments.prune:
        return _prune()
    look_again = _look_of(arguments)
    look = look_again()
    folded = arguments.bridges and not arguments.dead
    if arguments.json:
        write_json(look, arguments.json)
    if arguments.json == "-":
        return Exit.OK
    if arguments.watch is None:
        print(text_of(look, None, arguments.all, folded))
        return Exit.OK
    return _watch(look_again, look, arguments)


def _prune() -> int:
    from ironpit.bridge.record import bridge_facts, bridges_directory, prune
    from ironpit.operate import overview as observed

    files = observed.counters_in(bridges_directory())
    said = {path: bridge_facts(path) or {} for path in files}
    for path in prune(files):
        print(f"forgotten: {said[path].get('from')} to {said[path].get('to')} ({path})")
    return Exit.OK


def _look_of(arguments: argparse.Namespace) -> Callable[[], Look]:
    """Looks at what the arguments name, each time anew."""
    from ironpit import config
    from ironpit.bridge.record import bridges_directory
    from ironpit.operate import overview as observed

    if arguments.config is not None:
        venue = config.load(arguments.config)
        return lambda: observed.look(venue)
    if arguments.counters is not None:
        return lambda: observed.look_at(arguments.counters)
    directory = bridges_directory()
    if not observed.counters_in(directory):
        raise UserError(f"{directory}: found no counters, expected those of bridges")
    return lambda: observed.look_around(directory)


def _watch(look_again: Callable[[], Look], before: Look, arguments: argparse.Namespace) -> int:
    from ironpit.common.lifecycle import Lifecycle

    folded = arguments.bridges and not arguments.dead
    with Lifecycle() as lifecycle:
        while not lifecycle.wait(arguments.watch):
            now = look_again()
            # Home and clear to the end: the tables stay where they are.
            print("\x1b[H\x1b[J" + text_of(now, before, arguments.all, folded), flush=True)
            before = now
    return Exit.OK


def text_of(
    now: Look, before: Look | None = None, everything: bool = False, folded: bool = False
) -> str:
    """A look as a person reads it; with an earlier one, rates between the two. folded: processes
    that are dead in one line each, behind those that live, and without their rings."""
    dead = [p for p in now["processes"] if folded and not p["alive"]]
    gone = {f"{process['process']} {end}" for process in dead for end in ("from", "to")}
    streams = [stream for stream in now["streams"] if stream["stream"] not in gone]
    processes = [process for process in now["processes"] if process not in dead]
    parts = [_stream(stream, now, before) for stream in streams]
    parts += [_process(process, now, before, everything) for process in processes]
    parts += [f"! {other}" for other in now.get("other_releases", [])]
    if dead:
        head = "dead (in full: --dead; to be forgotten: --prune)"
        parts.append("\n".join([head, *map(_dead, dead)]))
    return "\n\n".join(parts)


def _dead(process: Look) -> str:
    ends = f" {process['from']} to {process['to']}" if "from" in process else ""
    since = ""
    if noted_ns := process.get("noted_real_ns", 0):
        moment = datetime.fromtimestamp(noted_ns // SECOND_NS).astimezone()
        since = f" since {moment.isoformat(' ', 'seconds')}"
    return f"process {process['process_id']}{since}:{ends}"


def _elapsed_s(now: Look, before: Look) -> float:
    elapsed_ns: int = now["mono_ns"] - before["mono_ns"]
    return max(elapsed_ns, 1) / SECOND_NS


def _owner(owner: Look) -> str:
    if not owner["process_id"]:
        return "nobody yet"
    return f"process {owner['process_id']}{'' if owner['alive'] else ', gone'}"


def _stream(stream: Look, now: Look, before: Look | None) -> str:
    title = f"stream {stream['stream']} ({stream['transport']}, {stream['path']})"
    if "absent" in stream:
        return f"{title}\nnothing to see: {stream['absent']}"
    capacity = stream["capacity_bytes"]
    rate = ""
    if before is not None:
        same = (s for s in before["streams"] if s["stream"] == stream["stream"])
        earlier = next(same, stream)
        frames = stream["sequence_next"] - earlier.get("sequence_next", stream["sequence_next"])
        moved = stream["position"] - earlier.get("position", stream["position"])
        elapsed_s = _elapsed_s(now, before)
        rate = f", {show_count(frames / elapsed_s)} frames and "
        rate += f"{show_bytes(round(moved / elapsed_s))} a second"
    facts = [
        f"next frame {show_count(stream['sequence_next'])}{rate}",
        f"{show_bytes(stream['used_bytes'])} of {show_bytes(capacity)} in use "
        f"({stream['used_bytes'] / capacity:.0%}), refused {show_count(stream['refused'])} times "
        f"because it was full; written by {_owner(stream['writer'])}",
    ]
    if "sequence_oldest" in stream:
        facts[0] += f", oldest held {show_count(stream['sequence_oldest'])}"
    rows = [
        [
            reader["reader"],
            reader["state"],
            show_bytes(reader["lag_bytes"]),
            f"{reader['lag_bytes'] / capacity:.0%}",
            show_ns(reader["patience_ns"]) if reader["patience_ns"] else "without end",
            show_count(reader["evictions"]),
            _owner(reader),
        ]
        for reader in stream["readers"]
    ]
    header = ["reader", "state", "behind", "of ring", "patience", "evictions", "who"]
    notes = [note for reader in stream["readers"] for note in _notes(reader, capacity, now)]
    return "\n".join([title, *facts, table(rows, header), *notes])


def _notes(reader: Look, capacity_bytes: int, now: Look) -> list[str]:
    """Who is slow, and who was evicted, when and why."""
    notes = []
    lag = reader["lag_bytes"]
    if reader["state"] == "gating" and lag > SLOW_SHARE * capacity_bytes:
        notes.append(f"! {reader['reader']} is slow: {show_bytes(lag)} behind")
    if reader["evictions"]:
        ago_ns = now["mono_ns"] - reader["evicted_mono_ns"]
        when = f"{show_ns(ago_ns)} ago" if ago_ns >= 0 else "before the host was started anew"
        notes.append(
            f"! {reader['reader']} was last evicted {when}: it was "
            f"{show_bytes(reader['evicted_lag_bytes'])} behind and the ring had been full for "
            f"{show_ns(reader['evicted_full_ns'])} (patience {show_ns(reader['patience_ns'])})"
        )
    return notes


def _tcp_readers(readers: list[Look], alive: bool) -> list[str]:
    """Who reads over TCP, or did when the process died, and who of them was too slow."""
    if not readers:
        return []
    rows = [
        [
            f"{reader['stream']} {reader['reader'] or '(no name)'}",
            ("yes" if alive else "until then") if reader["connected"] else "no",
            show_count(reader["sequence"]),
            show_bytes(reader["lag_bytes"]),
            show_bytes(reader["sent_bytes"]),
            show_count(reader["logins"]),
            show_count(reader["slow"]),
            show_count(reader["timeouts"]),
            show_count(reader.get("displaced", 0)),
        ]
        for reader in readers
    ]
    header = ["reader over TCP", "connected", "next", "behind", "sent"]
    header += ["logins", "slow", "silent", "displaced"]
    notes = [
        f"! {reader['reader'] or 'a reader without a name'} was too slow for {reader['stream']} "
        f"{show_count(reader['slow'])} times and was {_consequence(reader)}"
        for reader in readers
        if reader["slow"]
    ]
    return [table(rows, header), *notes]


def _sockets(sockets: list[Look]) -> list[str]:
    """Which path each socket takes, and why; the explanation goes last and to the left."""
    if not sockets:
        return []
    rows = [[s["role"], s["local"], s["peer"] or "-", s["path"]] for s in sockets]
    head, rule, *lines = table(rows, ["socket of", "here", "peer", "path"]).splitlines()
    width = max(map(len, (head, *lines)))
    told = [f"{line:{width}}  {s['reason']}" for line, s in zip(lines, sockets, strict=True)]
    return ["\n".join([f"{head:{width}}  why", rule, *told])]


def _stages(stages: list[Look]) -> list[str]:
    """A line a stage: its thread, and where it listens or writes."""
    lines = []
    for stage in stages:
        said = [f"{k} {v}" for k, v in stage.items() if k not in ("stage", "kind", "thread")]
        lines.append(f"stage {stage['stage']} on thread {stage['thread']}: {', '.join(said)}")
    return [line.removesuffix(": ") for line in lines]


def _consequence(reader: Look) -> str:
    """What the stream's policy for slow readers did to one."""
    if missed := reader["conflated_frames"]:
        return f"moved to the newest frame, told of {show_count(missed)} frames that it missed"
    return "disconnected"


def _day(process: Look) -> list[str]:
    """What the process's matcher says of its stream's day; a mark when it ends soon, or has."""
    from ironpit.venue.day import Day

    if process.get("day") is None or not process["alive"]:
        return []
    day, now_ns = Day(process["day"]["end_ns"], process["day"]["over"]), time.time_ns()
    mark = "! " if day.has_ended(now_ns) or day.warning(now_ns) else ""
    return [f"{mark}{day.described(now_ns)}"]


def _amount(value: float, unit: str) -> str:
    """A counter's value, with its unit where the explanation beside it does not say it."""
    if unit == "bytes":
        return show_bytes(int(value))
    return show_ns(int(value)) if unit == "ns" else show_count(value)


def _process(process: Look, now: Look, before: Look | None, everything: bool) -> str:
    state = "running" if process["alive"] else "dead"
    title = f"{process['process']} (process {process['process_id']}, {state})"
    if "from" in process:
        title += f"\n{process['from']} to {process['to']}"
    earlier = None
    if before is not None:
        same = (p for p in before["processes"] if p["process_id"] == process["process_id"])
        earlier = next(same, process)["counters"]
    rows = []
    for name, value in process["counters"].items():
        if not value and not everything:
            continue
        told = process["declared"][name]
        row = [name, _amount(value, told["unit"])]
        if earlier is not None and before is not None:
            # What a gauge rose by is no rate of anything.
            rate = (value - earlier.get(name, 0)) / _elapsed_s(now, before)
            row.append(_amount(rate, told["unit"]) if told["kind"] == "count" else "")
        rows.append(row)
    facts = [
        *_day(process),
        *_stages(process["stages"]),
        *_sockets(process["sockets"]),
        *_tcp_readers(process["tcp_readers"], process["alive"]),
    ]
    title = "\n".join([title, *facts])
    if not rows:
        return f"{title}\nall counters are zero"
    header = ["counter", "value", *(["a second"] if earlier is not None else [])]
    columns = COLUMNS_WITHOUT_A_TERMINAL
    if sys.stdout.isatty():
        columns = shutil.get_terminal_size().columns
    lines = table(rows, header).splitlines()
    for i, row in enumerate(rows):
        # The explanation goes last and to the left, so it is not part of the aligned columns.
        width = len(lines[0])
        line = f"{lines[i + 2]:{width}}  {process['declared'][row[0]]['help']}"
        lines[i + 2] = line if len(line) <= columns else line[: columns - 1] + "…"
    return "\n".join([title, *lines])
