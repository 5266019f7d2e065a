# The order-entry sessions as the stream defines them: what each was told, and what it owns.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.stage.day_end cimport day_ns
from ironcore.stream.directory cimport Directory
from ironcore.order_entry.reply_log cimport ReplyLog
from ironcore.wire.record cimport COMMAND_BYTES_MAX, CommandHeader

cdef struct OrderFacts:              # 24 bytes: what a later reply repeats of an order
    uint32_t instrument
    uint8_t capacity
    uint8_t iso
    uint8_t cross_type
    uint8_t display
    uint8_t stp_mode                 # 'N' 'O' 'B' 'D' '-'
    char cl_ord_id[14]               # of the order as entered; zeros: no such order
    uint8_t reserved

cdef struct Session:
    ReplyLog log
    OrderFacts* orders               # by UserRefNum
    char username[6]
    char firm[4]
    uint8_t stp_mode                 # of orders that do not name one
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
    uint32_t aggressor               # slot of the order that executes against those that rest, or
                                     # SLOT_NONE
    uint8_t command[COMMAND_BYTES_MAX]

cdef int sessions_open(Sessions* s, uint32_t sessions_max, uint32_t instruments_max,
                       uint32_t user_ref_bits, uint64_t replies_bytes_max) noexcept nogil
cdef void sessions_close(Sessions* s) noexcept nogil
# The session of this name (6 characters, padded with spaces), or 0.
cdef uint32_t sessions_find(const Sessions* s, const char* username) noexcept nogil
# Appends one message to a session's log; session 0, the venue itself, needs none.
cdef void sessions_reply(Sessions* s, uint32_t session, const uint8_t* message,
                         size_t bytes) noexcept nogil


cdef inline uint64_t sessions_day_ns(const Sessions* s) noexcept nogil:
    """OUCH's timestamp of the command in hand."""
    return day_ns((<const CommandHeader*>s.command).time_ns, s.midnight_ns)


cdef inline uint32_t sessions_user_ref(const Sessions* s, uint32_t slot) noexcept nogil:
    return slot & ((<uint32_t>1 << s.user_ref_bits) - 1)


cdef inline uint32_t sessions_owner(const Sessions* s, uint32_t slot) noexcept nogil:
    """The session that owns the slot, or 0 when there is none."""
    cdef uint32_t session = slot >> s.user_ref_bits
    return session if session <= s.sessions_max else 0


cdef inline OrderFacts* sessions_facts(const Sessions* s, uint32_t slot) noexcept nogil:
    """Of a slot whose session exists."""
    return &s.session[slot >> s.user_ref_bits].orders[sessions_user_ref(s, slot)]
