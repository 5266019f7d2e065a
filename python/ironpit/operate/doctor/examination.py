"""The whole matrix, the report made of it, and the exit code that it stands for."""

import json
import os
import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

from ironpit import __version__
from ironpit.common.errors import Exit, UserError
from ironpit.operate.doctor import bypass, memory, network, processors
from ironpit.operate.doctor.feature import Context, Feature

SCHEMA = "ironpit/doctor/1"
HOST_SCHEMA = "tune-host/check/1"
HOST_KEYS: dict[str, tuple[type, str]] = {
    "profile": (str, "a text"),
    "summary": (dict, "a mapping"),
    "checks": (list, "a list"),
    "exit_code": (int, "a number"),
}

EXAMINATIONS = (
    bypass.kernel_bypass,
    bypass.af_xdp,
    memory.shared_memory,
    memory.huge_pages,
    memory.memory_lock,
    network.multicast,
    network.hardware_stamps,
    processors.isolation,
    processors.real_time,
    processors.counters,
    memory.durable_journal,
)


def examine(context: Context) -> list[Feature]:
    """Every feature, in the order of the matrix. What a running venue uses is there, whatever this
    process, which may lack a preload or a right, finds of it."""
    return [_seen(look(context)) for look in EXAMINATIONS]


def _seen(feature: Feature) -> Feature:
    if not feature.in_use or feature.available:
        return feature
    return replace(feature, available=True, why_not="", what_to_do="")


def host_report(file: Path) -> dict[str, Any]:
    """What `tune-host --check --json` has written. UserError: it is something else."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}", Exit.USAGE) from error
    except ValueError as error:
        raise UserError(f"{file}: found no JSON, expected {HOST_SCHEMA}", Exit.USAGE) from error
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != HOST_SCHEMA:
        raise UserError(f"{file}: schema: found {schema!r}, expected {HOST_SCHEMA}", Exit.USAGE)
    for key, (kind, expected) in HOST_KEYS.items():
        if key not in found:
            raise UserError(f"{file}: {key}: found nothing, expected {expected}", Exit.USAGE)
        if not isinstance(found[key], kind):
            raise UserError(f"{file}: {key}: found {found[key]!r}, expected {expected}", Exit.USAGE)
    for check in found["checks"]:
        if not isinstance(check, dict) or not {"id", "status"} <= check.keys():
            raise UserError(f"{file}: checks: expected an id and a status in each", Exit.USAGE)
    return dict(found)


def report(
    context: Context, features: list[Feature], host: dict[str, Any] | None
) -> dict[str, Any]:
    """The document of schema/doctor-1.json."""
    config = context.config
    code, reasons = verdict(context, features, host)
    return {
        "schema": SCHEMA,
        "tool": {"name": "ironpit", "version": __version__},
        "kernel": platform.release(),
        "user": {"euid": os.geteuid()},
        "venue": config.venue.name if config is not None else None,
        "running": bool(context.running),
        "features": [feature.as_json() for feature in features],
        "host_report": host,
        "reasons": reasons,
        "exit_code": int(code),
    }


def verdict(
    context: Context, features: list[Feature], host: dict[str, Any] | None
) -> tuple[Exit, list[str]]:
    """OK, FAILED when something that is wanted is missing or the host's check failed, REFUSED when
    Onload is required and not proved; and why."""
    reasons = [f"{f.name}: {f.why_not or 'not in use'}" for f in features if f.missing]
    if host is not None and host["exit_code"]:
        failed = [check["id"] for check in host["checks"] if check["status"] == "fail"]
        reasons.append(f"host: tune-host --check failed: {', '.join(failed) or 'see its report'}")
    required = context.require_onload or (
        context.config is not None and context.config.require_onload
    )
    if required:
        [found] = [f for f in features if f.name == "kernel_bypass"]
        if found.available is not True or found.in_use is False:
            return Exit.REFUSED, reasons
    return (Exit.FAILED if reasons else Exit.OK), reasons
