"""Goal: the project's records lie as docs/WIRE.md has them, and only sound frames are walked.

Method: the documented tables are compared with the numpy types, and frames are broken one by one.
"""

import re

import numpy as np
import pytest
from tests.unit.wire import spec

from ironcore.wire import record
from ironcore.wire.order_options import OPTIONS, OPTIONS_DTYPE, REFUSED

RECORDS = spec.section("Records")
COMMANDS = spec.rows(RECORDS, r"type \| command \| record \| bytes")
EVENTS = spec.rows(RECORDS, r"type \| event \| meaning")
WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "i32": 4, "u64": 8}


def documented(struct: str) -> dict[str, tuple[int, int]]:
    """Offset and width of each field in the documented table of one struct."""
    table = RECORDS[RECORDS.index(f"\n### {struct}, ") :].split("\n### ")[1]
    found = spec.rows(table, r"offset \| bytes \| field \| type \| meaning")
    fields = {name: (int(offset), int(width)) for offset, width, name, _, _ in found}
    unnamed = ("header", "reserved", "reserved_header")
    return {name: place for name, place in fields.items() if name not in unnamed}


def places(dtype: np.dtype[np.void]) -> dict[str, tuple[int, int]]:
    assert dtype.fields is not None
    return {name: (field[1], field[0].itemsize) for name, field in dtype.fields.items()}


def test_commands_lie_as_documented() -> None:
    header = documented("CommandHeader")
    dtypes = record.dtypes()
    assert len(COMMANDS) == 24
    for type_, kind, struct, size in COMMANDS:
        assert places(dtypes[kind]) == header | documented(struct), kind
        assert dtypes[kind].itemsize == int(size.rstrip("+")), kind
        encoded = record.encode(kind)
        assert (encoded[0], len(encoded)) == (int(type_), int(size.rstrip("+"))), kind


def test_events_lie_as_documented() -> None:
    dtypes = record.dtypes()
    assert len(dtypes) == len(COMMANDS) + len(EVENTS)
    for type_, kind, _ in EVENTS:
        assert places(dtypes[kind]) == documented("Event"), kind
        assert dtypes[kind].itemsize == 32, kind
        assert record.encode(kind)[0] == int(type_), kind


def test_documented_tables_leave_no_gap() -> None:
    for struct, size in re.findall(r"\n### (\w+), (\d+) bytes", RECORDS):
        table = RECORDS[RECORDS.index(f"\n### {struct}, ") :].split("\n### ")[1]
        at = 0
        for offset, width, name, type_, _ in spec.rows(
            table, r"offset \| bytes \| field \| type \| meaning"
        ):
            assert int(offset) == at, (struct, name)
            count = re.search(r"\[(\d+)\]", type_)
            if type_ not in ("text", "CommandHeader"):
                one = WIDTHS[type_.split("[")[0]]
                assert int(width) == one * int(count[1] if count else 1), (struct, name)
                assert at % one == 0, (struct, name)
            at += int(width)
        assert at == int(size), struct


def test_a_transaction_is_shown_as_dicts() -> None:
    command = record.encode(
        "EnterOrder",
        session=3,
        user_ref=7,
        quantity=100,
        price=-1,
        side="B",
        client_order_id="order-1",
        options={"min_quantity": 10, "new_side": "T"},
    )
    event = record.encode("Executed", flags=["last", "sell"], quantity=5, order_ref=9, other=2)
    assert len(command) == 136  # 80 and the block of options
    first, second = record.decode_frame(command + event)
    assert first["kind"] == "EnterOrder"
    assert (first["flags"], first["session"], first["side"]) == ([], 3, "B")
    assert (first["price"], first["time_in_force"]) == (-1, "")
    assert first["options"] == {"min_quantity": 10, "new_side": "T"}
    assert second == {
        "kind": "Executed",
        "flags": ["last", "sell"],
        "reason": "",
        "side": "",
        "quantity": 5,
        "order_ref": 9,
        "other": 2,
        "price": 0,
        "slot": 0,
    }


def test_numpy_reads_a_run_of_events() -> None:
    frame = record.encode("StreamStart") + b"".join(
        record.encode("Added", quantity=n, order_ref=1 << n, price=-n) for n in range(4)
    )
    events = np.frombuffer(frame, record.dtypes()["Added"], 4, 80)
    assert events["order_ref"].tolist() == [1, 2, 4, 8]
    assert events["price"].tolist() == [0, -1, -2, -3]


COMMAND = record.encode("CancelOrder", session=1)
EVENT = record.encode("Canceled")
LAST = record.encode("Canceled", flags=["last"])


def test_sound_frames() -> None:
    for frame in [COMMAND, COMMAND + EVENT, COMMAND + EVENT + LAST, EVENT * 40, EVENT + LAST]:
        assert record.check_frame(frame)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"", id="empty"),
        pytest.param(EVENT + COMMAND, id="command behind an event"),
        pytest.param(COMMAND + COMMAND, id="two commands"),
        pytest.param(LAST + EVENT, id="event behind the last"),
        pytest.param(record.encode("CancelOrder", flags=["last"]) + EVENT, id="behind a last one"),
        pytest.param(COMMAND + EVENT[:-1], id="truncated event"),
        pytest.param(COMMAND[:-1], id="truncated command"),
        pytest.param(COMMAND + b"\0", id="a byte too many"),
        pytest.param(EVENT * 41, id="over 1,280 bytes"),
    ],
)
def test_frames_that_are_not_sound(frame: bytes) -> None:
    assert not record.check_frame(frame)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({0: 0}, "type 0"),
        ({0: 10}, "another size"),
        ({0: 13}, "type 13"),
        ({0: 25}, "type 25"),
        ({0: 127}, "type 127"),
        ({0: 156}, "type 156"),
        ({0: 255}, "type 255"),
        ({2: 40}, "another size"),
        ({2: 80}, "a record that reaches over the end"),
        ({3: 4}, "another size"),
        ({0: 16, 2: 72}, "another size"),
        ({0: 19}, "another size"),
        ({0: 23}, "another size"),
    ],
)
def test_a_record_that_is_none_is_named(change: dict[int, int], complaint: str) -> None:
    broken = bytearray(COMMAND)
    for offset, value in change.items():
        broken[offset] = value
    with pytest.raises(ValueError, match=f"record 2 at offset 32: found {complaint}"):
        record.decode_frame(EVENT + broken)


@pytest.mark.parametrize("kind", ["EnterOrder", "ReplaceOrder"])
def test_options_are_there_whole_or_not_at_all(kind: str) -> None:
    whole = record.encode(kind, options={"max_floor": 10, "route": True})
    assert record.decode_frame(whole)[0]["options"] == {"max_floor": 10, "route": True}
    assert record.decode_frame(record.encode(kind))[0]["options"] == {}
    for said in [88, 128]:
        broken = bytearray(whole[:said])
        broken[2:4] = said.to_bytes(2, "little")
        with pytest.raises(ValueError, match="another size"):
            record.decode_frame(broken)
    with pytest.raises(ValueError, match=f"record {kind}: options: found option 'MaxFloor', exp"):
        record.encode(kind, options={"MaxFloor": 10})


def test_options_lie_as_documented() -> None:
    place = {name: (at, width) for name, (at, width) in documented("OrderOptions").items()}
    fields = places(OPTIONS_DTYPE)
    del fields["reserved"]
    assert fields == place
    bits = spec.rows(RECORDS, r"bit \| option \| in OUCH")
    assert [(int(bit), name, said.split(":")[0]) for bit, name, said in bits] == [
        (o.bit.bit_length() - 1, o.name, o.ouch) for o in (*OPTIONS, *REFUSED)
    ]


def test_an_option_has_the_tag_and_the_kind_of_the_documented_appendage() -> None:
    """A price's offset has the kind of a number there."""
    known = spec.options()
    for option in (*OPTIONS, *REFUSED):
        assert known[option.ouch] == (option.tag, option.bytes, option.kind), option


def test_a_field_that_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match="record EnterOrder: price: found 2147483648"):
        record.encode("EnterOrder", price=1 << 31)
    with pytest.raises(ValueError, match="record Added: flags: found 'first'"):
        record.encode("Added", flags=["first"])
    with pytest.raises(ValueError, match="record: kind: found 'Add', expected one of StreamStart"):
        record.encode("Add")
