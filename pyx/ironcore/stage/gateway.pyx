"""The gateway: members' OUCH 5.0 over SoupBinTCP in, the order ring; the event stream, replies out.

One thread, non-blocking sockets. A message that finds the order ring full stays where it is, and
its connection is not read until there is room: back-pressure reaches the member through TCP.
"""

from libc.errno cimport EAGAIN
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memmove

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.clock cimport host_clock
from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport (
    STATUS_EMPTY, STATUS_EVICTED, STATUS_FULL, STATUS_IGNORED, STATUS_MALFORMED, STATUS_OK,
    STATUS_TOO_LARGE, STATUS_TRUNCATED,
)
from ironcore.net.sockets cimport Network
from ironcore.ring.broadcast cimport Reader as StreamReader
from ironcore.ring.broadcast cimport broadcast_advance, broadcast_peek, broadcast_release
from ironcore.ring.spsc cimport Producer as OrderProducer
from ironcore.ring.spsc cimport spsc_offer
from ironcore.stage.agent cimport Agent
from ironcore.base.counter_set cimport CounterSet
from ironcore.order_entry.connection cimport (
    CLOSED_BY_PEER, CLOSED_ERROR, CLOSED_LOGOUT, CLOSED_MALFORMED, CLOSED_OVERSIZED,
    CLOSED_REPLIES_FULL, CLOSED_UNEXPECTED, CONNECTION_FREE, CONNECTION_JUDGED, CONNECTION_LIVE,
    CONNECTION_NEW, CONNECTION_REFUSED, DESCRIPTORS_MAX, GATEWAY_BACK_PRESSURE,
    GATEWAY_FOREIGN_FIRM, GATEWAY_FRAMES, GATEWAY_MESSAGES, GATEWAY_REPLIES_BYTES,
    GATEWAY_SESSION_CANCELS, INBOUND_PACKET_BYTES_MAX, READY_MAX, RX_BYTES, TIMER_NS,
    VERDICT_ACCEPTED, VERDICT_REFUSED, VERDICT_UNACCELERATED,
    Connection, Gateway, Login, LoginVerdict, connection_accept, connection_ask, connection_close,
    connection_flush, connection_judged, connection_stall, connection_timers,
)
from ironcore.order_entry.ouch.inbound cimport order_entry_cancel_session, order_entry_command
from ironcore.order_entry.seeds cimport seeds_open, seeds_refill
from ironcore.order_entry.session_memory cimport SessionMemory, session_memory_ahead
from ironcore.order_entry.session_state cimport (
    Session, sessions_close, sessions_defined, sessions_open,
)
from ironcore.order_entry.sessions cimport sessions_apply
from ironcore.wire.record cimport COMMAND_BYTES_MAX
from ironcore.wire.soupbin cimport (
    SOUP_CLIENT_HEARTBEAT, SOUP_DEBUG, SOUP_LOGIN_REQUEST, SOUP_LOGOUT_REQUEST,
    SOUP_UNSEQUENCED_DATA, soupbin_next,
)

from ironcore.base.counter_declaration import Counter

COUNTERS = (
    Counter("messages", "OUCH messages put on the order ring", unit="messages"),
    Counter("replies_bytes", "bytes of replies sent", unit="bytes"),
    Counter("frames", "frames of the event stream read", unit="frames"),
    Counter("connections", "connections accepted", unit="connections"),
    Counter("logins", "logins accepted"),
    Counter("back_pressure", "messages that found the order ring full and waited", unit="messages"),
    Counter("foreign_firm", "requests that named another firm, ignored", unit="messages"),
    Counter("session_cancels", "sessions cancelled on disconnect"),
    Counter("replies_lost", "replies beyond a session's reply memory", unit="messages"),
    Counter("connections_refused", "connections refused: connections_max members are logged in",
            unit="connections"),
    Counter("closed_by_peer", "connections closed by the member", unit="connections"),
    Counter("closed_logout", "connections closed after a logout request", unit="connections"),
    Counter("closed_malformed", "connections closed: malformed packet or message",
            unit="connections"),
    Counter("closed_oversized", "connections closed: packet over the limit", unit="connections"),
    Counter("closed_unexpected", "connections closed: a packet that does not belong there",
            unit="connections"),
    Counter("closed_login_refused", "connections closed: wrong user name or password",
            unit="connections"),
    Counter("closed_no_session", "connections closed: session or sequence not available",
            unit="connections"),
    Counter("closed_login_timeout", "connections closed: no login in time", unit="connections"),
    Counter("closed_peer_timeout", "connections closed: nothing heard from the member",
            unit="connections"),
    Counter("closed_displaced", "connections closed: a later login took the session",
            unit="connections"),
    Counter("closed_error", "connections closed: error of the socket", unit="connections"),
    Counter("closed_replies_full", "connections closed: the session's reply memory is used up",
            unit="connections"),
    Counter("closed_crowded_out", "connections closed: not logged in yet when others came to do so",
            unit="connections"),
    Counter("closed_unaccelerated",
            "connections closed: the socket is the kernel's and must not be",
            unit="connections"),
    Counter("closed_elsewhere", "connections closed: another gateway serves the session",
            unit="connections"),
)


cdef int _message(Gateway* g, Connection* c, const uint8_t* message, size_t bytes) noexcept nogil:
    """One OUCH message: STATUS_OK when it is dealt with, STATUS_FULL when it has to wait."""
    cdef Session* session = &g.sessions.session[c.session]
    cdef uint8_t record[COMMAND_BYTES_MAX]
    cdef uint32_t record_bytes = 0
    cdef int status
    if session.full:
        connection_close(g, c, CLOSED_REPLIES_FULL)
        return STATUS_MALFORMED
    status = order_entry_command(&g.sessions.facts.directory, &g.seeds, c.session,
                                 sessions_defined(&g.sessions, c.session).firm, message,
                                 <uint32_t>bytes, record, &record_bytes)
    if status == STATUS_IGNORED:
        counter_add(g.counters[GATEWAY_FOREIGN_FIRM], 1)
        return STATUS_OK
    if status != STATUS_OK:
        connection_close(g, c,
                         CLOSED_OVERSIZED if status == STATUS_TOO_LARGE else CLOSED_MALFORMED)
        return STATUS_MALFORMED
    status = spsc_offer(g.orders, record, record_bytes)
    if status == STATUS_OK:
        counter_add(g.counters[GATEWAY_MESSAGES], 1)
    return status


cdef int _packet(Gateway* g, Connection* c, uint8_t kind, const uint8_t* payload,
                 size_t bytes) noexcept nogil:
    """One SoupBinTCP packet: as _message; anything else means that the connection was closed."""
    if kind == SOUP_UNSEQUENCED_DATA and c.state == CONNECTION_LIVE:
        return _message(g, c, payload, bytes)
    if kind == SOUP_CLIENT_HEARTBEAT or kind == SOUP_DEBUG:
        return STATUS_OK
    if kind == SOUP_LOGIN_REQUEST and c.state == CONNECTION_NEW:
        connection_ask(g, c, payload, bytes)
        return STATUS_OK if c.state == CONNECTION_JUDGED else STATUS_MALFORMED
    connection_close(g, c, CLOSED_LOGOUT if kind == SOUP_LOGOUT_REQUEST else CLOSED_UNEXPECTED)
    return STATUS_MALFORMED


cdef int _parse(Gateway* g, Connection* c) noexcept nogil:
    """Deal with the packets that have arrived: how many. Stops while a login is judged, or
    waits to be refused."""
    cdef uint8_t kind = 0
    cdef const uint8_t* payload = NULL
    cdef size_t payload_bytes = 0
    cdef size_t packet_bytes = 0
    cdef int status
    cdef int work = 0
    connection_stall(g, c, False)
    while c.state != CONNECTION_JUDGED and c.state != CONNECTION_REFUSED:
        status = soupbin_next(c.rx + c.rx_start, c.rx_end - c.rx_start, &kind, &payload,
                              &payload_bytes, &packet_bytes)
        if packet_bytes > INBOUND_PACKET_BYTES_MAX:
            connection_close(g, c, CLOSED_OVERSIZED)
            return work
        if status == STATUS_TRUNCATED:
            break
        if status != STATUS_OK:
            connection_close(g, c, CLOSED_MALFORMED)
            return work
        status = _packet(g, c, kind, payload, payload_bytes)
        if status == STATUS_FULL:
            counter_add(g.counters[GATEWAY_BACK_PRESSURE], 1)
            connection_stall(g, c, True)
            break
        if status != STATUS_OK:
            return work + 1
        c.rx_start += <uint32_t>packet_bytes
        work += 1
    if c.rx_start == c.rx_end:
        c.rx_start = 0
        c.rx_end = 0
    elif RX_BYTES - c.rx_start < INBOUND_PACKET_BYTES_MAX:
        memmove(c.rx, c.rx + c.rx_start, c.rx_end - c.rx_start)
        c.rx_end -= c.rx_start
        c.rx_start = 0
    return work


cdef int _read(Gateway* g, Connection* c) noexcept nogil:
    cdef long n
    if c.stalled or c.rx_end == RX_BYTES:
        return 0
    n = g.sockets.recv(g.sockets.context, c.fd, c.rx + c.rx_end, RX_BYTES - c.rx_end)
    if n == -EAGAIN:
        return 0
    if n <= 0:
        connection_close(g, c, CLOSED_BY_PEER if n == 0 else CLOSED_ERROR)
        return 1
    c.rx_end += <uint32_t>n
    c.rx_ns = g.now_ns
    return _parse(g, c)


cdef int _drain(Gateway* g, int batch_max) noexcept nogil:
    """Frames of the stream into the sessions' logs: how many, or -Status."""
    cdef const uint8_t* payload = NULL
    cdef uint32_t payload_bytes = 0
    cdef uint64_t sequence = 0
    cdef int work = 0
    cdef int status = STATUS_OK
    while work < batch_max:
        status = broadcast_peek(g.stream, &payload, &payload_bytes, &sequence)
        if status != STATUS_OK:
            break
        status = gateway_catch_up(g, sequence, payload, payload_bytes)
        if status != STATUS_OK:
            break
        broadcast_advance(g.stream)
        work += 1
    # Nothing of these frames has been sent yet: should the gateway be evicted, nothing will be.
    if work and broadcast_release(g.stream) != STATUS_OK:
        return -STATUS_EVICTED
    counter_add(g.counters[GATEWAY_FRAMES], <uint64_t>work)
    return work if status == STATUS_OK or status == STATUS_EMPTY else -status


cdef int gateway_catch_up(Gateway* g, uint64_t sequence, const uint8_t* payload,
                          uint32_t payload_bytes) noexcept nogil:
    """One frame; those that the journal gave already are passed over."""
    if sequence <= g.sessions.walk.sequence:
        return STATUS_OK
    return sessions_apply(&g.sessions, sequence, payload, payload_bytes)


cdef int _flush(Gateway* g) noexcept nogil:
    """Send what is due: how many sessions were served."""
    cdef Session* session
    cdef Connection* c
    cdef uint32_t i, id
    cdef uint32_t kept = 0
    cdef uint64_t due
    cdef long n
    cdef int work = 0
    for i in range(g.sessions.unsent_count):     # their marks are set: this only joins the lists
        g.sending[g.sending_count] = g.sessions.unsent[i]
        g.sending_count += 1
    g.sessions.unsent_count = 0
    for i in range(g.sending_count):
        id = g.sending[i]
        session = &g.sessions.session[id]
        session.unsent = False
        if session.connection < 0:
            continue
        c = &g.connection[session.connection]
        due = session.log.bytes - c.tx_offset
        n = -EAGAIN
        if connection_flush(g, c):
            if due == 0:
                continue
            n = g.sockets.send(g.sockets.context, c.fd, session.log.data + c.tx_offset, due)
        if n < 0 and n != -EAGAIN:
            connection_close(g, c, CLOSED_ERROR)
            continue
        if n > 0:
            c.tx_offset += <uint64_t>n
            c.tx_ns = g.now_ns
            counter_add(g.counters[GATEWAY_REPLIES_BYTES], <uint64_t>n)
            work += 1
        if n < <long>due:
            session.unsent = True
            g.sending[kept] = id
            kept += 1
    g.sending_count = kept
    return work


cdef void _cancel_sessions(Gateway* g) noexcept nogil:
    cdef uint8_t record[COMMAND_BYTES_MAX]
    cdef Session* session
    cdef uint32_t i
    g.cancels_due = False
    for i in range(1, g.sessions.sessions_max + 1):
        session = &g.sessions.session[i]
        if not session.cancel_due:
            continue
        if spsc_offer(g.orders, record, order_entry_cancel_session(i, record)) != STATUS_OK:
            g.cancels_due = True
            return
        session.cancel_due = False
        counter_add(g.counters[GATEWAY_SESSION_CANCELS], 1)


cdef int _resume(Gateway* g) noexcept nogil:
    """Connections that waited, for room in the order ring or for the judge: the work done."""
    cdef Connection* c
    cdef uint32_t i
    cdef int work = 0
    cdef uint64_t answers = load_acquire_u64(&g.answers)
    if g.stalled == 0 and answers == g.answers_seen and not g.look_for_answers:
        return 0
    g.answers_seen = answers
    # Before the stream has defined the sessions, no answer is heard: they wait in their mailboxes.
    g.look_for_answers = g.sessions.facts.sessions_count < g.settings.sessions_expected
    for i in range(g.places):
        c = &g.connection[i]
        if c.stalled:
            c.rx_ns = g.now_ns       # it was not read: that it was not heard is not its fault
            work += _parse(g, c)
        elif c.state == CONNECTION_JUDGED:
            connection_judged(g, c)
            if c.state == CONNECTION_LIVE:
                work += _parse(g, c)
    return work


cdef int gateway_poll(void* self, int batch_max) noexcept nogil:
    cdef Gateway* g = <Gateway*>self
    cdef int ready[READY_MAX]
    cdef int i, fd, count
    cdef int work
    g.now_ns = g.clock.mono_ns(g.clock.context)
    work = _drain(g, batch_max)
    if work < 0:
        return work
    if g.sessions.unsent_count or g.sending_count:
        work += _flush(g)
    count = g.sockets.poll_ready(g.sockets.context, g.poller, ready, READY_MAX)
    for i in range(count):
        fd = ready[i]
        if fd == g.listener:
            work += connection_accept(g)
        elif 0 <= fd < DESCRIPTORS_MAX and g.by_descriptor[fd] >= 0:
            work += _read(g, &g.connection[g.by_descriptor[fd]])
    if g.cancels_due or g.sessions.cancels_due:
        g.sessions.cancels_due = False
        _cancel_sessions(g)
    work += _resume(g)
    if g.now_ns - g.timer_ns >= TIMER_NS:
        g.timer_ns = g.now_ns
        connection_timers(g)
        seeds_refill(&g.seeds)       # what it cannot get now, an order that needs it asks for again
    return work


cdef void gateway_judge(Gateway* g, uint32_t connection, uint64_t generation,
                        LoginVerdict verdict) noexcept nogil:
    store_release_u64(&g.connection[connection].login.answer, (generation << 2) | verdict)
    store_release_u64(&g.answers, g.answers + 1)


cdef class GatewayStage:
    """The gateway on its rings and its listening socket.

    listener: file descriptor of a bound, listening, non-blocking TCP socket; the caller owns it.
    sessions_expected: logins are not answered before the stream has defined so many.
    logins_max: connections that may wait to log in, besides connections_max that have, and out of
    them from one address. network: the host's unless given. name: as threads and reports have it.
    serves: the user names of the sessions that may log in here, and whose replies are kept; None:
    all. A session must not be served by two gateways.
    Give it every frame of the stream that exists (`catch_up`) before it polls.
    """

    def __cinit__(self, int listener, OrderProducer orders, StreamReader stream,
                  CounterSet counters, *, uint32_t sessions_max, uint32_t instruments_max,
                  uint32_t user_ref_bits, uint64_t replies_bytes_max, uint32_t connections_max,
                  uint32_t sessions_expected,
                  uint64_t heartbeat_ns, uint64_t peer_timeout_ns, uint64_t login_timeout_ns,
                  uint32_t logins_max, uint32_t logins_per_address_max,
                  uint64_t failed_login_delay_ns=0, Network network=None,
                  str name="gateway", serves=None):
        cdef Gateway* g = &self.g
        cdef int i
        self.orders_owner = orders
        self.stream_owner = stream
        self.counters = counters
        g.orders = &orders.ring
        g.stream = &stream.ring
        self.network = Network() if network is None else network
        g.sockets = self.network.sockets
        g.clock = host_clock()
        g.counters = counters.values
        g.settings.heartbeat_ns = heartbeat_ns
        g.settings.peer_timeout_ns = peer_timeout_ns
        g.settings.login_timeout_ns = login_timeout_ns
        g.settings.failed_login_delay_ns = failed_login_delay_ns
        g.settings.connections_max = connections_max
        g.settings.logins_max = logins_max
        g.settings.logins_per_address_max = min(logins_per_address_max, logins_max)
        g.places = connections_max + logins_max
        g.settings.sessions_expected = sessions_expected
        g.listener = listener
        g.connection = <Connection*>calloc(g.places, sizeof(Connection))
        g.by_descriptor = <int*>calloc(DESCRIPTORS_MAX, sizeof(int))
        g.sending = <uint32_t*>calloc(2 * (sessions_max + 1), sizeof(uint32_t))
        self.memory = <SessionMemory*>calloc(sessions_max + 1, sizeof(SessionMemory))
        if (g.connection == NULL or g.by_descriptor == NULL or g.sending == NULL
                or self.memory == NULL):
            raise MemoryError
        for i in range(DESCRIPTORS_MAX):
            g.by_descriptor[i] = -1
        if sessions_open(&g.sessions, sessions_max, instruments_max, user_ref_bits,
                         replies_bytes_max) != STATUS_OK:
            raise MemoryError(
                f"gateway: cannot reserve {sessions_max} x {replies_bytes_max} bytes for replies")
        self.name = name.encode()
        if serves is not None:
            self.served = b"".join(username.encode().ljust(6) for username in serves)
            g.sessions.names = self.served
            g.sessions.names_count = <uint32_t>len(serves)
        if seeds_open(&g.seeds) != STATUS_OK:
            raise OSError("gateway: the host gives no random numbers")
        g.poller = self.network.open_poller()
        if g.poller < 0 or g.sockets.watch(g.sockets.context, g.poller, listener) < 0:
            raise OSError(-g.poller, "gateway: cannot watch the listening socket")

    def __dealloc__(self):
        cdef Gateway* g = &self.g
        cdef uint32_t i
        if g.connection != NULL and g.sockets.close != NULL:
            for i in range(g.places):
                if g.connection[i].state != CONNECTION_FREE:
                    g.sockets.close(g.sockets.context, g.connection[i].fd)
            if g.poller > 0:
                g.sockets.close(g.sockets.context, g.poller)
        sessions_close(&g.sessions)
        free(g.connection)
        free(g.by_descriptor)
        free(g.sending)
        free(self.memory)

    cdef Agent agent(self):
        cdef Agent agent
        agent.poll = gateway_poll
        agent.self = &self.g
        agent.name = self.name
        return agent

    @property
    def stream_sequence(self):
        """Sequence of the last frame of the stream that was applied."""
        return self.g.sessions.walk.sequence

    def catch_up(self, uint64_t sequence, const uint8_t[::1] payload):
        """Apply one frame of a stream that exists already. Raises ValueError for a gap in it."""
        cdef int status = gateway_catch_up(&self.g, sequence, &payload[0],
                                           <uint32_t>payload.shape[0])
        if status != STATUS_OK:
            raise ValueError(
                f"frame {sequence} does not follow frame {self.g.sessions.walk.sequence}, "
                "or is no frame")

    def caught_up(self):
        """After a restart: members that want it are cancelled, for no connection survived."""
        cdef uint32_t i
        self.g.sessions.unsent_count = 0
        for i in range(1, self.g.sessions.sessions_max + 1):
            self.g.sessions.session[i].unsent = False
            if (self.g.sessions.session[i].served
                    and sessions_defined(&self.g.sessions, i).cancel_on_disconnect):
                self.g.sessions.session[i].cancel_due = True
                self.g.cancels_due = True

    def logins(self):
        """Logins that wait for a verdict: (connection, generation, user name, password, IPv4
        address in host byte order)."""
        cdef uint32_t i
        cdef Login* login
        waiting = []
        for i in range(self.g.places):
            login = &self.g.connection[i].login
            generation = load_acquire_u64(&login.asked)
            if not generation or load_acquire_u64(&login.answer) >> 2 == generation:
                continue
            username, password = login.username[:6], login.password[:10]
            address = login.address
            # Its connection may have ended meanwhile, and the mailbox be another's.
            if load_acquire_u64(&login.asked) == generation:
                waiting.append((i, generation, username.decode("ascii", "replace").rstrip(),
                                password.decode("ascii", "replace").rstrip(), address))
        return waiting

    def judge(self, uint32_t connection, uint64_t generation, bint accepted):
        """The verdict on one login."""
        gateway_judge(&self.g, connection, generation,
                      VERDICT_ACCEPTED if accepted else VERDICT_REFUSED)

    def make_resident(self):
        """Take the page faults of the replies to come, on a thread that is not the gateway's:
        the bytes that became resident. To be called every few milliseconds, by one thread."""
        cdef uint64_t made
        with nogil:
            made = session_memory_ahead(&self.g.sessions, self.memory)
        return made

    def connections(self):
        """Connections in use: (connection, generation, descriptor). One may have ended meanwhile,
        and its descriptor may be another's; what is then said to its generation is not heard."""
        return [(i, self.g.connection[i].generation, self.g.connection[i].fd)
                for i in range(self.g.places)
                if self.g.connection[i].state != CONNECTION_FREE]

    def unaccelerated(self, uint32_t connection, uint64_t generation):
        """The socket of a connection is the kernel's and must not be: its login is refused, or its
        session ends."""
        gateway_judge(&self.g, connection, generation, VERDICT_UNACCELERATED)

    @property
    def sessions_defined(self):
        """How many sessions the stream has defined."""
        return self.g.sessions.facts.sessions_count

    def finish(self, int batch_max=256):
        """Towards the stop: tell the members what the stream still holds, and read nothing more."""
        cdef int work = _drain(&self.g, batch_max)
        return work + _flush(&self.g) if work >= 0 else work

    def poll_once(self, int batch_max=256):
        """One duty cycle: the work done, or -Status."""
        return gateway_poll(&self.g, batch_max)
