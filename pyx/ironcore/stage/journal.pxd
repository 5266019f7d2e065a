# The journal: keeps the event stream in segment files. See journal.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.clock cimport Clock
from ironcore.base.files cimport FileDirectory, Files
from ironcore.ring.broadcast_reader cimport BroadcastReader
from ironcore.stage.agent cimport Stage
from ironcore.base.counter_set cimport CounterSet
from ironcore.stream.journal_mark cimport JournalMark

cdef enum SyncPolicy:
    SYNC_OFF = 0                     # fdatasync only when a segment is complete
    SYNC_INTERVAL = 1                # and every interval_ns
    SYNC_BEFORE_REPLY = 2            # and before the ring's frames are released

cdef enum:                           # counters, in the order of COUNTERS
    JOURNAL_FRAMES = 0
    JOURNAL_BYTES = 1
    JOURNAL_WRITES = 2
    JOURNAL_SYNCS = 3
    JOURNAL_SYNC_NS_MAX = 4
    JOURNAL_SEGMENTS = 5
    JOURNAL_REPEATED = 6
    JOURNAL_WRITE_ERRORS = 7
    JOURNAL_SYNC_ERRORS = 8
    JOURNAL_MARK_ERRORS = 9

cdef struct Journal:
    BroadcastReader* stream
    Files files
    Clock clock
    uint64_t** counters
    int policy                       # SyncPolicy
    uint64_t interval_ns
    uint64_t segment_bytes           # a segment that has reached this gets a successor
    char stream_name[10]
    uint8_t* batch                   # records on their way to the file
    uint64_t batch_bytes_max
    uint64_t batch_bytes
    uint64_t batch_written           # of these
    int fd                           # of the newest segment, -1: the next frame begins one
    uint64_t segment_sequence        # of the newest segment, 0: there has been none
    uint64_t file_bytes              # where the batch goes in it
    uint64_t durable_bytes           # of the file, for certain
    uint64_t sequence_last           # of the last frame taken
    uint64_t synced_ns               # when the last sync ended
    uint64_t gap_sequence            # after -STATUS_CORRUPT: the ring's next frame
    bint directory_synced            # the newest segment has its durable directory entry
    bint held                        # frames are taken and not released yet
    bint sync_failed                 # what is not durable for certain is to be written again
    bint unsynced                    # frames were written since the last sync
    bint mark_due                    # a durability mark is to be written
    bint mark_unsynced               # one was written since the last sync
    JournalMark high_water           # what journal.mark says
    bint high_water_due              # a segment was begun: the mark is to say so
    int os_error                     # errno of the last -STATUS_IO

# Work done; or -STATUS_IO: os_error says why, nothing is lost, and the next poll tries again;
# -STATUS_CORRUPT: frames between sequence_last and gap_sequence are in neither journal nor ring.
cdef int journal_poll(void* self, int batch_max) noexcept nogil
# Writes and syncs what was taken, whatever the policy: STATUS_OK or STATUS_IO.
cdef int journal_finish(Journal* j) noexcept nogil

cdef class JournalStage(Stage):
    cdef Journal j
    cdef readonly CounterSet counters
    cdef readonly object recovered
    cdef FileDirectory directory
    cdef object stream_owner
