"""The whole venue in one process and one thread, from one seed, with everything that goes wrong.

The stages are the real ones; their disk, network, clock and scheduling are not. Members trade over
breaking connections, a subscriber follows a feed that loses packets, the disk fills up and refuses,
and processes and host crash in the middle of calls and start again. What must hold is checked all
the time: each reply and each message of the feed has one content for ever, orders are answered
once, each gateway's commands are in the stream once and in their order, no gateway is disturbed by
another's death, order rings take fair turns, and with `before-reply` nothing that was seen outside
is lost with the power. In the end the journal replays to the matcher's books, and feed and members
believe the same.
"""

import os
import shutil
import tempfile

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from ironcore.ring.broadcast_file cimport SLOT_EVICTED
from ironcore.simulation.loop cimport (
    OCCASION_DEFINE, OCCASION_KILL, OCCASION_KILL_ALL, OCCASION_POWER, OCCASION_SETTLED,
    OCCASION_START, OCCASION_VIOLATION, PLANT_DISTURBS_OTHERS, PLANT_NO_DIRECTORY_SYNC,
    PLANT_NO_HIGH_WATER, PLANT_NO_REWRITE, PLANT_NO_TURNS, PLANT_NONE, PLANT_NOT_BEHIND_JOURNAL,
    PLANT_ONE_HIGH_WATER, PLANT_RELEASE_BEFORE_SYNC, Occasion,
)
from ironcore.simulation.judgement cimport Judgement
from ironcore.simulation.member cimport Member, member_open
from ironcore.simulation.subscriber cimport Subscriber, subscriber_open
from ironcore.simulation.network cimport GATEWAYS_MAX
from ironcore.simulation.venue cimport (
    INSTRUMENTS_MAX, SESSIONS_MAX, STAGE_JOURNAL, STAGE_MATCHER, STAGE_PUBLISHER, SimulatedVenue,
    stage_gateway, stage_is_gateway,
)
from ironcore.simulation.world cimport (
    CRASH_NONE, CRASH_POWER, Odds, World, chance_below, chance_hits, world_midnight_ns,
)

from ironcore.simulation.judgement import SimulationError
from ironcore.simulation.venue import STAGE_NAMES, STREAM_NAME, CrashedAgain

PLANTS = {
    "": PLANT_NONE,
    "release-before-sync": PLANT_RELEASE_BEFORE_SYNC,
    "no-directory-sync": PLANT_NO_DIRECTORY_SYNC,
    "no-rewrite-after-failed-sync": PLANT_NO_REWRITE,
    "not-behind-the-journal": PLANT_NOT_BEHIND_JOURNAL,
    "no-high-water-of-a-source": PLANT_NO_HIGH_WATER,
    "one-high-water-for-all": PLANT_ONE_HIGH_WATER,
    "no-turns": PLANT_NO_TURNS,
    "disturbs-another-gateway": PLANT_DISTURBS_OTHERS,
}
POLICIES = ("off", "interval", "before-reply")
OPENING_NS = 34_200_000_000_000

cdef enum:
    STEPS_MAX = 3000000
    STEPS_AT_ONCE = 100000
    DOWN_NS_MAX = 3000000            # of a stage that was killed
    STALL_STEPS_MIN = 500


cdef int _sync_nothing(void* context) noexcept nogil:
    return 0


cdef class Simulation(Judgement):
    """One venue, its members and its subscriber, from one seed."""

    def __cinit__(self, directory, uint64_t seed, str plant, str policy, uint32_t gateways, trace,
                  uint64_t began_ns):
        cdef uint32_t i
        self.seed = seed
        self.plant = PLANTS[plant]
        self.trace = trace
        self.world.chance = seed
        self.world.mono_ns = 1_000_000_000
        self.world.real_offset_ns = world_midnight_ns() + began_ns
        if not policy:
            policy = POLICIES[chance_below(&self.world, 3)]
        self.before_reply = policy == "before-reply"
        self._draw_odds()
        settings = self._draw_settings(gateways)
        self.venue = SimulatedVenue(directory, policy, <size_t>&self.world, settings)
        self.sessions = settings["sessions"]
        self.members = <Member*>calloc(SESSIONS_MAX, sizeof(Member))
        self.subscriber = <Subscriber*>calloc(1, sizeof(Subscriber))
        if self.members == NULL or self.subscriber == NULL:
            raise MemoryError
        for i in range(self.sessions):
            member_open(&self.members[i], &self.world, self.venue.network.net, i + 1,
                        self.venue.home(i + 1))
            self.members[i].instruments = settings["instruments"]
            self.members[i].orders_left = 20 + <uint32_t>chance_below(&self.world, 180)
        stream_name = STREAM_NAME.encode()
        subscriber_open(self.subscriber, &self.world, self.venue.network.net, stream_name)
        self.crashes_left = chance_below(&self.world, 10)
        self.crash_step = chance_below(&self.world, 6000)
        self.stall_steps_max = <uint64_t>STALL_STEPS_MIN << chance_below(&self.world, 7)

    def __dealloc__(self):
        free(self.members)
        free(self.subscriber)

    def _draw_odds(self):
        """Each fault is absent from some seeds, and frequent in others."""
        cdef uint32_t* odds = <uint32_t*>&self.world.odds
        cdef uint32_t highest[11]
        cdef size_t i
        highest[:] = [300, 20, 300, 300, 1000, 100, 50, 100, 100, 60, 500]
        for i in range(sizeof(Odds) // sizeof(uint32_t)):
            if chance_hits(&self.world, 600):
                odds[i] = <uint32_t>chance_below(&self.world, highest[i])

    def _draw_settings(self, uint32_t gateways):
        # By a chance of its own, so that it makes no difference to what else a seed draws.
        cdef World aside
        aside.chance = ~self.seed
        if gateways == 0:
            gateways = 1 + <uint32_t>chance_below(&aside, GATEWAYS_MAX)

        def below(uint64_t bound):
            return chance_below(&self.world, bound)

        return {
            "gateways": gateways,
            "sessions": max(1 + below(SESSIONS_MAX), gateways),
            "instruments": 1 + below(INSTRUMENTS_MAX - 1),
            "cancel_on_disconnect": below(32),
            "orders_max": 64 if below(4) == 0 else 1024,
            "order_ring_bytes": 4096 << below(3),
            "event_ring_bytes": 16384 << below(3),
            "patience_ns": 0 if below(3) == 0 else 1_000_000 << below(8),
            "segment_bytes": 2048 << below(6),
            "batch_bytes_max": 2048 << below(6),
            "interval_ns": 10_000 << below(10),
            "window_bytes": 1 << 20,
            "packet_bytes_max": 128 + below(1293),
        }

    def run(self):
        """Run to the end and check: the report. Raises SimulationError."""
        try:
            self._restart()
            while self._go_on():
                pass
            return self._check_end()
        except SimulationError:
            raise
        except Exception as error:
            raise SimulationError(self.seed, f"{type(error).__name__}: {error}") from error

    def _go_on(self):
        """One stretch of the loop and what ended it: False when everything is settled."""
        cdef Occasion occasion
        with nogil:
            occasion = self.turn(STEPS_AT_ONCE)
        if occasion == OCCASION_SETTLED:
            return False
        if occasion == OCCASION_START:
            self._start(self.stage)
        elif occasion == OCCASION_DEFINE:
            self.venue.define_some()
        elif occasion == OCCASION_KILL:
            self._say(f"the {STAGE_NAMES[self.stage]} is killed")
            self._kill(self.stage)
        elif occasion == OCCASION_KILL_ALL:
            self._say("all stages are killed")
            self._crash_all(False)
        elif occasion == OCCASION_POWER:
            self._say("power is lost")
            self._crash_all(True)
        elif occasion == OCCASION_VIOLATION:
            self._fail(f"{(<bytes>self.world.violation).decode()} "
                       f"({self.world.violation_where}, {self.world.violation_what})")
        elif self.steps > STEPS_MAX:
            self._fail(f"it does not settle: {self._where_they_are()}")
        return True

    def _where_they_are(self):
        venue = self.venue
        if not all(venue.is_up(stage) for stage in range(venue.stages)):
            return "a stage is down"
        found = [
            f"frames: matcher {venue.matcher.stream_sequence_last}, journal "
            f"{venue.journal.sequence_last}, publisher {venue.publisher.feed.walk.sequence}",
            f"feed: {self.subscriber.next} of {venue.publisher.message_next}",
        ]
        for i in range(venue.settings.gateways):
            found.append(
                f"gateway {i + 1}: frame {venue.gateway[i].sessions.walk.sequence}, order ring "
                f"{venue.matcher.source[i].orders.head} of {venue.gateway[i].orders.tail} bytes")
        for i in range(self.sessions):
            log_count = venue.gateway[self.members[i].gateway].sessions.session[i + 1].log.count
            found.append(
                f"member {i + 1}: state {self.members[i].state}, {self.members[i].orders_left} "
                f"orders left, {self.members[i].unanswered} unanswered, "
                f"{self.members[i].replies_count} replies of {log_count}")
        return "; ".join(found)

    def _start(self, int stage):
        self._say(f"the {STAGE_NAMES[stage]} starts")
        if stage_is_gateway(stage):
            self.venue.happened["served_beside_a_dead_gateway"] += (
                self._served_beside(stage) > self.replies_beside[stage_gateway(stage)])
        calm = self._set_odds_aside()
        before = self.venue.other_gateways(stage)
        self.venue.start(stage)
        if self.plant == PLANT_DISTURBS_OTHERS and before and stage_is_gateway(stage):
            self.venue.gateway[1 - stage_gateway(stage)].stream.slot.state = SLOT_EVICTED
        self._compare_others(stage, before)
        self.world.odds = calm
        if stage_is_gateway(stage):
            self._compare_replies(&self.venue.gateway[stage_gateway(stage)].sessions,
                                  stage_gateway(stage))
        if stage_is_gateway(stage) and self.plant == PLANT_NOT_BEHIND_JOURNAL:
            self.venue.gateway[stage_gateway(stage)].stream.followed = 0
        if stage == STAGE_MATCHER:
            self._spoil_high_waters()
        if stage == STAGE_PUBLISHER and self.plant == PLANT_NOT_BEHIND_JOURNAL:
            self.venue.publisher.stream.followed = 0
        if stage == STAGE_JOURNAL and self.plant == PLANT_NO_DIRECTORY_SYNC:
            self.venue.journal.files.sync_directory = _sync_nothing

    def _spoil_high_waters(self):
        """The planted bugs of a matcher that has read the stream."""
        cdef uint32_t gateways = self.venue.settings.gateways
        cdef uint32_t i
        for i in range(gateways):
            self.passed_over[i] = 0
        if self.plant == PLANT_NO_HIGH_WATER:
            self.venue.matcher.source[gateways - 1].sequence_last = 0
        elif self.plant == PLANT_ONE_HIGH_WATER:
            for i in range(gateways):
                self.venue.matcher.source[i].sequence_last = max(
                    self.venue.matcher.source[0].sequence_last,
                    self.venue.matcher.source[gateways - 1].sequence_last)

    def _compare_others(self, int stage, before):
        now = self.venue.other_gateways(stage)
        if now != before:
            self._fail(f"the {STAGE_NAMES[stage]} has disturbed another gateway: {before} is {now}")

    def _served_beside(self, int stage):
        """How many replies the members of other gateways than this stage have."""
        cdef uint32_t i
        return sum(self.members[i].replies_count for i in range(self.sessions)
                   if self.members[i].gateway != stage_gateway(stage))

    def _note_served_beside(self, int stage):
        if stage_is_gateway(stage):
            self.replies_beside[stage_gateway(stage)] = self._served_beside(stage)

    def _kill(self, int stage):
        self.crashes += 1
        before = self.venue.other_gateways(stage)
        self.venue.kill(stage)
        self._compare_others(stage, before)
        self._note_served_beside(stage)
        self.up_at_ns[stage] = self.world.mono_ns + chance_below(&self.world, DOWN_NS_MAX)

    def _crash_all(self, bint power_lost):
        """Every process is gone, and perhaps the host; what must be left, is there again."""
        cdef uint64_t written = 0
        cdef uint64_t seen = 0
        cdef uint32_t i
        if self.venue.matcher != NULL:
            written = self.venue.matcher.stream_sequence_last
        for i in range(self.venue.settings.gateways):
            if self.venue.gateway[i] != NULL:
                seen = max(seen, self.venue.gateway[i].sessions.walk.sequence)
        if self.venue.publisher != NULL:
            seen = max(seen, self.venue.publisher.feed.walk.sequence)
        if self.before_reply:
            seen = max(seen, self.venue.seen_by_onlookers())
        self.crashes += 1
        self.power_lost = power_lost
        if power_lost:
            self.venue.lose_power()
        else:
            self.venue.kill_all()
        last = self._restart()
        if not self.power_lost and last < written:
            self._fail(f"frame {written} was in the ring, and {last} is the last one saved")
        if self.before_reply and last < seen:
            self._fail(f"frame {seen} was seen outside, and {last} is the last durable one")

    def _restart(self):
        """Recover and make ready to start every stage: the last sequence recovered."""
        odds = self._set_odds_aside()
        while True:
            if not self.calm and chance_hits(&self.world, 200):
                self.world.crash_kind = 1 + <int>chance_below(&self.world, 2)
                self.world.crash_countdown = <uint32_t>chance_below(&self.world, 60)
            try:
                last = self.venue.prepare()
                break
            except CrashedAgain:
                pass
            self._say("crashes again while it recovers")
            self.venue.happened["crashes_in_recovery"] += 1
            if self.world.crashed == CRASH_POWER:
                self.power_lost = True
                self.venue.lose_power()
            else:
                self.venue.kill_all()
        self.world.crash_kind = CRASH_NONE
        self.world.odds = odds
        self.lossy = self.lossy or (self.power_lost and not self.before_reply)
        self._say(f"recovered up to frame {last}")
        self._compare_with_journal()
        for stage in range(self.venue.stages):
            self.up_at_ns[stage] = self.world.mono_ns + chance_below(&self.world, DOWN_NS_MAX)
            self._note_served_beside(stage)
        return last


def simulate(seed, *, plant="", policy="", gateways=0, trace=None, began_ns=OPENING_NS):
    """Run one simulation: its report. SimulationError when what must hold does not.

    `plant` puts in one of PLANTS, a bug; `policy` fixes the journal's durability and `gateways` how
    many there are, which are the seed's otherwise; `trace` is called with a line for each restart
    and crash; `began_ns` is the time of the day at which it begins, less a second, 9:30 unless
    told.
    """
    directory = tempfile.mkdtemp(prefix="ironpit-simulation-", dir=_ring_directory())
    try:
        return Simulation(directory, seed, plant, policy, gateways, trace, began_ns).run()
    finally:
        shutil.rmtree(directory)


def _ring_directory():
    """Rings belong into memory."""
    return "/dev/shm" if os.path.isdir("/dev/shm") else None
