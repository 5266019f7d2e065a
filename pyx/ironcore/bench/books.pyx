"""Measures book building: from an ITCH 5.0 file in memory to the books of all its instruments."""

import hashlib

import numpy as np

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.market_data.itch_books cimport (
    MarketBooks, itch_books_apply, itch_books_apply_file, itch_books_prefault,
)
from ironcore.bench.match cimport (
    CLOCK_THREAD_CPUTIME_ID, LATENCIES, iron_clock_ns, iron_done_before_next,
)
from ironcore.wire.codec cimport load_u16_be, load_u64_be

from ironcore.bench.match import FLOOR, QUEUED, Took, resident_bytes
from ironcore.wire.itch_file import ItchFileReader

cdef enum:
    REF_AT = 11                      # of every message about an order
    ORDERS_SPARE = 64


cdef void _run_queued(BooksRun* run) noexcept nogil:
    cdef size_t offset = 0
    itch_books_apply_file(run.books, run.data, run.bytes, &offset, &run.messages)


cdef void _run_one_at_a_time(BooksRun* run) noexcept nogil:
    """A message is read only when the one before it is done, as if it had just come in."""
    cdef size_t at = 0
    cdef size_t bytes
    while at < run.bytes:
        bytes = load_u16_be(run.data + at)
        itch_books_apply(run.books, run.data + at + 2, bytes)
        iron_done_before_next()
        at += 2 + bytes
        run.messages += 1


cdef void _run_timed(BooksRun* run) noexcept nogil:
    cdef size_t at = 0
    cdef size_t bytes
    cdef uint64_t now_ns
    cdef uint64_t before_ns = iron_clock_mono_ns()
    while at < run.bytes:
        bytes = load_u16_be(run.data + at)
        itch_books_apply(run.books, run.data + at + 2, bytes)
        now_ns = iron_clock_mono_ns()
        run.latencies_ns[run.messages] = <uint32_t>min(now_ns - before_ns,
                                                       <uint64_t>LATENCIES - 1)
        before_ns = now_ns
        at += 2 + bytes
        run.messages += 1


cdef void _run_floor(BooksRun* run) noexcept nogil:
    """Step over every message and read its type and reference."""
    cdef size_t at = 0
    cdef size_t bytes
    while at < run.bytes:
        bytes = load_u16_be(run.data + at)
        if bytes >= REF_AT + 8:
            run.sink += run.data[at + 2] ^ load_u64_be(run.data + at + 2 + REF_AT)
        at += 2 + bytes
        run.messages += 1


class BookLoops:
    """The file's memory, and fresh books for each run over it.

    ValueError where the file is no ITCH 5.0 file."""

    def __init__(self, data):
        self.file = b""              # without messages of an unknown type
        self.messages = 0
        self.orders = 0
        self.refs = 0
        self.locates = 0
        frames = []
        for message in ItchFileReader(data, skip_unknown=True):
            frames.append(len(message).to_bytes(2, "big") + message)
            self.messages += 1
            if message[:1] in (b"A", b"F", b"U"):
                at = 19 if message[:1] == b"U" else REF_AT
                self.orders += 1
                self.refs = max(self.refs, int.from_bytes(message[at:at + 8], "big"))
            self.locates = max(self.locates, int.from_bytes(message[1:3], "big"))
        self.file = b"".join(frames)
        self.data = np.frombuffer(self.file, np.uint8)
        self.latencies_ns = np.zeros(self.messages, np.uint32)

    def _books(self):
        cdef MarketBooks built = MarketBooks(self.orders + ORDERS_SPARE, self.refs + 1,
                                             self.locates + 1)
        itch_books_prefault(&built.books, self.refs + 1)
        return built

    def run(self, way, timed=False):
        """All messages once, from empty books: way is FLOOR, QUEUED or ONE_AT_A_TIME."""
        resident = resident_bytes()
        cdef MarketBooks built = self._books()
        cdef const uint8_t[::1] data = self.data
        cdef uint32_t[::1] latencies_ns = self.latencies_ns
        cdef BooksRun run
        cdef uint64_t elapsed_ns, cpu_ns
        cdef bint floor = way == FLOOR
        cdef bint queued = way == QUEUED
        cdef bint with_clock = timed
        run.books = &built.books
        run.data = &data[0]
        run.bytes = data.shape[0]
        run.messages = 0
        run.sink = 0
        run.latencies_ns = &latencies_ns[0]
        with nogil:
            cpu_ns = iron_clock_ns(CLOCK_THREAD_CPUTIME_ID)
            elapsed_ns = iron_clock_mono_ns()
            if floor:
                _run_floor(&run)
            elif with_clock:
                _run_timed(&run)
            elif queued:
                _run_queued(&run)
            else:
                _run_one_at_a_time(&run)
            elapsed_ns = iron_clock_mono_ns() - elapsed_ns
            cpu_ns = iron_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns
        counts = np.bincount(self.latencies_ns, minlength=LATENCIES) if timed else None
        return Took(elapsed_ns, cpu_ns, run.sink, resident_bytes() - resident, counts)

    def outcome(self):
        """What the file causes, apart from any timing; the digest is of all orders at the end."""
        built = self._books()
        built.apply_file(self.data)
        counts = built.counts()
        digest = hashlib.sha256()
        for locate in range(self.locates + 1):
            for side in ("B", "S"):
                digest.update(built.orders(locate, side).tobytes())
                digest.update(b"/")
        return {
            "ignored": counts["unknown"],
            "executions": counts["executions"],
            "executed_quantity": counts["executed_quantity"],
            "orders_live_end": counts["orders"],
            "events_digest": digest.hexdigest(),
        }
