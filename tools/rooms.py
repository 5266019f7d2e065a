"""Prints each room's files, lines and arrows; fails on an arrow that points up, or on a circle.

    python -m tools.rooms            from the project's root
    python -m tools.rooms --map      names and arrows alone, as in docs/ARCHITECTURE.md

A room is a folder below pyx/ironcore, python/ironpit or host-tuning/host_tuning. An arrow counts
the modules of one room that import a module of another. Exit code 1: an arrow is forbidden, a
folder is no room of the floor plan, modules import one another in a circle, or a room has more than
FILES_MAX source files.
"""

import sys
from collections import Counter
from pathlib import Path

from tools.imports import Source, sources
from tools.layers import arrows, cycles, room_of, strangers, violations

ROOT = Path(__file__).resolve().parent.parent
FILES_MAX = 40  # a .pyx with its .pxd and .pyi is one


def files(read: list[Source]) -> dict[str, set[str]]:
    """Folder to the modules that lie directly in it."""
    found: dict[str, set[str]] = {}
    for source in read:
        if source.path.stem != "__init__":
            found.setdefault(str(source.path.parent), set()).add(source.module)
    return found


def report(read: list[Source]) -> list[str]:
    """A line a room: its name, modules, lines, and the rooms that it uses."""
    lines: Counter[str] = Counter()
    modules: dict[str, set[str]] = {}
    for source in read:
        room = room_of(source.module)
        lines[room] += source.lines
        modules.setdefault(room, set()).add(source.module)
    uses: dict[str, Counter[str]] = {room: Counter() for room in modules}
    for module, targets in arrows(read).items():
        for room in {room_of(target) for target in targets} - {room_of(module)}:
            uses[room_of(module)][room] += 1
    rows = []
    for room in sorted(modules):
        used = ", ".join(
            f"{name.split('.')[-1]} {count}" for name, count in sorted(uses[room].items())
        )
        rows.append(f"{room:24} {len(modules[room]):4} {lines[room]:7}   {used}".rstrip())
    return rows


def plan(read: list[Source]) -> list[str]:
    """A line a room: its name and what it uses; rooms of another root on the next line."""
    uses: dict[str, set[str]] = {room_of(source.module): set() for source in read}
    for module, targets in arrows(read).items():
        uses[room_of(module)] |= {room_of(target) for target in targets} - {room_of(module)}
    rows = []
    for room, used in sorted(uses.items()):
        root = room.split(".")[0]
        own = sorted(name.removeprefix(f"{root}.") for name in used if name.split(".")[0] == root)
        rows.append(f"{room:24} {' '.join(own)}".rstrip())
        for other in sorted({name.split(".")[0] for name in used} - {root}):
            names = sorted(name.split(".")[-1] for name in used if name.split(".")[0] == other)
            rows.append(f"{'':24} {other}: {' '.join(names)}")
    return rows


def faults(tree: Path, read: list[Source]) -> list[str]:
    found = violations(tree) + strangers(read)
    found += [f"a circle: {' -> '.join(group)}" for group in cycles(arrows(read))]
    for folder, modules in files(read).items():
        if len(modules) > FILES_MAX:
            found.append(f"{folder}: {len(modules)} source files, expected {FILES_MAX} at most")
    return found


def main() -> int:
    read = list(sources(ROOT))
    if sys.argv[1:] == ["--map"]:
        print("\n".join(plan(read)))
        return 0
    print(f"{'room':24} {'modules':>4} {'lines':>5}   uses (modules that do)")
    print("\n".join(report(read)))
    found = faults(ROOT, read)
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
