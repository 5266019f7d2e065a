"""Goal: `bench match` measures what it says: the same commands every time, most of them acted on.

Method: small workloads; what they cause is compared with the model. No figure is judged.
"""

import hashlib
import struct
from itertools import pairwise

import numpy as np
import pytest
from tests.model import records as r
from tests.model.engine_model import EngineModel

from ironcore.book.matching_engine import MatchingEngine, record_offsets
from ironcore.runtime.bench_match import PERCENTILES, measure
from ironcore.runtime.match_workloads import Workload, itch_replay, liquid
from ironcore.wire import itch50


def records_of(workload: Workload) -> list[bytes]:
    data = workload.records.tobytes()
    offsets = record_offsets(data).tolist()
    return [data[at:end] for at, end in pairwise(offsets)]


def run_model(workload: Workload) -> tuple[list[int], bytes]:
    model = EngineModel(r.Limits(**workload.limits))
    outcomes = [model.apply(record) for record in records_of(workload)]
    return [status for status, _ in outcomes], b"".join(e for _, events in outcomes for e in events)


def itch_file(*messages: dict[str, int | str]) -> bytes:
    header: dict[str, int | str] = {"stock_locate": 1, "tracking_number": 0, "timestamp": 0}
    data = b""
    for fields in messages:
        kind = str(fields.pop("kind"))
        message = itch50.encode(kind, **header, **fields)
        data += struct.pack(">H", len(message)) + message
    return data


def test_a_liquid_workload_is_the_same_for_the_same_seed_only() -> None:
    first, again, other = liquid(3000, 1), liquid(3000, 1), liquid(3000, 2)
    assert np.array_equal(first.records, again.records)
    assert not np.array_equal(first.records, other.records)


def test_a_liquid_workload_has_the_mix_that_it_promises() -> None:
    workload = liquid(20_000, 1, lifetime_messages=200)
    kinds = np.array([record[0] for record in records_of(workload)[workload.opening :]])
    shares = np.bincount(kinds, minlength=32) / len(kinds)
    assert 0.45 < shares[r.ENTER_ORDER] < 0.60
    assert 0.02 < shares[r.REPLACE_ORDER] < 0.06
    assert 0.35 < shares[r.CANCEL_ORDER] < 0.50
    statuses, events = run_model(workload)
    assert r.MALFORMED not in statuses
    assert statuses.count(r.IGNORED) < 0.3 * len(statuses)
    caused = [events[at] for at in range(0, len(events), 32)]
    assert r.REJECTED not in caused
    assert caused.count(r.EXECUTED) > 0.1 * len(statuses)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_measured_core_does_what_the_model_does(seed: int) -> None:
    workload = liquid(4000, seed, lifetime_messages=100)
    _, expected = run_model(workload)
    result = measure(workload, repeats=1)
    assert result["events_digest"] == hashlib.sha256(expected).hexdigest()
    assert result["events"] == len(expected) // 32
    assert result["messages"] == 4000


def test_the_report_names_every_way_of_running_beside_its_floor() -> None:
    result = measure(liquid(2000, 1), repeats=2)
    for name in ("floor", "one_at_a_time", "queued"):
        rate = result[name]
        assert 0 < rate["ns_per_message_min"] <= rate["ns_per_message"]
        assert rate["ns_per_message"] <= rate["ns_per_message_max"]
    for name in ("one_at_a_time", "queued"):
        assert result[name]["ratio_to_floor"] > 0
        ranks = [result[name]["latency_ns"][percentile] for percentile in PERCENTILES]
        assert ranks == sorted(ranks)


def test_an_itch_file_becomes_the_orders_that_its_members_must_have_sent() -> None:
    add: dict[str, int | str] = {"kind": "AddOrder", "stock": "BENCH", "shares": 100}
    workload = itch_replay(
        "a file",
        itch_file(
            {**add, "order_ref": 4, "side": "B", "price": 10_000},
            {**add, "order_ref": 8, "side": "S", "price": 10_200},
            {**add, "order_ref": 12, "side": "B", "price": 9_900},
            {"kind": "OrderExecuted", "order_ref": 4, "executed_shares": 30, "match_number": 1},
            {"kind": "OrderCancel", "order_ref": 4, "cancelled_shares": 20},
            {
                "kind": "OrderReplace",
                "original_order_ref": 4,
                "new_order_ref": 16,
                "shares": 60,
                "price": 10_100,
            },
            {"kind": "OrderDelete", "order_ref": 12},
        ),
    )
    core = MatchingEngine(**workload.limits)
    statuses, _, events = core.apply_batch(workload.records)
    assert set(statuses.tolist()) == {r.OK}
    assert events["type"].tolist()[workload.opening - 1 :] == [
        *[r.ACCEPTED, r.ADDED] * 3,
        r.ACCEPTED,
        r.EXECUTED,
        r.CANCELED,
        r.REPLACED,
        r.CANCELED,
    ]
    assert core.depth(0, "B").tolist() == [(10_100, 1, 60)]
    assert core.orders(0, "B")["executed"].tolist() == [30]
    assert core.depth(0, "S").tolist() == [(10_200, 1, 100)]
