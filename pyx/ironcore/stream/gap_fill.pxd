# Frames that a stream has lost, out of the journal. See gap_fill.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.files cimport Files
from ironcore.stream.journal_cursor cimport JournalCursor

cdef struct GapFill:
    JournalCursor cursor
    const uint8_t* frame             # in hand: good until the next one is looked for
    uint32_t frame_bytes
    uint64_t sequence                # of the frame in hand, 0: none
    uint64_t cursor_next             # what the cursor comes to next, 0: it has to seek
    uint64_t waiting_ns              # since when the journal has not had what was asked for, 0: has
    uint64_t wait_ns                 # how long the journal may take
    bint given

# STATUS_LIMIT: no memory.
cdef int gap_fill_open(GapFill* fill, const Files* files,
                       uint64_t wait_ns) noexcept nogil
cdef void gap_fill_close(GapFill* fill) noexcept nogil
# The frame with this number, or the first one behind it that there is, in hand: STATUS_OK. Asked
# again it is the same one. STATUS_EMPTY: the journal has not come so far yet. STATUS_OVERRUN: it
# has not for wait_ns, or cannot be read.
cdef int gap_fill_look(GapFill* fill, uint64_t sequence, uint64_t now_ns) noexcept nogil
