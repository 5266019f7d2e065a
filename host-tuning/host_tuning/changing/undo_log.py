"""The undo log: what every write replaced, on disk before the write is made.

A run is one file of JSON lines, RUN.jsonl, in the state directory. Its first line names the run;
then each write has a line `write` with the old bytes, synced before the write, and one `done` or
`refused` after it. Taking back adds `rolling-back`, an `undone` for each write, and `over`. A line
without its end is the last thing that a run did before it was killed, and counts for nothing.

Blanks behind the last line are room on the disk that a run takes before its first write, so that a
disk that fills up meanwhile keeps neither its marks nor its taking back from being logged.
"""

import contextlib
import datetime
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from host_tuning.changing.runs import PAD, VERSION, Run, Stage, Step, encode, whole_bytes
from host_tuning.common import fault_points
from host_tuning.common.change import Change
from host_tuning.common.errors import ToolError
from host_tuning.facts.tree import HostTree, sync_directory

STATE = "/var/lib/tune-host"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
MARK_BYTES = 256  # a line that tells no values: mark, run, boot and time come to some 180


def state_directory(option: Path | None, tree: HostTree) -> Path:
    """Where undo logs are: --state, or /var/lib/tune-host of the host."""
    return option if option is not None else tree.real(STATE)


def boot_id(tree: HostTree) -> str:
    """The running kernel's boot; empty where a capture does not tell."""
    return tree.read(BOOT_ID).value


def room_of(writes: Iterable[tuple[Change, bytes | None]]) -> int:
    """About how many bytes the lines of these writes, and of taking them back, will have.

    Of each write its old bytes are told, as are those of what it moves along, before and after; as
    text with escapes a byte takes up to six, and it is one in nearly every file.
    """
    return 4 * MARK_BYTES + sum(
        4 * MARK_BYTES + 2 * len(change.target) + len(change.new) + 3 * len(old or b"")
        for change, old in writes
    )


class UndoLog:
    """The log of one run, open for adding lines; each is on disk when append() returns.

    lenient: a line that cannot be written is no error, and `unmarked` says why: to restore values
    matters more than to log that they were. unmarked: empty where every line was written.
    """

    def __init__(self, run: Run, lenient: bool = False) -> None:
        """Errors: ToolError where the log cannot be opened for writing, but for a lenient one."""
        self.run = run
        self.lenient = lenient
        self.unmarked = ""
        self._end = 0
        self._descriptor = -1
        try:
            self._descriptor = os.open(run.path, os.O_RDWR | os.O_CLOEXEC)
            data = run.path.read_bytes()
            self._end = whole_bytes(data)
            if data[self._end :].strip(PAD):  # a torn line must not end behind a shorter one
                os.pwrite(self._descriptor, PAD * (len(data) - self._end), self._end)
        except OSError as problem:
            self._failed(problem)

    @classmethod
    def create(
        cls, directory: Path, tree: HostTree, about: Mapping[str, Any], room: int = 0
    ) -> "UndoLog":
        """Begin a run, with room on the disk for lines of so many bytes.

        Errors: ToolError where the state directory cannot be written, or has no such room.
        """
        now_ns = time.time_ns()
        stamp = datetime.datetime.fromtimestamp(now_ns // 10**9, datetime.UTC)
        name = f"{stamp:%Y%m%dT%H%M%S}.{now_ns // 10**6 % 1000:03}"
        run = Run(name, directory / f"{name}.jsonl", boot_id(tree), now_ns, about)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with os.fdopen(os.open(run.path, flags, 0o600), "wb") as file:
                file.write(PAD * room)
            sync_directory(directory)
        except OSError as problem:
            with contextlib.suppress(OSError):
                run.path.unlink()
            raise ToolError(
                f"{run.path}: {problem.strerror}, expected room for {room} bytes of undo log; "
                "nothing was written"
            ) from None
        log = cls(run)
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
            at = 0
            while at < len(data):
                at += os.pwrite(self._descriptor, data[at:], self._end + at)
            os.fsync(self._descriptor)
            self._end += len(data)
        except OSError as problem:
            self._failed(problem)
        fault_points.reach(f"after {mark}")
        return now_ns

    def _failed(self, problem: OSError) -> None:
        """Errors: ToolError, unless this log is lenient."""
        if not self.lenient:
            raise ToolError(
                f"{self.run.path}: {problem.strerror}: what is not in the undo log is not "
                f"written; to take back what was: tune-host --rollback {self.run.id}"
            ) from None
        self.unmarked = self.unmarked or f"{self.run.path}: {problem.strerror}"

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
        with contextlib.suppress(OSError):  # the room is needed no more
            os.ftruncate(self._descriptor, self._end)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
