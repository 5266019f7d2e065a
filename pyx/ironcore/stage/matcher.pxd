# The matcher: the venue's sequencer. See matcher.pyx.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from ironcore.base.clock cimport Clock
from ironcore.engine.engine cimport Engine
from ironcore.order_entry.seeds cimport SeedPool
from ironcore.ring.broadcast_producer cimport BroadcastProducer
from ironcore.ring.spsc cimport SpscConsumer
from ironcore.stage.agent cimport Agent, Stage
from ironcore.stage.matcher_ahead cimport OrdersAhead
from ironcore.stage.matcher_clock cimport MatcherClock
from ironcore.stream.day_end cimport DayEnd
from ironcore.stream.frame_taker cimport FrameTaker
from ironcore.stream.walk cimport Walk
from ironcore.base.counter_set cimport CounterSet
from ironcore.wire.record cimport COMMAND_BYTES_MAX

cdef enum:
    SOURCES_MAX = 64                 # order rings
    SOURCE_TURN_MAX = 32             # commands of one before the next one's turn comes

cdef enum:                           # counters, in the order of COUNTERS
    MATCHER_COMMANDS = 0
    MATCHER_FRAMES = 1
    MATCHER_EVENTS = 2
    MATCHER_IGNORED = 3
    MATCHER_MALFORMED = 4
    MATCHER_REPEATED = 5
    MATCHER_BACK_PRESSURE = 6
    MATCHER_CLOCK_HELD = 7
    MATCHER_CONTROL = 8
    MATCHER_CONTROL_IGNORED = 9
    MATCHER_CONTROL_MALFORMED = 10
    MATCHER_DAY_END_NS = 11
    MATCHER_DAY_OVER = 12
    MATCHER_LOOKED_AHEAD = 13
    MATCHER_CONTINUED = 14

cdef struct Source:                  # an order ring; its number is its place, from 1
    SpscConsumer* orders             # NULL: it has none any more
    uint64_t sequence_last           # the last frame of the ring that is in the stream
    OrdersAhead ahead

cdef struct Matcher:
    Source source[SOURCES_MAX]
    uint32_t sources_count           # that have a ring
    uint32_t source_first            # whose turn is the next poll's first
    int source_turn_max              # commands of one in a turn
    bint tick_waits                  # a member's command waits for what a tick sequences before it
    uint32_t ahead_orders_min        # live orders from which waiting commands are looked at
    SpscConsumer* control            # operators' commands; NULL: there are none
    BroadcastProducer* stream
    Engine* engine
    Clock clock
    uint64_t** counters
    uint64_t time_ns_last            # stamps never go back, whatever the clock does
    uint64_t mono_ns                 # at the start of this poll
    uint64_t tick_due_ns             # when the second and the control ring are looked at next
    DayEnd day                       # whose midnight the seconds of the day count from
    MatcherClock seconds
    uint64_t stream_sequence_last    # of the last frame published or replayed
    uint32_t events_published        # of the transaction in hand
    bint publishing                  # a transaction is not wholly in the stream yet
    int turn                         # Turn: with which a poll's round goes on
    bint command_published
    SpscConsumer* held               # whose frame is still held: that transaction's command; or
                                     # NULL
    SeedPool seeds                   # what CLOCK draws
    uint8_t command[COMMAND_BYTES_MAX]
    Walk replayed                    # the stream that exists already

cdef int matcher_poll(void* self, int batch_max) noexcept nogil
# One frame of a stream that exists already: STATUS_OK, or STATUS_CORRUPT when the engine does not
# answer the command with the very events of the frame.
cdef int matcher_replay(Matcher* m, uint64_t sequence, const uint8_t* payload,
                        uint32_t payload_bytes) noexcept nogil
# Sequences a command of the venue's own; STATUS_FULL when the stream has no room (try again).
cdef int matcher_submit(Matcher* m, const uint8_t* command, uint32_t command_bytes) noexcept nogil

cdef class MatcherStage(Stage):
    cdef Matcher m
    cdef readonly CounterSet counters
    cdef object orders_owner
    cdef object control_owner
    cdef object stream_owner
    cdef object engine_owner
    cdef Agent agent(self)


cdef class MatcherReplay(FrameTaker):
    cdef MatcherStage stage
