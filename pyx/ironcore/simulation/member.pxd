# A simulated member: an OUCH session over connections that break. See member.pyx.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from ironcore.simulation.network cimport Net
from ironcore.simulation.world cimport World

cdef enum:
    MEMBER_REFS_MAX = 1024           # UserRefNums, from 1
    MEMBER_REPLIES_MAX = 16384
    MEMBER_BUFFER_BYTES = 4096

cdef enum MemberState:
    MEMBER_AWAY = 0                  # connects again at `until_ns`
    MEMBER_LOGGING_IN = 1
    MEMBER_LIVE = 2

cdef enum OrderState:
    ORDER_NONE = 0                   # the number was not used, or not for a new order
    ORDER_SENT = 1                   # perhaps it arrived, perhaps not
    ORDER_ANSWERED = 2

cdef struct MemberOrder:
    OrderState state
    uint32_t instrument
    uint32_t quantity
    uint32_t price
    uint8_t side
    uint8_t time_in_force
    uint8_t display
    uint32_t max_floor               # of an iceberg; 0: it is none
    uint32_t expire_second           # with time in force '6'

cdef struct MemberReply:             # what is remembered of a reply
    uint64_t hash
    uint32_t user_ref
    uint32_t orig_user_ref
    uint32_t quantity
    uint8_t kind                     # OUCH message type
    uint8_t state

cdef struct Member:
    World* world
    Net* net
    uint32_t session
    int gateway                      # that serves its session
    char username[6]
    char stream_name[10]
    uint32_t instruments
    uint32_t orders_left             # new orders still to be sent
    uint32_t unanswered_max
    uint32_t gap_ticks               # between what buyers and sellers offer, usually
    MemberState state
    uint64_t until_ns
    uint64_t spoken_ns
    int link
    uint32_t user_ref_next
    uint32_t resend_ref              # unanswered orders from here on are to be sent again
    uint32_t unanswered
    uint64_t wanted                  # sequence asked for at login
    uint64_t expected                # of the next reply on this connection
    uint64_t replies_count           # different ones, ever
    uint32_t out_start
    uint32_t out_end
    uint32_t in_end
    uint8_t out[MEMBER_BUFFER_BYTES]
    uint8_t inbox[MEMBER_BUFFER_BYTES]
    MemberOrder orders[MEMBER_REFS_MAX]
    int64_t open[MEMBER_REFS_MAX]    # quantity open, as the replies say
    MemberReply replies[MEMBER_REPLIES_MAX]

# The member's memory is zeros.
cdef void member_open(Member* m, World* world, Net* net, uint32_t session,
                      int gateway) noexcept nogil
# Does something, or nothing.
cdef void member_step(Member* m) noexcept nogil
# Everything was sent and answered.
cdef bint member_done(const Member* m) noexcept nogil
# The venue lost the replies behind the first `count` for good, as its durability allows: the member
# forgets them, too.
cdef void member_forget(Member* m, uint64_t count) noexcept nogil
# How many of the member's replies these SoupBinTCP packets, back to back, begin with.
cdef uint64_t member_recognizes(const Member* m, const uint8_t* packets,
                                uint64_t bytes) noexcept nogil
