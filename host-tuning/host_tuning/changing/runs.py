"""The runs that undo logs tell of: which writes were made, refused and taken back.

What a line says stands in `undo_log`, which writes them.
"""

import base64
import datetime
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from host_tuning.common.change import Change
from host_tuning.common.errors import ToolError
from host_tuning.common.words import counted

VERSION = 1
PAD = b" "  # what stands behind the last line of a log: room for the next


class Stage(StrEnum):
    """How far a write came."""

    BEGUN = "begun"  # logged; whether it was made is not known
    DONE = "done"
    REFUSED = "refused"
    UNDONE = "undone"


@dataclass(slots=True)
class Step:
    """One write of a run.

    old: the state before, None where there was nothing. also: values that the kernel may move
    along, and their states before. became: the state after the write where it is not what was
    asked for. moved: those of `also` that the write moved, and to what; None while that is not
    known.
    """

    number: int
    change: Change
    old: bytes | None
    also: tuple[tuple[Change, bytes | None], ...]
    time_ns: int
    stage: Stage = Stage.BEGUN
    became: tuple[bytes | None] | None = None
    moved: dict[int, bytes | None] | None = None
    reason: str = ""


@dataclass(slots=True)
class Run:
    """One run as its log tells it.

    about: what the first line says of options and settings. ended: the applying came to its end.
    rolling_back: taking back was begun. over: why nothing of it stands any more, or empty.
    """

    id: str
    path: Path
    boot_id: str
    time_ns: int
    about: Mapping[str, Any]
    steps: list[Step] = field(default_factory=list)
    ended: bool = False
    rolling_back: bool = False
    over: str = ""

    @property
    def stands(self) -> bool:
        """Whether there may be something to take back."""
        return not self.over

    @property
    def interrupted(self) -> bool:
        """Whether it, or its taking back, was cut off."""
        return self.stands and (not self.ended or self.rolling_back)

    @property
    def standing(self) -> list[Step]:
        """The writes that may still be in force, in the order in which they were made."""
        return [one for one in self.steps if one.stage in (Stage.BEGUN, Stage.DONE)]

    @property
    def when(self) -> str:
        """When it began, for people."""
        moment = datetime.datetime.fromtimestamp(self.time_ns // 10**9, datetime.UTC)
        return moment.strftime("%Y-%m-%d %H:%M:%S UTC")

    def describe(self) -> str:
        """One line about the run."""
        if self.over:
            state = self.over
        elif self.rolling_back:
            state = "its rollback was interrupted"
        else:
            state = "in force" if self.ended else "interrupted"
        return f"{self.id}  {self.when}  {counted(len(self.steps), 'write')}, {state}"


def encode(state: bytes | None) -> Any:
    """A state as JSON: text where it is clean UTF-8."""
    if state is None:
        return None
    try:
        return {"text": state.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(state).decode("ascii")}


def decode(value: Any) -> bytes | None:
    """The state that encode() was given."""
    if value is None:
        return None
    if "text" in value:
        return str(value["text"]).encode("utf-8")
    return base64.b64decode(value["base64"], validate=True)


def whole_bytes(data: bytes) -> int:
    """How many bytes of a log are whole lines. Behind them are blanks, or what was cut off there.

    A line that a power cut tore may have lost its beginning and kept its end.
    """
    end = 0
    while (after := data.find(b"\n", end) + 1) and data[end : end + 1] not in (PAD, b"\0"):
        end = after
    return end


def load(path: Path) -> Run | None:
    """The run of a log; None for one that was cut off in its first line, before any write.

    Errors: ToolError that names file and line for anything else that is no line of a log.
    """
    data = path.read_bytes()
    run: Run | None = None
    for number, line in enumerate(data[: whole_bytes(data)].splitlines(), 1):
        try:
            fields = json.loads(line)
            if run is None:
                run = _first(path, fields)
            else:
                _take(run, fields)
        except (ValueError, LookupError, TypeError, AttributeError) as problem:
            raise ToolError(
                f"{path}: line {number}: found no line of an undo log: {problem}"
            ) from None
    return run


def _first(path: Path, fields: Mapping[str, Any]) -> Run:
    if fields["mark"] != "run" or fields["version"] != VERSION:
        raise ValueError(f"expected the start of a run, version {VERSION}")
    return Run(fields["run"], path, fields["boot_id"], fields["time_ns"], fields["about"])


def _take(run: Run, fields: Mapping[str, Any]) -> None:
    """Add what one line after the first says."""
    match fields["mark"]:
        case "write":
            run.steps.append(_step(run, fields))
        case "done":
            step = run.steps[fields["step"]]
            step.stage = Stage.DONE
            step.moved = {int(at): decode(state) for at, state in fields["moved"].items()}
            step.became = (decode(fields["became"]),) if "became" in fields else None
        case "refused":
            step = run.steps[fields["step"]]
            step.stage, step.reason = Stage.REFUSED, fields["reason"]
        case "undone":
            run.steps[fields["step"]].stage = Stage.UNDONE
        case "end":
            run.ended = True
        case "rolling-back":
            run.rolling_back = True
        case "over":
            run.over = fields["reason"]
        case other:
            raise ValueError(f"unknown mark {other!r}")


def _step(run: Run, fields: Mapping[str, Any]) -> Step:
    if fields["step"] != len(run.steps):
        raise ValueError(f"found step {fields['step']}, expected {len(run.steps)}")
    new = (decode(fields["new"]) or b"").decode()
    setting, subject = fields["setting"], fields["subject"]
    change = Change(
        setting, fields["kind"], fields["target"], new, subject, bool(fields["required"])
    )
    also = tuple(
        (Change(setting, other["kind"], other["target"], "", subject), decode(other["old"]))
        for other in fields["also"]
    )
    return Step(fields["step"], change, decode(fields["old"]), also, fields["time_ns"])


def runs(directory: Path) -> list[Run]:
    """All runs, the oldest first; none where the directory is not there yet.

    Errors: ToolError for a log that is none, and for one that may not be read.
    """
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(".jsonl"))
        found = [load(directory / name) for name in names]
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise ToolError(
            f"{problem.filename}: {problem.strerror}, expected to read the undo logs there"
        ) from None
    return sorted((one for one in found if one is not None), key=lambda one: (one.time_ns, one.id))
