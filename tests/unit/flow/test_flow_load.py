"""Goal: the load generator sends a flow as it is, and accounts for every acknowledgement.

Method: flows of a few operations against a venue of the test that answers rightly and wrongly.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.unit.flow.stub_venue import (
    StubVenue,
    accepted,
    canceled,
    executed,
    rejected,
    usual,
)

from ironcore.base.histogram import LatencyHistogram
from ironcore.client.load import Load
from ironpit.client import LoginError, connect_blocking
from ironpit.client.soup import enter_blocking
from ironpit.flow.operations import BUY, SELL, Flow, Writer

TIMEOUT_S = 20.0

Answers = Callable[[dict[str, Any]], list[bytes] | None]


def enters(count: int, sessions: int = 1) -> Flow:
    writer = Writer(sessions)
    symbol = writer.symbol("BTCUSD")
    for i in range(count):
        writer.enter(i * 1000, i % sessions, symbol, BUY if i % 2 else SELL, 100 + i, 2_350_000 + i)
    return writer.flow({})


def run(
    flow: Flow,
    answer: Answers = usual,
    due_ns: npt.NDArray[np.uint64] | None = None,
    window: int = 16,
) -> tuple[Load, LatencyHistogram, StubVenue]:
    histogram = LatencyHistogram()
    with StubVenue(answer) as venue:
        sockets = [
            connect_blocking(("127.0.0.1", venue.port), f"USER{i}", "secret")[0]
            for i in range(flow.sessions_count)
        ]
        try:
            load = Load(
                [s.fileno() for s in sockets],
                list(flow.symbols),
                flow.operations,
                due_ns,
                histogram,
                window=window,
            )
            deadline_s = time.monotonic() + TIMEOUT_S
            while not load.run(10_000_000):
                assert time.monotonic() < deadline_s
        finally:
            for s in sockets:
                s.close()
    return load, histogram, venue


@pytest.mark.parametrize("sessions", [1, 3])
@pytest.mark.parametrize("scheduled", [False, True])
def test_every_order_is_sent_as_it_is_and_acknowledged_once(sessions: int, scheduled: bool) -> None:
    flow = enters(200, sessions)
    due_ns = np.arange(200, dtype=np.uint64) * 20_000 if scheduled else None
    load, histogram, venue = run(flow, due_ns=due_ns)
    counts = load.counts()
    assert (counts["sent"], counts["acknowledged"], load.sent) == (200, 200, 200)
    assert counts["duplicates"] == counts["missing"] == counts["malformed"] == 0
    assert histogram.count == 200
    orders = [m for m in venue.received if m["kind"] == "EnterOrder"]
    assert sorted((m["quantity"], m["price"], m["side"]) for m in orders) == [
        (100 + i, 2_350_000 + i, "B" if i % 2 else "S") for i in range(200)
    ]
    assert {m["symbol"] for m in orders} == {"BTCUSD"}


def test_the_account_is_asked_for_twice_after_the_last_order() -> None:
    load, _, venue = run(enters(9, 3))
    kinds = [m["kind"] for m in venue.received]
    assert kinds.count("AccountQuery") == 6
    assert load.next_user_refs() == [4, 4, 4]


def test_a_second_acknowledgement_is_counted() -> None:
    load, _, _ = run(enters(10), lambda m: [accepted(m)] * (2 if m["user_ref_num"] == 5 else 1))
    counts = load.counts()
    assert (counts["acknowledged"], counts["duplicates"], counts["missing"]) == (10, 1, 0)


def test_an_acknowledgement_that_never_comes_is_counted() -> None:
    load, _, _ = run(enters(10), lambda m: [] if m["user_ref_num"] in (5, 10) else usual(m))
    counts = load.counts()
    assert (counts["acknowledged"], counts["missing"]) == (8, 2)
    assert [i for i, o in enumerate(load.orders(0)) if i and not o["acknowledgements"]] == [5, 10]


def test_a_rejection_acknowledges_its_order() -> None:
    load, _, _ = run(enters(10), lambda m: [rejected(m)])
    counts = load.counts()
    assert (counts["acknowledged"], counts["rejected"], counts["missing"]) == (10, 10, 0)
    assert not load.orders(0)["live"].any()


def test_an_answer_about_an_order_that_was_never_sent_is_counted() -> None:
    load, _, _ = run(enters(2), lambda m: [*usual(m), canceled(77, 1), canceled(3, 1)])
    assert load.counts()["unknown"] == 4


def replacement_flow() -> Flow:
    writer = Writer(1)
    symbol = writer.symbol("BTCUSD")
    first = writer.enter(0, 0, symbol, BUY, 100, 2_350_000)
    second = writer.replace(0, 0, symbol, BUY, first, 150, 2_350_100)
    writer.cancel(0, 0, symbol, second, 50)
    writer.enter(0, 0, symbol, BUY, 100, 2_350_000)
    return writer.flow({})


def test_a_replacement_is_acknowledged_by_its_new_reference() -> None:
    load, _, venue = run(replacement_flow())
    counts = load.counts()
    assert (counts["sent"], counts["acknowledged"], counts["canceled"]) == (3, 3, 1)
    assert load.orders(0)["live"].tolist() == [0, 0, 1, 1]
    assert load.orders(0)["open"].tolist() == [0, 0, 149, 100]
    message = next(m for m in venue.received if m["kind"] == "ReplaceOrder")
    assert (message["orig_user_ref_num"], message["user_ref_num"]) == (1, 2)
    assert (message["quantity"], message["price"]) == (150, 2_350_100)


def test_a_replacement_of_a_dead_order_may_stay_unanswered() -> None:
    def answer(message: dict[str, Any]) -> list[bytes]:
        if message["kind"] == "EnterOrder":
            return [accepted(message), executed(message["user_ref_num"], 100)]
        return []

    load, _, _ = run(replacement_flow(), answer)
    counts = load.counts()
    assert (counts["acknowledged"], counts["ignored"], counts["missing"]) == (2, 1, 0)
    assert (counts["executions"], counts["executed_quantity"]) == (2, 200)


def test_a_replacement_of_a_live_order_must_be_answered() -> None:
    def answer(message: dict[str, Any]) -> list[bytes]:
        return [accepted(message)] if message["kind"] == "EnterOrder" else []

    counts = run(replacement_flow(), answer)[0].counts()
    assert (counts["acknowledged"], counts["ignored"], counts["missing"]) == (2, 0, 1)


def test_a_lost_session_is_an_error_that_names_it() -> None:
    with pytest.raises(ConnectionError, match="session 0: closed by the venue"):
        run(enters(10), lambda m: None if m["user_ref_num"] == 5 else usual(m))


def test_latency_counts_from_the_intended_time_of_every_order_that_a_stall_delays() -> None:
    stall_s = 0.2

    def answer(message: dict[str, Any]) -> list[bytes]:
        if message["user_ref_num"] == 1:
            time.sleep(stall_s)
        return usual(message)

    # 100 orders are due in the first half of the stall: each waits for at least the other half.
    due_ns = np.arange(100, dtype=np.uint64) * 1_000_000
    _, histogram, _ = run(enters(100), answer, due_ns)
    assert histogram.min_ns >= 99_000_000
    assert histogram.max_ns >= 200_000_000


def test_a_wrong_password_is_refused_by_name() -> None:
    with StubVenue() as venue, pytest.raises(LoginError, match="login of USER1: wrong username"):
        connect_blocking(("127.0.0.1", venue.port), "USER1", "wrong")


def test_user_references_go_on_behind_those_of_earlier_runs() -> None:
    def answer(message: dict[str, Any]) -> list[bytes]:
        # What happens to an order of an earlier run is none of this one's business.
        return [executed(4, 1), *usual(message)]

    histogram = LatencyHistogram()
    with StubVenue(answer, first_user_ref=1001) as venue:
        connection, first = enter_blocking(("127.0.0.1", venue.port), "USER1", "secret")
        with connection:
            flow = replacement_flow()
            load = Load(
                [connection.fileno()],
                list(flow.symbols),
                flow.operations,
                None,
                histogram,
                first_user_refs=[first],
            )
            while not load.run(10_000_000):
                pass
    numbers = [m["user_ref_num"] for m in venue.received if "user_ref_num" in m]
    assert numbers == [1001, 1002, 1002, 1003]
    counts = load.counts()
    assert (counts["sent"], counts["acknowledged"], counts["unknown"]) == (3, 3, 0)
    assert (counts["others"], counts["missing"]) == (4, 0)
    assert load.next_user_refs() == [1004]


def test_operations_of_an_unknown_session_or_layout_are_refused() -> None:
    flow = enters(2, 2)
    with pytest.raises(ValueError, match="operation 1: found a session or a symbol that"):
        Load([0], ["BTCUSD"], flow.operations, None, LatencyHistogram())
    with pytest.raises(TypeError, match="found rows of"):
        Load([0], ["BTCUSD"], np.zeros(1, "u1"), None, LatencyHistogram())
