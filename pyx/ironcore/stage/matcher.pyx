"""The matcher: stamps each command with time and sequence, applies it to the engine, and writes the
command and the events that it caused into the event stream.

What is in the stream has happened, and nothing else has. A command leaves the order ring only after
its whole transaction is in the stream; should the matcher die in between, the next one finds the
command's ring sequence in the stream and does not apply it twice.

Once a second it sequences a CLOCK of its own (matcher_clock.pxd). Where the end of an auction
depends on chance, it brings a random number (rule 13.11). Operators' commands come by a second,
small ring. They are taken off it before they are in the stream: should the matcher die in between,
the operator is told that nothing happened, and nothing happens twice.

There are as many order rings as gateways, each with numbers of its own. They take turns: a turn has
SOURCE_TURN_MAX commands at most, and a poll begins behind the ring that was served last, so that a
busy one keeps nobody waiting for longer than all the others' turns.

In a book that is larger than the caches the memory of an order has to be waited for. Where several
commands wait, that of the later ones is touched before their turn (matcher_ahead.pxd).

A command that takes several steps (section 18 of docs/MATCHING_RULES.md) goes on with a CONTINUE of
the matcher's own, one for each poll. So a poll is a round of three: what a tick finds, a step, and
a turn of the rings. When the stream has no room for more, the next poll goes on behind the one that
filled it: none of the three waits for more than one turn of each of the others. A command for which
there is no room among those that wait for a step stays where it is.

When the stream's day is over the matcher closes every instrument (day_end.pyx) before it takes the
next command off the order ring.
"""

from libc.limits cimport INT_MAX
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from ironcore.base.check cimport iron_assert
from ironcore.base.clock cimport host_clock
from ironcore.base.counters cimport counter_add, counter_set
from ironcore.base.status cimport (
    STATUS_CORRUPT, STATUS_FULL, STATUS_IGNORED, STATUS_LATER, STATUS_MALFORMED, STATUS_OK,
)
from ironcore.engine.under_way cimport steps_are_left
from ironcore.engine.batch cimport PREFETCH_ORDERS_MIN
from ironcore.engine.dispatch cimport engine_apply
from ironcore.engine.engine cimport Engine
from ironcore.engine.matching_engine cimport MatchingEngine
from ironcore.order_entry.seeds cimport seeds_next, seeds_open
from ironcore.ring.broadcast cimport Producer as StreamProducer
from ironcore.ring.broadcast_producer cimport broadcast_claim, broadcast_commit
from ironcore.ring.spsc cimport Consumer as OrderConsumer
from ironcore.ring.spsc cimport SpscConsumer, spsc_advance, spsc_peek, spsc_release
from ironcore.stage.agent cimport Agent
from ironcore.stage.matcher_ahead cimport orders_ahead_step
from ironcore.stage.matcher_clock cimport (
    matcher_clock_begin_day, matcher_clock_init, matcher_clock_is_asked, matcher_clock_is_due,
    matcher_clock_next,
)
from ironcore.stream.day_end cimport (
    DAY_END_NEVER, day_end_init, day_end_next, day_end_observe, day_end_opens,
)
from ironcore.stream.frame_taker cimport FrameTaker
from ironcore.stream.walk cimport walk_take
from ironcore.base.counter_set cimport CounterSet
from ironcore.wire.record cimport (
    COMMAND_BYTES_MAX, COMMAND_CONTINUE, COMMAND_HEADER_BYTES, COMMAND_SET_STATE,
    COMMAND_STREAM_START, EVENT_BYTES, FRAME_PAYLOAD_BYTES_MAX, RECORD_LAST, ClockCommand,
    CommandHeader, ContinueCommand,
)

from ironcore.base.counter_declaration import Counter, Gauge

COUNTERS = (
    Counter("commands", "commands sequenced", unit="commands"),
    Counter("frames", "frames written to the event stream", unit="frames"),
    Counter("events", "events written to the event stream", unit="events"),
    Counter("ignored", "commands without effect: retransmissions, superfluous cancels",
            unit="commands"),
    Counter("malformed", "records of the order ring that were no command", unit="commands"),
    Counter("repeated", "commands found again after a restart and not applied twice",
            unit="commands"),
    Counter("back_pressure", "polls in which the event stream had no room"),
    Counter("clock_held", "stamps held because the clock went back"),
    Counter("control", "operators' commands sequenced", unit="commands"),
    Counter("control_ignored", "operators' commands without effect", unit="commands"),
    Counter("control_malformed", "operators' commands that the engine refused", unit="commands"),
    Gauge("day_end_ns", "when the stream's day ends, in ns since 1970; 0: no stream yet",
          unit="ns"),
    Gauge("day_over", "1 when the day is over and every instrument is closed, else 0"),
    Counter("looked_ahead", "commands whose orders were touched before their turn",
            unit="commands"),
    Counter("continued", "steps of commands that take several, behind their first",
            unit="commands"),
)

cdef enum:
    TICK_NS = 10000000
    CLOSINGS_MAX = 64                # of instruments in one poll at the end of the day

cdef enum Turn:                      # of the next in a poll's round
    TURN_TICK = 0
    TURN_STEP = 1
    TURN_RINGS = 2


cdef int _publish(Matcher* m) noexcept nogil:
    """Write what is left of the transaction in hand: STATUS_OK when all of it is in the stream."""
    cdef Engine* engine = m.engine
    cdef CommandHeader* header = <CommandHeader*>m.command
    cdef uint32_t count = engine.events_count
    cdef uint32_t head_bytes, room, batch, frame_bytes
    cdef uint8_t* payload = NULL
    cdef int status
    while not m.command_published or m.events_published < count:
        head_bytes = 0 if m.command_published else header.record_bytes
        room = (FRAME_PAYLOAD_BYTES_MAX - head_bytes) // EVENT_BYTES
        batch = count - m.events_published
        if batch > room:
            batch = room
        frame_bytes = head_bytes + batch * EVENT_BYTES
        status = broadcast_claim(m.stream, frame_bytes, &payload, m.mono_ns)
        if status != STATUS_OK:
            iron_assert(status == STATUS_FULL, "a frame of the stream always fits its ring")
            counter_add(m.counters[MATCHER_BACK_PRESSURE], 1)
            return STATUS_FULL
        if head_bytes:
            memcpy(payload, m.command, head_bytes)
        if batch:
            memcpy(payload + head_bytes, &engine.events[m.events_published], batch * EVENT_BYTES)
        m.stream_sequence_last = broadcast_commit(m.stream, frame_bytes)
        m.command_published = True
        m.events_published += batch
        counter_add(m.counters[MATCHER_FRAMES], 1)
        counter_add(m.counters[MATCHER_EVENTS], batch)
    m.publishing = False
    if m.held != NULL:
        spsc_advance(m.held)
        m.held = NULL
    return STATUS_OK


cdef inline uint64_t _now(const Matcher* m) noexcept nogil:
    cdef uint64_t now = m.clock.real_ns(m.clock.context)
    return now if now > m.time_ns_last else m.time_ns_last


cdef inline bint _day_is_to_end(const Matcher* m, uint64_t now) noexcept nogil:
    return now >= m.day.end_ns and not m.day.closed


cdef void _observe(Matcher* m, const CommandHeader* header) noexcept nogil:
    """What a command that the engine has taken says of the stream's day."""
    day_end_observe(&m.day, header)
    if header.type == COMMAND_STREAM_START:
        matcher_clock_begin_day(&m.seconds, &m.day)
    # Nothing is stamped before the day that it belongs to, whatever the clock does.
    if m.time_ns_last < m.day.midnight_ns:
        m.time_ns_last = m.day.midnight_ns


cdef void _show_day(Matcher* m) noexcept nogil:
    counter_set(m.counters[MATCHER_DAY_END_NS],
                0 if m.day.end_ns == DAY_END_NEVER else m.day.end_ns)
    counter_set(m.counters[MATCHER_DAY_OVER], m.day.closed)


cdef inline void _stamp(Matcher* m, CommandHeader* header, uint32_t source,
                        uint64_t source_sequence) noexcept nogil:
    cdef uint64_t now = m.clock.real_ns(m.clock.context)
    if now < m.time_ns_last:
        counter_add(m.counters[MATCHER_CLOCK_HELD], 1)
        now = m.time_ns_last
    m.time_ns_last = now
    header.time_ns = now
    header.source = <uint16_t>source
    header.source_sequence = source_sequence
    header.flags = 0


cdef int _apply(Matcher* m, uint32_t source, uint64_t source_sequence,
                bint in_time) noexcept nogil:
    """Stamp and apply the command in hand: STATUS_OK when it begins a transaction to publish.
    STATUS_FULL: a tick has to sequence something before it: a member's, what ends the day; in_time:
    CLOCK. STATUS_LATER: CONTINUE has to come before it. source: of order rings, from 1; 0: the
    venue itself."""
    cdef CommandHeader* header = <CommandHeader*>m.command
    cdef int status
    _stamp(m, header, source, source_sequence)
    if source and _day_is_to_end(m, header.time_ns):
        return STATUS_FULL
    if in_time and matcher_clock_is_due(&m.seconds, &m.day, header.time_ns):
        return STATUS_FULL
    if in_time and matcher_clock_is_asked(&m.seconds, m.engine, header):
        m.seconds.is_asked = True
        return STATUS_FULL
    status = engine_apply(m.engine, m.command, header.record_bytes)
    if status != STATUS_OK:
        return status
    if header.type <= COMMAND_SET_STATE:
        _observe(m, header)
    if m.engine.events_count == 0:
        header.flags = header.flags | RECORD_LAST
    m.events_published = 0
    m.command_published = False
    m.publishing = True
    return STATUS_OK


cdef int _sequence(Matcher* m, const uint8_t* record, uint32_t record_bytes,
                   uint32_t source, uint64_t source_sequence, bint in_time) noexcept nogil:
    """Take one record in hand and apply it."""
    if (record_bytes < COMMAND_HEADER_BYTES or record_bytes > COMMAND_BYTES_MAX
            or (<const CommandHeader*>record).record_bytes != record_bytes):
        return STATUS_MALFORMED
    memcpy(m.command, record, record_bytes)
    return _apply(m, source, source_sequence, in_time)


cdef inline void _count(Matcher* m, int status, int taken, int ignored,
                        int malformed) noexcept nogil:
    if status == STATUS_OK:
        counter_add(m.counters[taken], 1)
    elif status == STATUS_IGNORED:
        counter_add(m.counters[ignored], 1)
    else:
        counter_add(m.counters[malformed], 1)


cdef int _clock(Matcher* m) noexcept nogil:
    """CLOCK, once for each second of the stream's day that the engine wants: the work done."""
    if matcher_clock_next(&m.seconds, &m.day, _now(m), m.command) == 0:
        return 0
    if m.engine.ends_random:
        (<ClockCommand*>m.command).draw = <uint16_t>seeds_next(&m.seeds)
    if _apply(m, 0, 0, False) != STATUS_OK:
        return 0
    counter_add(m.counters[MATCHER_COMMANDS], 1)
    _publish(m)
    return 1


cdef int _end_day(Matcher* m) noexcept nogil:
    """The next commands that end the day: the work done."""
    cdef uint32_t command_bytes
    cdef int work = 0
    cdef int status
    while work < CLOSINGS_MAX and not m.publishing:
        command_bytes = day_end_next(&m.day, m.engine, m.command)
        if command_bytes == 0:
            break
        status = _apply(m, 0, 0, False)
        if status == STATUS_LATER:
            break
        iron_assert(status == STATUS_OK, "the engine takes what ends the day")
        counter_add(m.counters[MATCHER_COMMANDS], 1)
        _publish(m)
        work += 1
    if not m.day.closed:
        m.tick_due_ns = m.mono_ns    # not in 10 ms: members' commands wait for it
    return work


cdef int _control(Matcher* m) noexcept nogil:
    """The next command of an operator: the work done."""
    cdef const uint8_t* record = NULL
    cdef uint32_t record_bytes = 0
    cdef uint64_t sequence = 0
    cdef int status
    if m.control == NULL or spsc_peek(m.control, &record, &record_bytes, &sequence) != STATUS_OK:
        return 0
    if (record_bytes >= COMMAND_HEADER_BYTES and day_end_opens(<const CommandHeader*>record)
            and _now(m) >= m.day.end_ns):
        status = STATUS_IGNORED      # what is closed at the end of the day stays closed
    else:
        status = _sequence(m, record, record_bytes, 0, 0, True)
    if status == STATUS_FULL or status == STATUS_LATER:
        return 0                     # the next tick looks again, behind its CLOCK
    spsc_advance(m.control)
    spsc_release(m.control)
    _count(m, status, MATCHER_CONTROL, MATCHER_CONTROL_IGNORED, MATCHER_CONTROL_MALFORMED)
    if status == STATUS_OK:
        counter_add(m.counters[MATCHER_COMMANDS], 1)
        _publish(m)
    return 1


cdef int _tick(Matcher* m) noexcept nogil:
    """What is looked at now and then; no transaction is in hand. The work done."""
    cdef int work
    m.tick_due_ns = m.mono_ns + TICK_NS
    work = _end_day(m) if _day_is_to_end(m, _now(m)) else _clock(m)
    _show_day(m)
    if not m.publishing and _control(m):
        work += 1
        # An operator may halt thousands of instruments at once: the next command is looked for in
        # the next poll, behind a batch of orders, and not 10 ms later.
        m.tick_due_ns = m.mono_ns
    return work


cdef int matcher_submit(Matcher* m, const uint8_t* command, uint32_t command_bytes) noexcept nogil:
    cdef int status
    m.mono_ns = m.clock.mono_ns(m.clock.context)
    if m.publishing and _publish(m) != STATUS_OK:
        return STATUS_FULL
    status = _sequence(m, command, command_bytes, 0, 0, False)
    if status == STATUS_LATER:
        return STATUS_FULL
    _count(m, status, MATCHER_COMMANDS, MATCHER_IGNORED, MATCHER_MALFORMED)
    if status == STATUS_OK:
        _publish(m)  # what finds no room now goes out in the next poll
    return status


cdef inline uint32_t _following(const Matcher* m, uint32_t index) noexcept nogil:
    """The one after it in the rotation."""
    return index + 1 if index + 1 < m.sources_count else 0


cdef int _turn(Matcher* m, uint32_t index, int turn_max) noexcept nogil:
    """The commands that a ring has, so many at most: the work done. Stops when the stream has no
    room, or a tick has to sequence something first."""
    cdef Source* source = &m.source[index]
    cdef SpscConsumer* orders = source.orders
    cdef const uint8_t* record = NULL
    cdef uint32_t record_bytes = 0
    cdef uint64_t sequence = 0
    cdef uint64_t looked_ahead = 0
    cdef int work = 0
    cdef int status
    while work < turn_max:
        if spsc_peek(orders, &record, &record_bytes, &sequence) != STATUS_OK:
            break
        work += 1
        if m.engine.arena.orders_live >= m.ahead_orders_min:
            looked_ahead += orders_ahead_step(&source.ahead, m.engine, orders)
        else:
            source.ahead.position = 0
        if sequence <= source.sequence_last:
            counter_add(m.counters[MATCHER_REPEATED], 1)
            spsc_advance(orders)
            continue
        status = _sequence(m, record, record_bytes, index + 1, sequence, True)
        if status == STATUS_FULL:
            m.tick_due_ns = m.mono_ns
            m.tick_waits = True
            break
        if status == STATUS_LATER:
            work -= 1
            break
        _count(m, status, MATCHER_COMMANDS, MATCHER_IGNORED, MATCHER_MALFORMED)
        if status != STATUS_OK:
            spsc_advance(orders)
            continue
        source.sequence_last = sequence
        m.held = orders
        if _publish(m) != STATUS_OK:
            break
    if work:
        spsc_release(orders)
    if looked_ahead:
        counter_add(m.counters[MATCHER_LOOKED_AHEAD], looked_ahead)
    return work


cdef int _rings(Matcher* m, int batch_max) noexcept nogil:
    """The rings' turns, and so many commands of all of them at most: the work done."""
    cdef uint32_t index = m.source_first
    cdef uint32_t idle = 0
    cdef int work = 0
    cdef int served
    m.tick_waits = False
    while (work < batch_max and idle < m.sources_count and not m.publishing
            and not m.tick_waits):
        served = _turn(m, index, min(<int>m.source_turn_max, batch_max - work))
        work += served
        idle = 0 if served else idle + 1
        index = _following(m, index)
        if served:
            m.source_first = index
    return work


cdef int _continue(Matcher* m) noexcept nogil:
    """The next step of a command that takes several: the work done."""
    cdef ContinueCommand* command = <ContinueCommand*>m.command
    cdef int status
    if not steps_are_left(m.engine):
        return 0
    memset(command, 0, sizeof(ContinueCommand))
    command.header.type = COMMAND_CONTINUE
    command.header.record_bytes = sizeof(ContinueCommand)
    status = _apply(m, 0, 0, True)
    if status == STATUS_FULL:
        m.turn = TURN_TICK           # a second began just now: the next poll is another round
        return 1
    iron_assert(status == STATUS_OK, "the engine goes on with what waits")
    counter_add(m.counters[MATCHER_COMMANDS], 1)
    counter_add(m.counters[MATCHER_CONTINUED], 1)
    _publish(m)
    return 1


cdef int matcher_poll(void* self, int batch_max) noexcept nogil:
    cdef Matcher* m = <Matcher*>self
    cdef SpscConsumer* held = m.held
    cdef int work = 0
    m.mono_ns = m.clock.mono_ns(m.clock.context)
    if m.publishing:
        if _publish(m) != STATUS_OK:
            return 0
        work = 1
        if held != NULL:
            spsc_release(held)
    if m.turn == TURN_TICK:
        m.turn = TURN_STEP
        # While steps are made it is not in 10 ms: no step is made before a CLOCK that is due.
        if m.mono_ns >= m.tick_due_ns or steps_are_left(m.engine):
            work += _tick(m)
    if m.turn == TURN_STEP and not m.publishing:
        m.turn = TURN_RINGS
        work += _continue(m)
    if m.turn == TURN_RINGS and not m.publishing:
        m.turn = TURN_TICK
        work += _rings(m, batch_max)
    return work


cdef int matcher_replay(Matcher* m, uint64_t sequence, const uint8_t* payload,
                        uint32_t payload_bytes) noexcept nogil:
    cdef CommandHeader* header = <CommandHeader*>m.replayed.command
    cdef uint32_t count
    cdef uint32_t source
    if walk_take(&m.replayed, sequence, payload, payload_bytes) != STATUS_OK:
        return STATUS_CORRUPT
    if m.replayed.begins:
        if engine_apply(m.engine, m.replayed.command, header.record_bytes) != STATUS_OK:
            return STATUS_CORRUPT
        m.time_ns_last = header.time_ns
        if header.type <= COMMAND_SET_STATE:
            _observe(m, header)
        source = header.source
        if source > SOURCES_MAX:
            return STATUS_CORRUPT
        if source:
            m.source[source - 1].sequence_last = header.source_sequence
        m.command_published = True
        m.events_published = 0
    count = m.replayed.events_count
    if count > m.engine.events_count - m.events_published:
        return STATUS_CORRUPT
    if memcmp(m.replayed.events, &m.engine.events[m.events_published], count * EVENT_BYTES) != 0:
        return STATUS_CORRUPT
    m.events_published += count
    # What a matcher that died had not written of its last transaction, this one writes.
    m.publishing = m.events_published < m.engine.events_count
    if m.publishing != m.replayed.open:
        return STATUS_CORRUPT
    m.stream_sequence_last = sequence
    return STATUS_OK


cdef class MatcherStage:
    """The matcher on its rings. `replay` every frame of the stream that exists, then `submit` what
    the configuration defines anew, then poll.

    orders: the order ring, or all of them in the order of their numbers, SOURCES_MAX at most.
    control: the ring of operators' commands. What stands in it already was meant for a matcher that
    is gone, and is passed over.
    """

    def __cinit__(self, orders, StreamProducer stream, MatchingEngine engine,
                  CounterSet counters, OrderConsumer control=None,
                  uint32_t ahead_orders_min=PREFETCH_ORDERS_MIN):
        cdef OrderConsumer consumer
        self.orders_owner = (orders,) if isinstance(orders, OrderConsumer) else tuple(orders)
        if not 0 < len(self.orders_owner) <= SOURCES_MAX:
            raise ValueError(
                f"orders: found {len(self.orders_owner)} rings, expected 1 to {SOURCES_MAX}")
        for consumer in self.orders_owner:
            self.m.source[self.m.sources_count].orders = &consumer.ring
            self.m.sources_count += 1
        # With one ring there is nobody to make room for.
        self.m.source_turn_max = SOURCE_TURN_MAX if self.m.sources_count > 1 else INT_MAX
        self.m.ahead_orders_min = ahead_orders_min
        self.stream_owner = stream
        self.engine_owner = engine
        self.counters = counters
        self.control_owner = control
        if control is not None:
            while control.poll(1):
                pass
            self.m.control = &control.ring
        self.m.stream = &stream.ring
        self.m.engine = engine.engine
        self.m.clock = host_clock()
        self.m.counters = counters.values
        matcher_clock_init(&self.m.seconds)
        if seeds_open(&self.m.seeds) != STATUS_OK:
            raise OSError("the host has no random numbers")
        day_end_init(&self.m.day)

    cdef Agent agent(self):
        cdef Agent agent
        agent.poll = matcher_poll
        agent.self = &self.m
        agent.name = b"matcher"
        return agent

    @property
    def stream_sequence(self):
        """Sequence of the last frame of the stream."""
        return self.m.stream_sequence_last

    @property
    def source_sequences(self):
        """Of each order ring, in the order of their numbers: the last frame whose command is in the
        stream."""
        return tuple(self.m.source[i].sequence_last for i in range(self.m.sources_count))

    @property
    def day_end_ns(self):
        """UNIX time at which the stream's day ends; 0: there is no stream yet, or it has none."""
        return 0 if self.m.day.end_ns == DAY_END_NEVER else self.m.day.end_ns

    @property
    def day_over(self):
        """Whether the day is over and every instrument is closed."""
        return bool(self.m.day.closed)

    def replay(self, uint64_t sequence, const uint8_t[::1] payload):
        """Replay one frame. Raises ValueError where the stream and the engine disagree."""
        MatcherReplay(self)(sequence, payload)

    def submit(self, const uint8_t[::1] command):
        """Sequence a command of the venue's own. False: the stream has no room, poll and repeat.

        Raises ValueError for a command that the engine refuses as malformed."""
        cdef int status = matcher_submit(&self.m, &command[0], <uint32_t>command.shape[0])
        _show_day(&self.m)
        if status == STATUS_FULL:
            return False
        if status != STATUS_OK:
            raise ValueError(f"found a command of type {command[0]} that the engine refuses with "
                             f"status {status}")
        return True

    def poll_once(self, int batch_max=256):
        """One duty cycle: the work done."""
        return matcher_poll(&self.m, batch_max)


cdef int _replay_take(void* self, uint64_t sequence, const uint8_t* payload,
                      uint32_t payload_bytes) noexcept nogil:
    cdef Matcher* m = <Matcher*>self
    cdef int status = matcher_replay(m, sequence, payload, payload_bytes)
    _show_day(m)
    return status


cdef class MatcherReplay(FrameTaker):
    """Replays the frames of a stream that exists already through a matcher."""

    def __cinit__(self, MatcherStage stage not None):
        self.stage = stage
        self.take = _replay_take
        self.self = &stage.m

    def refused(self, uint64_t sequence):
        """Raises ValueError: the stream and the engine disagree."""
        raise ValueError(
            f"frame {sequence}: the engine does not give the events that the stream holds"
            f" (last good frame {self.stage.m.stream_sequence_last})"
        )
