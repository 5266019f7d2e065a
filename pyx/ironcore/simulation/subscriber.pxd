# A simulated subscriber of the feed. See subscriber.pyx.

from libc.stdint cimport uint8_t, uint64_t

from ironcore.simulation.network cimport Net
from ironcore.simulation.world cimport World
from ironcore.wire.itch50 cimport ITCH50_MESSAGE_BYTES_MAX

cdef enum:
    SUBSCRIBER_MESSAGES_MAX = 32768

cdef struct FeedMessage:
    uint8_t bytes
    uint8_t data[ITCH50_MESSAGE_BYTES_MAX]

cdef struct Subscriber:
    World* world
    Net* net
    char stream_name[10]
    uint64_t next                    # sequence of the first message that it has not got
    uint64_t known                   # highest sequence that it has heard of
    uint64_t asked_ns                # when it asked for what it lost
    FeedMessage messages[SUBSCRIBER_MESSAGES_MAX]

# The subscriber's memory is zeros.
cdef void subscriber_open(Subscriber* s, World* world, Net* net,
                          const char* stream_name) noexcept nogil
cdef void subscriber_step(Subscriber* s) noexcept nogil
# The venue lost the messages behind the first `count` for good, as its durability allows.
cdef void subscriber_forget(Subscriber* s, uint64_t count) noexcept nogil
