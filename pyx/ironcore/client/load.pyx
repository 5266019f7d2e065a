"""An open-loop generator of OUCH order flow.

Every operation has an intended send time, fixed before the start, and latency counts from it: a
venue that stalls is charged for every order that should have been sent meanwhile. Without a
schedule, orders go out as fast as others are acknowledged, a window of them at a time; latency then
counts from the moment of sending and says nothing about a venue under load.

One thread sends and receives on non-blocking sockets, without the interpreter. After the last
operation each session asks for its account (OUCH Q) twice: when all sessions have the first answer
the venue has processed everything, when they have the second they have heard of all of it.
"""

import numpy as np

from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

from ironcore.base.atomics cimport cpu_pause
from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.histogram cimport LatencyHistogram
from ironcore.client.load_replies cimport OrderState
from ironcore.client.load_session cimport (
    LoadSession, Operation, load_session_close, load_session_flush, load_session_heartbeat,
    load_session_open, load_session_query, load_session_receive, load_session_send,
)
from ironcore.wire.ouch50_inbound cimport OUCH50_ENTER_ORDER

cdef extern from * nogil:
    """
    #include <poll.h>
    #include <sys/prctl.h>
    #include <time.h>
    static void iron_load_poll(struct pollfd *fds, int count, unsigned long wait_ns) {
        struct timespec t = {(time_t)(wait_ns / 1000000000u), (long)(wait_ns % 1000000000u)};
        ppoll(fds, (nfds_t)count, &t, NULL);
    }
    /* The default slack of 50 us would make every scheduled send late by as much. */
    static void iron_load_slack(void) { prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); }
    """
    void iron_load_poll(pollfd* fds, int count, unsigned long wait_ns)
    void iron_load_slack()
    int POLLIN

cdef enum:
    SEND_BATCH_MAX = 64
    WAIT_NS_MIN = 20000              # below this, sleeping costs more than it saves
    WAIT_NS_MAX = 1000000
    QUERY_ROUNDS = 2


cdef class Load:
    """Sends `operations` over logged-in sockets; call `run` until it says that it is finished.

    sockets: one file descriptor a session, owned by the caller. symbols: by the index that
    operations use. due_ns: when each operation is due, in ns since the start, or None for as fast
    as acknowledged with at most `window` Enters unacknowledged. histogram: takes the latencies.
    first_user_refs: for each session the venue's next user reference, 1 by default; operations
    count from 1. spin: never sleep, not even when nothing is due (for a core of one's own).
    """

    def __cinit__(self, list sockets, list symbols, operations, due_ns,
                  LatencyHistogram histogram, *, list first_user_refs=None, int window=64,
                  bint spin=False):
        cdef const uint64_t[::1] due
        cdef uint64_t[::1] words
        self._operations = np.ascontiguousarray(operations)
        if self._operations.dtype.itemsize != sizeof(Operation):
            raise TypeError(f"operations: found rows of {self._operations.dtype.itemsize} bytes, "
                            "expected ironpit.flow.OPERATION")
        self.operations_count = len(self._operations)
        self._operations = self._operations.view(np.uint64).copy()
        words = self._operations
        self.operations = <const Operation*>&words[0] if self.operations_count else NULL
        if due_ns is not None:
            self._due_ns = np.ascontiguousarray(due_ns, dtype=np.uint64)
            if <uint64_t>len(self._due_ns) != self.operations_count:
                raise ValueError(f"due_ns: found {len(self._due_ns)} times, expected one for each "
                                 f"of the {self.operations_count} operations")
            due = self._due_ns
            self.due_ns = &due[0] if self.operations_count else NULL
        self.window = window
        self.spin = spin
        self.histogram = histogram
        self.sessions_count = len(sockets)
        self.sessions = <LoadSession*>calloc(len(sockets), sizeof(LoadSession))
        self.polled = <pollfd*>calloc(len(sockets), sizeof(pollfd))
        self.symbols = <char*>malloc(8 * len(symbols) + 1)
        if self.sessions == NULL or self.polled == NULL or self.symbols == NULL:
            raise MemoryError
        names = b"".join(symbol.encode("ascii").ljust(8)[:8] for symbol in symbols)
        memcpy(self.symbols, <const char*>names, 8 * len(symbols))
        self._check(len(symbols))
        self._open(sockets, first_user_refs or [1] * len(sockets))

    def _check(self, symbols_count):
        cdef uint64_t i
        for i in range(self.operations_count):
            if (self.operations[i].session >= self.sessions_count
                    or self.operations[i].symbol >= symbols_count):
                raise ValueError(f"operation {i}: found a session or a symbol that there is not")

    def _open(self, sockets, first_user_refs):
        cdef uint64_t[::1] words
        cdef LoadSession* session
        cdef uint64_t i
        for i in range(self.operations_count):
            session = &self.sessions[self.operations[i].session]
            if self.operations[i].user_ref > session.replies.user_refs_max:
                session.replies.user_refs_max = self.operations[i].user_ref
        self._orders = []
        for i, fd in enumerate(sockets):
            session = &self.sessions[i]
            if not load_session_open(session, fd):
                raise MemoryError
            self._orders.append(np.zeros((session.replies.user_refs_max + 1) * ORDER.itemsize // 8,
                                         np.uint64))
            words = self._orders[i]
            session.replies.orders = <OrderState*>&words[0]
            session.replies.user_ref_base = first_user_refs[i] - 1
            self.polled[i].fd = fd
            self.polled[i].events = POLLIN

    def __dealloc__(self):
        cdef int i
        if self.sessions != NULL:
            for i in range(self.sessions_count):
                load_session_close(&self.sessions[i])
        free(self.sessions)
        free(self.polled)
        free(self.symbols)

    cdef uint64_t unacknowledged(self) noexcept nogil:
        cdef uint64_t total = 0
        cdef int i
        for i in range(self.sessions_count):
            total += self.sessions[i].replies.enters_unacknowledged
        return total

    cdef int send_due(self, uint64_t now_ns) noexcept nogil:
        cdef uint64_t open = 0
        cdef uint64_t intended_ns
        cdef const Operation* operation
        cdef int sent = 0
        if self.due_ns == NULL:
            open = self.unacknowledged()
        while self.next < self.operations_count and sent < SEND_BATCH_MAX:
            operation = &self.operations[self.next]
            if self.due_ns != NULL:
                intended_ns = self.start_ns + self.due_ns[self.next]
                if intended_ns > now_ns:
                    break
            else:
                if operation.kind == OUCH50_ENTER_ORDER:
                    if open >= self.window:
                        break
                    open += 1
                intended_ns = iron_clock_mono_ns()
            if not load_session_send(&self.sessions[operation.session], operation,
                                     self.symbols + 8 * operation.symbol, intended_ns):
                break
            self.next += 1
            sent += 1
        return sent

    cdef bint barrier(self, uint64_t now_ns) noexcept nogil:
        # After the last operation: whether all sessions have both answers.
        cdef uint64_t answered = QUERY_ROUNDS
        cdef int i
        for i in range(self.sessions_count):
            if self.sessions[i].replies.queries_answered < answered:
                answered = self.sessions[i].replies.queries_answered
        if answered == QUERY_ROUNDS:
            return True
        for i in range(self.sessions_count):
            if self.sessions[i].queries_sent <= answered:
                load_session_query(&self.sessions[i], now_ns)
        return False

    cdef void wait(self, uint64_t now_ns) noexcept nogil:
        cdef uint64_t wait_ns = WAIT_NS_MAX
        cdef uint64_t due_ns
        if self.next < self.operations_count and self.due_ns != NULL:
            due_ns = self.start_ns + self.due_ns[self.next]
            if due_ns < now_ns + WAIT_NS_MAX:
                wait_ns = due_ns - now_ns if due_ns > now_ns else 0
        if self.spin or wait_ns < WAIT_NS_MIN:
            cpu_pause()
        else:
            iron_load_poll(self.polled, self.sessions_count, wait_ns - WAIT_NS_MIN // 2)

    cdef int turn(self) noexcept nogil:
        # One turn of the loop: 1 when finished, -1 when a session was closed, else 0.
        cdef uint64_t now_ns = iron_clock_mono_ns()
        cdef LoadSession* session
        cdef int work = self.send_due(now_ns)
        cdef int heard = 0
        cdef int i
        if self.next == self.operations_count and self.barrier(now_ns):
            return 1
        for i in range(self.sessions_count):
            session = &self.sessions[i]
            load_session_heartbeat(session, now_ns)
            if session.out_end > 0:
                load_session_flush(session, now_ns)
            heard += load_session_receive(session, &self.histogram.data, &self.heard_ns)
            if session.closed:
                return -1
        if work == 0 and heard == 0:
            self.wait(now_ns)
        return 0

    def run(self, uint64_t slice_ns):
        """Work for about this long; True when finished. ConnectionError when a session was lost."""
        cdef uint64_t end_ns = iron_clock_mono_ns() + slice_ns
        cdef int result = 0
        if self.start_ns == 0:
            iron_load_slack()
            self.start_ns = iron_clock_mono_ns()
            self.heard_ns = self.start_ns
        with nogil:
            while result == 0 and iron_clock_mono_ns() < end_ns:
                result = self.turn()
        if result < 0:
            lost = [i for i in range(self.sessions_count) if self.sessions[i].closed]
            raise ConnectionError(f"session {lost[0]}: closed by the venue")
        if result:
            self.end_ns = self.heard_ns
        return bool(result)

    @property
    def sent(self):
        """Operations sent so far."""
        return self.next

    @property
    def silent_ns(self):
        """For how long the venue has said nothing."""
        return iron_clock_mono_ns() - self.heard_ns if self.start_ns else 0

    @property
    def elapsed_ns(self):
        """From the start to the last answer."""
        return (self.end_ns or self.heard_ns) - self.start_ns

    def counts(self):
        """All sessions together: what was sent and answered, as a dict of integers."""
        cdef LoadSession* session
        cdef int i
        total = dict.fromkeys(("sent", "sequenced", "acknowledged", "duplicates", "missing",
                               "ignored", "rejected", "canceled", "executions",
                               "executed_quantity", "others", "unknown", "malformed"), 0)
        for i in range(self.sessions_count):
            session = &self.sessions[i]
            total["sent"] += session.replies.user_ref_sent
            total["sequenced"] += session.sequenced
            for name, value in dict(session.replies.counts).items():
                total[name] += value
        return total

    def next_user_refs(self):
        """For each session the next user reference, as the venue's last account answer says."""
        return [self.sessions[i].replies.user_ref_next for i in range(self.sessions_count)]

    def orders(self, int session):
        """The orders of one session as an array indexed by user reference (row 0 is unused)."""
        return self._orders[session].view(ORDER).copy()


ORDER = np.dtype([
    ("intended_ns", "<u8"), ("open", "<u4"), ("replaces", "<u4"), ("kind", "u1"),
    ("acknowledgements", "u1"), ("live", "u1"), ("reserved", "u1", 5),
])
