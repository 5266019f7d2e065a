"""Who gets the next turn, and what goes wrong meanwhile, step by step.

In each step the clock moves on and one stage, one member or the subscriber does something, drawn by
chance; or a fault begins or ends. The loop returns where a stage has to be made or dropped.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.status cimport STATUS_EVICTED, STATUS_IO, STATUS_OK
from ironcore.ring.frame cimport frame_sequence_at
from ironcore.ring.spsc cimport SpscConsumer, spsc_peek
from ironcore.simulation.member cimport member_done, member_step
from ironcore.simulation.network cimport net_break_one
from ironcore.simulation.subscriber cimport subscriber_step
from ironcore.simulation.venue cimport (
    STAGE_JOURNAL, STAGE_MATCHER, stage_gateway, stage_is_gateway,
)
from ironcore.engine.under_way cimport steps_are_left
from ironcore.simulation.world cimport (
    CRASH_NONE, CRASH_POWER, CRASH_PROCESS, chance_below, chance_hits, world_violate,
)
from ironcore.stage.gateway_duty cimport gateway_judge, gateway_poll
from ironcore.order_entry.connection cimport (
    CONNECTION_JUDGED, VERDICT_ACCEPTED, Connection, Gateway,
)
from ironcore.stage.journal cimport SYNC_BEFORE_REPLY, SYNC_OFF, Journal, journal_poll
from ironcore.stage.matcher cimport SOURCE_TURN_MAX, Matcher, matcher_poll
from ironcore.stage.publisher cimport publisher_poll
from ironcore.wire.record cimport COMMAND_CANCEL_SESSION, COMMAND_MASS_CANCEL

cdef enum:
    STEP_NS_MAX = 2000
    LEAP_NS_MAX = 20000000           # nobody gets a turn for so long
    LONG_LEAP_NS_MAX = 20000000000
    DISK_FULL_NS_MAX = 5000000
    CLOCK_SET_NS_MAX = 3000000
    STEPS_BETWEEN_CRASHES_MAX = 8000
    BATCH_MAX = 32
    TURNS_A_POLL = 4                 # of the matcher with several order rings


cdef inline uint64_t _next_sequence(const SpscConsumer* orders) noexcept nogil:
    """Of the frame that a ring's matcher takes next, whether it is there yet or not."""
    return frame_sequence_at(orders.data, orders.head & (orders.capacity_bytes - 1))


cdef inline bint _waits(SpscConsumer* orders) noexcept nogil:
    cdef const uint8_t* record = NULL
    cdef uint32_t record_bytes = 0
    cdef uint64_t sequence = 0
    return spsc_peek(orders, &record, &record_bytes, &sequence) == STATUS_OK


cdef bint _is_held_up(const Matcher* m, SpscConsumer* orders) noexcept nogil:
    """Whether the ring's next command may have to come later, behind CONTINUE (rule 18.5): then no
    turn helps it."""
    cdef const uint8_t* record = NULL
    cdef uint32_t record_bytes = 0
    cdef uint64_t sequence = 0
    return (steps_are_left(m.engine)
            and spsc_peek(orders, &record, &record_bytes, &sequence) == STATUS_OK
            and (record[0] == COMMAND_MASS_CANCEL or record[0] == COMMAND_CANCEL_SESSION))


cdef class Loop:
    """The state of a simulation that its loop works on."""

    cdef Occasion turn(self, uint64_t steps_max) noexcept nogil:
        """Go on until something happens that the loop cannot do itself."""
        cdef Occasion occasion = OCCASION_NONE
        cdef uint64_t end = self.steps + steps_max
        while self.steps < end:
            self.steps += 1
            occasion = self._step()
            if self.world.violation != NULL:
                return OCCASION_VIOLATION
            if occasion != OCCASION_NONE:
                return occasion
        return OCCASION_TIRED

    cdef Occasion _step(self) noexcept nogil:
        cdef uint64_t what = chance_below(&self.world, 100)
        cdef int stage
        self.world.mono_ns += 100 + chance_below(&self.world, STEP_NS_MAX)
        if chance_hits(&self.world, 1):
            self.world.mono_ns += chance_below(&self.world, LEAP_NS_MAX)
            if not self.calm and chance_hits(&self.world, 20):
                self.world.mono_ns += chance_below(&self.world, LONG_LEAP_NS_MAX)
        for stage in range(self.venue.stages):
            if not self.venue.is_up(stage) and self.world.mono_ns >= self.up_at_ns[stage]:
                self.stage = stage
                return OCCASION_START
        if self.crashes_left and self.steps >= self.crash_step:
            return self._crash()
        if what < 45:
            return self._poll(<int>chance_below(&self.world, self.venue.stages))
        if what < 90:
            member_step(&self.members[chance_below(&self.world, self.sessions)])
        elif what < 97:
            subscriber_step(self.subscriber)
        elif what < 99:
            for stage in range(<int>self.venue.settings.gateways):
                self._judge(stage)
        elif not self.calm:
            self._disturb()
        elif self._settled():
            return OCCASION_SETTLED
        return OCCASION_NONE

    cdef Occasion _crash(self) noexcept nogil:
        """A process or the host goes down, at some call of some stage into disk or network."""
        cdef uint64_t what = chance_below(&self.world, 10)
        cdef int stage = <int>chance_below(&self.world, self.venue.stages)
        self.crashes_left -= 1
        self.crash_step = self.steps + chance_below(&self.world, STEPS_BETWEEN_CRASHES_MAX)
        if chance_hits(&self.world, 500):
            stage = STAGE_JOURNAL        # it has the most to lose
        if self.matcher_next:
            stage = STAGE_MATCHER
        self._prepare_next_crash()
        self.world.crash_kind = CRASH_PROCESS if what < 6 else CRASH_POWER
        self.world.crash_countdown = <uint32_t>chance_below(&self.world, 4)
        self._poll_without_release(stage)
        self.world.crash_kind = CRASH_NONE
        self.stage = stage
        if self.world.violation != NULL:
            return OCCASION_VIOLATION
        if what < 4 and self.venue.is_up(stage):
            return OCCASION_KILL
        return OCCASION_KILL_ALL if what < 6 else OCCASION_POWER

    cdef void _prepare_next_crash(self) noexcept nogil:
        """With several order rings it is the matcher's now and then. Until then it has no turn, so
        that it dies with much in each of them."""
        self.matcher_next = (self.venue.settings.gateways > 1 and self.crashes_left != 0
                             and chance_hits(&self.world, 300))
        if self.matcher_next:
            self.stalled_until[STAGE_MATCHER] = self.crash_step

    cdef void _poll_without_release(self, int stage) noexcept nogil:
        """Poll the stage; perhaps its process dies just before it tells the ring what it has read.

        That is the last thing that a poll does to a ring, but for the gateway's, which sends only
        afterwards. Of several order rings some may have been told.
        """
        cdef uint64_t* released[GATEWAYS_MAX]
        cdef uint64_t before[GATEWAYS_MAX]
        cdef uint32_t count = 1
        cdef uint32_t i
        if not self.venue.is_up(stage) or stage_is_gateway(stage):
            self._poll(stage)
            return
        if stage == STAGE_MATCHER:
            count = self.venue.settings.gateways
            for i in range(count):
                released[i] = self.venue.matcher.source[i].orders.head_shared
        elif stage == STAGE_JOURNAL:
            released[0] = &self.venue.journal.stream.slot.position
        else:
            released[0] = &self.venue.publisher.stream.slot.position
        for i in range(count):
            before[i] = load_acquire_u64(released[i])
        self._poll(stage)
        for i in range(count):
            if chance_hits(&self.world, 500):
                store_release_u64(released[i], before[i])

    cdef Occasion _poll(self, int stage) noexcept nogil:
        cdef int batch = 1 + <int>chance_below(&self.world, BATCH_MAX)
        cdef int work = 0
        self.stage = stage
        if not self.venue.is_up(stage) or self.steps < self.stalled_until[stage]:
            return OCCASION_NONE
        if stage_is_gateway(stage):
            work = gateway_poll(self.venue.gateway[stage_gateway(stage)], batch)
            if work == -STATUS_EVICTED:
                return OCCASION_KILL     # its process ends, and is started again
        elif stage == STAGE_MATCHER:
            if not self.venue.defined:
                return OCCASION_DEFINE
            work = self._poll_matcher(batch)
        elif stage == STAGE_JOURNAL:
            work = self._poll_journal(batch)
            if work == -STATUS_IO:
                return OCCASION_NONE
        else:
            work = publisher_poll(self.venue.publisher, batch)
        if work < 0 and self.world.crashed == CRASH_NONE:
            world_violate(&self.world, b"a stage cannot go on (stage, status)", stage, -work)
        return OCCASION_NONE

    cdef int _poll_matcher(self, int batch) noexcept nogil:
        """And see that each order ring that has something gets its turn."""
        cdef Matcher* m = self.venue.matcher
        cdef uint32_t gateways = self.venue.settings.gateways
        cdef uint64_t taken[GATEWAYS_MAX]
        cdef bint waited[GATEWAYS_MAX]
        cdef uint64_t all_taken = 0
        cdef uint32_t i
        cdef int work
        if gateways > 1:
            batch *= TURNS_A_POLL
        for i in range(gateways):
            waited[i] = _waits(m.source[i].orders)
            taken[i] = _next_sequence(m.source[i].orders)
        if self.plant == PLANT_NO_TURNS:
            m.source_turn_max = batch
            m.source_first = 0
        work = matcher_poll(m, batch)
        for i in range(gateways):
            taken[i] = _next_sequence(m.source[i].orders) - taken[i]
            all_taken += taken[i]
        for i in range(gateways):
            self.passed_over[i] += all_taken
            if taken[i] or not waited[i] or _is_held_up(m, m.source[i].orders):
                self.passed_over[i] = 0
            if self.passed_over[i] > (gateways - 1) * <uint64_t>SOURCE_TURN_MAX:
                world_violate(&self.world, b"an order ring waits for longer than all others' turns"
                              b" (gateway, commands)", i + 1, self.passed_over[i])
        return work

    cdef int _poll_journal(self, int batch) noexcept nogil:
        cdef Journal* j = self.venue.journal
        cdef int work
        if self.plant == PLANT_RELEASE_BEFORE_SYNC:
            if j.unsynced and j.fd >= 0 and j.files.sync(j.files.context, j.fd) == 0:
                j.unsynced = False
            j.policy = SYNC_OFF
        work = journal_poll(j, batch)
        if self.plant == PLANT_RELEASE_BEFORE_SYNC:
            j.policy = SYNC_BEFORE_REPLY
        elif self.plant == PLANT_NO_REWRITE:
            j.batch_written = j.batch_bytes
        return work

    cdef void _judge(self, int gateway) noexcept nogil:
        """The passwords of those who log in are right, sooner or later."""
        cdef Gateway* g = self.venue.gateway[gateway]
        cdef Connection* c
        cdef uint32_t i
        cdef uint64_t generation
        if g == NULL:
            return
        for i in range(g.places):
            c = &g.connection[i]
            generation = load_acquire_u64(&c.login.asked)
            if c.state == CONNECTION_JUDGED and generation == c.generation:
                gateway_judge(g, i, generation, VERDICT_ACCEPTED)

    cdef void _disturb(self) noexcept nogil:
        """Faults that last, and the clock that is set; calm once everything has happened."""
        cdef bint busy = self.crashes_left != 0
        cdef uint32_t i
        if chance_hits(&self.world, self.world.odds.reset):
            net_break_one(self.venue.network.net)
        if chance_hits(&self.world, self.world.odds.stall):
            self.stalled_until[chance_below(&self.world, self.venue.stages)] = (
                self.steps + chance_below(&self.world, self.stall_steps_max))
        if self.world.disk_full:
            self.world.disk_full = self.world.mono_ns < self.disk_full_until_ns
        elif chance_hits(&self.world, self.world.odds.disk_error):
            self.world.disk_full = True
            self.disk_full_until_ns = (
                self.world.mono_ns + chance_below(&self.world, DISK_FULL_NS_MAX))
        if chance_hits(&self.world, 10):
            self.world.real_offset_ns += (
                chance_below(&self.world, CLOCK_SET_NS_MAX) - CLOCK_SET_NS_MAX // 3)
        for i in range(self.sessions):
            busy = busy or self.members[i].orders_left != 0
        if not busy:
            self.calm = True
            memset(self.stalled_until, 0, sizeof(self.stalled_until))
            self.world.disk_full = False
            memset(&self.world.odds, 0, sizeof(self.world.odds))

    cdef bint _settled(self) noexcept nogil:
        cdef uint64_t sequence
        cdef int stage
        for stage in range(self.venue.stages):
            if not self.venue.is_up(stage):
                return False
        sequence = self.venue.matcher.stream_sequence_last
        if (not self.venue.defined or self.venue.matcher.publishing
                or self.venue.journal.sequence_last != sequence
                or self.venue.publisher.feed.walk.sequence != sequence
                or self.subscriber.next != self.venue.publisher.message_next):
            return False
        for stage in range(<int>self.venue.settings.gateways):
            if not self._gateway_settled(stage):
                return False
        return True

    cdef bint _gateway_settled(self, int gateway) noexcept nogil:
        cdef const Gateway* g = self.venue.gateway[gateway]
        cdef uint32_t i
        if (g.sessions.walk.sequence != self.venue.matcher.stream_sequence_last or g.cancels_due
                or self.venue.matcher.source[gateway].orders.head != g.orders.tail):
            return False
        for i in range(self.sessions):
            if self.members[i].gateway == gateway and (
                    not member_done(&self.members[i]) or self.members[i].replies_count
                    != g.sessions.session[i + 1].log.count):
                return False
        return True
