"""Goal: `bench match` measures what it says: the same commands every time, most of them acted on.

Method: small workloads; what they cause is compared with the model. No figure is judged.
"""

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.model import records as r
from tests.model.engine_model import EngineModel
from tests.unit.book.test_book_itch_books import stream

from ironcore.bench.books import BookLoops
from ironcore.bench.match import FLOOR, ONE_AT_A_TIME, QUEUED, Loops, outcome
from ironcore.bench.match_workloads import Workload, from_operations
from ironcore.engine.matching_engine import record_offsets
from ironcore.market_data.itch_books import MarketBooks
from ironpit.bench.match import Plan, run, text_of
from ironpit.bench.rounds import PERCENTILES, percentiles, take_turns
from ironpit.common.errors import UserError
from ironpit.flow import generate


def generated(messages: int, seed: int) -> Workload:
    flow = generate(3, messages, seed)
    return from_operations("a flow", flow.operations, 3, flow.tick_sizes(), messages)


def records_of(workload: Workload) -> list[bytes]:
    data = workload.records.tobytes()
    offsets = record_offsets(data).tolist()
    return [data[at:end] for at, end in pairwise(offsets)]


def run_model(workload: Workload) -> tuple[list[int], bytes]:
    model = EngineModel(r.Limits(**workload.limits))
    outcomes = [model.apply(record) for record in records_of(workload)]
    return [status for status, _ in outcomes], b"".join(e for _, events in outcomes for e in events)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_measured_core_does_what_the_model_does(seed: int) -> None:
    workload = generated(4000, seed)
    _, expected = run_model(workload)
    caused = outcome(workload)
    assert caused["events_digest"] == hashlib.sha256(expected).hexdigest()
    loops = Loops(workload)
    assert loops.messages == 4000
    events = {
        loops.run(way, timed).events for way in (QUEUED, ONE_AT_A_TIME) for timed in (False, True)
    }
    assert events == {caused["events"]}


def test_an_opening_is_applied_and_neither_measured_nor_counted() -> None:
    flow = generate(3, 2000, 1)
    venue = len(records_of(generated(2000, 1))) - 2000
    workload = from_operations("a flow", flow.operations, 3, flow.tick_sizes(), 2000, opening=600)
    assert workload.opening == venue + 600
    loops = Loops(workload)
    assert loops.messages == 1400
    assert loops.run(QUEUED).events == outcome(workload)["events"]
    assert outcome(workload)["events_digest"] == outcome(generated(2000, 1))["events_digest"]


def test_the_rounds_of_all_ways_are_counted_and_ranked() -> None:
    loops = Loops(generated(2000, 1))
    (series,) = take_turns([(loops, (FLOOR, QUEUED, ONE_AT_A_TIME))], loops.messages, 3)
    assert not isinstance(series, str)
    for name in (FLOOR, QUEUED, ONE_AT_A_TIME):
        rate = series[name].report()
        assert len(series[name].elapsed_ns) == 3
        assert 0 < rate["ns_per_message_min"] <= rate["ns_per_message"]
        assert rate["ns_per_message"] <= rate["ns_per_message_max"]
    for name in (QUEUED, ONE_AT_A_TIME):
        latencies = series[name].latencies
        assert latencies is not None
        assert latencies.sum() == 3 * 2000
        ranks = [series[name].report()["latency_ns"][percentile] for percentile in PERCENTILES]
        assert ranks == sorted(ranks)


def test_percentiles_are_those_of_the_counts() -> None:
    counts = np.zeros(1 << 16, np.int64)
    counts[40], counts[70], counts[900] = 990, 9, 1
    assert percentiles(counts) == {"p50": 40, "p90": 40, "p99": 40, "p99_9": 70, "p99_99": 900}


def test_every_operation_of_a_flow_becomes_its_record() -> None:
    flow = generate(3, 1000, 5)
    workload = from_operations("a flow", flow.operations, 3, [100], 1000)
    types = {ord("O"): r.ENTER_ORDER, ord("U"): r.REPLACE_ORDER, ord("X"): r.CANCEL_ORDER}
    for operation, record in zip(
        flow.operations, records_of(workload)[workload.opening :], strict=True
    ):
        kind, _, size, session, _, _, user_ref, instrument, *_ = r.HEADER.unpack_from(record)
        assert (kind, size) == (types[int(operation["kind"])], len(record))
        assert (session, user_ref) == (operation["session"] + 1, operation["user_ref"])
        assert instrument == operation["symbol"]
        assert int.from_bytes(record[40:44], "little") == operation["quantity"]


def test_nearly_every_message_of_a_generated_flow_does_something() -> None:
    statuses, events = run_model(generated(5000, 1))
    caused = [events[at] for at in range(0, len(events), 32)]
    assert r.MALFORMED not in statuses
    assert statuses.count(r.IGNORED) < 0.3 * len(statuses)
    assert r.REJECTED not in caused
    assert caused.count(r.EXECUTED) > 0.05 * len(statuses)


def test_the_command_reports_each_workload() -> None:
    report = run(Plan(messages=2000, rounds=1, workloads="routine,many2000"))
    found = report["workloads"]
    assert [one["workload"] for one in found] == ["routine", "many2000"]
    assert [one["instruments"] for one in found] == [1, 2000]
    for one in found:
        assert one["messages"] == 2000
        for text in ("one at a time", "queued", "floor", one["events_digest"][:16]):
            assert text in text_of(report)
        for way in ("queued", "one_at_a_time"):
            assert set(one[way]) >= {"messages_per_s", "memory_bytes", "ratio_to_floor"}


def test_the_same_seed_gives_the_same_digest_in_every_run() -> None:
    plan = Plan(messages=1500, rounds=1, workloads="crash60")
    digests = {run(plan)["workloads"][0]["events_digest"] for _ in range(2)}
    assert len(digests) == 1


@pytest.mark.parametrize("names", ["nothing", "itch-orders"])
def test_a_workload_that_is_not_there_is_named(names: str) -> None:
    with pytest.raises(UserError, match=names):
        run(Plan(messages=1000, workloads=names))


def test_book_building_is_measured_over_every_message_and_its_books_are_digested() -> None:
    messages = stream(3, 1500)
    data = b"".join(len(message).to_bytes(2, "big") + message for message in messages)
    loops = BookLoops(data)
    books = MarketBooks(4096, 1 << 16)
    assert loops.messages == books.apply_file(data)
    digest = hashlib.sha256()
    for locate in range(1000):
        for side in ("B", "S"):
            digest.update(books.orders(locate, side).tobytes() + b"/")
    caused = loops.outcome()
    assert caused["events_digest"] == digest.hexdigest()
    assert caused["orders_live_end"] == books.counts()["orders"]
    for way in (FLOOR, QUEUED, ONE_AT_A_TIME):
        assert loops.run(way).elapsed_ns > 0
    latencies = loops.run(ONE_AT_A_TIME, timed=True).latencies
    assert latencies is not None
    assert latencies.sum() == len(messages)


def test_a_file_is_replayed_as_orders_and_as_books(tmp_path: Path) -> None:
    messages = stream(3, 1500)
    file = tmp_path / "day.itch"
    file.write_bytes(b"".join(len(one).to_bytes(2, "big") + one for one in messages))
    names = "itch-orders,itch-books"
    orders, books = run(Plan(rounds=1, workloads=names, orders=str(file)))["workloads"]
    assert (orders["workload"], books["workload"]) == (
        "itch-orders day.itch",
        "itch-books day.itch",
    )
    assert books["messages"] == len(messages)
    file.write_bytes(b"no messages")
    with pytest.raises(UserError, match=r"--orders: found .*day\.itch: .* an ITCH 5.0 file"):
        run(Plan(rounds=1, workloads="itch-books", orders=str(file)))
