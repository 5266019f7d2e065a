"""What a run of the model reaches: lines of its files, events, reasons; and how often."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

from tests.model import records as r
from tests.model.describe import EVENTS

REASONED = (r.CANCELED, r.CROSS, r.INDICATIVE, r.STATE_CHANGED, r.REPLENISHED)


class Reached:
    """Counts events by name, rejections and cancels by reason, and lines of modules."""

    def __init__(self, modules: list[ModuleType]) -> None:
        self.events: Counter[str] = Counter()
        self.lines: set[tuple[str, int]] = set()
        self.left: dict[CodeType, set[int]] = {}  # lines still to come, by function
        self.files = {str(module.__file__) for module in modules}

    def see(self, status: int, events: list[bytes]) -> None:
        self.events[f"outcome {status}"] += 1
        for data in events:
            event = r.decode_event(data)
            name = EVENTS[event.type]
            self.events[name] += 1
            if event.type == r.REJECTED:
                self.events[f"{name} {event.slot:#04x}"] += 1
            elif event.type in REASONED and event.reason:
                self.events[f"{name} {chr(event.reason)}"] += 1

    @contextmanager
    def tracing(self) -> Iterator[None]:
        """Notes each line of the modules that is run."""

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            code = frame.f_code
            if code.co_filename not in self.files:
                return None
            if code not in self.left:
                self.left[code] = {line for _, _, line in code.co_lines() if line}
            self.left[code].discard(frame.f_lineno)
            self.lines.add((code.co_filename, frame.f_lineno))
            return trace if self.left[code] else None

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            yield
        finally:
            sys.settrace(before)

    def missed(self) -> list[str]:
        """Lines inside functions that were never run: file, number and text."""
        missed = []
        for name in sorted(self.files):
            text = Path(name).read_text()
            lines = text.splitlines()
            for number in sorted(lines_of_functions(compile(text, name, "exec"))):
                if (name, number) not in self.lines:
                    missed.append(f"{Path(name).name}:{number}: {lines[number - 1].strip()}")
        return missed


def lines_of_functions(code: CodeType, is_inside: bool = False) -> set[int]:
    """The lines of a module's functions that can be run."""
    is_function = bool(code.co_flags & 0x02)  # CO_NEWLOCALS: neither a module nor a class body
    found: set[int] = set()
    if is_inside and is_function:
        found |= {line for _, _, line in code.co_lines() if line and line > code.co_firstlineno}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= lines_of_functions(constant, is_inside=True)
    return found
