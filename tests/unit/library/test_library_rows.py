"""Goal: a row becomes the record that says the same, and nothing that a row cannot say is lost.

Method: rows from the readable constructors against records packed by hand in tests/model/records.py
and by the project's own encoder; options against the record's decoder.
"""

from typing import Any

import numpy as np
import pytest

from ironcore.library.command_rows import COMMAND_DTYPE, NAMES, rows_to_records
from ironcore.wire import record
from ironpit.library import commands
from ironpit.library.arguments import codes
from ironpit.library.codes import MARKET_PRICE

ORDER: dict[str, Any] = {"session": 2, "user_ref": 7, "instrument": 3, "side": "B", "quantity": 100}


def decoded(rows: Any) -> dict[str, Any]:
    """The one record that the rows become."""
    (found,) = record.decode_frame(rows_to_records(rows))
    return dict(found)


def options_of(rows: Any) -> dict[str, Any]:
    """By name, as the record has them."""
    return dict(decoded(rows)["options"])


def test_a_plain_order_is_the_record_that_the_encoder_makes() -> None:
    row = commands.enter(**ORDER, price=1_000_000, time_in_force="3", display="N")
    assert rows_to_records(row) == record.encode(
        "EnterOrder", session=2, user_ref=7, instrument=3, side="B", quantity=100,
        price=1_000_000, time_in_force="3", display="N", cross_type="N", capacity="P", iso="N",
    )  # fmt: skip


def test_an_order_without_a_price_is_a_market_order() -> None:
    assert decoded(commands.enter(**ORDER))["price"] == MARKET_PRICE


def test_a_plain_replacement_is_the_record_that_the_encoder_makes() -> None:
    fields = {**REPLACEMENT, "orig_user_ref": 4, "user_ref": 9}
    row = commands.replace(**{**fields, "quantity": 50, "price": 20_000})
    assert rows_to_records(row) == record.encode(
        "ReplaceOrder", session=1, orig_user_ref=4, user_ref=9, quantity=50, price=20_000,
        time_in_force="0", display="Y", iso="N", instrument=0xFFFFFFFF,
    )  # fmt: skip


OPTIONS: dict[str, Any] = {
    "min_quantity": 200,
    "max_floor": 300,
    "price_type": "M",
    "peg_offset": -100,
    "post_only": "P",
    "random_reserves": 5,
    "expire_second": 3600,
    "group": 513,
    "stop_price": 990_000,
    "trail_offset": 500,
    "oco_ref": 6,
    "stp_mode": "D",
    "reserve_seed": (1 << 64) - 2,
    "new_side": "T",
}
REPLACEMENT: dict[str, Any] = {
    "session": 1, "orig_user_ref": 1, "user_ref": 2, "quantity": 1, "price": 1,
    "display": "Y", "time_in_force": "0",
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("kind", ["enter", "replace"])
def test_each_option_alone_is_the_only_one_named(name: str, kind: str) -> None:
    value = OPTIONS[name]
    if kind == "enter":
        row = commands.enter(**ORDER, **{name: value})
    else:
        row = commands.replace(**REPLACEMENT, **{name: value})
    assert options_of(row) == {name: value}


def test_all_options_together_are_the_record_that_the_encoder_makes() -> None:
    assert set(OPTIONS) == set(NAMES)
    row = commands.enter(**ORDER, **OPTIONS, price=1)
    assert rows_to_records(row) == record.encode(
        "EnterOrder", session=2, user_ref=7, instrument=3, side="B", quantity=100, price=1,
        time_in_force="0", display="Y", cross_type="N", capacity="P", iso="N", options=OPTIONS,
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_an_option_of_0_is_said_where_it_is_named(name: str) -> None:
    row = commands.replace(**REPLACEMENT, named=commands.named(name))
    (value,) = options_of(row).values()
    assert value in (0, "")


@pytest.mark.parametrize(
    ("row", "kind", "expected"),
    [
        (commands.cancel(session=1, user_ref=5, quantity=3, reason="S"), "CancelOrder",
         {"user_ref": 5, "quantity": 3, "reason": "S"}),
        (commands.modify(session=1, user_ref=5, quantity=3, side="T"), "ModifyOrder",
         {"quantity": 3, "side": "T"}),
        (commands.mass_cancel(session=1), "MassCancel",
         {"scope": 0, "symbol_given": 0, "side_given": 0, "group_given": 0}),
        (commands.mass_cancel(session=1, firm=True, instrument=4, side="B", group=9), "MassCancel",
         {"scope": 1, "symbol_given": 1, "instrument": 4, "side_given": 1, "side": "B",
          "group_given": 1, "group": 9}),
        (commands.cancel_session(session=3), "CancelSession", {"session": 3}),
        (commands.order_entry(session=3, enabled=False), "DisableOrderEntry", {"session": 3}),
        (commands.order_entry(session=3, enabled=True), "EnableOrderEntry", {"session": 3}),
        (commands.account_query(session=3), "AccountQuery", {"session": 3}),
        (commands.set_state(instrument=2, state="H", reason="T1", force=True), "SetState",
         {"instrument": 2, "state": "H", "reason": "T1", "force": 1}),
        (commands.clock(second=34_200), "Clock", {"second": 34_200}),
        (commands.clock(second=34_200, force=True), "Clock", {"second": 34_200, "force": 1}),
        (commands.clock(second=34_200, draw=65_535), "Clock", {"second": 34_200, "draw": 65_535}),
        (commands.system_event(event_code="Q"), "SystemEvent", {"event_code": "Q"}),
        (commands.retire(instrument=2), "RetireInstrument", {"instrument": 2}),
    ],
)  # fmt: skip
def test_the_short_commands_say_what_they_were_given(
    row: Any, kind: str, expected: dict[str, Any]
) -> None:
    found = decoded(row)
    assert found["kind"] == kind
    assert {name: found[name] for name in expected} == expected


def test_a_record_says_nothing_of_the_rows_before_it() -> None:
    every = [
        commands.enter(**ORDER, **OPTIONS),
        commands.enter(**ORDER),
        commands.replace(**REPLACEMENT, new_side="T", group=7),
        commands.replace(**REPLACEMENT),
        commands.mass_cancel(session=1, firm=True, instrument=4, side="B", group=9),
        commands.cancel(session=1, user_ref=5),
        commands.set_state(instrument=2, state="H", reason="T1", force=True),
        commands.clock(second=1),
        commands.system_event(event_code="Q"),
        np.zeros(1, COMMAND_DTYPE),
        commands.retire(instrument=2),
        commands.cancel(session=1, user_ref=5),
    ]
    for rows in (every, every[::-1]):
        assert rows_to_records(np.concatenate(rows)) == b"".join(map(rows_to_records, rows))


def test_arguments_are_broadcast_and_characters_come_in_every_form() -> None:
    sides = np.array(["B", "S", "B"])
    rows = commands.enter(
        session=1, user_ref=np.arange(1, 4), instrument=0, side=sides, quantity=10, price=100
    )
    assert rows.dtype == COMMAND_DTYPE
    assert rows["user_ref"].tolist() == [1, 2, 3]
    assert rows["side"].tobytes() == b"BSB"
    assert codes("side", np.array([b"B", b"S"])).tolist() == [66, 83]
    assert codes("side", np.array([66], np.uint8)).tolist() == [66]
    assert codes("side", ["B", "S"]).tolist() == [66, 83]
    assert codes("side", np.array(["B", "S"], "U9")).tolist() == [66, 83]
    assert codes("side", np.array([["B"], ["S"]])).tolist() == [[66], [83]]
    assert codes("side", np.array(["B", "S"], ">U1")).tolist() == [66, 83]
    assert codes("side", np.array(["B", "S"], "<U1")).tolist() == [66, 83]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("quantity", -1, "quantity: found -1, expected 0 to 4294967295"),
        ("price", 1 << 31, "price: found 2147483648"),
        ("side", "BUY", "side: found 'BUY', expected one character"),
        ("side", ["BUY", "SELL"], "side: found 'BUY', expected one character"),
        ("side", np.array(["B", "SELL"]), "side: found 'SELL', expected one character"),
        ("side", np.array([b"B", b"SELL"]), "side: found b'SELL', expected one character"),
        ("side", "", "side: found '', expected one character"),
        ("side", "ß", "side: found 'ß', expected one character"),
        ("user_ref", np.array([[1], [2]]), "2 dimensions"),
    ],
)
def test_a_value_that_its_field_cannot_hold_is_named(field: str, value: Any, said: str) -> None:
    fields: dict[str, Any] = {**ORDER, "price": 100, field: value}
    with pytest.raises(ValueError, match=said):
        commands.enter(**fields)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("price", 100.5, "price: found values of type float64, expected integers"),
        ("quantity", True, "quantity: found values of type bool, expected integers"),
        ("quantity", np.array([True, False]), "quantity: found values of type bool"),
        ("quantity", "5", "quantity: found values of type <U1, expected integers"),
        ("side", False, "side: found values of type bool, expected integers"),
        ("user_ref", np.ma.array([1, 2], mask=[False, True]), "user_ref: found a masked array"),
        ("side", np.ma.array(["B"], mask=[False]), "side: found a masked array"),
    ],
)
def test_a_value_of_another_type_is_named(field: str, value: Any, said: str) -> None:
    fields: dict[str, Any] = {**ORDER, "price": 100, field: value}
    with pytest.raises(TypeError, match=f"^{said}"):
        commands.enter(**fields)


def test_arrays_of_different_lengths_and_shapes_are_named() -> None:
    fields: dict[str, Any] = {**ORDER, "user_ref": [7]}
    with pytest.raises(ValueError, match="lengths, quantity of 3, price of 2; expected one"):
        commands.enter(**{**fields, "quantity": [1, 2, 3], "price": [1, 2]})
    with pytest.raises(ValueError, match="lengths, quantity of 0, price of 2; expected one"):
        commands.enter(**{**fields, "quantity": [], "price": [1, 2]})
    with pytest.raises(
        ValueError, match=r"^quantity: found \[\[1\], \[2, 3\]\], expected one value"
    ):
        commands.enter(**{**fields, "quantity": [[1], [2, 3]]})
    assert len(commands.enter(**{**fields, "quantity": [], "price": 1})) == 0
    assert len(commands.enter(**{**fields, "quantity": [4, 5], "price": [1]})) == 2


@pytest.mark.parametrize("wrong", ["no", 1, None, [True, False], np.array([True])])
def test_a_switch_is_true_or_false(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^firm: found .*, expected True or False"):
        commands.mass_cancel(session=1, firm=wrong)
    with pytest.raises(TypeError, match=r"^enabled: found .*, expected True or False"):
        commands.order_entry(session=1, enabled=wrong)
    with pytest.raises(TypeError, match=r"^force: found .*, expected True or False"):
        commands.set_state(instrument=0, state="T", force=wrong)
    numpys: Any = np.bool_(True)
    assert commands.mass_cancel(session=1, firm=numpys)["scope"].tolist() == [1]


def test_a_replacement_says_how_it_is_displayed_and_how_long_it_is_good() -> None:
    for name in ("display", "time_in_force"):
        fields = {key: value for key, value in REPLACEMENT.items() if key != name}
        with pytest.raises(TypeError, match=name):
            commands.replace(**fields)


@pytest.mark.parametrize("reason", ["HALT1", b"HALT1", ["T1", "HALT1"], np.array(["HALT1"])])
def test_a_reason_that_its_field_would_cut_is_refused(reason: Any) -> None:
    with pytest.raises(ValueError, match=r"^reason: found 'HALT1', expected 0 to 4 printable"):
        commands.set_state(instrument=0, state="H", reason=reason)
    with pytest.raises(TypeError, match=r"^reason: found 7, expected texts"):
        commands.set_state(instrument=0, state="H", reason=7)  # type: ignore[arg-type]


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(TypeError, match="'iceberg'"):
        commands.enter(**ORDER, iceberg=1)
    with pytest.raises(ValueError, match="'iceberg'"):
        commands.named("iceberg")
