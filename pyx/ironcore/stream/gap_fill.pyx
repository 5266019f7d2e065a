"""Frames that a stream has lost, out of the journal that keeps the same stream.

The journal is read behind its writer's back: what was lost may not have been written yet, as a
reader can be evicted while the journal lags as well. It is waited for, but not for ever: the
directory may be that of a journal that nobody writes any more.
"""

from libc.stdint cimport uint64_t
from libc.string cimport memset

from ironcore.base.files cimport Files
from ironcore.base.status cimport STATUS_EMPTY, STATUS_OK, STATUS_OVERRUN, STATUS_TRUNCATED
from ironcore.stream.journal_cursor cimport (
    journal_cursor_close, journal_cursor_next, journal_cursor_open, journal_cursor_seek,
)


cdef int gap_fill_open(GapFill* fill, const Files* files,
                       uint64_t wait_ns) noexcept nogil:
    cdef int status
    memset(fill, 0, sizeof(fill[0]))
    fill.wait_ns = wait_ns
    status = journal_cursor_open(&fill.cursor, files)
    fill.given = status == STATUS_OK
    return status


cdef void gap_fill_close(GapFill* fill) noexcept nogil:
    if fill.given:
        journal_cursor_close(&fill.cursor)
    fill.given = False


cdef int _look(GapFill* fill, uint64_t sequence) noexcept nogil:
    cdef int status
    fill.sequence = 0
    if fill.cursor_next != sequence:
        fill.cursor_next = 0
        status = journal_cursor_seek(&fill.cursor, sequence)
        if status != STATUS_OK:
            return status
        fill.cursor_next = sequence
    status = journal_cursor_next(
        &fill.cursor, &fill.frame, &fill.frame_bytes, &fill.sequence)
    if status == STATUS_OK:
        fill.cursor_next = fill.sequence + 1
    else:
        fill.sequence = 0
    return status


cdef int gap_fill_look(GapFill* fill, uint64_t sequence, uint64_t now_ns) noexcept nogil:
    cdef int status
    if fill.sequence >= sequence:
        return STATUS_OK
    status = _look(fill, sequence)
    if status == STATUS_OK:
        fill.waiting_ns = 0
        return STATUS_OK
    if status != STATUS_EMPTY and status != STATUS_TRUNCATED:
        return STATUS_OVERRUN
    if fill.waiting_ns == 0:
        fill.waiting_ns = now_ns
    if now_ns - fill.waiting_ns < fill.wait_ns:
        return STATUS_EMPTY
    fill.waiting_ns = 0
    return STATUS_OVERRUN
