"""The readers of a TCP publication, turn by turn: served, listened to and judged."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.atomics cimport load_acquire_u64
from ironcore.base.counters cimport counter_add, counter_set
from ironcore.messaging.tcp.logins cimport newcomer_close, readers_listen
from ironcore.messaging.tcp.reader cimport (
    ADOPTIONS_MAX, NEWCOMERS_MAX, READER_ENDED, READER_FREE, READER_LAG_BYTES, READER_LIVE,
    READER_SEQUENCE, TCP_CLOSED_ENDED, TCP_CLOSED_LOGIN_TIMEOUT, TCP_CLOSED_PEER_TIMEOUT,
    TCP_HEARTBEATS, TCP_OLDEST, TcpReader, TcpServer, reader_close, reader_tell,
)
from ironcore.messaging.tcp.sending cimport reader_fill_out, readers_serve
from ironcore.messaging.tcp.window cimport packet_window_at, packet_window_oldest
from ironcore.wire.soupbin cimport SOUP_SERVER_HEARTBEAT, soupbin_encode_empty

cdef enum:
    LOOK_NS = 20000                  # readers say little: how often they are listened to
    TIMER_NS = 5000000               # how often heartbeats and time-outs are looked at


cdef void _judge(TcpServer* s, TcpReader* r, uint64_t now_ns) noexcept nogil:
    """Heartbeats and time-outs of one reader, and where it stands."""
    cdef uint8_t packet[8]
    if r.state == READER_LIVE:
        counter_set(r.counters[READER_LAG_BYTES], s.window.head - r.position)
        counter_set(r.counters[READER_SEQUENCE],
                    packet_window_at(&s.window, r.position).sequence)
        if now_ns - r.rx_ns >= r.peer_timeout_ns:
            reader_close(s, r, TCP_CLOSED_PEER_TIMEOUT, now_ns)
        elif (now_ns - r.tx_ns >= s.settings.heartbeat_ns and r.position == s.window.head
                and not reader_fill_out(s, r)):
            reader_tell(s, r, packet, soupbin_encode_empty(packet, SOUP_SERVER_HEARTBEAT))
            counter_add(s.counters[TCP_HEARTBEATS], 1)
    elif r.state == READER_ENDED:
        # Closing with its heartbeats unread would take back what is still on its way to it.
        if now_ns - r.tx_ns >= s.settings.login_timeout_ns:
            reader_close(s, r, TCP_CLOSED_ENDED, now_ns)


cdef void _judge_all(TcpServer* s, uint64_t now_ns) noexcept nogil:
    cdef uint32_t i
    cdef int j
    counter_set(s.counters[TCP_OLDEST], packet_window_oldest(&s.window))
    for i in range(s.settings.readers_max):
        if s.reader[i].state != READER_FREE:
            _judge(s, &s.reader[i], now_ns)
    for j in range(NEWCOMERS_MAX):
        if (s.newcomer[j].here
                and now_ns - s.newcomer[j].opened_ns >= s.settings.login_timeout_ns):
            newcomer_close(s, &s.newcomer[j], TCP_CLOSED_LOGIN_TIMEOUT)


cdef int readers_turn(TcpServer* s, uint64_t now_ns) noexcept nogil:
    # What is in the stream goes first: readers can wait to be listened to, frames cannot.
    cdef int served = readers_serve(s, now_ns)
    cdef int heard = 0
    cdef bint judging = now_ns - s.timer_ns >= TIMER_NS
    if now_ns - s.look_ns >= LOOK_NS:
        s.look_ns = now_ns
        heard = readers_listen(s, now_ns)
    if judging:
        s.timer_ns = now_ns
        _judge_all(s, now_ns)
    if served == 0 and (heard or judging):
        served = readers_serve(s, now_ns)
    return served + heard


cdef void readers_close_all(TcpServer* s) noexcept nogil:
    cdef uint32_t i
    cdef int j
    while s.adopted_tail < load_acquire_u64(&s.adopted_head):
        s.sockets.close(s.sockets.context, s.adoption[s.adopted_tail % ADOPTIONS_MAX].fd)
        s.adopted_tail += 1
    for i in range(s.settings.readers_max):
        if s.reader[i].state != READER_FREE:
            reader_close(s, &s.reader[i], TCP_CLOSED_ENDED, 0)
    for j in range(NEWCOMERS_MAX):
        if s.newcomer[j].here:
            newcomer_close(s, &s.newcomer[j], TCP_CLOSED_ENDED)
