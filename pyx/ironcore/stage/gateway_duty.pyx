"""The gateway's duty cycle: members' frames in, the order ring; the event stream, replies out.

One thread, non-blocking sockets. A message that finds the order ring full stays where it is, and
its connection is not read until there is room: back-pressure reaches the member through TCP.
"""

from libc.errno cimport EAGAIN
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memmove

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport (
    STATUS_EMPTY, STATUS_EVICTED, STATUS_FULL, STATUS_IGNORED, STATUS_MALFORMED, STATUS_OK,
    STATUS_TRUNCATED,
)
from ironcore.order_entry.commands cimport command_cancel_session
from ironcore.order_entry.connection cimport (
    CLOSED_BY_PEER, CLOSED_ERROR, CLOSED_LOGOUT, CLOSED_MALFORMED, CLOSED_OVERSIZED,
    CLOSED_REPLIES_FULL, CLOSED_UNEXPECTED, CONNECTION_JUDGED, CONNECTION_LIVE, CONNECTION_NEW,
    CONNECTION_REFUSED, DESCRIPTORS_MAX, GATEWAY_BACK_PRESSURE, GATEWAY_FOREIGN_FIRM,
    GATEWAY_FRAMES, GATEWAY_MESSAGES, GATEWAY_REPLIES_BYTES, GATEWAY_SESSION_CANCELS, READY_MAX,
    RX_BYTES, TIMER_NS, Connection, Gateway, LoginVerdict, connection_accept, connection_ask,
    connection_close, connection_flush, connection_judged, connection_stall, connection_timers,
)
from ironcore.order_entry.protocol cimport (
    FRAME_ALIVE, FRAME_LOGIN, FRAME_LOGOUT, FRAME_MESSAGE, Frame,
)
from ironcore.order_entry.seeds cimport seeds_refill
from ironcore.order_entry.session_state cimport Session
from ironcore.order_entry.sessions cimport sessions_apply
from ironcore.ring.broadcast_reader cimport (
    broadcast_advance, broadcast_peek, broadcast_release)
from ironcore.ring.spsc cimport spsc_offer
from ironcore.wire.record cimport COMMAND_BYTES_MAX


cdef int _message(Gateway* g, Connection* c, const uint8_t* message, size_t bytes) noexcept nogil:
    """One message: STATUS_OK when it is dealt with, STATUS_FULL when it has to wait."""
    cdef Session* session = &g.sessions.session[c.session]
    cdef uint8_t record[COMMAND_BYTES_MAX]
    cdef uint32_t record_bytes = 0
    cdef int status
    if session.full:
        connection_close(g, c, CLOSED_REPLIES_FULL)
        return STATUS_MALFORMED
    status = g.protocol.command(&g.sessions, &g.seeds, c.session, message, <uint32_t>bytes, record,
                                &record_bytes)
    if status == STATUS_IGNORED:
        counter_add(g.counters[GATEWAY_FOREIGN_FIRM], 1)
        return STATUS_OK
    if status != STATUS_OK:
        connection_close(g, c, CLOSED_MALFORMED)
        return STATUS_MALFORMED
    status = spsc_offer(g.orders, record, record_bytes)
    if status == STATUS_OK:
        counter_add(g.counters[GATEWAY_MESSAGES], 1)
    return status


cdef int _frame(Gateway* g, Connection* c, const Frame* frame) noexcept nogil:
    """One frame: as _message; anything else means that the connection was closed."""
    if frame.kind == FRAME_MESSAGE and c.state == CONNECTION_LIVE:
        return _message(g, c, frame.payload, frame.payload_bytes)
    if frame.kind == FRAME_ALIVE:
        return STATUS_OK
    if frame.kind == FRAME_LOGIN and c.state == CONNECTION_NEW:
        connection_ask(g, c, frame.payload, frame.payload_bytes)
        return STATUS_OK if c.state == CONNECTION_JUDGED else STATUS_MALFORMED
    connection_close(g, c, CLOSED_LOGOUT if frame.kind == FRAME_LOGOUT else CLOSED_UNEXPECTED)
    return STATUS_MALFORMED


cdef inline bint _is_oversized(const Gateway* g, const Frame* frame, int status,
                               size_t bytes) noexcept nogil:
    """Whether its length is known already, or only that it has no end yet."""
    return (frame.frame_bytes > g.protocol.frame_bytes_max
            or status == STATUS_TRUNCATED and bytes > g.protocol.frame_bytes_max)


cdef int _parse(Gateway* g, Connection* c) noexcept nogil:
    """Deal with the frames that have arrived: how many. Stops while a login is judged, or waits to
    be refused."""
    cdef Frame frame
    cdef size_t bytes
    cdef int status
    cdef int work = 0
    connection_stall(g, c, False)
    while c.state != CONNECTION_JUDGED and c.state != CONNECTION_REFUSED:
        frame.frame_bytes = 0
        bytes = c.rx_end - c.rx_start
        status = g.protocol.next(c.rx + c.rx_start, bytes, &frame)
        if _is_oversized(g, &frame, status, bytes):
            connection_close(g, c, CLOSED_OVERSIZED)
            return work
        if status == STATUS_TRUNCATED:
            break
        if status != STATUS_OK:
            connection_close(g, c, CLOSED_MALFORMED)
            return work
        status = _frame(g, c, &frame)
        if status == STATUS_FULL:
            counter_add(g.counters[GATEWAY_BACK_PRESSURE], 1)
            connection_stall(g, c, True)
            break
        if status != STATUS_OK:
            return work + 1
        c.rx_start += <uint32_t>frame.frame_bytes
        work += 1
    if c.rx_start == c.rx_end:
        c.rx_start = 0
        c.rx_end = 0
    elif RX_BYTES - c.rx_start < g.protocol.frame_bytes_max:
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


cdef int gateway_drain(Gateway* g, int batch_max) noexcept nogil:
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
    return sessions_apply(&g.sessions, g.protocol, sequence, payload, payload_bytes)


cdef int gateway_flush(Gateway* g) noexcept nogil:
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
        if spsc_offer(g.orders, record, command_cancel_session(i, record)) != STATUS_OK:
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
    work = gateway_drain(g, batch_max)
    if work < 0:
        return work
    if g.sessions.unsent_count or g.sending_count:
        work += gateway_flush(g)
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
