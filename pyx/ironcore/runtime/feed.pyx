"""A subscriber's end of market data: takes ITCH 5.0 from any transport, builds books, records.

`run` is a thread's whole life, without the interpreter: it polls a subscription and applies what
comes. Messages that never come are counted as lost: the books are then no longer right, and
`counts` says so. How messages that were lost on the way come again is the subscription's work.
"""

from libc.errno cimport EIO, ENOMEM, errno
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.status cimport (
    STATUS_CLOSED, STATUS_EVICTED, STATUS_IGNORED, STATUS_LIMIT, STATUS_OK, Status,
)
from ironcore.messaging.multicast_subscription cimport (
    SOURCE_A, SOURCE_ANSWERS, SOURCE_B, MulticastReceiver, MulticastSubscription, multicast_give_up,
)
from ironcore.messaging.subscription cimport FrameHandler, Subscription, SubscriptionEnd
from ironcore.runtime.feed_books cimport (
    BookBuilder, book_table_apply, pthread_mutex_lock, pthread_mutex_unlock,
)
from ironcore.wire.itch50 cimport ITCH50_MESSAGE_BYTES_MAX
from ironcore.wire.itch_file cimport ITCH_FILE_FRAME_BYTES, itch_file_put

cdef extern from * nogil:
    """
    #include <poll.h>
    #include <unistd.h>
    static void iron_feed_wait(int a, int b, int wait_ms) {
        struct pollfd fds[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
        poll(fds, 2, wait_ms);  /* negative descriptors are passed over */
    }
    """
    void iron_feed_wait(int a, int b, int wait_ms)
    long posix_write "write"(int fd, const void* data, size_t bytes)

cdef enum:
    RECORD_BYTES = 65536
    BATCH_MAX = 1024                 # messages with the books held
    WAIT_MS = 20
    WAIT_SHORT_MS = 1                # when nothing wakes it, or something is due


cdef void _flush(Intake* intake) noexcept nogil:
    cdef size_t at = 0
    cdef long written
    while at < intake.record_bytes:
        written = posix_write(intake.record, intake.record_buffer + at, intake.record_bytes - at)
        if written < 0:
            intake.failed = <uint64_t>errno
            break
        at += <size_t>written
    intake.record_bytes = 0


cdef int _take(void* context, uint64_t sequence, const uint8_t* message,
               uint32_t message_bytes) noexcept nogil:
    cdef Intake* intake = <Intake*>context
    cdef Status status = book_table_apply(intake.table, message, message_bytes)
    if status == STATUS_LIMIT:
        intake.failed = ENOMEM
    if intake.record >= 0 and (status == STATUS_OK or status == STATUS_IGNORED):
        if intake.record_bytes + ITCH_FILE_FRAME_BYTES + ITCH50_MESSAGE_BYTES_MAX > RECORD_BYTES:
            _flush(intake)
        intake.record_bytes += itch_file_put(intake.record_buffer + intake.record_bytes, message,
                                             message_bytes)
    intake.messages += 1
    return STATUS_OK


cdef void _lose(void* context, uint64_t first, uint64_t count) noexcept nogil:
    (<Intake*>context).lost += count


cdef class Feed:
    """Receives one stream. books: takes the messages; record: a file to append to, or -1; wait:
    descriptors on which something comes when there is something to poll for, at most two. The
    descriptors stay the caller's. Call `run` on a thread of its own, once."""

    def __cinit__(self, BookBuilder books not None, SubscriptionEnd subscription not None, *,
                  tuple wait=(), int record=-1):
        self.books = books
        self.subscription = subscription
        self.a, self.b = (*wait, -1, -1)[:2]
        if isinstance(subscription, MulticastSubscription):
            self.multicast = &(<MulticastSubscription>subscription).receiver
        self.intake.table = &books.table
        self.intake.record = record
        self.intake.record_buffer = <uint8_t*>malloc(RECORD_BYTES)
        if self.intake.record_buffer == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.intake.record_buffer)

    def run(self):
        """Receive until `stop`, the end of the stream, or a failure."""
        with nogil:
            self.loop()

    def stop(self):
        """Ask `run` to return; everything that has arrived is taken in first."""
        store_release_u64(&self.stop_asked, 1)

    cdef void loop(self) noexcept nogil:
        cdef Subscription* s = &self.subscription.subscription
        cdef MulticastReceiver* m = self.multicast
        cdef FrameHandler handler
        cdef bint stopping
        cdef int work
        handler.context = &self.intake
        handler.frame = _take
        handler.gap = _lose
        while self.intake.failed == 0:
            stopping = load_acquire_u64(&self.stop_asked) != 0
            pthread_mutex_lock(&self.books.mutex)
            work = s.poll(s.self, &handler, BATCH_MAX, iron_clock_mono_ns())
            if (work == 0 and stopping and m != NULL and m.sources[SOURCE_ANSWERS] < 0
                    and multicast_give_up(m, &handler, iron_clock_mono_ns())):
                work = -STATUS_EVICTED
            pthread_mutex_unlock(&self.books.mutex)
            if work > 0:
                self.intake.heard_ns = iron_clock_mono_ns()
            elif work == -STATUS_CLOSED:
                self.ended = True
                break
            elif work < 0 and work != -STATUS_EVICTED:
                self.intake.failed = EIO
            elif work == 0:
                _flush(&self.intake)
                if stopping and (m == NULL or m.expected >= m.known_end):
                    break
                iron_feed_wait(self.a, self.b, _wait_ms(self.a, m))
        _flush(&self.intake)

    def counts(self):
        """What happened so far: `messages` and `lost`, and what the transport counts."""
        return {**self.subscription.counters.snapshot(), "messages": self.intake.messages,
                "lost": self.intake.lost}

    @property
    def next_sequence(self):
        """The number of the next message; everything before it was taken in. 0: not known yet."""
        return self.subscription.sequence_next

    @property
    def complete(self):
        """Whether nothing that the publisher has shown is missing."""
        return self.intake.lost == 0 and getattr(self.subscription, "complete", True)

    @property
    def session_name(self):
        """The stream's session, empty while it is not known or where there is none."""
        return getattr(self.subscription, "session", "")

    @property
    def silent_ns(self):
        """For how long no message came; from the start of time before the first."""
        return iron_clock_mono_ns() - self.intake.heard_ns

    @property
    def session_ended(self):
        """Whether the publisher has ended the stream and everything came."""
        return self.ended

    @property
    def error(self):
        """The errno that ended `run`, or 0."""
        return self.intake.failed


cdef int _wait_ms(int descriptor, const MulticastReceiver* m) noexcept nogil:
    if descriptor < 0 or (m != NULL and (m.expected < m.known_end or (
            m.sources[SOURCE_A] < 0 and m.sources[SOURCE_B] < 0))):
        return WAIT_SHORT_MS
    return WAIT_MS
