# The face of an order-entry protocol: all that connections, sessions and the gateway know of one.
#
# A protocol is pure. It reads what is given and writes to where it is told; it opens nothing, keeps
# nothing and asks no clock. Replies follow from the stream alone: `report` and `framing` may use
# nothing else, or a gateway that starts again would tell its members something else than before.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.order_entry.reply_log cimport Framing
from ironcore.order_entry.seeds cimport SeedPool
from ironcore.order_entry.session_state cimport SESSION_NAME_BYTES, OrderFacts, Sessions
from ironcore.wire.record cimport CommandHeader, Event

cdef enum:
    PASSWORD_BYTES = 32
    STREAM_NAME_BYTES = 10
    SHORT_FRAME_BYTES_MAX = 128      # of a frame that is no reply

cdef enum FrameKind:                 # what a member sends
    FRAME_MESSAGE = 0                # for the matcher: to be given to `command`
    FRAME_LOGIN = 1                  # to be given to `login`
    FRAME_LOGOUT = 2
    FRAME_ALIVE = 3                  # says nothing, a heartbeat for example
    FRAME_UNEXPECTED = 4             # a member does not send it: its connection ends

cdef struct Frame:
    FrameKind kind
    const uint8_t* payload
    size_t payload_bytes
    size_t frame_bytes               # of all of it; 0: not known yet

cdef struct LoginRequest:
    char username[SESSION_NAME_BYTES]        # padded with spaces
    char password[PASSWORD_BYTES]            # padded with spaces
    char stream_name[STREAM_NAME_BYTES]      # that the member means, or spaces: whichever there is
    uint64_t sequence                # of the reply that it wants next; 0: only the newest
    uint64_t peer_timeout_ns         # after which it wants to be given up; 0: as configured

cdef enum RefusalReason:
    REFUSED_NOT_AUTHORIZED = 0       # wrong user name or password
    REFUSED_NO_SESSION = 1           # not here, or not from this sequence

cdef enum ReportKind:
    REPORT_ACCEPTED = 0
    REPORT_REPLACED = 1
    REPORT_REJECTED = 2              # an order, a replacement or another request
    REPORT_EXECUTED = 3
    REPORT_CANCELED = 4
    REPORT_PREVENTED = 5             # canceled by self-trade prevention
    REPORT_MODIFIED = 6
    REPORT_REPLENISHED = 7           # an iceberg shows its next peak; with a reason, a peg moved
    REPORT_BROKEN = 8                # a trade is bust
    REPORT_ANSWERED = 9              # a request of the whole session; event.type says which
    REPORT_DAY = 10                  # the day has started ('S') or ended ('E'): a
                                     # SystemEventCommand, and no event
    REPORT_CANCEL_REJECTED = 11      # an order cannot be cancelled or reduced now

cdef enum Liquidity:                 # of REPORT_EXECUTED and REPORT_PREVENTED; in an auction it is
    LIQUIDITY_ADDED = 0x41           # the letter of the cross. 'A'
    LIQUIDITY_ADDED_HIDDEN = 0x4A    # 'J'
    LIQUIDITY_REMOVED = 0x52         # 'R'

# An execution report: what one session is told, and of what. Its fields point into the stream.
cdef struct Report:
    ReportKind kind
    uint32_t session                 # that is told
    uint32_t user_ref                # of the order, or of the request that is answered
    uint8_t liquidity                # a Liquidity, or the letter of a cross
    uint8_t stp_mode                 # of REPORT_PREVENTED: the aggressor's
    const CommandHeader* command     # that caused it, perhaps another member's
    const Event* event               # NULL: the command says it all
    const OrderFacts* facts          # of the order; NULL: it is about none, or about one that never
                                     # was

cdef struct Protocol:
    const char* name
    uint32_t frame_bytes_max         # of a member's frame; a longer one ends its connection

    # In. The frame at the start of the buffer: STATUS_OK; STATUS_TRUNCATED, read more, with
    # frame_bytes if it is known already; STATUS_MALFORMED.
    int (*next)(const uint8_t* buffer, size_t bytes, Frame* frame) noexcept nogil
    # A FRAME_LOGIN: STATUS_OK or STATUS_MALFORMED.
    int (*login)(const uint8_t* payload, size_t bytes, LoginRequest* request) noexcept nogil
    # A FRAME_MESSAGE of this session as the record of a command (wire/record.pxd); record has room
    # for COMMAND_BYTES_MAX. Only its form is judged; the engine judges what it asks for, so that
    # every rejection is in the stream. STATUS_OK, STATUS_IGNORED (it is for another firm), or any
    # other: the connection ends. Random numbers of a command come from seeds.
    int (*command)(const Sessions* sessions, SeedPool* seeds, uint32_t session,
                   const uint8_t* message, uint32_t message_bytes, uint8_t* record,
                   uint32_t* record_bytes) noexcept nogil

    # Out. Tells a session, by sessions_reply, or not, where the protocol has no words for it.
    # STATUS_OK, or STATUS_CORRUPT for what no matcher writes.
    int (*report)(Sessions* sessions, const Report* report) noexcept nogil
    Framing framing                  # of what sessions_reply is given

    # Out, beside the replies, at most SHORT_FRAME_BYTES_MAX: the bytes written.
    size_t (*accepted)(uint8_t* out, const char* stream_name, uint64_t sequence) noexcept nogil
    size_t (*refused)(uint8_t* out, RefusalReason reason) noexcept nogil
    size_t (*heartbeat)(uint8_t* out) noexcept nogil
    size_t (*ended)(uint8_t* out) noexcept nogil     # the session of the day is over

# A protocol as Python hands it to a gateway. The module protocol.pyx of a protocol's room makes one
# and calls it PROTOCOL.
cdef class OrderEntryProtocol:
    cdef Protocol face
