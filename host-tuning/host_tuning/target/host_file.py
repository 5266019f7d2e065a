"""Reads host files and the placement of venue files (docs/HOST.md)."""

import datetime
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from host_tuning.common.cpulist import parse_list
from host_tuning.common.errors import ToolError
from host_tuning.common.verdict import Severity
from host_tuning.target.target import Target, Waiver

KEYS = (
    "profile",
    "hot",
    "housekeeping",
    "interfaces",
    "huge_pages",
    "overrides",
    "severities",
    "waivers",
)


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key given twice, which PyYAML would let win silently."""


def _mapping(loader: _Loader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        if not isinstance(key, Hashable):
            raise yaml.YAMLError(f"line {line}: found {key!r}, expected a key of one word")
        if key in seen:
            raise yaml.YAMLError(f"line {line}: key {key!r} is given twice")
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: Path) -> Target:
    """The target that a file describes.

    Errors: ToolError that names the file and key, what was found and what was expected.
    """
    try:
        document = yaml.load(path.read_bytes(), Loader=_Loader)
    except OSError as problem:
        raise ToolError(f"{path}: {problem.strerror}, expected a host file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ToolError(f"{path}: no YAML: {' '.join(str(problem).split())}") from None
    except RecursionError:
        raise ToolError(f"{path}: no YAML: nested too deeply") from None
    if not isinstance(document, dict):
        raise ToolError(f"{path}: found {type(document).__name__}, expected keys and values")
    if "host" in document:
        return _host(path, document)
    if "placement" in document:
        return _venue(path, document)
    raise ToolError(f"{path}: found neither `host` (a host file) nor `placement` (a venue file)")


def _fail(path: Path, key: str, found: object, expected: str) -> ToolError:
    return ToolError(f"{path}: {key}: found {found!r}, expected {expected}")


def _section(path: Path, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise _fail(path, key, value, "keys and values")
    return value


def _host(path: Path, document: dict[str, Any]) -> Target:
    for key in document:
        if key != "host":
            raise _fail(path, str(key), document[key], "only the section `host`")
    host = _section(path, "host", document["host"])
    for key in host:
        if key not in KEYS:
            raise _fail(path, f"host.{key}", host[key], f"one of the keys {', '.join(KEYS)}")
    profile = host.get("profile", "")
    if not isinstance(profile, str):
        raise _fail(path, "host.profile", profile, "the name of a profile")
    names = host.get("interfaces", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _fail(path, "host.interfaces", names, "a list of interface names")
    return Target(
        hot=_cpus(path, "host.hot", host.get("hot", "")),
        housekeeping=_cpus(path, "host.housekeeping", host.get("housekeeping", "")),
        interfaces=tuple(names),
        profile=profile,
        huge_pages=_huge_pages(path, host.get("huge_pages", {})),
        overrides=_overrides(path, host.get("overrides", {})),
        severities=_severities(path, host.get("severities", {})),
        waivers=_waivers(path, host.get("waivers", [])),
        source=str(path),
    )


def _cpus(path: Path, key: str, value: Any) -> frozenset[int]:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _fail(path, key, value, "a CPU list such as 2-5,8")
    return parse_list(str(value), f"{path}: {key}")


def _huge_pages(path: Path, value: Any) -> dict[int, int]:
    if not isinstance(value, dict):
        raise _fail(path, "host.huge_pages", value, "node: pages")
    for node, pages in value.items():
        for number in (node, pages):
            if isinstance(number, bool) or not isinstance(number, int) or number < 0:
                raise _fail(path, "host.huge_pages", {node: pages}, "whole numbers, node: pages")
    return dict(value)


def _overrides(path: Path, value: Any) -> dict[str, dict[str, Any]]:
    section = _section(path, "host.overrides", value)
    return {name: _section(path, f"host.overrides.{name}", section[name]) for name in section}


def _severities(path: Path, value: Any) -> dict[str, str]:
    section = _section(path, "host.severities", value)
    allowed = [severity.value for severity in Severity]
    for name, severity in section.items():
        if severity not in allowed:
            expected = f"one of {', '.join(allowed)}"
            raise _fail(path, f"host.severities.{name}", severity, expected)
    return section


def _waivers(path: Path, value: Any) -> tuple[Waiver, ...]:
    if not isinstance(value, list):
        raise _fail(path, "host.waivers", value, "a list of {id, reason, until}")
    found = []
    for index, item in enumerate(value):
        key = f"host.waivers[{index}]"
        if not isinstance(item, dict) or set(item) != {"id", "reason", "until"}:
            raise _fail(path, key, item, "the keys id, reason and until")
        # A moment is a date as well for Python, and compares with none.
        if type(item["until"]) is not datetime.date:
            raise _fail(path, f"{key}.until", item["until"], "a date such as 2027-01-31")
        for name in ("id", "reason"):
            if not isinstance(item[name], str) or not item[name].strip():
                raise _fail(path, f"{key}.{name}", item[name], "some text")
        found.append(Waiver(item["id"], item["reason"], item["until"]))
    return tuple(found)


def _venue(path: Path, document: dict[str, Any]) -> Target:
    placement = _section(path, "placement", document["placement"])
    processes = _section(path, "placement.processes", placement.get("processes", {}))
    hot: set[int] = set()
    for name, process in processes.items():
        key = f"placement.processes.{name}.threads"
        threads = _section(path, f"placement.processes.{name}", process).get("threads", [])
        if not isinstance(threads, list) or not all(isinstance(one, dict) for one in threads):
            raise _fail(path, key, threads, "a list of threads")
        for index, thread in enumerate(threads):
            cpu = thread.get("cpu")
            if cpu is None:
                continue
            if isinstance(cpu, bool) or not isinstance(cpu, int) or cpu < 0:
                raise _fail(path, f"{key}[{index}].cpu", cpu, "the number of a CPU")
            hot.add(cpu)
    return Target(hot=frozenset(hot), interfaces=_venue_interfaces(document), source=str(path))


def _venue_interfaces(document: dict[str, Any]) -> tuple[str, ...]:
    """The interfaces that a venue's streams name; an address names none that could be judged."""
    found: list[str] = []
    streams = document.get("streams")
    for stream in streams.values() if isinstance(streams, dict) else ():
        for feed in ("a", "b"):
            side = stream.get(feed) if isinstance(stream, dict) else None
            name = side.get("interface") if isinstance(side, dict) else None
            if isinstance(name, str) and name not in found and not name[:1].isdigit():
                found.append(name)
    return tuple(found)
