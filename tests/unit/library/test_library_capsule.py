"""Goal: the functions of ironpit_core.h do what the header says, at their edges too.

Method: the vtable taken out of the capsule with ctypes, whose structs are laid out from the
header's words; records from the project's encoder.
"""

import ctypes as c
import errno
import re
from pathlib import Path
from typing import Any

import pytest

from ironcore.library import capsule
from ironcore.wire import record

ROOT = Path(__file__).parents[3]
OK, EMPTY, FULL, MALFORMED, IGNORED = 0, 1, 2, 4, 12
LIMITS = {"instruments_max": 2, "sessions_max": 2, "orders_max": 50, "user_ref_bits": 8}


class Limits(c.Structure):
    _fields_ = [(name, c.c_uint32) for name in LIMITS]


class Event(c.Structure):
    _fields_ = [
        ("type", c.c_uint8), ("flags", c.c_uint8), ("reason", c.c_uint8), ("side", c.c_uint8),
        ("quantity", c.c_uint32), ("order_ref", c.c_uint64), ("other", c.c_uint64),
        ("price", c.c_int32), ("slot", c.c_uint32),
    ]  # fmt: skip


class Batch(c.Structure):
    _fields_ = [
        ("records", c.c_void_p), ("offsets", c.POINTER(c.c_uint64)), ("count", c.c_uint64),
        ("applied", c.c_uint64), ("statuses", c.POINTER(c.c_uint8)),
        ("events_counts", c.POINTER(c.c_uint32)), ("events", c.POINTER(Event)),
        ("events_count", c.c_uint64), ("events_max", c.c_uint64), ("prefetch", c.c_uint32),
        ("reserved", c.c_uint32),
    ]  # fmt: skip


class Level(c.Structure):
    _fields_ = [("price", c.c_int32), ("orders", c.c_uint32), ("quantity", c.c_uint64)]


class Order(c.Structure):
    _fields_ = [
        ("order_ref", c.c_uint64), ("slot", c.c_uint32), ("instrument", c.c_uint32),
        ("displayed", c.c_uint32), ("open", c.c_uint32), ("executed", c.c_uint32),
        ("price", c.c_int32), ("side", c.c_uint8), ("place", c.c_uint8),
        ("reserved", c.c_uint8 * 6),
    ]  # fmt: skip


def function(result: Any, *arguments: Any) -> Any:
    return c.CFUNCTYPE(result, *arguments, use_errno=True)


CORE = c.c_void_p


class Api(c.Structure):
    _fields_ = [
        ("abi_version", c.c_uint32), ("struct_bytes", c.c_uint32),
        ("record_version", c.c_uint32), ("reserved", c.c_uint32),
        ("create", function(CORE, c.POINTER(Limits))),
        ("destroy", function(None, CORE)),
        ("apply", function(c.c_int, CORE, c.c_void_p, c.c_uint32, c.POINTER(c.POINTER(Event)),
                           c.POINTER(c.c_uint32))),
        ("submit", function(c.c_int, CORE, c.POINTER(Batch))),
        ("drain", function(c.c_uint64, CORE, c.POINTER(Event), c.c_uint64)),
        ("depth", function(c.c_uint32, CORE, c.c_uint32, c.c_uint8, c.POINTER(Level), c.c_uint32)),
        ("level", function(c.c_int, CORE, c.c_uint32, c.c_uint8, c.c_int32, c.POINTER(Level))),
        ("order", function(c.c_int, CORE, c.c_uint32, c.c_uint32, c.POINTER(Order))),
        ("save", function(c.c_uint64, CORE, c.c_void_p, c.c_uint64)),
        ("load", function(CORE, c.c_void_p, c.c_uint64)),
    ]  # fmt: skip


def vtable() -> Api:
    pointer = c.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = c.c_void_p, [c.py_object, c.c_char_p]
    address = pointer(capsule.api, b"ironcore.library.capsule.api")
    return Api.from_address(address)


class Core:
    """One core and the arrays that a batch needs."""

    def __init__(self, handle: int | None = None) -> None:
        self.api = vtable()
        self.handle = handle or self.api.create(c.byref(Limits(**LIMITS)))
        assert self.handle
        if handle is None:
            self.apply(record.encode("StreamStart", stream_name="T", version=3, **LIMITS))
            self.apply(
                record.encode(
                    "DefineInstrument", symbol="ABC", tick_size=100, lot_size=1,
                    price_min=100, price_max=1_000_000, quantity_max=999_999,
                )
            )  # fmt: skip
            self.apply(record.encode("DefineSession", session=1, username="M", firm="F"))

    def __del__(self) -> None:
        self.api.destroy(self.handle)

    def apply(self, command: bytes) -> tuple[int, list[int]]:
        words = (c.c_uint64 * 64).from_buffer_copy(command.ljust(512, b"\0"))
        events, count = c.POINTER(Event)(), c.c_uint32()
        status = self.api.apply(self.handle, words, len(command), c.byref(events), c.byref(count))
        return status, [events[index].type for index in range(count.value)]

    def drain(self, events_max: int) -> list[int]:
        events = (Event * max(events_max, 1))()
        count = self.api.drain(self.handle, events, events_max)
        return [events[index].type for index in range(count)]


class Submitted:
    """A batch and the memory that it points into."""

    def __init__(self, commands: list[bytes], events_max: int, prefetch: int = 0) -> None:
        count = len(commands)
        self.records = (c.c_uint64 * (sum(map(len, commands)) // 8 + 1))()
        c.memmove(self.records, b"".join(commands), sum(map(len, commands)))
        self.offsets = (c.c_uint64 * (count + 1))()
        for index, command in enumerate(commands):
            self.offsets[index + 1] = self.offsets[index] + len(command)
        self.statuses = (c.c_uint8 * count)()
        self.counts = (c.c_uint32 * count)()
        self.events = (Event * max(events_max, 1))()
        self.batch = Batch(
            c.cast(self.records, c.c_void_p), self.offsets, count, 0, self.statuses, self.counts,
            self.events, 0, events_max, prefetch, 0,
        )  # fmt: skip

    def submit(self, core: Core) -> int:
        return int(core.api.submit(core.handle, c.byref(self.batch)))

    def taken(self) -> list[int]:
        """The types of the events in the array, which is empty then."""
        types = [self.events[index].type for index in range(self.batch.events_count)]
        self.batch.events_count = 0
        return types

    def taken_with_orders(self) -> list[tuple[int, int]]:
        """The same with the reference of each event's order."""
        orders = [self.events[index].order_ref for index in range(self.batch.events_count)]
        return list(zip(self.taken(), orders, strict=True))


def enter(user_ref: int, side: str = "S", quantity: int = 10, price: int = 50_000) -> bytes:
    return record.encode(
        "EnterOrder", session=1, user_ref=user_ref, side=side, quantity=quantity,
        price=price, time_in_force="0", display="Y", cross_type="N",
    )  # fmt: skip


def test_the_table_says_what_it_is() -> None:
    api = vtable()
    assert (api.abi_version, api.struct_bytes, api.record_version) == (1, c.sizeof(Api), 3)
    assert (c.sizeof(Batch), c.sizeof(Order), c.sizeof(Level), c.sizeof(Event)) == (80, 40, 16, 32)


def test_the_document_names_all_that_the_header_has() -> None:
    header = (ROOT / "pyx/ironcore/include/ironpit_core.h").read_text()
    text = (ROOT / "docs/EMBEDDING.md").read_text()
    functions = re.findall(r"\(\*(\w+)\)\(", header)
    assert functions == [field[0] for field in Api._fields_[4:]]
    rows = re.findall(r"^\| `(\w+)\(.*?\)` \|", text, re.MULTILINE)
    assert rows == functions
    listed = header[header.index("enum ironpit_status {") :].partition("};")[0]
    statuses = re.findall(r"(IRONPIT_\w+) = (\d+)", listed)
    assert re.findall(r"^\| `(IRONPIT_\w+)` (\d+) \|", text, re.MULTILINE) == statuses
    assert len(statuses) == 6
    for limit in LIMITS:
        assert f"| `{limit}` |" in text
    batch = header[
        header.index("struct ironpit_batch {") : header.index("IRONPIT_SIZE(ironpit_bat")
    ]
    for name in re.findall(r"(\w+);", re.sub(r"/\*.*?\*/", "", batch)):
        assert name == "reserved" or f"`{name}`" in text


def test_limits_out_of_range_make_no_core() -> None:
    c.set_errno(0)
    assert vtable().create(c.byref(Limits(0, 1, 1, 1))) is None
    assert c.get_errno() == errno.EINVAL
    vtable().destroy(None)


def test_one_command_at_a_time_tells_its_events() -> None:
    core = Core()
    assert core.apply(enter(1)) == (OK, [128, 133])
    assert core.apply(enter(1)) == (IGNORED, [])
    assert core.apply(b"\xff" * 32) == (MALFORMED, [])
    assert core.drain(8) == []


@pytest.mark.parametrize("prefetch", [0, 1, 2])
def test_a_batch_that_fits_is_done_at_once(prefetch: int) -> None:
    batch = Submitted([enter(1), enter(1), enter(2, "B", 15)], 100, prefetch)
    assert batch.submit(Core()) == OK
    assert batch.batch.applied == 3
    assert list(batch.statuses) == [OK, IGNORED, OK]
    assert list(batch.counts) == [2, 0, 3]
    assert batch.taken() == [128, 133, 128, 130, 133]


def test_a_full_array_is_taken_and_the_batch_goes_on() -> None:
    core = Core()
    batch = Submitted([enter(number) for number in range(1, 6)], 3)
    found, rounds = [], 0
    while batch.submit(core) == FULL:
        found += batch.taken_with_orders()
        rounds += 1
    found += batch.taken_with_orders()
    assert found == [(type, order) for order in range(1, 6) for type in (128, 133)]
    assert rounds == 4
    assert list(batch.counts) == [2] * 5


def test_events_that_fit_no_array_are_drained_in_pieces() -> None:
    core = Core()
    for number in range(1, 21):
        core.apply(enter(number))
    batch = Submitted([enter(30, "B", 200), enter(31)], 4)
    assert batch.submit(core) == FULL
    assert batch.taken() == []
    assert batch.submit(core) == FULL
    assert core.drain(0) == []
    assert core.drain(1) == [128]
    assert batch.submit(core) == FULL
    other = Submitted([enter(40)], 4)
    assert other.submit(core) == FULL
    assert core.drain(7) == [130] * 7
    assert core.drain(100) == [130] * 13
    assert core.drain(100) == []
    assert batch.submit(core) == OK
    assert batch.taken() == [128, 133]
    assert (batch.batch.applied, list(batch.statuses)) == (2, [OK, OK])


def test_another_batch_waits_for_the_events_of_the_one_before() -> None:
    core = Core()
    first, second = Submitted([enter(1)], 0), Submitted([enter(2)], 4)
    assert first.submit(core) == FULL
    assert second.submit(core) == FULL
    assert core.drain(2) == [128, 133]
    assert second.submit(core) == OK


def test_one_command_too_waits_for_the_events_of_a_batch() -> None:
    core = Core()
    batch = Submitted([enter(1)], 1)
    assert batch.submit(core) == FULL
    for _ in range(2):
        assert core.apply(enter(2)) == (FULL, [])
    assert core.drain(1) == [128]
    assert core.apply(enter(2)) == (FULL, [])
    assert core.drain(9) == [133]
    assert core.apply(enter(2)) == (OK, [128, 133])
    assert batch.submit(core) == OK


def test_a_side_that_is_none_is_refused() -> None:
    core = Core()
    core.apply(enter(1))
    level = Level()
    for side in (0, ord("b"), ord("T"), ord("Z")):
        c.set_errno(0)
        assert core.api.depth(core.handle, 0, side, c.byref(level), 1) == 0
        assert c.get_errno() == errno.EINVAL
        assert core.api.level(core.handle, 0, side, 50_000, c.byref(level)) == MALFORMED


def test_levels_and_orders_are_found() -> None:
    core = Core()
    for number, price in enumerate((50_100, 50_000, 50_000, 50_300), 1):
        core.apply(enter(number, quantity=number, price=price))
    core.apply(enter(5, "B", 1, 50_000))
    levels = (Level * 4)()
    assert core.api.depth(core.handle, 0, ord("S"), levels, 2) == 2
    found = [(level.price, level.orders, level.quantity) for level in levels[:2]]
    assert found == [(50_000, 2, 4), (50_100, 1, 1)]
    assert core.api.depth(core.handle, 0, ord("B"), levels, 4) == 0
    assert core.api.depth(core.handle, 9, ord("B"), levels, 4) == 0
    level = levels[3]
    assert core.api.level(core.handle, 0, ord("S"), 50_300, level) == OK
    assert (level.price, level.orders, level.quantity) == (50_300, 1, 4)
    for instrument, side, price in ((0, "S", 50_200), (0, "S", 49_900), (0, "S", 60_000),
                                       (0, "B", 50_300), (7, "S", 50_300)):  # fmt: skip
        assert core.api.level(core.handle, instrument, ord(side), price, level) == EMPTY
    order = Order()
    assert core.api.order(core.handle, 1, 2, c.byref(order)) == OK
    assert (order.order_ref, order.slot, order.instrument) == (2, 1 << 8 | 2, 0)
    assert (order.displayed, order.open, order.executed) == (1, 1, 1)
    assert (order.price, order.side, order.place) == (50_000, ord("S"), 0)
    for session, user_ref in ((1, 5), (1, 256), (0, 2), (2, 1), (9, 1)):
        assert core.api.order(core.handle, session, user_ref, c.byref(order)) == EMPTY


def test_a_state_is_saved_and_loaded() -> None:
    core = Core()
    core.apply(enter(1))
    needed = core.api.save(core.handle, None, 0)
    saved = c.create_string_buffer(needed)
    assert core.api.save(core.handle, saved, needed) == needed
    other = Core(core.api.load(saved, needed))
    del core
    assert other.apply(enter(2, "B")) == (OK, [128, 130])
    c.set_errno(0)
    assert other.api.load(saved, needed - 1) is None
    assert c.get_errno() == errno.EINVAL
