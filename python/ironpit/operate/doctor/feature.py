"""One row of the matrix, and what every row is made from."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil

from ironpit.config import Config
from ironpit.onload.truth import Truth


@dataclass(frozen=True)
class Feature:
    """None stands for "not known": what could not be read is never counted as there.

    wanted: the configuration, or an argument, asks for it.
    """

    name: str
    title: str
    available: bool | None
    in_use: bool | None
    wanted: bool = False
    why_not: str = ""
    what_to_do: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def missing(self) -> bool:
        """Whether it is wanted and not to be had, or wanted by a venue that runs without it."""
        return self.wanted and (self.available is False or self.in_use is False)

    def as_json(self) -> dict[str, Any]:
        """The row as the report has it."""
        return {
            "feature": self.name,
            "title": self.title,
            "available": self.available,
            "in_use": self.in_use,
            "wanted": self.wanted,
            "why_not": self.why_not,
            "what_to_do": self.what_to_do,
            "facts": self.facts,
        }


@dataclass
class Context:
    """What is looked at: a configuration, if there is one, this process and the host's files."""

    config: Config | None
    truth: Truth
    require_onload: bool = False
    root: Path = Path("/")

    def text(self, path: str) -> str | None:
        """A file of /proc or /sys without the last newline, or None when it cannot be read."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None

    @cached_property
    def running(self) -> list[dict[str, Any]]:
        """What the processes of the venue that are alive say of themselves (status-NAME.json)."""
        return [s for s in self._documents("status") if _is_alive(s.get("pid"))]

    @cached_property
    def sockets(self) -> list[dict[str, Any]]:
        """The sockets of the processes of the venue that are alive."""
        found = [d for d in self._documents("sockets") if _is_alive(d.get("process_id"))]
        return [entry for document in found for entry in document["sockets"]]

    def _documents(self, kind: str) -> list[dict[str, Any]]:
        if self.config is None:
            return []
        documents = []
        for name in self.config.placement.processes:
            path = self.config.venue.data_directory / f"{kind}-{name}.json"
            try:
                documents.append(json.loads(path.read_text()))
            except (OSError, ValueError):
                continue
        return documents

    def degraded(self, feature: str) -> str | None:
        """Why the running venue goes without a feature; None: it does not say so, or none runs."""
        for status in self.running:
            for entry in status.get("degraded", ()):
                if str(entry["feature"]).startswith(feature):
                    return str(entry["reason"])
        return None

    def used_unless_degraded(self, wanted: bool, feature: str) -> bool | None:
        """Whether the running venue uses what is wanted; None: none runs."""
        if not self.running:
            return None
        return wanted and self.degraded(feature) is None


def _is_alive(process_id: Any) -> bool:
    return isinstance(process_id, int) and psutil.pid_exists(process_id)
