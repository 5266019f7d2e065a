"""Goal: `bench match` measures what it says: the same commands every time, most of them acted on.

Method: small workloads; what they cause is compared with the model. No figure is judged.
"""

import hashlib
from itertools import pairwise

import pytest
from tests.model import records as r
from tests.model.engine_model import EngineModel

from ironcore.book.matching_engine import record_offsets
from ironcore.runtime.bench_match import PERCENTILES, measure
from ironcore.runtime.match_workloads import Workload, from_operations
from ironpit.bench.match import Plan, run, text_of
from ironpit.flow import generate


def generated(messages: int, seed: int) -> Workload:
    flow = generate(3, messages, seed)
    return from_operations("a flow", flow.operations, 3, [flow.tick_size_e4(0)])


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
    result = measure(workload, repeats=1)
    assert result["events_digest"] == hashlib.sha256(expected).hexdigest()
    assert result["events"] == len(expected) // 32
    assert result["messages"] == 4000


def test_the_report_names_every_way_of_running_beside_its_floor() -> None:
    result = measure(generated(2000, 1), repeats=2)
    for name in ("floor", "one_at_a_time", "queued"):
        rate = result[name]
        assert 0 < rate["ns_per_message_min"] <= rate["ns_per_message"]
        assert rate["ns_per_message"] <= rate["ns_per_message_max"]
    for name in ("one_at_a_time", "queued"):
        assert result[name]["ratio_to_floor"] > 0
        ranks = [result[name]["latency_ns"][percentile] for percentile in PERCENTILES]
        assert ranks == sorted(ranks)


def test_every_operation_of_a_flow_becomes_its_record() -> None:
    flow = generate(3, 1000, 5)
    workload = from_operations("a flow", flow.operations, 3, [100])
    types = {ord("O"): r.ENTER_ORDER, ord("U"): r.REPLACE_ORDER, ord("X"): r.CANCEL_ORDER}
    for operation, record in zip(
        flow.operations, records_of(workload)[workload.opening :], strict=True
    ):
        kind, _, size, session, _, _, user_ref, instrument = r.HEADER.unpack_from(record)
        assert (kind, size) == (types[int(operation["kind"])], len(record))
        assert (session, user_ref) == (operation["session"] + 1, operation["user_ref"])
        assert instrument == operation["symbol"]
        assert int.from_bytes(record[32:36], "little") == operation["quantity"]


def test_nearly_every_message_of_a_generated_flow_does_something() -> None:
    statuses, events = run_model(generated(5000, 1))
    caused = [events[at] for at in range(0, len(events), 32)]
    assert r.MALFORMED not in statuses
    assert statuses.count(r.IGNORED) < 0.3 * len(statuses)
    assert r.REJECTED not in caused
    assert caused.count(r.EXECUTED) > 0.05 * len(statuses)


def test_the_command_reports_each_workload() -> None:
    report = run(Plan(messages=2000, rounds=1))
    (found,) = report["workloads"]
    assert found["messages"] == 2000
    for text in ("one at a time", "queued", "floor", found["events_digest"][:16]):
        assert text in text_of(report)
