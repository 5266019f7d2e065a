"""A MoldUDP64 receiver: takes packets in sequence, asks for what was lost, builds books, records.

`run` is a thread's whole life, without the interpreter: it waits for datagrams, takes a batch of
them with one call, and applies the messages that are next in sequence. Packets that come too early
are held while the gap before them is asked for from the re-request server, a packet's worth at a
time. A gap that the server does not fill in GIVE_UP_NS is counted as lost and stepped over: the
books are then no longer right, and `counts` says so.

Without multicast the re-request server is asked for what comes next, over and over: the same
stream, later.
"""

from libc.errno cimport ENOMEM, errno
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.status cimport STATUS_IGNORED, STATUS_LIMIT, STATUS_OK, Status
from ironcore.runtime.feed_books cimport (
    BookBuilder, book_table_apply, pthread_mutex_lock, pthread_mutex_unlock,
)
from ironcore.wire.itch50 cimport ITCH50_MESSAGE_BYTES_MAX
from ironcore.wire.itch_file cimport ITCH_FILE_FRAME_BYTES, itch_file_put
from ironcore.wire.moldudp64 cimport (
    MOLD_COUNT_END_OF_SESSION, MOLD_COUNT_MAX, MOLD_HEADER_BYTES, MoldHeader, MoldReader,
    mold_decode_header, mold_encode_request, mold_reader_next, mold_reader_open,
)

cdef extern from * nogil:
    """
    #include <poll.h>
    #include <string.h>
    #include <sys/socket.h>
    #include <unistd.h>
    enum { IRON_FEED_BATCH = 64, IRON_FEED_DATAGRAM = 2048 };
    /* Up to a batch of datagrams into places of fixed size; how many, or -1. */
    static int iron_feed_receive(int fd, unsigned char *places, unsigned *bytes) {
        struct mmsghdr messages[IRON_FEED_BATCH];
        struct iovec vectors[IRON_FEED_BATCH];
        memset(messages, 0, sizeof messages);
        for (int i = 0; i < IRON_FEED_BATCH; i++) {
            vectors[i].iov_base = places + (size_t)i * IRON_FEED_DATAGRAM;
            vectors[i].iov_len = IRON_FEED_DATAGRAM;
            messages[i].msg_hdr.msg_iov = &vectors[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        int got = recvmmsg(fd, messages, IRON_FEED_BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < got; i++) bytes[i] = messages[i].msg_len;
        return got;
    }
    static void iron_feed_wait(int a, int b, int wait_ms) {
        struct pollfd fds[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
        poll(fds, 2, wait_ms);  /* negative descriptors are passed over */
    }
    static void iron_feed_send(int fd, const void *data, size_t bytes) {
        ssize_t ignored = send(fd, data, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)ignored;  /* a request that is not sent is asked again */
    }
    """
    int IRON_FEED_BATCH
    int IRON_FEED_DATAGRAM
    int iron_feed_receive(int fd, unsigned char* places, unsigned* bytes)
    void iron_feed_wait(int a, int b, int wait_ms)
    void iron_feed_send(int fd, const void* data, size_t bytes)
    long posix_write "write"(int fd, const void* data, size_t bytes)

cdef enum:
    HELD_MAX = 4096                  # packets that wait for a gap to be filled: 8 MiB
    DATAGRAM_BYTES = 2048
    DATAGRAMS = 64
    RECORD_BYTES = 65536
    WAIT_MS = 20
    WAIT_GAP_MS = 1
    REQUEST_NS = 5000000             # ask again after this long without an answer
    GIVE_UP_NS = 3000000000


cdef class Feed:
    """Receives one stream. books: takes the messages. multicast: a bound UDP socket, or -1;
    rerequest: one connected to the re-request server, or -1; record: a file to append to, or -1.
    All three stay the caller's. session: the stream's, which has to be known only without multicast
    (otherwise the first packet says it). Call `run` on a thread of its own, once."""

    def __cinit__(self, BookBuilder books not None, int multicast, int rerequest=-1, *,
                  int record=-1, uint64_t expected=1, str session=""):
        self.books = books
        self.multicast = multicast
        self.rerequest = rerequest
        self.record = record
        self.expected = expected
        self.known_end = expected
        name = session.encode("ascii").ljust(10)
        if session:
            memcpy(self.session, <const char*>name, sizeof(self.session))
            self.session_known = True
        self.datagrams = <uint8_t*>malloc(DATAGRAMS * DATAGRAM_BYTES)
        self.held_bytes = <uint8_t*>malloc(HELD_MAX * DATAGRAM_BYTES)
        self.held = <HeldPacket*>calloc(HELD_MAX, sizeof(HeldPacket))
        self.record_buffer = <uint8_t*>malloc(RECORD_BYTES)
        if (self.datagrams == NULL or self.held_bytes == NULL or self.held == NULL
                or self.record_buffer == NULL):
            raise MemoryError

    def __dealloc__(self):
        free(self.datagrams)
        free(self.held_bytes)
        free(self.held)
        free(self.record_buffer)

    def run(self):
        """Receive until `stop`, the end of the session, or a failure."""
        with nogil:
            self.loop()

    def stop(self):
        """Ask `run` to return; everything that has arrived is taken in first."""
        store_release_u64(&self.stop_asked, 1)

    cdef void loop(self) noexcept nogil:
        cdef bint busy
        cdef bint stopping
        cdef bint waiting
        cdef uint64_t now_ns
        while self.failed == 0:
            stopping = load_acquire_u64(&self.stop_asked) != 0
            busy = False
            if self.multicast >= 0:
                busy = self.receive(self.multicast, False)
            if self.rerequest >= 0:
                busy |= self.receive(self.rerequest, True)
            if self.expected < self.known_end:
                now_ns = iron_clock_mono_ns()
                if now_ns - self.progress_ns > GIVE_UP_NS or (self.rerequest < 0 and stopping):
                    self.give_up()
                else:
                    self.ask(now_ns)
            elif self.session_end != 0 or (stopping and not busy):
                break
            elif self.multicast < 0:
                self.poll(iron_clock_mono_ns())
            if not busy:
                self.flush()
                waiting = self.expected < self.known_end or self.multicast < 0
                iron_feed_wait(self.multicast, self.rerequest, WAIT_GAP_MS if waiting else WAIT_MS)
        self.flush()

    cdef bint receive(self, int fd, bint by_request) noexcept nogil:
        cdef unsigned[DATAGRAMS] sizes
        cdef int i
        cdef int got = iron_feed_receive(fd, self.datagrams, sizes)
        if got <= 0:
            return False
        self.heard_ns = iron_clock_mono_ns()
        pthread_mutex_lock(&self.books.mutex)
        for i in range(got):
            self.packet(self.datagrams + <size_t>i * DATAGRAM_BYTES, sizes[i], by_request)
        pthread_mutex_unlock(&self.books.mutex)
        return True

    cdef void packet(self, const uint8_t* data, size_t bytes, bint by_request) noexcept nogil:
        cdef MoldHeader header
        cdef uint64_t end
        self.counts_.packets += 1
        if mold_decode_header(data, bytes, &header) != STATUS_OK:
            self.counts_.malformed += 1
            return
        if not self.session_known:
            memcpy(self.session, header.session, sizeof(self.session))
            self.session_known = True
        if memcmp(self.session, header.session, sizeof(self.session)) != 0:
            self.counts_.foreign += 1
            return
        end = header.sequence_number
        if header.message_count != MOLD_COUNT_END_OF_SESSION:
            end += header.message_count
        if end > self.known_end:
            if self.expected == self.known_end and header.sequence_number > self.expected:
                self.counts_.gaps += 1
                self.progress_ns = self.heard_ns
                self.requested_ns = 0
            self.known_end = end
        elif end <= self.expected and header.sequence_number < end:
            self.counts_.duplicates += 1
        elif end == self.expected:
            self.counts_.current += 1
        if header.sequence_number > self.expected:
            self.hold(header.sequence_number, data, bytes)
        elif end > self.expected:
            self.take(data, bytes, by_request)
            self.take_held()
        if header.message_count == MOLD_COUNT_END_OF_SESSION:
            self.session_end = end

    cdef void take(self, const uint8_t* data, size_t bytes, bint by_request) noexcept nogil:
        # A packet that holds the next message: what is new in it.
        cdef MoldReader reader
        cdef const uint8_t* message = NULL
        cdef uint16_t message_bytes = 0
        cdef uint64_t sequence
        cdef Status status
        if mold_reader_open(&reader, data, bytes) != STATUS_OK:
            self.counts_.malformed += 1
            return
        sequence = reader.header.sequence_number
        status = mold_reader_next(&reader, &message, &message_bytes)
        while status == STATUS_OK:
            if sequence == self.expected:
                status = book_table_apply(&self.books.table, message, message_bytes)
                if status == STATUS_LIMIT:
                    self.failed = ENOMEM
                if self.record >= 0 and (status == STATUS_OK or status == STATUS_IGNORED):
                    self.write(message, message_bytes)
                self.expected += 1
                self.counts_.messages += 1
                self.counts_.recovered += by_request
            sequence += 1
            status = mold_reader_next(&reader, &message, &message_bytes)
        self.progress_ns = self.heard_ns
        self.requested_ns = 0

    cdef void hold(self, uint64_t sequence, const uint8_t* data, size_t bytes) noexcept nogil:
        cdef int i
        if bytes <= MOLD_HEADER_BYTES:
            return                           # a heartbeat: known_end says it all
        for i in range(self.held_count):
            if self.held[i].bytes > 0 and self.held[i].sequence == sequence:
                return
        for i in range(HELD_MAX):
            if self.held[i].bytes == 0:
                self.held[i].sequence = sequence
                self.held[i].bytes = <uint32_t>bytes
                memcpy(self.held_bytes + <size_t>i * DATAGRAM_BYTES, data, bytes)
                if i >= self.held_count:
                    self.held_count = i + 1
                return
        self.counts_.dropped += 1

    cdef void take_held(self) noexcept nogil:
        # After each gap is closed: packets that are next now, in whatever order they came.
        cdef bint found = self.held_count > 0
        cdef uint64_t expected
        cdef int i
        while found:
            found = False
            for i in range(self.held_count):
                if self.held[i].bytes == 0 or self.held[i].sequence > self.expected:
                    continue
                expected = self.expected
                self.take(self.held_bytes + <size_t>i * DATAGRAM_BYTES, self.held[i].bytes, False)
                self.held[i].bytes = 0
                found |= self.expected > expected
        while self.held_count > 0 and self.held[self.held_count - 1].bytes == 0:
            self.held_count -= 1

    cdef uint64_t gap_end(self) noexcept nogil:
        # Where the first gap ends: at the lowest held packet, or at the end of what is known.
        cdef uint64_t end = self.known_end
        cdef int i
        for i in range(self.held_count):
            if self.held[i].bytes > 0 and self.held[i].sequence < end:
                end = self.held[i].sequence
        return end

    cdef void ask(self, uint64_t now_ns) noexcept nogil:
        if self.rerequest < 0:
            return
        if self.requested_ns == 0 or now_ns - self.requested_ns >= REQUEST_NS:
            self.request(self.gap_end() - self.expected, now_ns)

    cdef void poll(self, uint64_t now_ns) noexcept nogil:
        # Without multicast: silence on a request says that there is nothing yet.
        if self.requested_ns != 0 and now_ns - self.requested_ns < REQUEST_NS:
            return
        self.counts_.current += self.requested_ns != 0
        self.request(MOLD_COUNT_MAX, now_ns)

    cdef void request(self, uint64_t count, uint64_t now_ns) noexcept nogil:
        cdef uint8_t[MOLD_HEADER_BYTES] packet
        mold_encode_request(packet, self.session, self.expected,
                            <uint16_t>(count if count < MOLD_COUNT_MAX else MOLD_COUNT_MAX))
        iron_feed_send(self.rerequest, packet, MOLD_HEADER_BYTES)
        self.requested_ns = now_ns
        self.counts_.requests += 1

    cdef void give_up(self) noexcept nogil:
        cdef uint64_t end = self.gap_end()
        self.counts_.lost += end - self.expected
        self.expected = end
        self.progress_ns = iron_clock_mono_ns()
        self.requested_ns = 0
        pthread_mutex_lock(&self.books.mutex)
        self.take_held()
        pthread_mutex_unlock(&self.books.mutex)

    cdef void write(self, const uint8_t* message, uint16_t bytes) noexcept nogil:
        if self.record_bytes + ITCH_FILE_FRAME_BYTES + ITCH50_MESSAGE_BYTES_MAX > RECORD_BYTES:
            self.flush()
        self.record_bytes += itch_file_put(self.record_buffer + self.record_bytes, message, bytes)

    cdef void flush(self) noexcept nogil:
        cdef size_t at = 0
        cdef long written
        while at < self.record_bytes:
            written = posix_write(self.record, self.record_buffer + at, self.record_bytes - at)
            if written < 0:
                self.failed = <uint64_t>errno
                break
            at += <size_t>written
        self.record_bytes = 0

    def counts(self):
        """What happened so far, as a dict of integers."""
        return dict(self.counts_)

    @property
    def next_sequence(self):
        """The sequence number of the next message; everything before it was taken in."""
        return self.expected

    @property
    def complete(self):
        """Whether nothing that the publisher has shown is missing."""
        return self.expected >= self.known_end and self.counts_.lost == 0

    @property
    def session_name(self):
        """The stream's session, empty before the first packet."""
        return self.session[:10].decode("ascii", "replace").strip() if self.session_known else ""

    @property
    def silent_ns(self):
        """For how long nothing was heard; from the start of time before the first packet."""
        return iron_clock_mono_ns() - self.heard_ns

    @property
    def session_ended(self):
        """Whether the publisher has ended the session and everything came."""
        return self.session_end != 0 and self.expected >= self.session_end

    @property
    def error(self):
        """The errno that ended `run`, or 0."""
        return self.failed
