"""The undo log: what every write replaced, on disk before the write is made.

A run is one file of JSON lines, RUN.jsonl, in the state directory. Its first line names the run;
then each write has a line `write` with the old bytes, synced before the write, and one `done` or
`refused` after it. Taking back adds `rolling-back`, an `undone` for each write, and `over`. A line
without its end is the last thing that a run did before it was killed, and counts for nothing.
"""

import datetime
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from host_tuning import fault_points
from host_tuning.change import Change
from host_tuning.errors import ToolError
from host_tuning.runs import VERSION, Run, Stage, Step, encode
from host_tuning.tree import HostTree, sync_directory

STATE = "/var/lib/tune-host"
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def state_directory(option: Path | None, tree: HostTree) -> Path:
    """Where undo logs are: --state, or /var/lib/tune-host of the host."""
    return option if option is not None else tree.real(STATE)


def boot_id(tree: HostTree) -> str:
    """The running kernel's boot; empty where a capture does not tell."""
    return tree.read(BOOT_ID).value


class UndoLog:
    """The log of one run, open for adding lines; each is on disk when append() returns."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._descriptor = os.open(run.path, os.O_RDWR | os.O_CLOEXEC)
        whole = run.path.read_bytes().rfind(b"\n") + 1
        os.ftruncate(self._descriptor, whole)
        os.lseek(self._descriptor, 0, os.SEEK_END)

    @classmethod
    def create(cls, directory: Path, tree: HostTree, about: Mapping[str, Any]) -> "UndoLog":
        """Begin a run. Errors: ToolError where the state directory cannot be written."""
        now_ns = time.time_ns()
        stamp = datetime.datetime.fromtimestamp(now_ns // 10**9, datetime.UTC)
        name = f"{stamp:%Y%m%dT%H%M%S}.{now_ns // 10**6 % 1000:03}"
        run = Run(name, directory / f"{name}.jsonl", boot_id(tree), now_ns, about)
        try:
            os.close(os.open(run.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            sync_directory(directory)
            log = cls(run)
        except OSError as problem:
            raise ToolError(f"{run.path}: {problem.strerror}, expected to write it") from None
        log.append("run", version=VERSION, about=dict(about))
        return log

    def append(self, mark: str, **fields: Any) -> int:
        """Add a line, wait until it is on disk, and return its time. Errors: ToolError."""
        now_ns = time.time_ns()
        line = {"mark": mark, "run": self.run.id, "boot_id": self.run.boot_id}
        # A rollback's lines have the time of the rollback, and the boot of the run.
        text = json.dumps({**line, "time_ns": now_ns, **fields}, ensure_ascii=False)
        data = text.encode("utf-8") + b"\n"
        fault_points.reach(f"before {mark}")
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fsync(self._descriptor)
        except OSError as problem:
            raise ToolError(
                f"{self.run.path}: {problem.strerror}: what is not in the undo log is not "
                f"written; when there is room again: tune-host --rollback {self.run.id}"
            ) from None
        fault_points.reach(f"after {mark}")
        return now_ns

    def begin(
        self, change: Change, old: bytes | None, also: Iterable[tuple[Change, bytes | None]]
    ) -> Step:
        """Log a write that is about to be made."""
        step = Step(len(self.run.steps), change, old, tuple(also), 0)
        step.time_ns = self.append(
            "write",
            step=step.number,
            setting=change.setting,
            subject=change.subject,
            kind=change.kind,
            target=change.target,
            old=encode(old),
            new=encode(change.new.encode()),
            required=change.required,
            also=[
                {"kind": other.kind, "target": other.target, "old": encode(state)}
                for other, state in step.also
            ],
        )
        self.run.steps.append(step)
        return step

    def done(self, step: Step) -> None:
        """Log that a write was made, and what became of it where that is not what was asked."""
        fields: dict[str, Any] = {}
        if step.became is not None:
            fields["became"] = encode(step.became[0])
        moved = step.moved or {}
        self.append(
            "done", step=step.number, moved={at: encode(moved[at]) for at in moved}, **fields
        )
        step.stage = Stage.DONE

    def refused(self, step: Step, reason: str) -> None:
        """Log that the kernel refused a write, and that nothing changed."""
        self.append("refused", step=step.number, reason=reason)
        step.stage, step.reason = Stage.REFUSED, reason

    def undone(self, step: Step, reason: str = "") -> None:
        """Log that a write was taken back, or that what it was about is gone."""
        self.append("undone", step=step.number, reason=reason)
        step.stage = Stage.UNDONE

    def end(self) -> None:
        """Log that all writes were made or refused."""
        self.append("end")
        self.run.ended = True

    def rolling_back(self) -> None:
        """Log that taking back begins."""
        self.append("rolling-back")
        self.run.rolling_back = True

    def over(self, reason: str) -> None:
        """Log that nothing of the run stands any more."""
        self.append("over", reason=reason)
        self.run.over = reason

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
