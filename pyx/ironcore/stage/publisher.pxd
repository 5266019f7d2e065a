# The publisher: the event stream as ITCH 5.0 messages into a publication. See publisher.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.clock cimport Clock
from ironcore.base.counter_set cimport CounterSet
from ironcore.base.files cimport FileDirectory
from ironcore.messaging.publication cimport Publication, PublicationEnd
from ironcore.ring.broadcast_reader cimport BroadcastReader
from ironcore.stage.agent cimport Stage
from ironcore.market_data.itch_feed cimport ITCH_FEED_OUT_BYTES_MAX, ItchFeed
from ironcore.stream.journal_cursor cimport JournalCursor
from ironcore.wire.record cimport FRAME_PAYLOAD_BYTES_MAX

cdef enum:                           # counters, in the order of COUNTERS
    PUBLISHER_FRAMES = 0
    PUBLISHER_MESSAGES = 1
    PUBLISHER_CAUGHT_UP = 2
    PUBLISHER_EVICTIONS = 3

cdef struct Publisher:
    BroadcastReader* stream
    const Publication* publication
    Clock clock
    uint64_t** counters
    ItchFeed feed
    JournalCursor journal            # where the frames are that the ring does not hold any more
    bint journal_given
    bint journal_sought              # the journal's next frame is the feed's next one
    uint64_t sequence_sent           # frames up to this one were sent by an earlier publisher
    uint8_t frame[FRAME_PAYLOAD_BYTES_MAX]
    uint8_t blocks[ITCH_FEED_OUT_BYTES_MAX]  # the messages of the frame in hand
    uint32_t blocks_bytes
    uint32_t blocks_offset           # of the first that is not published yet
    uint64_t message_next            # sequence of the next message to publish
    bint ending                      # end the stream once there is nothing left to publish
    bint held                        # frames are taken from the ring and not released yet

# Work done, or a negative status: -STATUS_CORRUPT (the stream or the journal cannot be read on),
# -STATUS_IO (the journal or the transport), -STATUS_EVICTED (too slow, and there is no journal to
# catch up from), or what else the publication says.
cdef int publisher_poll(void* self, int batch_max) noexcept nogil

cdef class PublisherStage(Stage):
    cdef Publisher p
    cdef readonly CounterSet counters
    cdef readonly PublicationEnd publication
    cdef FileDirectory directory
    cdef object stream_owner
