"""Goal: a latency histogram whose figures equal HdrHistogram's, and whose exports that one reads.

Method: the same values into ours and into PyPI's `hdrhistogram` (an independent port, whose decoder
reads our encoding and whose log reader reads our log), the text against a sample of the original's,
exact ranks against a sorted list.
"""

import base64
import contextlib
import io
import random
import struct
import zlib
from bisect import bisect_left
from itertools import pairwise
from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import given
from hypothesis import strategies as st

from ironcore.base.histogram import HistogramError, LatencyHistogram, log_header

HIGHEST_NS = 60_000_000_000
PERCENTILES = (0, 1, 25, 50, 90, 99, 99.9, 99.99, 100)


def latencies(count: int, seed: int = 1) -> list[int]:
    """Log-normal around 10 us, with stalls: what order latencies look like."""
    rng = random.Random(seed)
    values = [int(rng.lognormvariate(9.2, 0.6)) for _ in range(count)]
    return [value * 1000 if rng.random() < 0.001 else value for value in values]


def recorded(values: list[int], highest_ns: int = HIGHEST_NS) -> LatencyHistogram:
    histogram = LatencyHistogram(highest_ns)
    for value in values:
        histogram.record(value)
    return histogram


def reference(values: list[int]) -> HdrHistogram:
    histogram = HdrHistogram(1, HIGHEST_NS, 3)
    for value in values:
        histogram.record_value(value)
    return histogram


def test_percentiles_equal_those_of_hdrhistogram() -> None:
    # A multiple of 10,000 values: hdrhistogram rounds the rank, ours is the nearest rank, and
    # here they are the same whole number.
    values = latencies(20_000)
    ours, theirs = recorded(values), reference(values)
    for percentile in PERCENTILES:
        expected = min(theirs.get_value_at_percentile(percentile), max(values))
        assert ours.percentile_ns(percentile) == expected, percentile
    assert ours.count == theirs.get_total_count()


def test_our_encoding_is_decoded_by_hdrhistogram() -> None:
    ours = recorded(latencies(10_000))
    theirs = HdrHistogram.decode(ours.encode())
    assert theirs.get_total_count() == ours.count
    for low, high, count in ours.counts():
        assert theirs.get_count_at_value(low) == theirs.get_count_at_value(high) == count
    assert theirs.get_value_at_percentile(99.9) == ours.percentile_ns(99.9)


def test_hdrhistograms_encoding_is_decoded_by_us() -> None:
    theirs = reference(latencies(10_000))
    ours = LatencyHistogram.decode(theirs.encode().decode())
    assert ours.count == 10_000
    assert ours.percentile_ns(99.9) == theirs.get_value_at_percentile(99.9)


def test_log_is_read_by_hdrhistograms_reader(tmp_path: Path) -> None:
    path = tmp_path / "latency.hlog"
    first, second = recorded(latencies(500, seed=2)), recorded(latencies(700, seed=3))
    path.write_text(
        log_header(1_430_438_400_123_000_000)
        + first.log_line(0, 1_000_000_000)
        + second.log_line(1_000_000_000, 1_000_000_000, tag="acks")
    )
    total = HdrHistogram(1, HIGHEST_NS, 3)
    reader = HistogramLogReader(str(path), total)
    intervals = []
    while (interval := reader.get_next_interval_histogram()) is not None:
        intervals.append(interval)
    reader.close()
    assert [interval.get_total_count() for interval in intervals] == [500, 700]
    assert [interval.get_tag() for interval in intervals] == [None, "acks"]
    start_ms = 1_430_438_400_123
    assert [interval.get_start_time_stamp() for interval in intervals] == [
        start_ms,
        start_ms + 1000,
    ]


def test_percentile_distribution_is_the_text_of_the_original() -> None:
    # Output of the original for these four values (its tests, and those of its ports).
    expected = """\
       Value     Percentile TotalCount 1/(1-Percentile)

     100.000 0.000000000000          1           1.00
     100.000 0.100000000000          1           1.11
     100.000 0.200000000000          1           1.25
     200.000 0.300000000000          2           1.43
     200.000 0.400000000000          2           1.67
     200.000 0.500000000000          2           2.00
     250.000 0.550000000000          3           2.22
     250.000 0.600000000000          3           2.50
     250.000 0.650000000000          3           2.86
     250.000 0.700000000000          3           3.33
     250.000 0.750000000000          3           4.00
     600.000 0.775000000000          4           4.44
     600.000 1.000000000000          4
#[Mean    =      287.500, StdDeviation   =      188.331]
#[Max     =      600.000, Total count    =            4]
#[Buckets =           26, SubBuckets     =         2048]
"""
    assert recorded([100, 200, 250, 600]).percentile_distribution() == expected


def test_percentile_distribution_of_many_values_agrees_with_hdrhistogram() -> None:
    values = latencies(10_000)
    ours, theirs = recorded(values), reference(values)
    text = ours.percentile_distribution(unit_ns=1000).splitlines()
    for line in text[2:-3]:
        value_us, share, seen = line.split()[:3]
        value_ns = round(float(value_us) * 1000)
        assert theirs.get_count_at_value(value_ns) > 0
        assert int(seen) == sum(value <= value_ns for value in values)
        assert int(seen) >= float(share) * len(values) - 1e-6
    assert text[-4].split()[1] == "1.000000000000"
    their_text = io.BytesIO()
    theirs.output_percentile_distribution(their_text, 1000)
    footer = their_text.getvalue().decode().splitlines()[-3:]
    # Mean, and buckets. The port forgets to bring the deviation to the unit.
    assert text[-3].split(",")[0] == footer[0].split(",")[0]
    assert text[-1] == footer[2]


def test_an_empty_histogram_is_all_zero_and_exports() -> None:
    empty = LatencyHistogram()
    assert set(empty.summary().values()) == {0}
    assert "TotalCount" in empty.percentile_distribution()
    assert HdrHistogram.decode(empty.encode()).get_total_count() == 0
    assert LatencyHistogram.decode(empty.encode()).count == 0


def test_the_tail_of_two_engines_is_told_apart() -> None:
    spiky = recorded([5_000] * 999 + [500_000])
    steady = recorded([10_000] * 1000)
    assert spiky.percentile_ns(99.9) == 5_000 + 3  # nearest rank: the 999th of 1,000
    assert spiky.percentile_ns(99.91) == spiky.max_ns == 500_000
    assert steady.percentile_ns(99.99) == steady.max_ns == 10_000


def test_summary_has_the_keys_of_a_report() -> None:
    summary = recorded(list(range(1, 1001))).summary()
    assert summary == {
        "count": 1000, "min": 1, "p50": 500, "p90": 900, "p99": 990, "p99_9": 999, "p99_99": 1000,
        "max": 1000,
    }  # fmt: skip


def test_a_value_over_the_highest_is_clamped_and_the_maximum_stays_exact() -> None:
    histogram = recorded([1_000, 5_000_000], highest_ns=1_000_000)
    assert (histogram.clamped, histogram.count, histogram.max_ns) == (1, 2, 5_000_000)
    assert histogram.counts()[-1][0] <= 1_000_000 <= histogram.counts()[-1][1]


def test_the_greatest_value_of_all_is_recorded_without_harm() -> None:
    histogram = recorded([2**64 - 1, 0], highest_ns=2**62 - 1)
    assert (histogram.max_ns, histogram.min_ns, histogram.clamped) == (2**64 - 1, 0, 1)


def test_coordinated_omission_is_corrected_like_hdrhistogram_does() -> None:
    # Multiples of the interval: for others the port also counts a sender that waited less than one
    # interval, which the original, and we, do not.
    ours, theirs = LatencyHistogram(HIGHEST_NS), HdrHistogram(1, HIGHEST_NS, 3)
    for value in (500, 1_000, 2_000, 50_000, 100_000):
        ours.record_corrected(value, 1_000)
        theirs.record_corrected_value(value, 1_000)
    assert ours.count == theirs.get_total_count()
    for low, _, count in ours.counts():
        assert theirs.get_count_at_value(low) == count
    ours.record_corrected(70_000, 0)
    assert ours.count == theirs.get_total_count() + 1


def test_a_stall_adds_those_who_waited_at_least_one_interval() -> None:
    histogram = LatencyHistogram()
    histogram.record_corrected(3_500, 1_000)
    assert [low for low, _, _ in histogram.counts()] == [
        1_500,
        2_500 - 2_500 % 2,
        3_500 - 3_500 % 2,
    ]


def test_correction_of_one_stall_is_bounded() -> None:
    histogram = LatencyHistogram()
    histogram.record_corrected(3_000_000, 1)
    assert histogram.count == 1_000_001


def test_merge_equals_recording_into_one() -> None:
    left, right = latencies(1_000, seed=4), latencies(1_000, seed=5)
    merged = recorded(left)
    merged.merge(recorded(right, highest_ns=100_000_000))
    both = recorded(left + right)
    assert (merged.counts(), merged.summary()) == (both.counts(), both.summary())


def test_merge_refuses_what_it_cannot_track() -> None:
    small = LatencyHistogram(10_000)
    with pytest.raises(HistogramError, match=r"expected none above the highest .* 10000 ns"):
        small.merge(recorded([1_000_000]))
    assert small.count == 0


@given(st.lists(st.integers(0, HIGHEST_NS), min_size=1, max_size=60), st.sampled_from(PERCENTILES))
def test_percentile_is_the_nearest_rank_to_three_digits(values: list[int], percent: float) -> None:
    exact = sorted(values)[max(0, -(-len(values) * int(percent * 100) // 10_000) - 1)]
    got = recorded(values).percentile_ns(percent)
    assert exact <= got <= exact + exact // 1000


@given(st.lists(st.integers(0, HIGHEST_NS), max_size=60))
def test_encoding_round_trips(values: list[int]) -> None:
    histogram = recorded(values)
    again = LatencyHistogram.decode(histogram.encode())
    assert (again.counts(), again.count) == (histogram.counts(), histogram.count)
    assert again.encode() == histogram.encode()


@given(st.integers(0, 2**62 - 1))
def test_every_value_lies_in_the_range_of_its_count(value: int) -> None:
    ((low, high, count),) = recorded([value], highest_ns=2**62 - 1).counts()
    assert low <= value <= high
    assert count == 1
    assert high - low <= low // 1000


def test_ranges_follow_each_other_without_gap_or_overlap() -> None:
    edges = [2**bits + offset for bits in range(40) for offset in (-1, 0, 1)]
    ranges = recorded(sorted(set(edges)), highest_ns=2**41).counts()
    lows = [low for low, _, _ in ranges]
    for value in edges:
        assert bisect_left(lows, value + 1) > 0
    for (_, high, _), (low, _, _) in pairwise(ranges):
        assert high < low


@pytest.mark.parametrize("highest_ns", [1, 0, -5, 2**62])
def test_highest_out_of_range_is_an_error(highest_ns: int) -> None:
    with pytest.raises(HistogramError, match="expected 2 to"):
        LatencyHistogram(highest_ns)


@pytest.mark.parametrize("percentile", [-1, 100.01])
def test_percentile_out_of_range_is_an_error(percentile: float) -> None:
    with pytest.raises(HistogramError, match="expected 0 to 100"):
        LatencyHistogram().percentile_ns(percentile)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_a_damaged_encoding_is_an_error_and_never_a_crash(noise: bytes, offset: int) -> None:
    good = bytearray(recorded([1, 5_000, 70_000_000]).encode().encode())
    good[offset : offset + len(noise)] = noise
    try:
        again = LatencyHistogram.decode(good.decode("latin-1"))
    except HistogramError:
        return
    assert again.counts()[0][0] == 1


@given(st.binary(max_size=60))
def test_damaged_counts_are_an_error_and_never_a_crash(counts: bytes) -> None:
    header = struct.pack(">IIIIQQd", 0x1C849313, len(counts), 0, 3, 1, 10_000, 1.0)
    packed = zlib.compress(header + counts)
    text = base64.b64encode(struct.pack(">II", 0x1C849314, len(packed)) + packed).decode()
    with contextlib.suppress(HistogramError):
        again = LatencyHistogram.decode(text)
        assert again.count % 2**64 == sum(count for _, _, count in again.counts()) % 2**64


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (0, 0, "expected a V2 encoding"),
        (1, 7, "stated length"),
        (3, 2, "2 digits"),
        (5, 1, "to 4611"),
    ],
)
def test_a_foreign_payload_is_an_error_that_says_why(field: int, value: int, message: str) -> None:
    fields: list[float] = [0x1C849313, 0, 0, 3, 1, 10_000, 1.0]
    fields[field] = value
    packed = zlib.compress(struct.pack(">IIIIQQd", *fields))
    text = base64.b64encode(struct.pack(">II", 0x1C849314, len(packed)) + packed).decode()
    with pytest.raises(HistogramError, match=message):
        LatencyHistogram.decode(text)


def test_counts_beyond_the_highest_value_are_an_error() -> None:
    wide = HdrHistogram(1, HIGHEST_NS, 3)
    wide.record_value(HIGHEST_NS)
    wide.encoder.payload.payload.highest_trackable_value = 5_000
    with pytest.raises(HistogramError, match="found a count above the highest value, 5000 ns"):
        LatencyHistogram.decode(wide.encode().decode())
