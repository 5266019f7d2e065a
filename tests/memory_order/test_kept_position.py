"""Goal: no interleaving of producer, keepers and a reader shows the reader a frame that one of the
keepers has not made safe.

Method: as test_broadcast_protocol.py, whose machine this uses: what ring/broadcast.pyx says of
keepers, in steps of one load or store each, stores delayed as x86 processors do. With a part of it
left out the search must find a violation.
"""

from collections.abc import Iterator
from functools import partial

import pytest
from tests.memory_order.test_broadcast_protocol import (
    Load,
    Program,
    Registers,
    State,
    Step,
    Store,
    Thread,
    ViolationError,
    Without,
    successors,
)

FRAMES = 3
# Shared words: how many frames there are, have been released by each keeper, and are safe there.
TAIL, RELEASED, SAFE = 0, 1, 3
KEEPERS = 2
WORDS = SAFE + KEEPERS

LEFT_OUT = ("nothing", "limit", "second keeper", "sync first")


def producer(_: Without, at: str, r: Registers, load: Load) -> Iterator[Step]:
    if r["tail"] < FRAMES:
        yield "commit", {"tail": r["tail"] + 1}, Store(TAIL, r["tail"] + 1)


def keeper(number: int, left_out: str, _: Without, at: str, r: Registers, load: Load
           ) -> Iterator[Step]:  # fmt: skip
    """journal_poll: sync, then broadcast_release."""
    safe = Store(SAFE + number, r["end"])
    released = Store(RELEASED + number, r["end"])
    steps = (released, safe) if left_out == "sync first" else (safe, released)
    if at == "look":
        tail = load(TAIL)
        if tail > r["end"]:
            yield "sync", {"end": r["end"] + 1}, None
    elif at == "sync":
        yield "release", r, steps[0]
    elif at == "release":
        yield "look", r, steps[1]


def follower(left_out: str, _: Without, at: str, r: Registers, load: Load) -> Iterator[Step]:
    """broadcast_waits, broadcast_peek and broadcast_advance."""
    here = r["position"]
    if at == "first limit" and here < FRAMES:
        after = "read" if left_out == "second keeper" else "second limit"
        yield after, r | {"limit": load(RELEASED)}, None
    elif at == "second limit":
        yield "read", r | {"limit": min(r["limit"], load(RELEASED + 1))}, None
    elif at == "read":
        limit = FRAMES if left_out == "limit" else r["limit"]
        if here >= limit or load(TAIL) <= here:
            yield "first limit", r, None
        elif min(load(SAFE), load(SAFE + 1)) <= here:
            raise ViolationError(f"frame {here} is not safe")
        else:
            yield "read", r | {"position": here + 1}, None


def search(left_out: str) -> tuple[int, int]:
    """Visit every state: how many there are, and how far the reader came."""
    programs: list[Program] = [
        producer,
        *(partial(keeper, number, left_out) for number in range(KEEPERS)),
        partial(follower, left_out),
    ]
    threads: tuple[Thread, ...] = (
        ("commit", (("tail", 0),), ()),
        *[("look", (("end", 0),), ())] * KEEPERS,
        ("first limit", (("limit", 0), ("position", 0)), ()),
    )
    start: State = ((0,) * WORDS, threads)
    seen = {start}
    waiting = [start]
    while waiting:
        for state in successors(programs, Without(), waiting.pop()):
            if state not in seen:
                seen.add(state)
                waiting.append(state)
    return len(seen), max(dict(threads[-1][1])["position"] for _, threads in seen)


def test_a_reader_sees_only_what_every_keeper_has_made_safe() -> None:
    states, furthest = search("nothing")
    assert states > 1_000
    assert furthest == FRAMES


@pytest.mark.parametrize("left_out", LEFT_OUT[1:])
def test_each_part_of_it_is_needed(left_out: str) -> None:
    with pytest.raises(ViolationError):
        search(left_out)
