"""A subscriber to market data: takes a stream's messages in sequence, builds books, records.

`run` is a thread's whole life, without the interpreter: it polls the subscription, whatever carries
it, and applies the messages that come. What the subscription gives up is counted as lost: the books
are then no longer right, and `counts` says so; with `stop_at_gap` the run ends there, so that the
owner can take a snapshot and go on. A ring that its venue has made anew is gone over to.
"""

from libc.errno cimport EIO, ENOMEM, errno
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.check cimport iron_static_assert
from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.status cimport (
    STATUS_CLOSED, STATUS_EVICTED, STATUS_FULL, STATUS_IGNORED, STATUS_LIMIT, STATUS_OK,
    STATUS_REPLACED,
)
from ironcore.messaging.multicast.recovery cimport multicast_give_up
from ironcore.messaging.multicast.receiver cimport (
    SOURCE_A, SOURCE_ANSWERS, SOURCE_B, SOURCES, MulticastReceiver,
)
from ironcore.messaging.multicast.subscription cimport MulticastSubscription
from ironcore.messaging.subscription cimport FrameHandler, SubscriptionEnd
from ironcore.market_data.feed_books cimport (
    BookBuilder, book_table_apply, pthread_mutex_lock, pthread_mutex_unlock,
)
from ironcore.wire.itch50 cimport ITCH50_MESSAGE_BYTES_MAX
from ironcore.wire.itch_file cimport ITCH_FILE_FRAME_BYTES, itch_file_put

cdef extern from * nogil:
    """
    #include <poll.h>
    #include <unistd.h>
    enum { IRON_FEED_SOURCES = 5 };
    static void iron_feed_wait(const int *sources, int wait_ms) {
        struct pollfd fds[IRON_FEED_SOURCES];
        for (int i = 0; i < IRON_FEED_SOURCES; i++) {
            fds[i].fd = sources ? sources[i] : -1;  /* negative ones are passed over */
            fds[i].events = POLLIN;
            fds[i].revents = 0;
        }
        poll(fds, IRON_FEED_SOURCES, wait_ms);
    }
    """
    int IRON_FEED_SOURCES
    void iron_feed_wait(const int* sources, int wait_ms)
    long posix_write "write"(int fd, const void* data, size_t bytes)

cdef enum:
    BATCH_MAX = 4096                 # messages between two looks at the books by others
    RECORD_BYTES = 65536
    WAIT_MS = 20
    WAIT_GAP_MS = 1


cdef inline int _xdp_fd(const MulticastReceiver* r, int source) noexcept nogil:
    return -1 if r.xdp[source] == NULL else r.xdp[source].socket.fd


cdef void _flush(FeedState* feed) noexcept nogil:
    cdef size_t at = 0
    cdef long written
    while at < feed.record_bytes:
        written = posix_write(feed.record, feed.record_buffer + at, feed.record_bytes - at)
        if written < 0:
            feed.failed = <uint64_t>errno
            break
        at += <size_t>written
    feed.record_bytes = 0


cdef void _record(FeedState* feed, const uint8_t* message, uint16_t bytes) noexcept nogil:
    if feed.record_bytes + ITCH_FILE_FRAME_BYTES + ITCH50_MESSAGE_BYTES_MAX > RECORD_BYTES:
        _flush(feed)
    feed.record_bytes += itch_file_put(feed.record_buffer + feed.record_bytes, message, bytes)


cdef int _frame(void* context, uint64_t sequence, const uint8_t* frame,
                uint32_t frame_bytes) noexcept nogil:
    cdef FeedState* feed = <FeedState*>context
    cdef int status
    if feed.gap_met and feed.stop_at_gap:
        return STATUS_FULL           # after a gap nothing is right before there is a snapshot
    status = book_table_apply(feed.table, frame, frame_bytes)
    if status == STATUS_LIMIT:
        feed.failed = ENOMEM
    if feed.record >= 0 and (status == STATUS_OK or status == STATUS_IGNORED):
        _record(feed, frame, <uint16_t>frame_bytes)
    feed.messages += 1
    return STATUS_OK


cdef void _gap(void* context, uint64_t first, uint64_t count) noexcept nogil:
    cdef FeedState* feed = <FeedState*>context
    feed.lost += count
    feed.gap_met = True


cdef FrameHandler _handler(FeedState* feed) noexcept nogil:
    cdef FrameHandler handler
    handler.context = feed
    handler.frame = _frame
    handler.gap = _gap
    return handler


cdef class Feed:
    """Receives one stream. books: takes the messages; record: a file to append to, or -1. Both stay
    the caller's. Call `run` on a thread of its own; after a gap again, once the subscription and
    the books stand where it can go on."""

    def __cinit__(self, BookBuilder books not None, SubscriptionEnd subscription not None, *,
                  int record=-1, bint stop_at_gap=False):
        self.books = books
        self.subscription = subscription
        if isinstance(subscription, MulticastSubscription):
            self.multicast = &(<MulticastSubscription>subscription).receiver
        self.state.table = &books.table
        self.state.record = record
        self.state.stop_at_gap = stop_at_gap
        self.state.record_buffer = <uint8_t*>malloc(RECORD_BYTES)
        if self.state.record_buffer == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.state.record_buffer)

    def run(self):
        """Receive until `stop`, the end of the stream, a failure, or a gap if it is to stop there:
        whether it was a gap. OSError and SegmentError when a ring that was made anew cannot be
        read."""
        cdef bint replaced = True
        self.state.gap_met = False
        while replaced:
            with nogil:
                replaced = self.loop()
            if replaced:
                self.subscription.reattach()
        return self.state.gap_met and self.state.stop_at_gap

    def mend(self):
        """A snapshot has taken the place of what was lost so far."""
        self.state.mended = self.state.lost

    def stop(self):
        """Ask `run` to return; everything that has arrived is taken in first."""
        store_release_u64(&self.stop_asked, 1)

    @property
    def stopping(self):
        """Whether `stop` was called."""
        return load_acquire_u64(&self.stop_asked) != 0

    cdef bint loop(self) noexcept nogil:
        """Until `run` is over, or, True, the subscription has to be attached to another ring."""
        cdef bint stopping
        cdef int work
        while self.state.failed == 0 and not (self.state.gap_met and self.state.stop_at_gap):
            stopping = load_acquire_u64(&self.stop_asked) != 0
            work = self.poll()
            if work > 0 or work == -STATUS_EVICTED:
                continue
            if work == -STATUS_CLOSED:
                self.ended = True
                break
            if work == -STATUS_REPLACED:
                _flush(&self.state)
                return True
            if work < 0:
                self.state.failed = EIO
                break
            if stopping and not self.waiting_for_gap():
                break
            if stopping and self.give_up():
                continue
            _flush(&self.state)
            self.wait()
        _flush(&self.state)
        return False

    cdef int poll(self) noexcept nogil:
        cdef FrameHandler handler = _handler(&self.state)
        cdef int work
        pthread_mutex_lock(&self.books.mutex)
        work = self.subscription.subscription.poll(self.subscription.subscription.self, &handler,
                                                   BATCH_MAX, iron_clock_mono_ns())
        pthread_mutex_unlock(&self.books.mutex)
        return work

    cdef bint give_up(self) noexcept nogil:
        """Nobody can be asked for what is missing: step over it, whether there was something."""
        cdef FrameHandler handler = _handler(&self.state)
        if self.multicast == NULL or self.multicast.sources[SOURCE_ANSWERS] >= 0:
            return False
        return multicast_give_up(self.multicast, &handler, iron_clock_mono_ns())

    cdef bint waiting_for_gap(self) noexcept nogil:
        return self.multicast != NULL and self.multicast.expected < self.multicast.known_end

    cdef void wait(self) noexcept nogil:
        cdef bint soon = self.waiting_for_gap()
        cdef int fds[SOURCES + 2]
        cdef int i
        iron_static_assert(IRON_FEED_SOURCES == SOURCES + 2)
        if self.multicast == NULL:
            iron_feed_wait(NULL, WAIT_GAP_MS)
            return
        if self.multicast.sources[SOURCE_A] < 0 and self.multicast.sources[SOURCE_B] < 0:
            soon = True              # what comes next is asked for again and again
        for i in range(SOURCES):
            fds[i] = self.multicast.sources[i]
        fds[SOURCES] = _xdp_fd(self.multicast, SOURCE_A)
        fds[SOURCES + 1] = _xdp_fd(self.multicast, SOURCE_B)
        iron_feed_wait(fds, WAIT_GAP_MS if soon else WAIT_MS)

    def counts(self):
        """What happened so far, as a dict of integers: those of the subscription, and messages
        taken and lost."""
        return {**self.subscription.counters.snapshot(), "messages": self.state.messages,
                "lost": self.state.lost}

    @property
    def next_sequence(self):
        """The sequence number of the next message; everything before it was taken in, or lost."""
        return self.subscription.sequence_next

    @property
    def complete(self):
        """Whether nothing that the publisher has shown is missing, in the books or at all, and it
        is where the publisher shows it: not so while a ring that was removed is read."""
        return (self.state.lost == self.state.mended and not self.waiting_for_gap()
                and not getattr(self.subscription, "orphaned", False))

    @property
    def published(self):
        """Whether a living publisher is there, as far as the transport can tell."""
        return getattr(self.subscription, "produced", True)

    @property
    def session_next(self):
        """The session that has taken the stream's place; "" while none has, or on a transport that
        cannot tell."""
        return getattr(self.subscription, "session_next", "")

    @property
    def session_name(self):
        """The stream's session, empty before the first packet, or on a transport without."""
        return getattr(self.subscription, "session", "")

    @property
    def silent_ns(self):
        """For how long nothing was heard; from the start of time before the first packet, and 0 on
        a transport that has no signs of life."""
        return getattr(self.subscription, "silent_ns", 0)

    @property
    def session_ended(self):
        """Whether the publisher has ended the stream and everything came."""
        return self.ended

    @property
    def error(self):
        """The errno that ended `run`, or 0."""
        return self.state.failed
