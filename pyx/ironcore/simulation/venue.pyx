"""A venue in one process, of the same stages and the same recovery as a real one.

Its rings are real files; its disk and network are simulated. A stage that is killed is dropped as
it stands, and a new one is made on the same rings, as a restarted process would.
"""

import struct
from collections import Counter
from pathlib import Path

from libc.stdint cimport uint32_t

from ironcore.simulation.disk cimport SimulatedDirectory, disk_lose_power, disk_open
from ironcore.simulation.network cimport (
    FEED_FD, LISTENER_FD, REQUEST_FD, SimulatedNetwork, net_connections, net_gateway_gone,
    net_open,
)
from ironcore.simulation.world cimport (
    CRASH_NONE, World, world_clock, world_midnight_ns,
)
from ironcore.order_entry.connection cimport Gateway
from ironcore.stage.gateway cimport GatewayCatchUp, GatewayStage
from ironcore.stage.journal cimport JournalStage
from ironcore.stage.matcher cimport MatcherReplay, MatcherStage
from ironcore.stage.publisher cimport PublisherStage
from ironcore.order_entry.seeds cimport seeds_fix
from ironcore.wire.record cimport (
    COMMAND_DEFINE_INSTRUMENT, COMMAND_DEFINE_SESSION, COMMAND_HEADER_BYTES, COMMAND_STREAM_START,
    COMMAND_SYSTEM_EVENT, RECORD_VERSION,
)

from ironcore.base.counter_set import CounterSet
from ironcore.messaging.multicast.publication import MulticastPublication
from ironcore.order_entry.ouch.protocol import PROTOCOL as OUCH
from ironcore.ring.broadcast import LossyReader
from ironcore.runtime import pipeline
from ironcore.stage import gateway, journal, matcher, publisher
from ironcore.stream.frame_taker import ChosenFrames
from ironcore.stream.journal_recovery import JournalBehindError, recover

STREAM_NAME = "SIMULATION"
PRICE_DECIMALS = 4
NO_INSTRUMENT = 0xFFFFFFFF
STAGE_NAMES = ("gateway", "matcher", "journal", "publisher", "gateway-2")
GATEWAY_NAMES = ("gateway", "gateway-2")

cdef enum:
    CONNECTIONS_MAX = 8
    VENUE_COMMAND_MAX = 5            # commands of the venue's own have lower types
    STEP_ACTIONS_MAX = 40            # three orders leave with a step of a mass cancel
    SEEDS_STATE = 1
    FRAMES_MAX = 1 << 20             # more than any ring here holds


class CrashedAgain(Exception):
    """The host or the process crashed while it was recovering."""


def _command(kind, body, session=0, instrument=NO_INSTRUMENT):
    return struct.pack("<BBHIQQIIHHI", kind, 0, COMMAND_HEADER_BYTES + len(body), session, 0, 0, 0,
                       instrument, 0, 0, 0) + body


def _definitions(uint32_t instruments, uint32_t sessions, uint32_t orders_max,
                 uint32_t cancel_on_disconnect):
    body = struct.pack("<10sHIQIIII", STREAM_NAME.encode(), RECORD_VERSION, INSTRUMENTS_MAX,
                       world_midnight_ns(), orders_max, SESSIONS_MAX, USER_REF_BITS,
                       STEP_ACTIONS_MAX)
    commands = [_command(COMMAND_STREAM_START, body)]
    for number in range(instruments):
        # Beside the first one, prices that leap pause an instrument for a second.
        dynamic_bp, pause_seconds = (10, 1) if number else (0, 0)
        body = struct.pack("<8sIIiiI6xH6xH8xB11x", b"SYM%d    " % number, 100, 1, 100, 2_000_000,
                           999_999, dynamic_bp, pause_seconds, PRICE_DECIMALS)
        commands.append(_command(COMMAND_DEFINE_INSTRUMENT, body, instrument=number))
    for number in range(1, sessions + 1):
        body = struct.pack("<16s8s8sB23x", (b"M%d" % number).ljust(16), b"FIRM    ", b" " * 8,
                           cancel_on_disconnect >> number & 1)
        commands.append(_command(COMMAND_DEFINE_SESSION, body, session=number))
    for code in b"OSQ":
        commands.append(_command(COMMAND_SYSTEM_EVENT, bytes([code]) + bytes(7)))
    return commands


cdef class SimulatedVenue:
    """The venue. `directory` is where its rings lie; `policy` the journal's durability."""

    def __cinit__(self, directory, str policy, size_t world_address, dict settings):
        self.world = <World*>world_address
        self.settings = settings
        self.policy = policy
        self.disk = SimulatedDirectory()
        self.network = SimulatedNetwork()
        disk_open(self.disk.disk, self.world)
        net_open(self.network.net, self.world)
        self.stages = STAGE_SECOND_GATEWAY + <int>self.settings.gateways - 1
        self.gateway_stages = [None] * self.settings.gateways
        self.orders_paths = [Path(directory) / f"orders-{number}.ring"
                             for number in range(1, self.settings.gateways + 1)]
        self.events_path = Path(directory) / "events.ring"
        self.definitions = _definitions(self.settings.instruments, self.settings.sessions,
                                        self.settings.orders_max,
                                        self.settings.cancel_on_disconnect)
        self.definitions_left = []
        self.happened = Counter()

    cdef int home(self, uint32_t session) noexcept nogil:
        return <int>((session - 1) % self.settings.gateways)

    cdef bint is_up(self, int stage) noexcept nogil:
        if stage_is_gateway(stage):
            return self.gateway[stage_gateway(stage)] != NULL
        if stage == STAGE_MATCHER:
            return self.matcher != NULL
        if stage == STAGE_JOURNAL:
            return self.journal != NULL
        return self.publisher != NULL

    def kill(self, int stage):
        """SIGKILL to the stage's process."""
        if self.is_up(stage):
            self._count(stage)
        if stage_is_gateway(stage):
            net_gateway_gone(self.network.net, stage_gateway(stage))
            self.gateway[stage_gateway(stage)] = NULL
            self.gateway_stages[stage_gateway(stage)] = None
        elif stage == STAGE_MATCHER:
            self.matcher = NULL
            self.matcher_stage = None
            self.engine = None
        elif stage == STAGE_JOURNAL:
            self.journal = NULL
            self.journal_stage = None
        else:
            self.publisher = NULL
            self.publisher_stage = None
        self.world.crashed = CRASH_NONE
        self.world.crash_kind = CRASH_NONE

    def other_gateways(self, int stage):
        """What a stage that starts or dies must leave alone of gateways that it is not: their
        connections, their place in the stream and their order ring."""
        cdef Gateway* g
        cdef uint32_t i
        found = {}
        for i in range(self.settings.gateways):
            g = self.gateway[i]
            if g != NULL and not (stage_is_gateway(stage) and stage_gateway(stage) == <int>i):
                found[i + 1] = (net_connections(self.network.net, i), g.live, g.stream.slot.state,
                                g.stream.slot.position, g.orders.tail_shared[0])
        return found

    def _count(self, int stage):
        stages = (self.gateway_stages[0], self.matcher_stage, self.journal_stage,
                  self.publisher_stage, *self.gateway_stages[1:])
        counters = stages[stage].counters.snapshot()
        if stage == STAGE_PUBLISHER:
            counters |= self.publisher_stage.publication.counters.snapshot()
        for name, count in counters.items():
            self.happened[f"{STAGE_NAMES[stage]}.{name}"] += count

    def kill_all(self):
        """SIGKILL to every process."""
        for stage in range(self.stages):
            self.kill(stage)

    def seen_by_onlookers(self):
        """The last frame that a reader without a place in the ring can see."""
        if not self.events_path.exists():
            return 0
        _, frames = LossyReader(self.events_path, "oldest").poll(FRAMES_MAX)
        return max([sequence for sequence, _ in frames], default=0)

    def lose_power(self):
        """The host goes down at once: rings, page cache and processes are gone."""
        self.kill_all()
        disk_lose_power(self.disk.disk)
        for path in self.orders_paths:
            path.unlink(missing_ok=True)
        self.events_path.unlink(missing_ok=True)

    def without_newest_segment(self):
        """What recovery says, "" for nothing, of a finished journal without its newest segment;
        which is put back."""
        name = max((n for n in self.disk.contents() if n.endswith(".journal")), default="")
        if not name:
            return "there is no segment"
        encoded = name.encode()
        self.disk.files.rename(self.disk.files.context, encoded, b"lost")
        before = self.disk.contents()
        try:
            recover(self.disk)
            said = ""
        except JournalBehindError as error:
            said = str(error)
        if self.disk.contents() != before:
            said = ""
        self.disk.files.rename(self.disk.files.context, b"lost", encoded)
        self.disk.files.sync_directory(self.disk.files.context)
        self.happened["newest_segments_lost"] += 1
        return said

    def prepare(self):
        """Recover the journal, save what the old rings hold, make new rings: the last sequence.

        CrashedAgain when the simulated crash strikes meanwhile.
        """
        try:
            last = self._recover()
        except OSError:
            if self.world.crashed == CRASH_NONE:
                raise
            last = None
        # The crash may have struck a call whose refusal is no harm, as that of the mark.
        if last is None or self.world.crashed != CRASH_NONE:
            raise CrashedAgain
        return last

    def _recover(self):
        exists = self.events_path.exists()
        report = recover(self.disk, held=pipeline.held_by(self.events_path) if exists else (1, 0))
        last = report.last_sequence
        self.happened["torn_tails"] += report.torn_bytes > 0
        self.happened["set_aside"] += report.set_aside != ""
        self.happened["marks_behind_the_journal"] += 0 < report.mark_sequence < last
        if self.events_path.exists():
            last = pipeline.salvage(self.events_path, self.disk, STREAM_NAME,
                                    self.settings.segment_bytes)
            self.happened["frames_salvaged"] += last - report.last_sequence
            self.events_path.unlink()
        pipeline.create_event_ring(
            self.events_path, self.settings.event_ring_bytes,
            stages={"journal": 0, "publisher": self.settings.patience_ns,
                    **dict.fromkeys(GATEWAY_NAMES[:self.settings.gateways],
                                    self.settings.patience_ns)},
            before_reply=self.policy == "before-reply", sequence_next=last + 1,
        )
        for number, path in enumerate(self.orders_paths, 1):
            if not path.exists():
                sequence_next = pipeline.last_source_sequences(self.disk).get(number, 0) + 1
                pipeline.create_order_ring(path, self.settings.order_ring_bytes,
                                           sequence_next=sequence_next)
        return last

    def start(self, int stage):
        """Start the stage's process."""
        if stage_is_gateway(stage):
            self._start_gateway(stage_gateway(stage))
        elif stage == STAGE_MATCHER:
            self._start_matcher()
        elif stage == STAGE_JOURNAL:
            self._start_journal()
        else:
            self._start_publisher()

    def _start_journal(self):
        cdef JournalStage stage = JournalStage(
            pipeline.open_stream_reader(self.events_path, "journal"), self.disk, STREAM_NAME,
            CounterSet("journal", journal.COUNTERS), policy=self.policy,
            interval_ns=self.settings.interval_ns, segment_bytes=self.settings.segment_bytes,
            batch_bytes_max=self.settings.batch_bytes_max,
        )
        stage.j.clock = world_clock(self.world)
        stage.j.synced_ns = self.world.mono_ns
        self.journal_stage = stage
        self.journal = &stage.j

    def _start_gateway(self, int index):
        name = GATEWAY_NAMES[index]
        reader = pipeline.open_stream_reader(self.events_path, name)
        self.network.gateway = index
        cdef GatewayStage stage = GatewayStage(
            LISTENER_FD + index, pipeline.open_order_producer(self.orders_paths[index]), reader,
            CounterSet(name, gateway.COUNTERS), OUCH, sessions_max=SESSIONS_MAX,
            instruments_max=INSTRUMENTS_MAX, user_ref_bits=USER_REF_BITS,
            replies_bytes_max=REPLIES_BYTES_MAX, connections_max=CONNECTIONS_MAX,
            logins_max=CONNECTIONS_MAX, logins_per_address_max=CONNECTIONS_MAX,
            sessions_expected=self.settings.sessions,
            heartbeat_ns=1_000_000_000, peer_timeout_ns=15_000_000_000,
            login_timeout_ns=30_000_000_000, network=self.network, name=name,
            serves=self._served(index),
        )
        stage.g.clock = world_clock(self.world)
        seeds_fix(&stage.g.seeds, SEEDS_STATE)
        pipeline.give_before(self.disk, self.events_path, reader.first_sequence,
                             [GatewayCatchUp(stage)])
        stage.caught_up()
        self.gateway_stages[index] = stage
        self.gateway[index] = &stage.g

    def _served(self, int index):
        """The sessions of this gateway, None: all."""
        if self.settings.gateways == 1:
            return None
        return [f"M{number}" for number in range(1, SESSIONS_MAX + 1)
                if self.home(number) == index]

    def _start_matcher(self):
        self.engine = pipeline.make_engine(
            instruments_max=INSTRUMENTS_MAX, sessions_max=SESSIONS_MAX,
            orders_max=self.settings.orders_max, user_ref_bits=USER_REF_BITS)
        cdef MatcherStage stage = MatcherStage(
            [pipeline.open_order_consumer(path) for path in self.orders_paths],
            pipeline.open_stream_producer(self.events_path), self.engine,
            CounterSet("matcher", matcher.COUNTERS))
        stage.m.clock = world_clock(self.world)
        seeds_fix(&stage.m.seeds, SEEDS_STATE)
        defined = [frame for frame in self._venue_commands(stage)
                   # but for the matcher's own, at the end of the day
                   if frame[0] != COMMAND_SYSTEM_EVENT or frame[COMMAND_HEADER_BYTES] not in b"ME"]
        self.definitions_left = self.definitions[len(defined):]
        self.defined = not self.definitions_left
        self.matcher_stage = stage
        self.matcher = &stage.m

    def _venue_commands(self, MatcherStage stage):
        """Replay the stream that there is: the frames with which the venue has defined things."""
        frames = []
        chosen = ChosenFrames(range(VENUE_COMMAND_MAX),
                              lambda sequence, frame: frames.append(frame))
        pipeline.give_stream(self.disk, self.events_path, [MatcherReplay(stage), chosen])
        return frames

    cdef int define_some(self) except -1:
        """Submit what is left of the definitions, as far as the stream has room."""
        while self.definitions_left and self.matcher_stage.submit(self.definitions_left[0]):
            del self.definitions_left[0]
        self.defined = not self.definitions_left
        return 0

    def _start_publisher(self):
        publication = MulticastPublication(
            [FEED_FD], STREAM_NAME, request_fd=REQUEST_FD, window_bytes=self.settings.window_bytes,
            retries_max=3, packet_bytes_max=self.settings.packet_bytes_max, network=self.network,
        )
        cdef PublisherStage stage = PublisherStage(
            pipeline.open_stream_reader(self.events_path, "publisher"), publication,
            CounterSet("publisher", publisher.COUNTERS), journal=self.disk)
        stage.p.clock = world_clock(self.world)
        self.publisher_stage = stage
        self.publisher = &stage.p
