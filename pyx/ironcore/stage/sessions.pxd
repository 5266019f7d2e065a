# The order-entry sessions as the stream defines them: what each was told, and what it owns.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.stage.directory cimport Directory
from ironcore.stage.reply_log cimport ReplyLog
from ironcore.wire.record cimport COMMAND_BYTES_MAX

cdef struct OrderFacts:              # 8 bytes: what a later reply repeats of an order
    uint32_t instrument
    uint8_t capacity
    uint8_t iso
    uint8_t cross_type
    uint8_t display

cdef struct Session:
    ReplyLog log
    OrderFacts* orders               # by UserRefNum
    char username[6]
    char firm[4]
    bint cancel_on_disconnect
    bint defined
    bint unsent                      # is in the list of sessions with replies not yet sent
    bint cancel_due                  # its connection is gone: CANCEL_SESSION is to be sequenced
    int connection                   # that serves it, or -1
    bint full                        # seven eighths of the log are used: it takes no more orders
    uint64_t replies_lost            # beyond the log's memory

cdef struct Sessions:
    Session* session                 # 1 .. sessions_max; 0 is not used
    Directory directory
    uint32_t sessions_max
    uint32_t user_ref_bits
    uint32_t count                   # sessions defined
    uint64_t midnight_ns
    char stream_name[10]
    uint32_t* unsent                 # sessions that got replies since the list was emptied
    uint32_t unsent_count
    bint cancels_due                 # a session has become full: its orders are to be cancelled
    # The transaction in hand: it may go on in further frames.
    bint open
    uint8_t command[COMMAND_BYTES_MAX]

cdef int sessions_open(Sessions* s, uint32_t sessions_max, uint32_t instruments_max,
                       uint32_t user_ref_bits, uint64_t replies_bytes_max) noexcept nogil
cdef void sessions_close(Sessions* s) noexcept nogil
# One frame of the stream: appends the replies that it means to the logs. STATUS_CORRUPT for a frame
# that no matcher writes.
cdef int sessions_apply(Sessions* s, const uint8_t* payload, uint32_t payload_bytes) noexcept nogil
# The session of this name (6 characters, padded with spaces), or 0.
cdef uint32_t sessions_find(const Sessions* s, const char* username) noexcept nogil
