"""Latency histogram after HdrHistogram: fixed memory, 3 significant digits, mergeable, exportable.

Exports are HdrHistogram's own: the V2 compressed encoding with its interval log, and the percentile
distribution (.hgrm) that its plotters read. Source: github.com/HdrHistogram/HdrHistogram, 2.1.
"""

import base64
import binascii
import math
import struct
import zlib
from fractions import Fraction

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport UINT64_MAX, uint8_t, uint64_t
from libc.string cimport memset

from ironcore.base.atomics cimport load_relaxed_u64

HIGHEST_NS_DEFAULT = 60_000_000_000
_HIGHEST_NS_MAX = (1 << 62) - 1
_ENCODING_COOKIE = 0x1C849303 | 0x10
_COMPRESSED_COOKIE = 0x1C849304 | 0x10
_HEADER = struct.Struct(">IIIIQQd")      # cookie, bytes, offset, digits, lowest, highest, ratio
_PAYLOAD_BYTES_MAX = 1 << 20             # longer than any histogram of 3 digits
SUMMARY_PERCENTILES = ("50", "90", "99", "99.9", "99.99")


class HistogramError(ValueError):
    """A histogram that cannot be made, merged or decoded; the message says why."""


cdef void histogram_record_corrected(Histogram* histogram, uint64_t value_ns,
                                     uint64_t interval_ns) noexcept nogil:
    cdef int _missed
    histogram_record(histogram, value_ns)
    if interval_ns == 0:
        return
    for _missed in range(HISTOGRAM_CORRECTIONS_MAX):
        # The next missed sender waited one interval less; the last one waited at least one.
        if value_ns < interval_ns or value_ns - interval_ns < interval_ns:
            return
        value_ns -= interval_ns
        histogram_record(histogram, value_ns)


cdef inline uint64_t _lowest_equivalent_ns(uint64_t index) noexcept nogil:
    if index < HISTOGRAM_SUB_BUCKETS:
        return index
    cdef uint64_t bucket = (index >> HISTOGRAM_HALF_BITS) - 1
    return (index - (bucket << HISTOGRAM_HALF_BITS)) << bucket


cdef inline uint64_t _highest_equivalent_ns(uint64_t index) noexcept nogil:
    return _lowest_equivalent_ns(index + 1) - 1


cdef inline double _median_equivalent_ns(uint64_t index) noexcept nogil:
    cdef uint64_t lowest = _lowest_equivalent_ns(index)
    return lowest + ((_lowest_equivalent_ns(index + 1) - lowest) >> 1)


cdef class LatencyHistogram:
    """Counts latencies in nanoseconds; one thread records, without allocation or lock."""

    def __cinit__(self, highest_ns=HIGHEST_NS_DEFAULT):
        """`highest_ns` (2 to 2^62 - 1): what is above it counts as it, and as clamped."""
        if not 2 <= highest_ns <= _HIGHEST_NS_MAX:
            raise HistogramError(f"highest_ns: found {highest_ns}, expected 2 to {_HIGHEST_NS_MAX}")
        # Whole doublings, as HdrHistogram does it: equal settings must give equal lengths.
        self.data.counts_length = 2 * HISTOGRAM_SUB_BUCKETS_HALF
        while _lowest_equivalent_ns(self.data.counts_length) <= <uint64_t>highest_ns:
            self.data.counts_length += HISTOGRAM_SUB_BUCKETS_HALF
        self.data.highest_ns = highest_ns
        self.data.counts = <uint64_t*>PyMem_RawMalloc(self.data.counts_length * sizeof(uint64_t))
        if self.data.counts == NULL:
            raise MemoryError(f"no memory for {self.data.counts_length} counts")
        self.reset()

    def __dealloc__(self):
        PyMem_RawFree(self.data.counts)

    def reset(self):
        """Forget everything. Writes the whole memory, so that recording takes no page fault."""
        memset(self.data.counts, 0, self.data.counts_length * sizeof(uint64_t))
        self.data.total = 0
        self.data.clamped = 0
        self.data.min_ns = UINT64_MAX
        self.data.max_ns = 0

    def record(self, uint64_t value_ns):
        """Count one value."""
        histogram_record(&self.data, value_ns)

    def record_corrected(self, uint64_t value_ns, uint64_t interval_ns):
        """Count a value and those that a sender on schedule would have seen while it lasted."""
        histogram_record_corrected(&self.data, value_ns, interval_ns)

    @property
    def highest_ns(self):
        """Highest trackable value."""
        return self.data.highest_ns

    @property
    def count(self):
        """Values recorded, clamped ones included."""
        return load_relaxed_u64(&self.data.total)

    @property
    def clamped(self):
        """Values that were above `highest_ns`."""
        return load_relaxed_u64(&self.data.clamped)

    @property
    def min_ns(self):
        """Exact least value; 0 while there is none."""
        return self.data.min_ns if self.data.total else 0

    @property
    def max_ns(self):
        """Exact greatest value, even a clamped one; 0 while there is none."""
        return self.data.max_ns

    def percentile_ns(self, percentile):
        """Value at the nearest rank: the least one that `percentile` percent do not exceed.

        Exact in the rank: 99.9 means 999/1000, of 1,000 values the 999th. The value is the highest
        of its count's range, and never above the maximum. 0 while there is none.
        """
        cdef uint64_t rank, index
        cdef uint64_t seen = 0
        share = Fraction(str(percentile)) / 100
        if not 0 <= share <= 1:
            raise HistogramError(f"percentile: found {percentile}, expected 0 to 100")
        rank = max(1, math.ceil(share * self.data.total))
        for index in range(self.data.counts_length):
            seen += load_relaxed_u64(&self.data.counts[index])
            if seen >= rank:
                return min(_highest_equivalent_ns(index), self.data.max_ns)
        return self.data.max_ns

    def summary(self):
        """Count, minimum, the percentiles of a report (p50 ... p99_99) and maximum, in ns."""
        values = {"count": self.count, "min": self.min_ns}
        for percentile in SUMMARY_PERCENTILES:
            values[f"p{percentile.replace('.', '_')}"] = self.percentile_ns(percentile)
        values["max"] = self.max_ns
        return values

    def counts(self):
        """What was counted: a list of (lowest value of the range, highest, count), ascending."""
        cdef uint64_t index
        return [
            (_lowest_equivalent_ns(index), _highest_equivalent_ns(index), self.data.counts[index])
            for index in range(self.data.counts_length)
            if self.data.counts[index]
        ]

    def merge(self, LatencyHistogram other):
        """Add what `other` counted. HistogramError if it counted what this one cannot track."""
        cdef uint64_t index
        for index in range(self.data.counts_length, other.data.counts_length):
            if other.data.counts[index]:
                raise HistogramError(
                    f"found a count at {_lowest_equivalent_ns(index)} ns, expected none above the "
                    f"highest of this histogram, {self.data.highest_ns} ns")
        for index in range(min(self.data.counts_length, other.data.counts_length)):
            self.data.counts[index] += other.data.counts[index]
        self.data.total += other.data.total
        self.data.clamped += other.data.clamped
        self.data.min_ns = min(self.data.min_ns, other.data.min_ns)
        self.data.max_ns = max(self.data.max_ns, other.data.max_ns)

    def encode(self):
        """HdrHistogram's V2 compressed encoding, in base64. Loses what is exact in min and max."""
        counts = _encode_counts(self)
        header = _HEADER.pack(_ENCODING_COOKIE, len(counts), 0, HISTOGRAM_DIGITS, 1,
                              self.data.highest_ns, 1.0)
        packed = zlib.compress(header + counts)
        cookie = struct.pack(">II", _COMPRESSED_COOKIE, len(packed))
        return base64.b64encode(cookie + packed).decode()

    @staticmethod
    def decode(text):
        """The histogram that `encode`, or another implementation with 3 digits, wrote."""
        return _decode(text)

    def log_line(self, start_ns, interval_ns, tag=""):
        """One line of HdrHistogram's interval log: times in ns after the log's start."""
        prefix = f"Tag={tag}," if tag else ""
        seconds = [f"{ns // 10**9}.{ns % 10**9 // 10**6:03d}" for ns in (start_ns, interval_ns)]
        max_ms = f"{self.max_ns // 10**6}.{self.max_ns % 10**6 // 10**3:03d}"
        return f"{prefix}{','.join(seconds)},{max_ms},{self.encode()}\n"

    def percentile_distribution(self, ticks_per_half_distance=5, unit_ns=1):
        """HdrHistogram's percentile distribution text (.hgrm), values in units of `unit_ns`."""
        lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} 1/(1-Percentile)\n"]
        for value_ns, level, seen in _percentile_levels(self, ticks_per_half_distance):
            line = f"{value_ns / unit_ns:12.3f} {level / 100:2.12f} {seen:10d}"
            lines.append(line if level == 100 else f"{line} {1 / (1 - level / 100):14.2f}")
        mean_ns, deviation_ns = _moments(self)
        buckets = self.data.counts_length // HISTOGRAM_SUB_BUCKETS_HALF - 1
        lines += [
            f"#[Mean    = {mean_ns / unit_ns:12.3f}, "
            f"StdDeviation   = {deviation_ns / unit_ns:12.3f}]",
            f"#[Max     = {self.max_ns / unit_ns:12.3f}, Total count    = {self.count:12d}]",
            f"#[Buckets = {buckets:12d}, SubBuckets     = {HISTOGRAM_SUB_BUCKETS:12d}]",
        ]
        return "\n".join(lines) + "\n"


def log_header(start_real_ns):
    """First lines of an interval log that starts at `start_real_ns`, ns since the UNIX epoch."""
    start = f"{start_real_ns // 10**9}.{start_real_ns % 10**9 // 10**6:03d}"
    return (
        "#[Histogram log format version 1.3]\n"
        f"#[StartTime: {start} (seconds since epoch)]\n"
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
    )


def _percentile_levels(LatencyHistogram histogram, ticks_per_half_distance):
    """(value, percentile level, values up to here), levels ever closer to 100."""
    cdef uint64_t index
    cdef uint64_t seen = 0
    cdef uint64_t total = histogram.data.total
    level = 0.0
    for index in range(histogram.data.counts_length):
        if seen == total:
            break
        if histogram.data.counts[index] == 0:
            continue
        seen += histogram.data.counts[index]
        while level < 100 and 100.0 * seen / total >= level:
            yield _highest_equivalent_ns(index), level, seen
            halvings = math.floor(math.log2(100 / (100 - level))) + 1
            level += 100.0 / (ticks_per_half_distance * 2.0**halvings)
            if seen == total:
                break
    if total:
        yield _highest_equivalent_ns(index - 1), 100.0, seen


cdef tuple _moments(LatencyHistogram histogram):
    """Mean and standard deviation in ns, each value taken as the middle of its count's range."""
    cdef uint64_t index
    cdef uint64_t* counts = histogram.data.counts
    cdef double total = histogram.data.total
    cdef double mean = 0
    cdef double squares = 0
    if total == 0:
        return 0.0, 0.0
    for index in range(histogram.data.counts_length):
        mean += counts[index] * _median_equivalent_ns(index)
    mean /= total
    for index in range(histogram.data.counts_length):
        squares += counts[index] * (_median_equivalent_ns(index) - mean) ** 2
    return mean, math.sqrt(squares / total)


cdef bytes _encode_counts(LatencyHistogram histogram):
    """ZigZag LEB128: a count, or the negative length of a run of zeros, up to the last count."""
    cdef uint64_t index = 0
    cdef uint64_t end = histogram.data.counts_length
    cdef uint64_t run
    cdef uint64_t* counts = histogram.data.counts
    while end and counts[end - 1] == 0:
        end -= 1
    encoded = bytearray()
    while index < end:
        if counts[index]:
            _append_varint(encoded, counts[index] << 1)
            index += 1
            continue
        run = index
        while counts[index] == 0:
            index += 1
        _append_varint(encoded, ((index - run) << 1) - 1)
    return bytes(encoded)


cdef int _append_varint(bytearray encoded, uint64_t value) except -1:
    for _ in range(8):
        if value < 0x80:
            encoded.append(value)
            return 0
        encoded.append((value & 0x7F) | 0x80)
        value >>= 7
    # The ninth byte carries eight bits and no mark: 8 * 7 + 8 = 64.
    encoded.append(value)
    return 0


cdef LatencyHistogram _decode(str text):
    try:
        raw = base64.b64decode(text.encode("ascii", "replace"), validate=True)
        cookie, packed_bytes = struct.unpack_from(">II", raw)
        if cookie != _COMPRESSED_COOKIE or packed_bytes != len(raw) - 8:
            raise HistogramError(f"found cookie {cookie:#x} and {packed_bytes} of {len(raw) - 8} "
                                 "bytes, expected a V2 compressed histogram")
        inflater = zlib.decompressobj()
        payload = inflater.decompress(raw[8:], _PAYLOAD_BYTES_MAX)
        cookie, counts_bytes, offset, digits, lowest, highest_ns, _ = _HEADER.unpack_from(payload)
    except (struct.error, zlib.error, binascii.Error) as error:
        raise HistogramError(f"expected a V2 compressed histogram: {error}") from error
    complete = inflater.eof and len(payload) == _HEADER.size + counts_bytes
    if cookie != _ENCODING_COOKIE or not complete:
        raise HistogramError("found another payload, expected a V2 encoding of the stated length")
    if (offset, digits, lowest) != (0, HISTOGRAM_DIGITS, 1):
        raise HistogramError(f"found offset {offset}, {digits} digits and lowest {lowest}, "
                             f"expected 0, {HISTOGRAM_DIGITS} and 1")
    histogram = LatencyHistogram(highest_ns)
    _decode_counts(histogram, payload[_HEADER.size:])
    return histogram


cdef int _decode_counts(LatencyHistogram histogram, bytes encoded) except -1:
    cdef const uint8_t* data = encoded
    cdef uint64_t length = len(encoded)
    cdef uint64_t offset = 0
    cdef uint64_t index = 0
    cdef uint64_t value
    cdef int shift
    while offset < length:
        value = 0
        shift = 0
        while True:
            if offset == length:
                raise HistogramError("found counts that end in the middle of one")
            value |= (<uint64_t>data[offset] & (0xFF if shift == 56 else 0x7F)) << shift
            offset += 1
            if shift == 56 or data[offset - 1] < 0x80:
                break
            shift += 7
        if value & 1:
            # At most 2^63, so that the sum cannot wrap: index is within the memory.
            index += (value >> 1) + 1
        else:
            if index >= histogram.data.counts_length:
                raise HistogramError("found a count above the highest value, "
                                     f"{histogram.data.highest_ns} ns")
            histogram.data.counts[index] = value >> 1
            index += 1
        if index > histogram.data.counts_length:
            raise HistogramError("found a count above the highest value, "
                                 f"{histogram.data.highest_ns} ns")
    _restore_totals(histogram)
    return 0


cdef void _restore_totals(LatencyHistogram histogram) noexcept:
    cdef Histogram* data = &histogram.data
    cdef uint64_t index
    for index in range(data.counts_length):
        if data.counts[index]:
            data.total += data.counts[index]
            data.min_ns = min(data.min_ns, _lowest_equivalent_ns(index))
            data.max_ns = _highest_equivalent_ns(index)
