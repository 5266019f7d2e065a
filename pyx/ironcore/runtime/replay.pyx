"""Replays a journal through a fresh engine, and says whether stream and engine agree.

Everything that the engine needs stands in the stream (limits, instruments, sessions, time), so that
a journal is replayed without the configuration that it was written under.
"""

import hashlib
import os
from typing import NamedTuple

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.base.files cimport FileDirectory, HostDirectory
from ironcore.base.status cimport STATUS_CORRUPT, STATUS_IO, STATUS_OK
from ironcore.engine.matching_engine cimport MatchingEngine
from ironcore.stream.journal_cursor cimport (
    journal_cursor_close, journal_cursor_follow, journal_cursor_next, journal_cursor_open,
)
from ironcore.stream.journal_reader cimport journal_raise
from ironcore.stage.matcher cimport Matcher, matcher_replay
from ironcore.wire.record cimport (
    COMMAND_CLOCK, COMMAND_HEADER_BYTES, COMMAND_STREAM_START, EVENT_BYTES, EVENT_EXECUTED,
    FRAME_PAYLOAD_BYTES_MAX, CommandHeader, Event, StreamStart,
)

cdef enum:
    DIGEST_BYTES = 1 << 20           # frames are digested in pieces of this size
    FRAME_PREFIX_BYTES = 12          # sequence and length go into the digest with each frame


class ReplayReport(NamedTuple):
    """What a replay found."""

    sequence: int  # of the last frame replayed
    commands: int
    trades: int
    time_ns: int  # stamp of the last command
    stream_digest: str  # SHA-256 of the frames: receive times and day masked, idle CLOCKs left out
    books_digest: str  # of the engine's books at the end
    fault: str  # "" when stream and engine agree up to the end


cdef class Replay:
    """The replay of one journal: `run`, then look at `engine`.

    journal: the directory of the segments; of one that is being written with before-reply, what is
    on the disk. Raises ValueError when it does not begin with a stream's first command or is of
    another version, OSError when it, or its mark, cannot be read.
    """

    def __cinit__(self, journal):
        self.directory = journal if isinstance(journal, FileDirectory) else HostDirectory(journal)
        if journal_cursor_open(&self.cursor, &self.directory.files) != STATUS_OK:
            raise MemoryError
        if journal_cursor_follow(&self.cursor) != STATUS_OK:
            raise OSError(self.cursor.os_error, os.strerror(self.cursor.os_error), "journal.mark")
        memset(&self.matcher, 0, sizeof(Matcher))
        self.hash = hashlib.sha256()
        self.buffer = bytearray(DIGEST_BYTES)

    def __dealloc__(self):
        journal_cursor_close(&self.cursor)

    def run(self, *, until_sequence=None, until_time_ns=None):
        """Replay up to and with until_sequence, or the last command stamped not after
        until_time_ns."""
        cdef uint64_t last_sequence = 0xFFFFFFFFFFFFFFFF
        cdef uint64_t last_time_ns = 0xFFFFFFFFFFFFFFFF
        cdef uint8_t[::1] buffer = self.buffer
        cdef int status = STATUS_OK
        if until_sequence is not None:
            last_sequence = until_sequence
        if until_time_ns is not None:
            last_time_ns = until_time_ns
        if self.engine is None:
            self._begin(last_sequence)
        while status == STATUS_OK:
            with nogil:
                status = self._some(last_sequence, last_time_ns, &buffer[0])
            self.hash.update(memoryview(self.buffer)[:self.digested])
            self.digested = 0
        return self._report(status)

    def _begin(self, uint64_t last_sequence):
        """Make the engine that the stream's first command asks for, and replay that command."""
        cdef const uint8_t* payload = NULL
        cdef uint32_t payload_bytes = 0
        cdef uint64_t sequence = 0
        cdef const StreamStart* start
        cdef uint8_t[::1] buffer = self.buffer
        cdef int status = journal_cursor_next(&self.cursor, &payload, &payload_bytes, &sequence)
        journal_raise(&self.cursor, status)
        if status != STATUS_OK:
            raise ValueError("found no frame, expected a journal with a stream's first command")
        if (sequence != 1 or payload_bytes < sizeof(StreamStart)
                or payload[0] != COMMAND_STREAM_START):
            raise ValueError(f"found frame {sequence} with a command of type {payload[0]} first, "
                             "expected frame 1 with STREAM_START")
        start = <const StreamStart*>payload
        self.engine = MatchingEngine(
            instruments_max=start.instruments_max, sessions_max=start.sessions_max,
            orders_max=start.orders_max, user_ref_bits=start.user_ref_bits)
        self.matcher.engine = self.engine.engine
        self._one(sequence, payload, payload_bytes, &buffer[0])

    cdef int _some(self, uint64_t last_sequence, uint64_t last_time_ns,
                   uint8_t* buffer) noexcept nogil:
        """Frames until the digest's buffer is full: STATUS_OK when there may be more."""
        cdef const uint8_t* payload = NULL
        cdef uint32_t payload_bytes = 0
        cdef uint64_t sequence = 0
        cdef int status = STATUS_OK
        while (status == STATUS_OK
                and self.digested + FRAME_PREFIX_BYTES + FRAME_PAYLOAD_BYTES_MAX <= DIGEST_BYTES):
            if self.matcher.stream_sequence_last >= last_sequence:
                return -1
            status = journal_cursor_next(&self.cursor, &payload, &payload_bytes, &sequence)
            if status != STATUS_OK:
                break
            if (not self.matcher.publishing and payload_bytes >= COMMAND_HEADER_BYTES
                    and (<const CommandHeader*>payload).time_ns > last_time_ns):
                return -1
            status = self._one(sequence, payload, payload_bytes, buffer)
        return status

    cdef int _one(self, uint64_t sequence, const uint8_t* payload, uint32_t payload_bytes,
                  uint8_t* buffer) noexcept nogil:
        cdef bint first = not self.matcher.publishing
        cdef uint32_t offset = 0
        cdef int status = matcher_replay(&self.matcher, sequence, payload, payload_bytes)
        if status != STATUS_OK:
            return status
        if first:
            self.commands += 1
            offset = (<const CommandHeader*>payload).record_bytes
        self._digest(sequence, payload, payload_bytes, first, buffer)
        while offset < payload_bytes:
            self.trades += (<const Event*>(payload + offset)).type == EVENT_EXECUTED
            offset += EVENT_BYTES
        return STATUS_OK

    cdef void _digest(self, uint64_t sequence, const uint8_t* payload, uint32_t payload_bytes,
                      bint first, uint8_t* buffer) noexcept nogil:
        cdef uint8_t* place = buffer + self.digested
        if (first and payload[0] == COMMAND_CLOCK
                and payload_bytes == (<const CommandHeader*>payload).record_bytes):
            # It caused nothing: it only says when the minute began while the venue ran.
            self.clocks += 1
            return
        sequence -= self.clocks
        memcpy(place, &sequence, 8)
        memcpy(place + 8, &payload_bytes, 4)
        place += FRAME_PREFIX_BYTES
        memcpy(place, payload, payload_bytes)
        if first:
            (<CommandHeader*>place).time_ns = 0
            if payload[0] == COMMAND_STREAM_START:
                (<StreamStart*>place).midnight_ns = 0
        self.digested += FRAME_PREFIX_BYTES + payload_bytes

    def _report(self, int status):
        fault = ""
        if status == STATUS_CORRUPT:
            fault = (f"frame {self.matcher.stream_sequence_last + 1}: damaged, or the engine does"
                     f" not give the events that the stream holds")
        elif status == STATUS_IO:
            fault = f"{self.cursor.name.decode()}: {os.strerror(self.cursor.os_error)}"
        return ReplayReport(
            self.matcher.stream_sequence_last, self.commands, self.trades,
            self.matcher.time_ns_last, self.hash.hexdigest(), self.engine.digest(), fault)
