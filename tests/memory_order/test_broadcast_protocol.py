"""Goal: no interleaving of producer and readers passes an overwritten frame off as a reader's own.

Method: the protocol of ring/broadcast.pyx (claiming room, noting where frames begin, eviction,
joining, lossy reading, a killed producer's successor) is written down in steps of one load or store
each, on a ring of four cells in two blocks, for frames of one and two cells. Every reachable state
is visited, with the stores of each thread delayed in a buffer of its own as x86 processors do. A
reader that finds a newer frame, half a frame, or the middle of one where it still believes itself
safe is a violation. With a fence or another part of the protocol left out, the search must find
one.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

CELLS = 4
BLOCKS = 2
BLOCK_CELLS = CELLS // BLOCKS
# Cells of the frames, in order. They begin at 0, 1, 3, 4, 5 and 8 (behind padding at 7): of the
# blocks that begin at 2 and 6, the first frame, or padding, begins at 3 and 7.
FRAMES = (1, 2, 1, 1, 2, 2)
END = 10
VISITS = 2
FRAMES_A_VISIT = 2

# Shared words, by their place in the memory's tuple; cell n holds the position n modulo CELLS.
OLDEST, STATE, POSITION, CELL = 0, 1, 2, 3
LEFT, GATING, JOINING, EVICTED, NO_SLOT = 0, 1, 2, 3, 4
# A cell's value: KINDS * the frame's position and its kind. A frame's kind is its number of cells;
# its second cell is BODY.
MAKING, FRAME, LONG_FRAME, PADDING, BODY, KINDS = 0, 1, 2, 3, 4, 5
NEVER_WRITTEN = -KINDS * CELLS

Registers = dict[str, int]
Load = Callable[[int], int]


class Without(NamedTuple):
    """What a faulty implementation leaves out."""

    producer_fence: bool = False
    joiner_fence: bool = False
    second_look: bool = False
    slots_that_may_join: bool = False
    look_again: bool = False
    look_back: bool = False
    intact_check: bool = False
    oldest_first: bool = False
    noted_starts: bool = False
    notes_of_successor: bool = False


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


def cell(position: int) -> int:
    """The shared word that holds a position."""
    return CELL + position % CELLS


def noted(r: Registers, start: int, without: Without) -> Registers:
    """broadcast_note: a frame begins at `start`, and none between it and the last one."""
    r = dict(r)
    while r["block_next"] <= start:
        first = r["block_next"] if without.noted_starts else start
        r[f"first {r['block_next'] // BLOCK_CELLS % BLOCKS}"] = first
        r["block_next"] += BLOCK_CELLS
    return r


def first_frame(r: Registers, position: int) -> int:
    """_first_frame: where one begins in the first block at `position` or behind it."""
    start = r[f"first {-(-position // BLOCK_CELLS) % BLOCKS}"]
    assert position <= start <= r["tail"]
    return start


def after_padding(position: int) -> int:
    """Where the ring begins anew."""
    return (position // CELLS + 1) * CELLS


def successor(r: Registers, load: Load, without: Without) -> Registers:
    """A producer that comes after a killed one: frame_find_end and broadcast_note_held."""
    without = without._replace(noted_starts=without.notes_of_successor)
    position = load(OLDEST)
    block_next = -(-position // BLOCK_CELLS) * BLOCK_CELLS
    r = r | {"oldest": position, "gate": 0, "kills": r["kills"] + 1, "block_next": block_next}
    r = noted(r, position, without)
    while load(cell(position)) // KINDS == position:
        kind = load(cell(position)) % KINDS
        if kind == MAKING:
            break
        position = after_padding(position) if kind == PADDING else position + kind
        r = noted(r, position, without)
    return r | {"tail": position, "frames": sum(end <= position for end in ends())}


def ends() -> list[int]:
    """Where each of the frames ends."""
    found: list[int] = []
    for length in FRAMES:
        start = found[-1] if found else 0
        fits = start % CELLS + length <= CELLS
        found.append((start if fits else after_padding(start)) + length)
    return found


def producer(without: Without, at: str, r: Registers, load: Load) -> Iterator[Step]:
    """broadcast_claim, broadcast_make_room and broadcast_commit, killed once at any step."""
    if r["kills"] == 0:
        yield "claim", successor(r, load, without), Fence()
    tail = r["tail"]
    length = FRAMES[r["frames"]] if r["frames"] < len(FRAMES) else 0
    room = CELLS - tail % CELLS
    target = max(tail + length + (room if length > room else 0) - CELLS, 0)
    if at == "claim" and length:
        if r["gate"] < target:
            yield "look", r, None
        else:
            yield "pad" if length > room else "write", r, None
    elif at == "look":
        state = load(STATE)
        if state in (GATING, JOINING):
            yield "look at position", r | {"state": state, "may join": 0}, None
        else:
            yield "room", r | {"found": tail, "may join": int(state != NO_SLOT)}, None
    elif at == "look at position":
        yield "room", r | {"found": load(POSITION)}, None
    elif at == "room":
        if r["found"] < target:
            yield "claim", r, None
            yield "claim", r, Exchange(STATE, r["state"], EVICTED, "claim")
        else:
            oldest = r["oldest"]
            if oldest < target:
                oldest = min(r["found"], first_frame(r, target))
            after = "settle" if without.oldest_first else "store oldest"
            yield after, r | {"oldest": oldest, "gate": min(oldest, r["found"])}, None
    elif at == "store oldest":
        yield "settle", r, Store(OLDEST, r["oldest"])
    elif at == "settle":
        fenced = r["may join"] and not without.slots_that_may_join
        yield "fence" if fenced else "claim", r, None
    elif at == "fence":
        after = "claim" if without.second_look else "look again"
        yield after, r, None if without.producer_fence else Fence()
    elif at == "look again":
        after = "look at position again" if load(STATE) in (GATING, JOINING) else "claim"
        yield after, r, None
    elif at == "look at position again":
        yield "claim", r | {"gate": min(r["oldest"], load(POSITION))}, None
    elif at == "pad":
        start = after_padding(tail)
        yield (
            "claim",
            noted(r | {"tail": start}, start, without),
            Store(cell(tail), KINDS * tail + PADDING),
        )
    elif at == "write":
        yield "fill" if length > 1 else "commit", r, Store(cell(tail), KINDS * tail + MAKING)
    elif at == "fill":
        yield "commit", r, Store(cell(tail + 1), KINDS * tail + BODY)
    elif at == "commit":
        after = "store oldest late" if without.oldest_first else "claim"
        committed = r | {"tail": tail + length, "frames": r["frames"] + 1}
        yield (
            after,
            noted(committed, tail + length, without),
            Store(cell(tail), KINDS * tail + length),
        )
    elif at == "store oldest late":
        yield "claim", r, Store(OLDEST, r["oldest"])


def judge(here: int, value: int, body: int) -> int:
    """Where the next frame begins; `here` when this one is not there yet. A violation if it cannot
    come any more, if it is not whole, or if no frame begins here."""
    position, kind = divmod(value, KINDS)
    if position > here or (kind == BODY and position == here - 1):
        raise ViolationError(f"at {here} there is {kind} of {position}")
    if position < here or kind == MAKING:
        return here
    if kind == LONG_FRAME and body != KINDS * here + BODY:
        raise ViolationError(f"the frame at {here} ends with {body}")
    return after_padding(here) if kind == PADDING else here + kind


def joiner(without: Without, at: str, r: Registers, load: Load) -> Iterator[Step]:
    """broadcast_join, broadcast_peek, broadcast_intact, broadcast_release, broadcast_leave."""
    here = r["position"]
    if at == "join" and r["visits"] < VISITS:
        position = max(load(POSITION), load(OLDEST))
        yield "store position", r | {"position": position, "read": 0}, None
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
    elif at == "peek" and here < END:
        yield "peek at body", r | {"value": load(cell(here))}, None
    elif at == "peek at body":
        yield "intact", r | {"body": load(cell(here + 1))}, None
    elif at == "intact":
        if not without.intact_check and load(STATE) != GATING:
            yield "join", r | {"visits": r["visits"] + 1}, None
        else:
            position = judge(here, r["value"], r["body"])
            if position == here:
                yield "peek", r, None
            else:
                yield "release", r | {"position": position, "read": r["read"] + 1}, None
    elif at == "release":
        after_release = "leave" if r["read"] == FRAMES_A_VISIT else "peek"
        yield after_release, r, Store(POSITION, here)
    elif at == "leave":
        yield "join", r | {"visits": r["visits"] + 1}, Exchange(STATE, GATING, LEFT, "join")


def lossy(without: Without, at: str, r: Registers, load: Load) -> Iterator[Step]:
    """broadcast_peek_lossy: copy, then look whether the producer had begun to overwrite."""
    here = r["position"]
    if at == "copy" and here < END:
        yield "copy body", r | {"value": load(cell(here))}, None
    elif at == "copy body":
        yield "look back", r | {"body": load(cell(here + 1))}, None
    elif at == "look back":
        oldest = 0 if without.look_back else load(OLDEST)
        if oldest > here:
            yield "copy", r | {"position": oldest}, None
        else:
            yield "copy", r | {"position": judge(here, r["value"], r["body"])}, None


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


def begin(at: str, **registers: int) -> Thread:
    return at, tuple(sorted(registers.items())), ()


PRODUCER = begin(
    "claim",
    **{"tail": 0, "frames": 0, "gate": 0, "oldest": 0, "found": 0, "state": 0, "may join": 0},
    **{"block_next": BLOCK_CELLS, "first 0": 0, "first 1": 0, "kills": 0},
)
# One that joins, and one that has been waited for from the first frame on.
JOINER = begin("join", position=0, visits=0, read=0, value=0, body=0)
GATING_READER = begin("peek", position=0, visits=0, read=0, value=0, body=0)
# One that joins once: where the producer may be killed as well, there are enough states with it.
GUEST = begin("join", position=0, visits=VISITS - 1, read=0, value=0, body=0)
LOSSY = begin("copy", position=0, value=0, body=0)


def search(
    reader: Program, thread: Thread, slot: int, without: Without, killed: bool = True
) -> tuple[int, set[str], int]:
    """Visit every state: how many there are, which steps the reader came to, and how far."""
    programs: list[Program] = [producer, reader]
    first = PRODUCER if killed else begin("claim", **dict(PRODUCER[1]) | {"kills": 1})
    start: State = ((0, slot, 0, *[NEVER_WRITTEN] * CELLS), (first, thread))
    seen = {start}
    waiting = [start]
    while waiting:
        for state in successors(programs, without, waiting.pop()):
            if state not in seen:
                seen.add(state)
                waiting.append(state)
    furthest = max(dict(threads[1][1])["position"] for _, threads in seen)
    return len(seen), {threads[1][0] for _, threads in seen}, furthest


@pytest.mark.parametrize(
    ("thread", "slot", "killed"),
    [(JOINER, LEFT, False), (GATING_READER, GATING, False), (GUEST, LEFT, True)],
    ids=["joins", "gates", "joins a successor's ring"],
)
def test_joining_reading_and_evicting_never_give_an_overwritten_frame(
    thread: Thread, slot: int, killed: bool
) -> None:
    states, reached, furthest = search(joiner, thread, slot, Without(), killed)
    assert states > 10_000
    assert reached >= {"join", "look", "settle", "peek", "intact", "release", "leave"}
    assert furthest > 7


@pytest.mark.parametrize("slot", [LEFT, NO_SLOT], ids=["may be joined", "has no slots"])
def test_lossy_reading_never_gives_an_overwritten_frame(slot: int) -> None:
    states, reached, furthest = search(lossy, LOSSY, slot, Without())
    assert states > 500
    assert reached == {"copy", "copy body", "look back"}
    assert furthest == END


@pytest.mark.parametrize(
    "part",
    [
        "producer_fence",
        "joiner_fence",
        "second_look",
        "slots_that_may_join",
        "look_again",
        "intact_check",
        "noted_starts",
    ],
)
def test_each_part_of_joining_is_needed(part: str) -> None:
    with pytest.raises(ViolationError):
        search(joiner, JOINER, LEFT, Without(**{part: True}), killed=False)


@pytest.mark.parametrize("part", ["look_back", "oldest_first", "noted_starts"])
def test_each_part_of_lossy_reading_is_needed(part: str) -> None:
    with pytest.raises(ViolationError):
        search(lossy, LOSSY, LEFT, Without(**{part: True}), killed=False)


def test_a_successor_has_to_note_where_frames_begin() -> None:
    search(lossy, LOSSY, LEFT, Without(notes_of_successor=True), killed=False)
    with pytest.raises(ViolationError):
        search(lossy, LOSSY, LEFT, Without(notes_of_successor=True))
