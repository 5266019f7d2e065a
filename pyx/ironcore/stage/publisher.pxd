# The publisher: the event stream as ITCH 5.0 over MoldUDP64. See publisher.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.clock cimport Clock
from ironcore.base.files cimport FileDirectory
from ironcore.net.sockets cimport Network, Sockets
from ironcore.ring.broadcast cimport BroadcastReader
from ironcore.stage.agent cimport Stage
from ironcore.base.counter_set cimport CounterSet
from ironcore.stage.itch_feed cimport ITCH_FEED_OUT_BYTES_MAX, ItchFeed
from ironcore.stage.journal_cursor cimport JournalCursor
from ironcore.stage.publisher_window cimport MessageWindow
from ironcore.wire.moldudp64 cimport MOLD_PACKET_BYTES_MAX, MoldBuilder
from ironcore.wire.record cimport FRAME_PAYLOAD_BYTES_MAX

cdef enum:                           # counters, in the order of COUNTERS
    PUBLISHER_FRAMES = 0
    PUBLISHER_MESSAGES = 1
    PUBLISHER_PACKETS = 2
    PUBLISHER_HEARTBEATS = 3
    PUBLISHER_CAUGHT_UP = 4
    PUBLISHER_RETRIES = 5
    PUBLISHER_SEND_ERRORS = 6
    PUBLISHER_PACKETS_LEFT = 7
    PUBLISHER_REQUESTS = 8
    PUBLISHER_REQUESTS_SERVED = 9
    PUBLISHER_EVICTIONS = 10

cdef struct Publisher:
    BroadcastReader* stream
    Sockets sockets
    Clock clock
    uint64_t** counters
    ItchFeed feed
    MessageWindow window
    JournalCursor journal            # where the frames are that the ring does not hold any more
    bint journal_given
    bint journal_sought              # the journal's next frame is the feed's next one
    int feed_fd                      # connected to the group
    int request_fd                   # where re-requests come in, -1: nowhere
    uint64_t heartbeat_ns
    uint32_t packet_bytes_max
    uint32_t retries_max             # of one packet
    uint64_t sequence_sent           # frames up to this one were sent by an earlier publisher
    uint8_t frame[FRAME_PAYLOAD_BYTES_MAX]
    uint8_t blocks[ITCH_FEED_OUT_BYTES_MAX]  # the messages of the frame in hand
    uint32_t blocks_bytes
    uint32_t blocks_offset           # of the first that is in no packet yet
    uint8_t packet[MOLD_PACKET_BYTES_MAX]
    MoldBuilder builder              # of the packet in hand
    uint32_t packet_bytes            # once it is complete, until it is sent or given up
    uint32_t retries                 # of it so far
    uint64_t message_next            # sequence of the next message to put into a packet
    uint64_t sent_ns                 # when something was sent last
    bint held                        # frames are taken from the ring and not released yet
    bint ending                      # end the session once there is nothing left to send
    bint end_told
    int os_error                     # errno of the last send that was refused

# Work done, or a negative status: -STATUS_CORRUPT (the stream or the journal cannot be read on),
# -STATUS_IO (the journal), -STATUS_EVICTED (too slow, and there is no journal to catch up from).
cdef int publisher_poll(void* self, int batch_max) noexcept nogil

cdef class PublisherStage(Stage):
    cdef Publisher p
    cdef readonly CounterSet counters
    cdef FileDirectory directory
    cdef Network network
    cdef object stream_owner
