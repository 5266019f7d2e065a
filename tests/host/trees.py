"""Builds small trees of /proc and /sys, and unpacks captures of real hosts, for tests.

A path that ends in `/` makes an empty directory. UNREADABLE makes a file that fails with EISDIR
when it is read, for root as well. A Link is a symbolic link, as sysfs has them.
"""

import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from host_tuning.checking.setting import Step
from host_tuning.common.change import Change
from host_tuning.common.cpulist import format_list
from host_tuning.common.verdict import Finding
from host_tuning.facts.tree import HostTree
from host_tuning.target import profile
from host_tuning.target.host import Host
from host_tuning.target.target import Target

CAPTURES = "../shared/data/hosts"  # relative to the repository, as needs_data wants it
REPOSITORY = Path(__file__).resolve().parents[2]

CPU = "/sys/devices/system/cpu"

UNREADABLE = object()


@dataclass(frozen=True)
class Link:
    """A symbolic link and what it points at, relative to its directory or from the tree's root."""

    to: str


def fill(root: Path, files: Mapping[str, Any]) -> None:
    """Write the files below root; a text gets the newline that kernels end it with."""
    for name, content in files.items():
        path = root / name.lstrip("/")
        if content is UNREADABLE or name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Link):
            path.symlink_to(content.to)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(f"{content}\n", encoding="utf-8")


def cpus(count: int, threads: int = 1) -> dict[str, Any]:
    """The files of a one-node host; the siblings of CPU n are n + k * count / threads."""
    everyone = format_list(range(count))
    files: dict[str, Any] = {
        "/proc/cmdline": "root=/dev/vda",
        "/proc/cpuinfo": "",
        "/sys/devices/system/node/online": "0",
        "/sys/devices/system/node/node0/cpulist": everyone,
        "/sys/devices/system/node/node0/distance": "10",
    }
    files |= {f"{CPU}/{name}": everyone for name in ("online", "present", "possible")}
    cores = count // threads
    for cpu in range(count):
        topology = f"{CPU}/cpu{cpu}/topology"
        files[f"{topology}/thread_siblings_list"] = format_list(range(cpu % cores, count, cores))
        files[f"{topology}/physical_package_id"] = "0"
        files[f"{topology}/core_id"] = str(cpu % cores)
    return files


def tree(tmp_path: Path, files: Mapping[str, Any]) -> HostTree:
    """A tree with these files: `tree(tmp_path, {"/sys/x": "text"})`."""
    fill(tmp_path, files)
    return HostTree(tmp_path)


def host(tmp_path: Path, files: Mapping[str, Any], **target: Any) -> Host:
    """A host with these files and this target: `host(tmp_path, {...}, hot=frozenset({2}))`."""
    return Host(tree(tmp_path, files), Target(**target))


def capture(tmp_path: Path, archive: str) -> HostTree:
    """An unpacked capture; its root is the directory that holds `sys`."""
    with tarfile.open(REPOSITORY / CAPTURES / archive) as packed:
        # Links that lead out of the capture stay as they are. Python 3.11.2 knows no filters yet.
        packed.extraction_filter = staticmethod(lambda member, _: member)
        packed.extractall(tmp_path)
    roots = [path.parent for path in tmp_path.glob("**/sys") if path.is_dir()]
    return HostTree(min(roots, key=lambda path: len(path.parts)))


class Driven(Host):
    """A host that counts as live, though its files are a tree's: for what drivers are asked."""

    @property
    def live(self) -> bool:
        """True, so that nic.py is asked; tests put their own answers there."""
        return True


def driven(tmp_path: Path, files: Mapping[str, Any], **target: Any) -> Driven:
    """As host(), for a host whose drivers answer."""
    return Driven(tree(tmp_path, files), Target(**target))


def published(name: str, text: str) -> dict[str, Any]:
    """The document of a command's JSON, held against its schema, which is sound itself."""
    schema = json.loads((profile.DIRECTORY.parent / f"schema/{name}-1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    document: dict[str, Any] = json.loads(text)
    jsonschema.validate(document, schema)
    return document


def outcomes(findings: Iterable[Finding]) -> list[str]:
    """Each finding's conformity and subject, as `deviates host`."""
    return [f"{one.conformity} {one.subject}" for one in findings]


def written(steps: Iterable[Step]) -> list[str]:
    """Each change as `kind target = new`; other steps as their text."""
    return [
        f"{one.kind} {one.target} = {one.new}" if isinstance(one, Change) else str(one)
        for one in steps
    ]
