# The order-entry sessions as the stream defines them: what each was told, and what it owns.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.stream.facts cimport StreamFacts, facts_day_ns
from ironcore.stream.walk cimport Walk, walk_command
from ironcore.order_entry.reply_log cimport Framing, ReplyLog
from ironcore.wire.record cimport DefineSession

cdef enum:
    SESSION_NAME_BYTES = 16          # of a user name, padded with spaces

cdef struct OrderFacts:              # 32 bytes: what a later reply repeats of an order
    uint32_t instrument
    uint8_t capacity
    uint8_t iso
    uint8_t cross_type
    uint8_t display
    uint8_t stp_mode                 # 'N' 'O' 'B' 'D' '-'
    char client_order_id[20]         # of the order, or what replaced it; zeros: no such order
    uint8_t reserved[3]

cdef struct Session:
    ReplyLog log
    OrderFacts* orders               # by user_ref, the member's own number of the order
    bint unsent                      # is in the list of sessions with replies not yet sent
    bint cancel_due                  # its connection is gone: CANCEL_SESSION is to be sequenced
    int connection                   # that serves it, or -1
    bint served                      # here; of others no reply is kept, but the facts of their
                                     # orders, which replies to its own repeat
    bint full                        # seven eighths of the log are used: it takes no more orders
    uint64_t replies_lost            # beyond the log's memory

cdef struct Sessions:
    Session* session                 # 1 .. sessions_max; 0 is not used
    StreamFacts facts
    const Framing* framing           # of the protocol that replies are kept in
    Walk walk                        # its transaction in hand may go on in further frames
    uint32_t sessions_max
    uint32_t user_ref_bits
    uint32_t* unsent                 # sessions that got replies since the list was emptied
    uint32_t unsent_count
    const char* names                # of the sessions served here, SESSION_NAME_BYTES each; NULL:
                                     # all
    uint32_t names_count
    bint names_elsewhere             # of those that are not served here: all others are
    bint cancels_due                 # a session has become full: its orders are to be cancelled
    uint32_t aggressor               # slot of the order that executes against those that rest, or
                                     # SLOT_NONE

cdef int sessions_open(Sessions* s, const Framing* framing, uint32_t sessions_max,
                       uint32_t instruments_max, uint32_t user_ref_bits,
                       uint64_t replies_bytes_max) noexcept nogil
cdef void sessions_close(Sessions* s) noexcept nogil
# The session of this name (SESSION_NAME_BYTES, padded with spaces), or 0.
cdef uint32_t sessions_find(const Sessions* s, const char* username) noexcept nogil
# The stream has defined this session: is it one of those that are served here?
cdef void sessions_claim(Sessions* s, uint32_t session) noexcept nogil
# Appends one message, framed, to a session's log; session 0, the venue itself, needs none, nor does
# one that is not served here.
cdef void sessions_reply(Sessions* s, uint32_t session, const uint8_t* message,
                         size_t bytes) noexcept nogil


cdef inline const DefineSession* sessions_defined(const Sessions* s,
                                                  uint32_t session) noexcept nogil:
    """What the stream says of the session, which exists."""
    return &s.facts.sessions[session]


cdef inline uint64_t sessions_day_ns(const Sessions* s) noexcept nogil:
    """When the command in hand was sequenced: ns since the midnight of the stream's day."""
    return facts_day_ns(&s.facts, walk_command(&s.walk))


cdef inline uint32_t sessions_user_ref(const Sessions* s, uint32_t slot) noexcept nogil:
    return slot & ((<uint32_t>1 << s.user_ref_bits) - 1)


cdef inline uint32_t sessions_owner(const Sessions* s, uint32_t slot) noexcept nogil:
    """The session that owns the slot, or 0 when there is none."""
    cdef uint32_t session = slot >> s.user_ref_bits
    return session if session <= s.sessions_max else 0


cdef inline OrderFacts* sessions_facts(const Sessions* s, uint32_t slot) noexcept nogil:
    """Of a slot whose session exists."""
    return &s.session[slot >> s.user_ref_bits].orders[sessions_user_ref(s, slot)]
