"""Goal: no interleaving of producer and readers passes an overwritten frame off as a reader's own.

Method: the protocol of ring/broadcast.pyx (claiming room, eviction, joining, lossy reading) is
written down in steps of one load or store each, on a ring of three frames. Every reachable state is
visited, with the stores of each thread delayed in a buffer of its own as x86 processors do. A
reader that finds a newer frame, or one in the making, where it still believes itself safe is a
violation. With a fence or another part of the protocol left out, the search must find one.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

CELLS = 3
FRAMES = 6
VISITS = 2
FRAMES_A_VISIT = 2

# Shared words, by their place in the memory's tuple; cell n holds the frame at position n modulo 3.
OLDEST, STATE, POSITION, CELL = 0, 1, 2, 3
LEFT, GATING, JOINING, EVICTED = 0, 1, 2, 3
# A cell's value: 2 * position, and 1 more while the frame is in the making.
NEVER_WRITTEN = -2

Registers = dict[str, int]
Load = Callable[[int], int]


class Without(NamedTuple):
    """What a faulty implementation leaves out."""

    producer_fence: bool = False
    joiner_fence: bool = False
    second_look: bool = False
    look_again: bool = False
    look_back: bool = False
    intact_check: bool = False
    oldest_first: bool = False


class Store(NamedTuple):
    word: int
    value: int


class Exchange(NamedTuple):
    """Compare and exchange: on to one step or another, by whether it succeeded."""

    word: int
    expected: int
    desired: int
    failed: str


class Fence(NamedTuple):
    """Waits until all of the thread's stores are seen by everybody."""


Effect = Store | Exchange | Fence | None
Step = tuple[str, Registers, Effect]


class ViolationError(Exception):
    """A reader was given what it should not have been given."""


def producer(without: Without, at: str, r: Registers, load: Load) -> Iterator[Step]:
    """broadcast_claim, broadcast_make_room and broadcast_commit."""
    target = r["tail"] + 1 - CELLS
    if at == "claim" and r["tail"] < FRAMES:
        yield ("look" if r["gate"] < target else "write"), r, None
    elif at == "look":
        state = load(STATE)
        if state in (GATING, JOINING):
            yield "look at position", r | {"state": state}, None
        else:
            yield "room", r | {"found": r["tail"]}, None
    elif at == "look at position":
        yield "room", r | {"found": load(POSITION)}, None
    elif at == "room":
        if r["found"] < target:
            yield "claim", r, None
            yield "claim", r, Exchange(STATE, r["state"], EVICTED, "claim")
        else:
            oldest = max(r["oldest"], min(r["found"], target + 1))
            after = "fence" if without.oldest_first else "store oldest"
            yield after, r | {"oldest": oldest, "gate": oldest}, None
    elif at == "store oldest":
        yield "fence", r, Store(OLDEST, r["oldest"])
    elif at == "fence":
        after = "claim" if without.second_look else "look again"
        yield after, r, None if without.producer_fence else Fence()
    elif at == "look again":
        after = "look at position again" if load(STATE) in (GATING, JOINING) else "claim"
        yield after, r, None
    elif at == "look at position again":
        yield "claim", r | {"gate": min(r["oldest"], load(POSITION))}, None
    elif at == "write":
        yield "commit", r, Store(CELL + r["tail"] % CELLS, 2 * r["tail"] + 1)
    elif at == "commit":
        after = "store oldest late" if without.oldest_first else "claim"
        yield after, r | {"tail": r["tail"] + 1}, Store(CELL + r["tail"] % CELLS, 2 * r["tail"])
    elif at == "store oldest late":
        yield "claim", r, Store(OLDEST, r["oldest"])


def judge(position: int, value: int) -> bool:
    """Whether the frame is there; a violation if it is not and cannot come any more."""
    if value > 2 * position + 1:
        raise ViolationError(f"at {position} there is {value / 2}")
    return value == 2 * position


def joiner(without: Without, at: str, r: Registers, load: Load) -> Iterator[Step]:
    """broadcast_join, broadcast_peek, broadcast_intact, broadcast_release, broadcast_leave."""
    here = r["position"]
    if at == "join" and r["visits"] < VISITS:
        yield "store position", r | {"position": max(here, load(OLDEST)), "read": 0}, None
    elif at == "store position":
        yield "store state", r, Store(POSITION, here)
    elif at == "store state":
        yield "fence", r, Store(STATE, JOINING)
    elif at == "fence":
        after = "settle" if without.look_again else "look"
        yield after, r, None if without.joiner_fence else Fence()
    elif at == "look":
        oldest = load(OLDEST)
        if oldest <= here:
            yield "settle", r, None
        else:
            yield "fence", r | {"position": oldest}, Store(POSITION, oldest)
    elif at == "settle":
        yield "peek", r, Exchange(STATE, JOINING, GATING, "join")
    elif at == "peek":
        yield "intact", r | {"value": load(CELL + here % CELLS)}, None
    elif at == "intact":
        if not without.intact_check and load(STATE) != GATING:
            yield "join", r | {"visits": r["visits"] + 1}, None
        elif judge(here, r["value"]):
            yield "release", r | {"position": here + 1, "read": r["read"] + 1}, None
        else:
            yield "peek", r, None
    elif at == "release":
        after = "leave" if r["read"] == FRAMES_A_VISIT else "peek"
        yield after, r, Store(POSITION, here)
    elif at == "leave":
        yield "join", r | {"visits": r["visits"] + 1}, Exchange(STATE, GATING, LEFT, "join")


def lossy(without: Without, at: str, r: Registers, load: Load) -> Iterator[Step]:
    """broadcast_peek_lossy: copy, then look whether the producer had begun to overwrite."""
    here = r["position"]
    if at == "copy" and here < FRAMES:
        yield "look back", r | {"value": load(CELL + here % CELLS)}, None
    elif at == "look back":
        oldest = 0 if without.look_back else load(OLDEST)
        if oldest > here:
            yield "copy", r | {"position": oldest}, None
        else:
            yield "copy", r | {"position": here + judge(here, r["value"])}, None


Program = Callable[[Without, str, Registers, Load], Iterator[Step]]
Frozen = tuple[tuple[str, int], ...]
Thread = tuple[str, Frozen, tuple[Store, ...]]
State = tuple[tuple[int, ...], tuple[Thread, ...]]


def stored(memory: tuple[int, ...], word: int, value: int) -> tuple[int, ...]:
    return (*memory[:word], value, *memory[word + 1 :])


def successors(programs: list[Program], without: Without, state: State) -> Iterator[State]:
    """The states after one more step of one thread, or after one of its stores has come out."""
    memory, threads = state
    for i, (at, frozen, buffer) in enumerate(threads):

        def become(
            memory: tuple[int, ...], thread: Thread, i: int = i
        ) -> tuple[tuple[int, ...], tuple[Thread, ...]]:
            return memory, (*threads[:i], thread, *threads[i + 1 :])

        def load(word: int, buffer: tuple[Store, ...] = buffer) -> int:
            own = [store.value for store in buffer if store.word == word]
            return own[-1] if own else memory[word]

        if buffer:
            yield become(stored(memory, *buffer[0]), (at, frozen, buffer[1:]))
        for after, registers, effect in programs[i](without, at, dict(frozen), load):
            refrozen = tuple(sorted(registers.items()))
            match effect:
                case None:
                    yield become(memory, (after, refrozen, buffer))
                case Store():
                    yield become(memory, (after, refrozen, (*buffer, effect)))
                case Fence() if not buffer:
                    yield become(memory, (after, refrozen, buffer))
                case Exchange(word, expected, desired, failed) if not buffer:
                    if memory[word] == expected:
                        yield become(stored(memory, word, desired), (after, refrozen, buffer))
                    else:
                        yield become(memory, (failed, refrozen, buffer))


PRODUCER: Thread = (
    "claim",
    tuple(sorted({"tail": 0, "gate": 0, "oldest": 0, "found": 0, "state": 0}.items())),
    (),
)
JOINER: Thread = (
    "join",
    tuple(sorted({"position": 0, "visits": 0, "read": 0, "value": 0}.items())),
    (),
)
LOSSY: Thread = ("copy", tuple(sorted({"position": 0, "value": 0}.items())), ())
START = (0, LEFT, 0, *[NEVER_WRITTEN] * CELLS)


def search(reader: Program, thread: Thread, without: Without) -> tuple[int, set[str]]:
    """Visit every state: how many there are, and which steps the reader came to."""
    programs: list[Program] = [producer, reader]
    start: State = (START, (PRODUCER, thread))
    seen = {start}
    waiting = [start]
    while waiting:
        for state in successors(programs, without, waiting.pop()):
            if state not in seen:
                seen.add(state)
                waiting.append(state)
    return len(seen), {threads[1][0] for _, threads in seen}


def test_joining_reading_and_evicting_never_give_an_overwritten_frame() -> None:
    states, reached = search(joiner, JOINER, Without())
    assert states > 10_000
    assert reached >= {"join", "look", "settle", "peek", "intact", "release", "leave"}


def test_lossy_reading_never_gives_an_overwritten_frame() -> None:
    states, reached = search(lossy, LOSSY, Without())
    assert states > 500
    assert reached == {"copy", "look back"}


@pytest.mark.parametrize(
    "part", ["producer_fence", "joiner_fence", "second_look", "look_again", "intact_check"]
)
def test_each_part_of_joining_is_needed(part: str) -> None:
    with pytest.raises(ViolationError):
        search(joiner, JOINER, Without(**{part: True}))


@pytest.mark.parametrize("part", ["look_back", "oldest_first"])
def test_each_part_of_lossy_reading_is_needed(part: str) -> None:
    with pytest.raises(ViolationError):
        search(lossy, LOSSY, Without(**{part: True}))
