"""The journal: appends every frame of the event stream to checksummed segment files.

Frames are gathered into one batch a poll and written with one call. With `before-reply` the ring's
frames are released only after the batch is durable, and readers that follow the journal's slot see
them only then, as do readers of the files, which find them claimed; otherwise they are released
after the write, which outlives the process but not the host. A batch stays in memory until all of
that has happened: what a write or a sync refuses is tried again in the next poll. After a failed
sync everything that is not durable for certain is written again, because the kernel may have
dropped the pages that it could not store, and a later sync that succeeds would not have stored
them.
"""

import os

cimport cython
from libc.errno cimport EIO
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from ironcore.base.check cimport iron_assert
from ironcore.base.clock cimport host_clock
from ironcore.base.counters cimport counter_add, counter_raise_to
from ironcore.base.status cimport STATUS_CORRUPT, STATUS_EMPTY, STATUS_IO, STATUS_OK
from ironcore.ring.broadcast cimport Reader as StreamReader
from ironcore.ring.broadcast_reader cimport (
    broadcast_advance, broadcast_peek, broadcast_release)
from ironcore.stage.agent cimport Agent, Stage
from ironcore.base.counter_set cimport CounterSet
from ironcore.stream.journal_format cimport (
    RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, SEGMENT_NAME_BYTES, record_bytes, record_write,
    segment_header_write, segment_name, segment_sequence,
)
from ironcore.stream.journal_mark cimport (
    MARK_DAMAGED, MARK_FOREIGN, JournalMark, mark_read, mark_write,
)
from ironcore.stream.journal_reader cimport journal_directory, mark_identify
from ironcore.wire.record cimport FRAME_PAYLOAD_BYTES_MAX

from ironcore.base.counter_declaration import Counter, Maximum
from ironcore.stream.journal_recovery import recover

COUNTERS = (
    Counter("frames", "frames appended", unit="frames"),
    Counter("bytes", "bytes written", unit="bytes"),
    Counter("writes", "write calls", unit="calls"),
    Counter("syncs", "fdatasync calls that succeeded", unit="calls"),
    Maximum("sync_ns_max", "the longest fdatasync", unit="ns"),
    Counter("segments", "segment files made"),
    Counter("repeated", "frames found again after a restart and not appended twice", unit="frames"),
    Counter("write_errors", "file calls that the host refused, except syncs", unit="calls"),
    Counter("sync_errors", "syncs that the host refused", unit="calls"),
    Counter("mark_errors", "times that the high-water mark could not be written", unit="calls"),
)

POLICIES = {
    "off": SYNC_OFF,
    "interval": SYNC_INTERVAL,
    "before-reply": SYNC_BEFORE_REPLY,
}

cdef extern from * nogil:
    """
    #define SEQUENCE_MAX UINT64_MAX
    """
    const uint64_t SEQUENCE_MAX

cdef enum:
    COPY_BYTES = 4096
    # Room for a segment header, a mark and one frame: less could not take a frame at all.
    BATCH_BYTES_MIN = SEGMENT_HEADER_BYTES + 2 * RECORD_HEADER_BYTES + FRAME_PAYLOAD_BYTES_MAX


cdef int _refused(Journal* j, long result, int counter) noexcept nogil:
    j.os_error = <int>-result
    counter_add(j.counters[counter], 1)
    return STATUS_IO


cdef int _write_batch(Journal* j) noexcept nogil:
    cdef long n
    while j.batch_written < j.batch_bytes:
        n = j.files.write_at(j.files.context, j.fd, j.batch + j.batch_written,
                             j.batch_bytes - j.batch_written, j.file_bytes + j.batch_written)
        if n <= 0:
            return _refused(j, n if n < 0 else -EIO, JOURNAL_WRITE_ERRORS)
        counter_add(j.counters[JOURNAL_WRITES], 1)
        j.batch_written += <uint64_t>n
    return STATUS_OK


cdef int _write_again(Journal* j) noexcept nogil:
    """After a failed sync: have the kernel store what is in the file, but perhaps not on disk."""
    cdef uint8_t copy[COPY_BYTES]
    cdef uint64_t offset = j.durable_bytes
    cdef long n
    while offset < j.file_bytes:
        n = j.files.read_at(j.files.context, j.fd, copy,
                            min(<uint64_t>COPY_BYTES, j.file_bytes - offset), offset)
        if n > 0:
            n = j.files.write_at(j.files.context, j.fd, copy, <size_t>n, offset)
        if n <= 0:
            return _refused(j, n if n < 0 else -EIO, JOURNAL_WRITE_ERRORS)
        offset += <uint64_t>n
    j.sync_failed = False
    return STATUS_OK


cdef int _sync(Journal* j) noexcept nogil:
    """Make durable what is in the file; a batch that waits is in it wholly or not at all."""
    cdef uint64_t started_ns = j.clock.mono_ns(j.clock.context)
    cdef int status = _write_again(j) if j.sync_failed else STATUS_OK
    cdef int n
    if status != STATUS_OK:
        return status
    n = j.files.sync(j.files.context, j.fd)
    if n < 0:
        j.sync_failed = True
        j.batch_written = 0
        return _refused(j, n, JOURNAL_SYNC_ERRORS)
    j.durable_bytes = j.file_bytes + j.batch_written
    j.synced_ns = j.clock.mono_ns(j.clock.context)
    counter_add(j.counters[JOURNAL_SYNCS], 1)
    counter_raise_to(j.counters[JOURNAL_SYNC_NS_MAX], j.synced_ns - started_ns)
    j.unsynced = False
    j.mark_unsynced = False
    j.mark_due = True
    return STATUS_OK


cdef int _sync_directory(Journal* j) noexcept nogil:
    cdef int n = 0 if j.directory_synced else j.files.sync_directory(j.files.context)
    if n < 0:
        return _refused(j, n, JOURNAL_SYNC_ERRORS)
    j.directory_synced = True
    return STATUS_OK


cdef void _raise_high_water(Journal* j, uint64_t sequence) noexcept nogil:
    """Say in journal.mark that everything up to this frame is durable, which it has to be.

    A mark that lags is no harm: when the host refuses it, the next one says more, the stop's at the
    latest. One that is ahead of this journal stays, for it tells the next start what is missing.
    """
    cdef JournalMark mark = j.high_water
    j.high_water_due = False
    if sequence < j.high_water.sequence or not j.segment_sequence:
        return
    if sequence == j.high_water.sequence and j.segment_sequence == j.high_water.segment_sequence:
        return
    mark.sequence = sequence
    mark.segment_sequence = j.segment_sequence
    if mark_write(&j.files, &mark) < 0:
        counter_add(j.counters[JOURNAL_MARK_ERRORS], 1)
        return
    j.high_water = mark


cdef int _settle(Journal* j) noexcept nogil:
    """Bring the batch into the file, make it durable where the policy says so, release its frames.

    After STATUS_IO the next call goes on where this one stopped.
    """
    cdef int status = STATUS_OK
    if j.batch_bytes:
        status = _sync_directory(j)
        if status == STATUS_OK:
            status = _write_batch(j)
        if status == STATUS_OK and j.unsynced and j.policy == SYNC_BEFORE_REPLY:
            status = _sync(j)
        if status != STATUS_OK:
            return status
        counter_add(j.counters[JOURNAL_BYTES], j.batch_bytes)
        j.file_bytes += j.batch_bytes
        j.batch_bytes = 0
        j.batch_written = 0
    if j.held:
        broadcast_release(j.stream)
        j.held = False
    if j.high_water_due and j.directory_synced:
        # Behind the release: who waits for these frames does not wait for the mark.
        _raise_high_water(j, j.segment_sequence - 1 if j.unsynced else j.sequence_last)
    return STATUS_OK


cdef int _seal(Journal* j) noexcept nogil:
    """Complete the segment. No successor is made before it is durable."""
    cdef int status = _sync(j) if j.unsynced or j.mark_unsynced else STATUS_OK
    if status != STATUS_OK:
        return status
    j.files.close(j.files.context, j.fd)
    j.fd = -1
    j.mark_due = False
    return STATUS_OK


cdef int _claim(Journal* j, int fd) noexcept nogil:
    """Readers of the file are to know that what is in it may not be on the disk yet."""
    return j.files.claim(j.files.context, fd) if j.policy == SYNC_BEFORE_REPLY else 0


cdef int _begin_segment(Journal* j, uint64_t sequence) noexcept nogil:
    cdef char name[SEGMENT_NAME_BYTES]
    cdef int fd
    cdef int n
    segment_name(name, sequence)
    fd = j.files.open(j.files.context, name, 1)
    if fd < 0:
        return _refused(j, fd, JOURNAL_WRITE_ERRORS)
    n = _claim(j, fd)
    if n < 0:
        j.files.close(j.files.context, fd)
        j.files.remove(j.files.context, name)
        return _refused(j, n, JOURNAL_WRITE_ERRORS)
    counter_add(j.counters[JOURNAL_SEGMENTS], 1)
    j.fd = fd
    j.file_bytes = 0
    j.durable_bytes = 0
    j.segment_sequence = sequence
    j.directory_synced = False
    j.high_water_due = True
    segment_header_write(j.batch, sequence, j.stream_name)
    j.batch_bytes = SEGMENT_HEADER_BYTES
    return STATUS_OK


cdef void _put_mark(Journal* j) noexcept nogil:
    j.batch_bytes += record_write(j.batch + j.batch_bytes, j.sequence_last, NULL, 0)
    j.mark_due = False
    j.mark_unsynced = True


cdef int _make_room(Journal* j, uint64_t sequence, uint64_t frame_bytes) noexcept nogil:
    """STATUS_OK when the batch can take the frame, STATUS_EMPTY when it must be settled first."""
    cdef int status
    if j.fd >= 0 and j.file_bytes + j.batch_bytes + frame_bytes > j.segment_bytes:
        # A segment takes one frame at least, however small it is meant to be.
        if j.batch_bytes:
            return STATUS_EMPTY
        if j.file_bytes > SEGMENT_HEADER_BYTES:
            status = _seal(j)
            if status != STATUS_OK:
                return status
    if j.fd < 0:
        return _begin_segment(j, sequence)
    if j.batch_bytes + frame_bytes + RECORD_HEADER_BYTES > j.batch_bytes_max:
        return STATUS_EMPTY
    return STATUS_OK


cdef int _gather(Journal* j, int batch_max, int* work) noexcept nogil:
    """Take frames from the ring into the batch: STATUS_OK when there is to settle or nothing."""
    cdef const uint8_t* payload = NULL
    cdef uint32_t payload_bytes = 0
    cdef uint64_t sequence = 0
    cdef int status
    while work[0] < batch_max:
        status = broadcast_peek(j.stream, &payload, &payload_bytes, &sequence)
        if status != STATUS_OK:
            return STATUS_OK if status == STATUS_EMPTY else status
        if sequence > j.sequence_last + 1:
            j.gap_sequence = sequence
            return STATUS_CORRUPT
        if sequence == j.sequence_last + 1:
            iron_assert(payload_bytes <= FRAME_PAYLOAD_BYTES_MAX, "a frame fits the journal")
            status = _make_room(j, sequence, record_bytes(payload_bytes))
            if status != STATUS_OK:
                return STATUS_OK if status == STATUS_EMPTY else status
            if j.mark_due:
                _put_mark(j)
            j.batch_bytes += record_write(j.batch + j.batch_bytes, sequence, payload,
                                          payload_bytes)
            j.sequence_last = sequence
            j.unsynced = True
            counter_add(j.counters[JOURNAL_FRAMES], 1)
        else:
            counter_add(j.counters[JOURNAL_REPEATED], 1)
        broadcast_advance(j.stream)
        j.held = True
        work[0] += 1
    return STATUS_OK


cdef int _idle(Journal* j) noexcept nogil:
    """Nothing to append: write the mark that says so, and sync when it is time."""
    if j.mark_due and j.fd >= 0:
        _put_mark(j)
        return _settle(j)
    return STATUS_OK


cdef int journal_poll(void* self, int batch_max) noexcept nogil:
    cdef Journal* j = <Journal*>self
    cdef int work = 0
    cdef int status = _settle(j)
    cdef int gathered = STATUS_OK
    if status != STATUS_OK:
        return -status
    gathered = _gather(j, batch_max, &work)
    if work:
        status = _settle(j)
    elif gathered == STATUS_OK:
        status = _idle(j)
    if (status == STATUS_OK and j.policy == SYNC_INTERVAL and j.unsynced
            and j.clock.mono_ns(j.clock.context) - j.synced_ns >= j.interval_ns):
        status = _sync(j)
    if status == STATUS_OK:
        status = gathered
    return work if status == STATUS_OK else -status


cdef int journal_finish(Journal* j) noexcept nogil:
    cdef int status = _settle(j)
    if status == STATUS_OK and j.unsynced:
        status = _sync(j)
    if status == STATUS_OK and j.mark_due and j.fd >= 0:
        _put_mark(j)
        status = _settle(j)
        if status == STATUS_OK:
            status = _sync(j)
            j.mark_due = False
    if status == STATUS_OK:
        _raise_high_water(j, j.sequence_last)
    return status


@cython.no_gc_clear  # the files are closed through the directory
cdef class JournalStage(Stage):
    """The journal of one venue, which recovers the newest segment and goes on behind it.

    `directory` is a path or a FileDirectory; `stream_name` the session name of STREAM_START, up to
    ten bytes; `identity` the stream's 32 hexadecimal digits, for the high-water mark. Raises
    JournalCorruptError when the newest segment is damaged, ValueError when it belongs to another
    stream, OSError when files refuse. Recover the whole journal before the first start.
    """

    def __cinit__(self, StreamReader stream, directory, str stream_name, CounterSet counters, *,
                  str policy="interval", uint64_t interval_ns=10_000_000,
                  uint64_t segment_bytes=64 << 20, uint64_t batch_bytes_max=1 << 20,
                  str identity=""):
        cdef Journal* j = &self.j
        cdef bytes name = stream_name.encode()
        memset(j, 0, sizeof(j[0]))
        j.fd = -1
        if policy not in POLICIES:
            raise ValueError(f"policy: found {policy!r}, expected one of {', '.join(POLICIES)}")
        if len(name) > <Py_ssize_t>sizeof(j.stream_name):
            raise ValueError(f"stream_name: found {stream_name!r}, expected at most "
                             f"{sizeof(j.stream_name)} characters")
        if batch_bytes_max < BATCH_BYTES_MIN:
            raise ValueError(f"batch_bytes_max: found {batch_bytes_max}, expected "
                             f"{BATCH_BYTES_MIN} or more, the room of one frame")
        self.directory = journal_directory(directory)
        self.stream_owner = stream
        self.counters = counters
        j.stream = &stream.ring
        j.files = self.directory.files
        j.clock = host_clock()
        j.counters = counters.values
        j.policy = POLICIES[policy]
        j.interval_ns = interval_ns
        j.segment_bytes = segment_bytes
        memcpy(j.stream_name, <const char*>name, len(name))
        j.batch_bytes_max = batch_bytes_max
        j.batch = <uint8_t*>malloc(batch_bytes_max)
        if j.batch == NULL:
            raise MemoryError
        # A page that is first touched while orders wait costs them a fault.
        memset(j.batch, 0, batch_bytes_max)
        self._go_on_behind(recover(self.directory, newest_only=True), stream_name)
        self._take_mark(identity)

    def _go_on_behind(self, report, stream_name):
        cdef Journal* j = &self.j
        cdef int n
        cdef bytes segment = report.segment.encode()
        if report.stream_name and report.stream_name != stream_name:
            raise ValueError(f"journal: found stream {report.stream_name!r}, "
                             f"expected {stream_name!r}")
        self.recovered = report
        j.sequence_last = report.last_sequence
        j.synced_ns = j.clock.mono_ns(j.clock.context)
        if segment:
            j.fd = j.files.open(j.files.context, segment, 0)
            if j.fd < 0:
                raise OSError(-j.fd, os.strerror(-j.fd), report.segment)
            n = _claim(j, j.fd)
            if n < 0:
                raise OSError(-n, os.strerror(-n), report.segment)
            j.segment_sequence = segment_sequence(segment)
            j.file_bytes = report.offset
            j.durable_bytes = report.offset
            j.directory_synced = True
            # Recovery has made it durable: say so to those who read the file.
            ends_with_mark = report.durable_offset + RECORD_HEADER_BYTES == report.offset
            j.mark_due = not ends_with_mark and j.file_bytes > <uint64_t>SEGMENT_HEADER_BYTES

    def _take_mark(self, identity):
        cdef Journal* j = &self.j
        cdef int state = mark_read(&j.files, &j.high_water)
        if state < 0:
            raise OSError(-state, os.strerror(-state), "journal.mark")
        if state == MARK_DAMAGED or state == MARK_FOREIGN:
            # It is evidence until somebody has looked at it: no mark of this stage goes over it.
            j.high_water.sequence = SEQUENCE_MAX
        mark_identify(&j.high_water, self.j.stream_name, identity)

    def __dealloc__(self):
        if self.j.fd >= 0:
            self.j.files.close(self.j.files.context, self.j.fd)
        free(self.j.batch)

    cdef Agent agent(self):
        cdef Agent agent
        agent.poll = journal_poll
        agent.self = &self.j
        agent.name = b"journal"
        return agent

    def poll_once(self, int batch_max=256):
        """One poll: the frames taken, or a negative status."""
        cdef int work
        with nogil:
            work = journal_poll(&self.j, batch_max)
        return work

    def finish(self):
        """Write and sync everything taken so far. OSError when files refuse; it can be repeated."""
        cdef int status
        with nogil:
            status = journal_finish(&self.j)
        if status != STATUS_OK:
            raise OSError(self.j.os_error, os.strerror(self.j.os_error), "journal")

    @property
    def sequence(self):
        """Sequence of the last frame taken."""
        return self.j.sequence_last

    @property
    def os_error(self):
        """errno of the last file call that was refused, 0 for none."""
        return self.j.os_error

    @property
    def gap_sequence(self):
        """The ring's next frame, when those between `sequence` and it are lost; else 0."""
        return self.j.gap_sequence
