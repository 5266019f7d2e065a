# The simulation's loop, without the interpreter. See loop.pyx.

from libc.stdint cimport uint32_t, uint64_t

from ironcore.simulation.member cimport Member
from ironcore.simulation.subscriber cimport Subscriber
from ironcore.simulation.network cimport GATEWAYS_MAX
from ironcore.simulation.venue cimport STAGES_MAX, SimulatedVenue
from ironcore.simulation.world cimport World

cdef enum Plant:                     # bugs put in on purpose, to see that they are found
    PLANT_NONE = 0
    PLANT_RELEASE_BEFORE_SYNC = 1
    PLANT_NO_DIRECTORY_SYNC = 2
    PLANT_NO_REWRITE = 3
    PLANT_NOT_BEHIND_JOURNAL = 4
    PLANT_NO_HIGH_WATER = 5
    PLANT_ONE_HIGH_WATER = 6
    PLANT_NO_TURNS = 7
    PLANT_DISTURBS_OTHERS = 8

cdef enum Occasion:                  # why the loop returns
    OCCASION_NONE = 0
    OCCASION_START = 1               # the stage's time to start has come
    OCCASION_DEFINE = 2              # the matcher has to define instruments and sessions
    OCCASION_KILL = 3                # the stage was killed
    OCCASION_KILL_ALL = 4
    OCCASION_POWER = 5               # the host lost its power
    OCCASION_SETTLED = 6             # all is sent and answered, and every stage has nothing to do
    OCCASION_VIOLATION = 7
    OCCASION_TIRED = 8               # enough steps for now

cdef class Loop:
    cdef World world
    cdef SimulatedVenue venue
    cdef Member* members
    cdef Subscriber* subscriber
    cdef uint32_t sessions           # members
    cdef int plant                   # Plant
    cdef int stage                   # that the occasion is about
    cdef uint64_t steps
    cdef uint64_t crashes_left
    cdef uint64_t crash_step         # the next crash is due at this step
    cdef bint matcher_next           # it is the matcher's
    cdef uint64_t disk_full_until_ns
    cdef uint64_t up_at_ns[STAGES_MAX]   # when a stage that is down starts
    cdef uint64_t stalled_until[STAGES_MAX]  # a step
    cdef uint64_t stall_steps_max
    cdef uint64_t passed_over[GATEWAYS_MAX]  # commands of others that went before one that waits
    cdef bint calm                   # no more faults: let everything settle

    cdef Occasion turn(self, uint64_t steps_max) noexcept nogil
    cdef Occasion _step(self) noexcept nogil
    cdef Occasion _crash(self) noexcept nogil
    cdef void _prepare_next_crash(self) noexcept nogil
    cdef void _poll_without_release(self, int stage) noexcept nogil
    cdef Occasion _poll(self, int stage) noexcept nogil
    cdef int _poll_matcher(self, int batch) noexcept nogil
    cdef int _poll_journal(self, int batch) noexcept nogil
    cdef void _judge(self, int gateway) noexcept nogil
    cdef void _disturb(self) noexcept nogil
    cdef bint _settled(self) noexcept nogil
    cdef bint _gateway_settled(self, int gateway) noexcept nogil
