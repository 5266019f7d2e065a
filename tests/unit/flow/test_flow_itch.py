"""Goal: market data becomes the order flow that must have caused it, by the documented rules.

Method: files of a few messages, and the real file where it is present.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ironcore.wire import itch50, itch_file
from ironpit.common.decimals import PRICE_MAX
from ironpit.flow import Flow, FlowError, from_itch

REAL_FILE = Path(__file__).parents[4] / "shared" / "data" / "orders" / "bitstamp-2015-05-01.itch"


def message(kind: str, **fields: Any) -> bytes:
    common = {"stock_locate": 1, "tracking_number": 0, "timestamp": 1000}
    return itch50.encode(kind, **{**common, **fields})


def add(ref: int, side: str = "B", shares: int = 100, price: int = 10_000) -> bytes:
    return message("AddOrder", order_ref=ref, side=side, shares=shares, stock="BTCUSD", price=price)


def flow_of(tmp_path: Path, messages: list[bytes], sessions: int = 2) -> Flow:
    file = tmp_path / "day.itch"
    file.write_bytes(b"".join(itch_file.frame(m) for m in messages))
    return from_itch(file, sessions)


def rows(flow: Flow) -> list[tuple[Any, ...]]:
    """kind, session, user_ref, orig_user_ref, side, quantity, price, time in force."""
    names = ["kind", "session", "user_ref", "orig_user_ref", "side", "quantity", "price"]
    return [
        (
            *(chr(o[n]) if n in ("kind", "side") else int(o[n]) for n in names),
            chr(o["time_in_force"]),
        )
        for o in flow.operations
    ]


def test_added_orders_are_dealt_to_the_sessions_in_turn(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, [add(7), add(8, "S", 50, 10_100), add(9)])
    assert rows(flow) == [
        ("O", 0, 1, 0, "B", 100, 10_000, "0"),
        ("O", 1, 1, 0, "S", 50, 10_100, "0"),
        ("O", 0, 2, 0, "B", 100, 10_000, "0"),
    ]
    assert flow.symbols == ("BTCUSD",)


def test_a_deletion_cancels_all_and_a_reduction_names_the_intended_total(tmp_path: Path) -> None:
    reduce = message("OrderCancel", order_ref=7, cancelled_shares=30)
    flow = flow_of(tmp_path, [add(7), reduce, reduce, message("OrderDelete", order_ref=7)])
    assert [r[:6] for r in rows(flow)[1:]] == [
        ("X", 0, 1, 0, "\0", 70),
        ("X", 0, 1, 0, "\0", 40),
        ("X", 0, 1, 0, "\0", 0),
    ]


def test_an_execution_is_an_immediate_order_of_another_session_on_the_other_side(
    tmp_path: Path,
) -> None:
    execution = message("OrderExecuted", order_ref=7, executed_shares=40, match_number=1)
    priced = message(
        "OrderExecutedWithPrice",
        order_ref=7,
        executed_shares=60,
        match_number=2,
        printable="Y",
        execution_price=9_900,
    )
    gone = message("OrderDelete", order_ref=7)
    flow = flow_of(tmp_path, [add(7), execution, priced, gone])
    assert rows(flow)[1:] == [
        ("O", 1, 1, 0, "S", 40, 10_000, "3"),
        ("O", 1, 2, 0, "S", 60, 10_000, "3"),
    ]
    assert flow.skipped == {"messages about orders that the file did not add": 1}


def test_with_one_session_an_execution_comes_from_the_same(tmp_path: Path) -> None:
    execution = message("OrderExecuted", order_ref=7, executed_shares=40, match_number=1)
    assert [r[1] for r in rows(flow_of(tmp_path, [add(7), execution], sessions=1))] == [0, 0]


def test_a_replacement_asks_for_what_was_executed_and_what_shall_be_open(tmp_path: Path) -> None:
    execution = message("OrderExecuted", order_ref=7, executed_shares=40, match_number=1)
    replace = message(
        "OrderReplace", original_order_ref=7, new_order_ref=8, shares=500, price=10_200
    )
    reduce = message("OrderCancel", order_ref=8, cancelled_shares=100)
    flow = flow_of(tmp_path, [add(7), execution, replace, reduce])
    assert rows(flow)[2:] == [
        ("U", 0, 2, 1, "B", 540, 10_200, "0"),
        ("X", 0, 2, 0, "\0", 440, 0, "\0"),
    ]


def test_a_large_order_is_several_and_is_reduced_from_the_last(tmp_path: Path) -> None:
    reduce = message("OrderCancel", order_ref=7, cancelled_shares=500_005)
    flow = flow_of(tmp_path, [add(7, shares=2_000_000), reduce], sessions=1)
    assert [(r[0], r[2], r[5]) for r in rows(flow)] == [
        ("O", 1, 999_999),
        ("O", 2, 999_999),
        ("O", 3, 2),
        ("X", 3, 0),
        ("X", 2, 499_996),
    ]


def test_a_large_order_is_replaced_in_its_first_part_and_entered_anew_for_the_rest(
    tmp_path: Path,
) -> None:
    replace = message(
        "OrderReplace", original_order_ref=7, new_order_ref=8, shares=1_000_009, price=10_200
    )
    flow = flow_of(tmp_path, [add(7, shares=1_500_000), replace], sessions=1)
    assert [r[:4] + r[5:6] for r in rows(flow)[2:]] == [
        ("U", 0, 3, 1, 999_999),
        ("X", 0, 2, 0, 0),
        ("O", 0, 4, 0, 10),
    ]


def test_a_price_that_ouch_cannot_carry_is_left_out_with_its_order(tmp_path: Path) -> None:
    flow = flow_of(
        tmp_path, [add(7, price=PRICE_MAX + 1), add(8), message("OrderDelete", order_ref=7)]
    )
    assert [r[0] for r in rows(flow)] == ["O"]
    assert sum(flow.skipped.values()) == 2


def test_times_count_from_the_first_order_and_never_go_back(tmp_path: Path) -> None:
    early = message("OrderDelete", order_ref=7, timestamp=900)
    late = message("OrderDelete", order_ref=8, timestamp=2500)
    flow = flow_of(tmp_path, [add(7), add(8), early, late])
    assert flow.operations["time_ns"].tolist() == [0, 0, 0, 1500]


def test_a_file_that_is_no_itch_is_refused_by_name_and_offset(tmp_path: Path) -> None:
    file = tmp_path / "day.itch"
    file.write_bytes(itch_file.frame(add(7))[:-1])
    with pytest.raises(FlowError, match=r"day\.itch: .*offset"):
        from_itch(file, 1)


@pytest.mark.needs_data("../shared/data/orders/bitstamp-2015-05-01.itch")
def test_the_real_file_becomes_a_flow_with_dense_references_and_no_loss() -> None:
    flow = from_itch(REAL_FILE, 4)
    operations = flow.operations
    kinds = Counter(map(chr, operations["kind"]))
    # 24,894 additions of which 18 are over OUCH's limit (two more pieces or three), 1,124
    # executions, 24,153 deletions.
    assert kinds["O"] - 24_894 - 1_124 == kinds["X"] - 24_153
    assert flow.skipped == {"messages that are not about orders": 5}
    for session in range(4):
        own = operations[(operations["session"] == session) & (operations["kind"] == ord("O"))]
        assert own["user_ref"].tolist() == list(range(1, len(own) + 1))
    assert flow.tick_sizes()[0] == 100
    assert (from_itch(REAL_FILE, 4).operations == operations).all()
