"""What is to be seen of a venue from outside: its streams' rings and its processes' counters.

Rings and counters are files in memory that are mapped read-only, so that looking costs the venue
nothing, and what a killed process left in them is still there.
"""

import json
import re
import time
from pathlib import Path
from typing import Any

from ironcore.base.counters import CountersError, CountersReader, CountersVersionError
from ironcore.messaging import shm
from ironcore.messaging.tcp.publication import reader_name
from ironcore.runtime import pipeline
from ironpit.bridge.record import bridge_facts
from ironpit.common.errors import UserError
from ironpit.config import Config
from ironpit.config.gateways import Gateway
from ironpit.venue.day import of_counters

# 2: `declared` has kind, unit and help of each counter, where `labels` had its help.
SCHEMA = 2
NOTED = "position.noted_real_ns"
TCP_READER = re.compile(r"(?P<stream>.+)-reader-(?P<place>[0-9]+)\.(?P<what>[a-z_]+)")


def look(config: Config) -> dict[str, Any]:
    """Streams and processes now, as `ironpit stat --json` writes them. UserError when the venue has
    left nothing to look at."""
    directory = config.venue.data_directory
    files = counters_in(directory)
    if not files:
        raise UserError(f"{directory}: found no counters, expected those of a venue that ran")
    processes, rings = _processes(files)
    orders = [_orders(gateway) for gateway in config.gateways]
    return {
        "schema": SCHEMA,
        "venue": config.venue.name,
        "mono_ns": time.monotonic_ns(),
        "streams": [*orders, _ring("events", config.streams.events.path), *rings],
        "processes": processes,
    }


def look_at(files: list[Path]) -> dict[str, Any]:
    """As `look`, of processes whose counters are in these files, and of the rings of bridges among
    them. UserError: one of them is none."""
    processes, rings = _processes(files)
    return {
        "schema": SCHEMA,
        "venue": "",
        "mono_ns": time.monotonic_ns(),
        "streams": rings,
        "processes": processes,
    }


def look_around(directory: Path) -> dict[str, Any]:
    """As `look_at`, of whatever is there; `other_releases` says what another release of ironpit has
    left, which keeps nobody from seeing the rest."""
    readable, others = [], []
    for file in counters_in(directory):
        try:
            CountersReader(file)
        except CountersVersionError as error:
            others.append(str(error))
            continue
        except (CountersError, OSError):
            pass  # `look_at` says what is wrong with it
        readable.append(file)
    return look_at(readable) | {"other_releases": others}


def counters_in(directory: Path) -> list[Path]:
    """The files of counters that processes have left there."""
    return sorted(directory.glob("counters-*.dat"))


def _processes(files: list[Path]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The processes, and the rings at the ends of those that are bridges."""
    processes, rings = [], []
    for file in files:
        try:
            process = _process(CountersReader(file))
        except CountersError as error:
            raise UserError(str(error)) from error
        except OSError as error:
            raise UserError(f"{file}: {_reason(error)}") from error
        process["stages"] = _stages(file, process["process_id"])
        process["sockets"] = _sockets(file, process["process_id"])
        facts = bridge_facts(file)
        if facts is not None:
            process |= {"from": facts["from"], "to": facts["to"]}
            process["noted_real_ns"] = process["counters"].pop(NOTED, 0)
            for end, path in facts["rings"].items():
                rings.append(_ring(f"{process['process']} {end}", Path(path)))
        processes.append(process)
    return processes, rings


def _process(reader: CountersReader) -> dict[str, Any]:
    counters = reader.snapshot()
    day = of_counters(counters)
    for name in ("matcher.day_end_ns", "matcher.day_over"):
        counters.pop(name, None)
    return {
        # Of the process in the placement: its file is counters-NAME.dat.
        "process": Path(reader.path).stem.removeprefix("counters-"),
        "process_id": reader.process_id,
        "alive": reader.alive,
        "counters": {n: value for n, value in counters.items() if not TCP_READER.match(n)},
        "tcp_readers": _tcp_readers(counters),
        "day": None if day is None else day.as_json() | {"end_ns": day.end_ns},
        "declared": {name: told._asdict() for name, told in reader.describe().items()},
    }


def _beside(counters: Path, what: str) -> dict[str, Any]:
    """What the process wrote beside its counters; nothing when it wrote none."""
    name = counters.name.replace("counters-", f"{what}-").replace(".dat", ".json")
    try:
        return dict(json.loads(counters.with_name(name).read_text()))
    except (OSError, ValueError):
        return {}


def _sockets(counters: Path, process_id: int) -> list[dict[str, Any]]:
    """Which path the sockets of the process take."""
    found = _beside(counters, "sockets")
    return list(found["sockets"]) if found.get("process_id") == process_id else []


def _stages(counters: Path, process_id: int) -> list[dict[str, Any]]:
    """The stages of the process, each with its thread and what it says of itself."""
    found = _beside(counters, "status")
    return list(found.get("stages", ())) if found.get("pid") == process_id else []


def _tcp_readers(counters: dict[str, int]) -> list[dict[str, Any]]:
    """Who reads, or has read, the streams that this process serves over TCP."""
    places: dict[tuple[str, str], dict[str, Any]] = {}
    for name, value in counters.items():
        if found := TCP_READER.match(name):
            places.setdefault((found["stream"], found["place"]), {})[found["what"]] = value
    readers = []
    for (stream, _), counts in places.items():
        if counts.get("logins"):
            counts["reader"] = reader_name(counts.pop("name"))
            readers.append({"stream": stream, **counts})
    return readers


def _orders(gateway: Gateway) -> dict[str, Any]:
    path = gateway.orders.path
    stream: dict[str, Any] = {"stream": gateway.ring, "transport": "shm", "path": str(path)}
    try:
        found = pipeline.order_ring_positions(path)
    except (OSError, ValueError) as error:
        return stream | {"absent": _reason(error)}
    reader = {
        "reader": "matcher",
        "state": "gating",
        "lag_bytes": found.used_bytes,
        "patience_ns": 0,
        "evictions": 0,
        "process_id": found.consumer.process_id,
        "alive": found.consumer.alive,
    }
    return stream | {
        "capacity_bytes": found.capacity_bytes,
        "position": found.tail,
        "used_bytes": found.used_bytes,
        "sequence_next": found.sequence_next,
        "refused": found.full_count,
        "writer": {"process_id": found.producer.process_id, "alive": found.producer.alive},
        "readers": [reader],
    }


def _ring(name: str, path: Path) -> dict[str, Any]:
    """A broadcast ring and its readers."""
    stream: dict[str, Any] = {"stream": name, "transport": "shm", "path": str(path)}
    try:
        found, readers = shm.positions(path), shm.reader_states(path)
    except (OSError, ValueError) as error:
        return stream | {"absent": _reason(error)}
    return stream | {
        "capacity_bytes": found.capacity_bytes,
        "position": found.tail,
        # What a reader holds back; older frames are kept for who joins late, and are no load.
        "used_bytes": max((r.lag_bytes for r in readers if r.state == "gating"), default=0),
        "sequence_next": found.sequence_next,
        "sequence_oldest": found.sequence_oldest,
        "refused": found.full_count,
        "writer": {"process_id": found.producer.process_id, "alive": found.producer.alive},
        "readers": [
            {
                "reader": r.name,
                "state": r.state,
                "lag_bytes": r.lag_bytes,
                "patience_ns": r.patience_ns,
                "after": ", ".join(r.follows) or None,
                "evictions": r.evictions,
                "evicted_mono_ns": r.evicted_mono_ns,
                "evicted_full_ns": r.evicted_full_ns,
                "evicted_lag_bytes": r.evicted_lag_bytes,
                "process_id": r.owner.process_id,
                "alive": r.owner.alive,
            }
            for r in readers
        ],
    }


def _reason(error: Exception) -> str:
    return "no such file" if isinstance(error, FileNotFoundError) else str(error)
