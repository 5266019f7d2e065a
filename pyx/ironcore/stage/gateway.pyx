"""The gateway: members' messages in, the order ring; the event stream, replies out.

The stage as Python sees it; its turns are those of gateway_duty.pyx. What members speak is the
protocol that it is made with.
"""

import os

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from ironcore.base.atomics cimport load_acquire_u64
from ironcore.base.check cimport iron_assert
from ironcore.base.clock cimport host_clock
from ironcore.base.counter_set cimport CounterSet
from ironcore.base.status cimport STATUS_OK
from ironcore.net.sockets cimport Network
from ironcore.order_entry.connection cimport (
    CONNECTION_FREE, DESCRIPTORS_MAX, RX_BYTES, VERDICT_ACCEPTED, VERDICT_REFUSED,
    VERDICT_UNACCELERATED, Connection, Gateway, Login, connection_end,
)
from ironcore.order_entry.protocol cimport PASSWORD_BYTES, OrderEntryProtocol
from ironcore.order_entry.seeds cimport seeds_open
from ironcore.order_entry.session_memory cimport SessionMemory, session_memory_ahead
from ironcore.order_entry.session_state cimport (
    SESSION_NAME_BYTES, sessions_close, sessions_defined, sessions_open,
)
from ironcore.ring.broadcast cimport Reader as StreamReader
from ironcore.ring.spsc cimport Producer as OrderProducer
from ironcore.stage.agent cimport Agent
from ironcore.stage.gateway_duty cimport (
    gateway_catch_up, gateway_drain, gateway_flush, gateway_judge, gateway_poll,
)

from ironcore.base.counter_declaration import Counter

COUNTERS = (
    Counter("messages", "members' messages put on the order ring", unit="messages"),
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
    Counter("closed_malformed", "connections closed: malformed frame or message",
            unit="connections"),
    Counter("closed_oversized", "connections closed: frame over the limit", unit="connections"),
    Counter("closed_unexpected", "connections closed: a frame that does not belong there",
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


cdef class GatewayStage:
    """The gateway on its rings and its listening socket.

    protocol: what its members speak, the PROTOCOL of a room of ironcore.order_entry.
    listener: file descriptor of a bound, listening, non-blocking TCP socket; the caller owns it.
    sessions_expected: logins are not answered before the stream has defined so many.
    logins_max: connections that may wait to log in, besides connections_max that have, and out of
    them from one address. network: the host's unless given. name: as threads and reports have it.
    serves: the user names of the sessions that may log in here, and whose replies are kept; None:
    all but those of `elsewhere`. A session must not be served by two gateways.
    Give it every frame of the stream that exists (`catch_up`) before it polls.
    """

    def __cinit__(self, int listener, OrderProducer orders, StreamReader stream,
                  CounterSet counters, OrderEntryProtocol protocol not None, *,
                  uint32_t sessions_max, uint32_t instruments_max, uint32_t user_ref_bits,
                  uint64_t replies_bytes_max, uint32_t connections_max, uint32_t sessions_expected,
                  uint64_t heartbeat_ns, uint64_t peer_timeout_ns, uint64_t login_timeout_ns,
                  uint32_t logins_max, uint32_t logins_per_address_max,
                  uint64_t failed_login_delay_ns=0, Network network=None,
                  str name="gateway", serves=None, elsewhere=()):
        cdef Gateway* g = &self.g
        cdef int i, status
        self.orders_owner = orders
        self.stream_owner = stream
        self.counters = counters
        self.protocol = protocol
        g.protocol = &protocol.face
        iron_assert(g.protocol.frame_bytes_max <= RX_BYTES // 2, "a frame finds room")
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
        if sessions_open(&g.sessions, &g.protocol.framing, sessions_max, instruments_max,
                         user_ref_bits, replies_bytes_max) != STATUS_OK:
            raise MemoryError(
                f"gateway: the host refuses the address space for replies, {sessions_max} x "
                f"{replies_bytes_max} bytes")
        self.name = name.encode()
        named = elsewhere if serves is None else serves
        self.session_names = b"".join(username.encode().ljust(SESSION_NAME_BYTES)
                                      for username in named)
        g.sessions.names = self.session_names
        g.sessions.names_count = <uint32_t>len(named)
        g.sessions.names_elsewhere = serves is None
        if seeds_open(&g.seeds) != STATUS_OK:
            raise OSError("gateway: the host gives no random numbers")
        g.poller = self.network.open_poller()
        status = g.poller
        if status >= 0:
            status = g.sockets.watch(g.sockets.context, g.poller, listener)
        if status < 0:
            raise OSError(-status, f"gateway: cannot watch its listener: {os.strerror(-status)}")

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
        GatewayCatchUp(self)(sequence, payload)

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
            username = login.username[:SESSION_NAME_BYTES]
            password = login.password[:PASSWORD_BYTES]
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
        cdef int work = gateway_drain(&self.g, batch_max)
        return work + gateway_flush(&self.g) if work >= 0 else work

    def end_session(self):
        """Tell the members who have got every reply that the day's session is over."""
        cdef uint32_t i
        for i in range(self.g.places):
            connection_end(&self.g, &self.g.connection[i])

    def poll_once(self, int batch_max=256):
        """One duty cycle: the work done, or -Status."""
        return gateway_poll(&self.g, batch_max)


cdef int _catch_up_take(void* self, uint64_t sequence, const uint8_t* payload,
                        uint32_t payload_bytes) noexcept nogil:
    return gateway_catch_up(<Gateway*>self, sequence, payload, payload_bytes)


cdef class GatewayCatchUp(FrameTaker):
    """Applies the frames of a stream that exists already to a gateway."""

    def __cinit__(self, GatewayStage stage not None):
        self.stage = stage
        self.take = _catch_up_take
        self.self = &stage.g

    def refused(self, uint64_t sequence):
        """Raises ValueError: there is a gap in the stream."""
        raise ValueError(
            f"frame {sequence} does not continue the stream after frame "
            f"{self.stage.g.sessions.walk.sequence}")
