"""Goal: the same commands give the same bytes, however they are handed in.

Method: one stream of random commands into fresh cores: one at a time, in batches of any size, with
and without prefetching, with time stamps and with the ignored commands left out; events and digests
of the state are compared.
"""

from itertools import chain, pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
from tests.model import records as r
from tests.model.command_mix import CommandMix
from tests.model.engine_model import EngineModel
from tests.model.pair_mix import with_pairs
from tests.model.quote_mix import with_quotes

from ironcore.bench.match_workloads import from_operations
from ironcore.engine.matching_engine import MatchingEngine, record_offsets
from ironpit.flow import from_itch

LIMITS = r.Limits(orders_max=500, user_ref_bits=15)
COMMANDS = 8000
ROOT = Path(__file__).resolve().parents[2]
ITCH_FILE = "../shared/data/orders/bitstamp-2015-05-01.itch"


@pytest.fixture(scope="module", params=["orders", "quotes", "pairs"])
def stream(request: pytest.FixtureRequest) -> list[bytes]:
    """Of orders and the venue's commands; or with quotes and protections, or pairs, in steps."""
    model = EngineModel(LIMITS)
    mix = CommandMix(7, model)
    records = chain(mix.opening(), mix.commands(COMMANDS))
    if request.param == "quotes":
        records = chain(with_quotes(7, COMMANDS // 2, model, step_actions_max=60))
    if request.param == "pairs":
        records = chain(with_pairs(7, COMMANDS // 2, model, step_actions_max=60))
    taken = []
    for record in records:
        model.apply(record)
        taken.append(record)
    return taken


@pytest.fixture(scope="module")
def reference(stream: list[bytes]) -> tuple[bytes, str]:
    """Events and digest of the stream, one command at a time."""
    core = MatchingEngine(*LIMITS)
    events = b"".join(core.apply(record)[1].tobytes() for record in stream)
    return events, core.digest()


@pytest.mark.parametrize("prefetch", [False, True])
@pytest.mark.parametrize("batch_max", [1, 7, 500, COMMANDS * 2])
def test_batches_of_any_size_give_the_same_bytes(
    stream: list[bytes], reference: tuple[bytes, str], batch_max: int, prefetch: bool
) -> None:
    core = MatchingEngine(*LIMITS)
    random = Random(batch_max)
    events = []
    at = 0
    while at < len(stream):
        size = random.randint(1, batch_max)
        batch = b"".join(stream[at : at + size])
        events.append(core.apply_batch(batch, prefetch=prefetch)[2].tobytes())
        at += size
    assert (b"".join(events), core.digest()) == reference


def test_a_stream_without_its_ignored_commands_gives_the_same_bytes(
    stream: list[bytes], reference: tuple[bytes, str]
) -> None:
    core = MatchingEngine(*LIMITS)
    kept = bytearray()
    for record in stream:
        if core.apply(record)[0] == r.OK:
            stamped = bytearray(record)
            stamped[8:16] = Random(len(kept)).randbytes(8)
            kept += stamped
    replayed = MatchingEngine(*LIMITS)
    statuses, _, events = replayed.apply_batch(kept)
    assert set(statuses.tolist()) == {r.OK}
    assert len(statuses) < len(stream)
    assert (events.tobytes(), replayed.digest()) == reference


def test_a_different_command_gives_a_different_digest(
    stream: list[bytes], reference: tuple[bytes, str]
) -> None:
    core = MatchingEngine(*LIMITS)
    core.apply_batch(b"".join(stream))
    assert core.digest() == reference[1]
    last = (1 << LIMITS.user_ref_bits) - 1
    core.apply(r.enter(1, last, "B", 0, 0))  # rejected, and the number is used
    assert core.digest() != reference[1]


def test_stamped_commands_replay_to_the_same_bytes(
    stream: list[bytes], reference: tuple[bytes, str]
) -> None:
    records = bytearray(b"".join(stream))
    MatchingEngine(*LIMITS).apply_batch(records, stamp=True)
    assert bytes(records) != b"".join(stream)
    core = MatchingEngine(*LIMITS)
    assert (core.apply_batch(records)[2].tobytes(), core.digest()) == reference


@pytest.mark.needs_data(ITCH_FILE)
def test_the_orders_of_a_real_day_cause_the_same_bytes_as_in_the_model() -> None:
    flow = from_itch(ROOT / ITCH_FILE, sessions_count=4)
    workload = from_operations("real", flow.operations, 4, flow.tick_sizes(), 1 << 15)
    core, model = MatchingEngine(**workload.limits), EngineModel(r.Limits(**workload.limits))
    statuses, _, events = core.apply_batch(workload.records)
    core.check_invariants()
    data = workload.records.tobytes()
    expected = [model.apply(data[at:end]) for at, end in pairwise(record_offsets(data).tolist())]
    assert statuses.tolist() == [status for status, _ in expected]
    assert events.tobytes() == b"".join(b"".join(caused) for _, caused in expected)
    assert np.count_nonzero(events["type"] == r.EXECUTED) > 500


def test_a_buffer_that_is_not_whole_records_is_refused_as_a_whole(stream: list[bytes]) -> None:
    core = MatchingEngine(*LIMITS)
    before = core.digest()
    for broken in (b"".join(stream[:5])[:-8], b"".join(stream[:5]) + bytes(3), bytes(40)):
        with pytest.raises(ValueError, match="record_bytes"):
            core.apply_batch(broken)
    assert core.digest() == before


def test_offsets_lead_to_each_record(stream: list[bytes]) -> None:
    offsets = record_offsets(b"".join(stream))
    assert offsets.tolist() == [0, *np.cumsum([len(record) for record in stream]).tolist()]
