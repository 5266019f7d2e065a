# A whole venue on a simulated disk and network, whose stages die and start.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.engine.matching_engine cimport MatchingEngine
from ironcore.simulation.disk cimport SimulatedDirectory
from ironcore.simulation.network cimport GATEWAYS_MAX, SimulatedNetwork
from ironcore.simulation.world cimport World
from ironcore.stage.gateway cimport GatewayStage
from ironcore.order_entry.connection cimport Gateway
from ironcore.stage.journal cimport Journal, JournalStage
from ironcore.stage.matcher cimport Matcher, MatcherStage
from ironcore.stage.publisher cimport Publisher, PublisherStage

cdef enum:
    STAGE_GATEWAY = 0
    STAGE_MATCHER = 1
    STAGE_JOURNAL = 2
    STAGE_PUBLISHER = 3
    STAGE_SECOND_GATEWAY = 4         # last, so that a venue with one gateway just ends before it
    STAGES_MAX = 5
    SESSIONS_MAX = 4
    INSTRUMENTS_MAX = 4
    USER_REF_BITS = 10
    REPLIES_BYTES_MAX = 1 << 21


cdef inline bint stage_is_gateway(int stage) noexcept nogil:
    return stage == STAGE_GATEWAY or stage == STAGE_SECOND_GATEWAY


cdef inline int stage_gateway(int stage) noexcept nogil:
    """Which of the gateways the stage is."""
    return stage // STAGE_SECOND_GATEWAY


cdef struct VenueSettings:
    uint32_t gateways
    uint32_t sessions
    uint32_t instruments
    uint32_t cancel_on_disconnect    # one bit a session
    uint32_t orders_max
    uint64_t order_ring_bytes
    uint64_t event_ring_bytes
    uint64_t patience_ns
    uint64_t segment_bytes
    uint64_t batch_bytes_max
    uint64_t interval_ns
    uint64_t window_bytes
    uint32_t packet_bytes_max

cdef class SimulatedVenue:
    cdef World* world
    cdef VenueSettings settings
    cdef readonly SimulatedDirectory disk
    cdef readonly SimulatedNetwork network
    cdef readonly str policy
    cdef int stages                  # that it has
    cdef list orders_paths           # by gateway
    cdef object events_path
    cdef list definitions            # commands of the venue's own, in their order
    cdef list definitions_left       # those that the stream does not hold yet
    cdef bint defined                # there are none of those
    cdef list gateway_stages
    cdef MatcherStage matcher_stage
    cdef JournalStage journal_stage
    cdef PublisherStage publisher_stage
    cdef readonly MatchingEngine engine
    cdef readonly object happened    # Counter: of the stages that have ended, and of recoveries
    # NULL while the stage's process is dead.
    cdef Gateway* gateway[GATEWAYS_MAX]
    cdef Matcher* matcher
    cdef Journal* journal
    cdef Publisher* publisher

    cdef int define_some(self) except -1
    # Whose session it is, by number from 1.
    cdef int home(self, uint32_t session) noexcept nogil
    cdef bint is_up(self, int stage) noexcept nogil
