/* Bytes between two processes that both have the double: no system call while neither sleeps. */
#include "path.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RING_BYTES = 1 << 18, WRITABLE_PARTS = 4 };
enum { READABLE = POLLIN | POLLRDNORM, WRITABLE = POLLOUT | POLLWRNORM };

static pthread_mutex_t ends_lock = PTHREAD_MUTEX_INITIALIZER; /* against the watcher */

static struct path *map(int file, size_t bytes, int self) {
    struct path *p = calloc(1, sizeof *p);
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    if (!p || at == MAP_FAILED) {
        if (at != MAP_FAILED) munmap(at, bytes);
        free(p);
        return NULL;
    }
    p->memory = at;
    p->memory_bytes = bytes;
    p->self = self;
    p->control = -1;
    p->mask = RING_BYTES - 1;
    for (int i = 0; i < 2; i++) p->data[i] = (uint8_t *)at + PATH_DATA_OFFSET + i * RING_BYTES;
    return p;
}

struct path *path_make(int *memory_file) {
    size_t bytes = PATH_DATA_OFFSET + 2 * RING_BYTES;
    int file = memfd_create("onload-double", MFD_CLOEXEC);
    struct path *p = NULL;
    if (file >= 0 && ftruncate(file, (off_t)bytes) == 0) p = map(file, bytes, 0);
    if (!p) {
        if (file >= 0) real()->close(file);
        return NULL;
    }
    p->memory->magic = PATH_MAGIC;
    p->memory->ring_bytes = RING_BYTES;
    *memory_file = file;
    return p;
}

struct path *path_attach(int memory_file) {
    struct stat status;
    size_t bytes = PATH_DATA_OFFSET + 2 * RING_BYTES;
    if (fstat(memory_file, &status) != 0 || (size_t)status.st_size != bytes) return NULL;
    struct path *p = map(memory_file, bytes, 1);
    if (p && (p->memory->magic != PATH_MAGIC || p->memory->ring_bytes != RING_BYTES)) {
        path_discard(p);
        return NULL;
    }
    return p;
}

void path_discard(struct path *p) {
    munmap(p->memory, p->memory_bytes);
    free(p);
}

static struct path_side *own(const struct path *p) { return &p->memory->side[p->self]; }
static struct path_side *peer(const struct path *p) { return &p->memory->side[!p->self]; }
static struct path_ring *incoming(const struct path *p) { return &p->memory->ring[!p->self]; }
static struct path_ring *outgoing(const struct path *p) { return &p->memory->ring[p->self]; }

static uint64_t filled(const struct path_ring *ring) {
    return atomic_load_explicit(&ring->written, memory_order_acquire)
           - atomic_load_explicit(&ring->read, memory_order_acquire);
}

/* After anything that the other end may wait for. The fence is between what was written and the
 * look whether it sleeps; it has the same between its word that it sleeps and its last look. */
static void ring_doorbell(const struct path *p) {
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&peer(p)->sleeping, memory_order_relaxed))
        real()->send(p->control, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void path_begin(struct endpoint *e, struct path *p, int control, bool connecting) {
    p->control = control;
    p->connecting = connecting;
    atomic_store_explicit(&e->path, p, memory_order_release);
    watch_control(control, e);
}

/* Called with both locks of the endpoint, or where nobody else knows it. */
static void hang_up(struct path *p, bool abort_connection) {
    bool unread = filled(incoming(p)) != 0;
    if (abort_connection || (unread && !peer(p)->reset)) atomic_store(&own(p)->reset, 1);
    atomic_store(&own(p)->finished, 1);
    atomic_store(&own(p)->closed, 1);
    ring_doorbell(p);
}

static void take_away(struct endpoint *e, bool say_so, bool abort_connection) {
    pthread_mutex_lock(&ends_lock);
    endpoint_lock(&e->receiving);
    endpoint_lock(&e->sending);
    struct path *p = e->path;
    e->path = NULL;
    if (p && say_so) hang_up(p, abort_connection);
    endpoint_unlock(&e->sending);
    endpoint_unlock(&e->receiving);
    pthread_mutex_unlock(&ends_lock);
    if (!p) return;
    real()->close(p->control);
    path_discard(p);
}

void path_end(struct endpoint *e, bool abort_connection) { take_away(e, true, abort_connection); }

/* The other process is gone and said nothing: what the kernel says for it is said here. */
void path_peer_died(struct endpoint *e, uint16_t generation) {
    pthread_mutex_lock(&ends_lock);
    struct path *p = (uint16_t)e->generation == generation ? e->path : NULL;
    if (p && !atomic_load(&peer(p)->closed)) {
        if (filled(outgoing(p))) atomic_store(&peer(p)->reset, 1);
        atomic_store(&peer(p)->finished, 1);
        atomic_store(&peer(p)->closed, 1);
    }
    pthread_mutex_unlock(&ends_lock);
}

/* Has the kernel made the connection? One that was refused is the kernel's again. */
static void now_connected(struct endpoint *e, struct path *p) {
    struct tcp_info info;
    socklen_t bytes = sizeof info;
    struct pollfd poll_fd = {e->descriptor, POLLOUT, 0};
    if (real()->poll(&poll_fd, 1, 0) <= 0) return;
    if (real()->getsockopt(e->descriptor, IPPROTO_TCP, TCP_INFO, &info, &bytes) == 0
        && info.tcpi_state != TCP_CLOSE)
        p->connecting = false;
    else
        take_away(e, false, false);
}

bool path_usable(struct endpoint *e) {
    struct path *p = atomic_load_explicit(&e->path, memory_order_acquire);
    if (!p) return false;
    if (!atomic_load_explicit(&p->connecting, memory_order_relaxed)) return true;
    now_connected(e, p);
    return e->path != NULL;
}

static void copy_out(const struct path *p, uint64_t from, uint8_t *to, size_t bytes) {
    size_t at = from & p->mask;
    size_t first = bytes < RING_BYTES - at ? bytes : RING_BYTES - at;
    if (!to) return;
    memcpy(to, p->data[!p->self] + at, first);
    memcpy(to + first, p->data[!p->self], bytes - first);
}

static void copy_in(const struct path *p, uint64_t to, const uint8_t *from, size_t bytes) {
    size_t at = to & p->mask;
    size_t first = bytes < RING_BYTES - at ? bytes : RING_BYTES - at;
    memcpy(p->data[p->self] + at, from, first);
    memcpy(p->data[p->self], from + first, bytes - first);
}

/* Bytes taken now, or -errno; -EAGAIN: nothing there. */
static ssize_t receive_now(struct path *p, const struct iovec *iov, int count, int flags) {
    struct path_ring *ring = incoming(p);
    if (p->connecting) return -EAGAIN;
    /* The end of the stream is said after its last bytes, so it is read before them. */
    bool reset = atomic_load_explicit(&peer(p)->reset, memory_order_acquire);
    bool finished = atomic_load_explicit(&peer(p)->finished, memory_order_acquire);
    uint64_t start = atomic_load_explicit(&ring->read, memory_order_relaxed);
    uint64_t end = atomic_load_explicit(&ring->written, memory_order_acquire);
    uint64_t at = start;
    for (int i = 0; i < count && at != end; i++) {
        size_t bytes = iov[i].iov_len < end - at ? iov[i].iov_len : end - at;
        copy_out(p, at, flags & MSG_TRUNC ? NULL : iov[i].iov_base, bytes);
        at += bytes;
    }
    if (at != start) {
        if (!(flags & MSG_PEEK)) {
            bool was_tight = end - start > RING_BYTES - RING_BYTES / WRITABLE_PARTS;
            atomic_store_explicit(&ring->read, at, memory_order_release);
            if (was_tight) ring_doorbell(p);
        }
        return (ssize_t)(at - start);
    }
    if (end != start) return 0; /* no room was given */
    if (reset && !p->reset_told) {
        p->reset_told = true;
        return -ECONNRESET;
    }
    return finished || reset || p->reading_shut ? 0 : -EAGAIN;
}

static ssize_t send_now(struct path *p, const struct iovec *iov, int count, size_t skip) {
    struct path_ring *ring = outgoing(p);
    if (p->connecting) return -EAGAIN;
    if (atomic_load_explicit(&own(p)->finished, memory_order_relaxed)) return -EPIPE;
    if (atomic_load_explicit(&peer(p)->reset, memory_order_acquire)) {
        bool told = p->reset_told || peer(p)->finished;
        p->reset_told = true;
        return told ? -EPIPE : -ECONNRESET;
    }
    uint64_t start = atomic_load_explicit(&ring->written, memory_order_relaxed);
    uint64_t room = RING_BYTES - (start - atomic_load_explicit(&ring->read, memory_order_acquire));
    uint64_t at = start;
    bool gone = atomic_load_explicit(&peer(p)->closed, memory_order_acquire);
    for (int i = 0; i < count && room; i++) {
        size_t bytes = iov[i].iov_len;
        const uint8_t *from = iov[i].iov_base;
        if (skip >= bytes) {
            skip -= bytes;
            continue;
        }
        from += skip;
        bytes -= skip;
        skip = 0;
        if (bytes > room) bytes = room;
        if (!gone) copy_in(p, at, from, bytes);
        at += bytes;
        room -= bytes;
    }
    if (gone) { /* what nobody reads any more is answered with a reset */
        atomic_store(&peer(p)->reset, 1);
        return (ssize_t)(at - start);
    }
    if (at == start) return room ? 0 : -EAGAIN;
    atomic_store_explicit(&ring->written, at, memory_order_release);
    ring_doorbell(p);
    return (ssize_t)(at - start);
}

static uint64_t deadline_of(const struct endpoint *e, bool sending) {
    return e->wait_ns[sending] ? clock_ns() + e->wait_ns[sending] : UINT64_MAX;
}

/* Until one of the events may hold: spin, then sleep. 0, or -errno. */
static int wait_for(struct endpoint *e, uint32_t events, uint64_t until_ns, uint64_t spin_until) {
    uint64_t now = clock_ns();
    if (now >= until_ns) return -EAGAIN;
    if (now < spin_until) {
        __builtin_ia32_pause();
        return 0;
    }
    int doorbell = path_sleep_begin(e, events);
    int result = 0;
    if (doorbell >= 0) {
        struct pollfd poll_fd = {doorbell, POLLIN, 0};
        if (real()->poll(&poll_fd, 1, SLEEP_MS_MAX) < 0 && errno == EINTR) result = -EINTR;
    }
    path_sleep_end(e);
    return result;
}

static uint64_t end_of_spin(enum spin type) {
    uint64_t ns = spin_ns(type);
    return ns == UINT64_MAX ? UINT64_MAX : clock_ns() + ns;
}

static size_t room_of(const struct iovec *iov, int count) {
    size_t bytes = 0;
    for (int i = 0; i < count; i++) bytes += iov[i].iov_len;
    return bytes;
}

static ssize_t answer(ssize_t result) {
    if (result >= 0) return result;
    errno = (int)-result;
    return -1;
}

ssize_t path_receive(struct endpoint *e, const struct iovec *iov, int count, int flags) {
    bool wait = !e->nonblocking && !(flags & MSG_DONTWAIT);
    bool all = wait && flags & MSG_WAITALL && !(flags & MSG_PEEK) && count == 1;
    size_t wanted = room_of(iov, count), done = 0;
    uint64_t until_ns = 0, spin_until = 0;
    if (wanted == 0) return 0;
    for (;;) {
        struct iovec rest = {(uint8_t *)iov[0].iov_base + done, wanted - done};
        endpoint_lock(&e->receiving);
        struct path *p = e->path;
        ssize_t n = !p ? -EBADF : receive_now(p, all ? &rest : iov, all ? 1 : count, flags);
        endpoint_unlock(&e->receiving);
        e->used = true;
        if (n > 0) done += (size_t)n;
        if (n != -EAGAIN && (n <= 0 || !all || done == wanted))
            return done ? (ssize_t)done : answer(n);
        if (!wait) return answer(n);
        if (until_ns == 0) {
            until_ns = deadline_of(e, false);
            spin_until = end_of_spin(SPIN_TCP_RECV);
        }
        int waited = wait_for(e, POLLIN, until_ns, spin_until);
        if (waited < 0) return done ? (ssize_t)done : answer(waited);
    }
}

ssize_t path_send(struct endpoint *e, const struct iovec *iov, int count, int flags) {
    bool wait = !e->nonblocking && !(flags & MSG_DONTWAIT);
    size_t wanted = room_of(iov, count), done = 0;
    uint64_t until_ns = 0, spin_until = 0;
    if (wanted == 0) return 0;
    for (;;) {
        endpoint_lock(&e->sending);
        struct path *p = e->path;
        ssize_t n = !p ? -EBADF : send_now(p, iov, count, done);
        endpoint_unlock(&e->sending);
        e->used = true;
        if (n == -EPIPE && !(flags & MSG_NOSIGNAL) && !done) raise(SIGPIPE);
        if (n > 0) done += (size_t)n;
        if (done == wanted || (n < 0 && n != -EAGAIN) || !wait)
            return done ? (ssize_t)done : answer(n);
        if (until_ns == 0) {
            until_ns = deadline_of(e, true);
            spin_until = end_of_spin(SPIN_TCP_SEND);
        }
        int waited = n == -EAGAIN ? wait_for(e, POLLOUT, until_ns, spin_until) : 0;
        if (waited < 0) return done ? (ssize_t)done : answer(waited);
    }
}

void path_shutdown(struct endpoint *e, int how) {
    endpoint_lock(&e->receiving);
    endpoint_lock(&e->sending);
    struct path *p = e->path;
    if (p && how != SHUT_WR) p->reading_shut = true;
    if (p && how != SHUT_RD) {
        atomic_store_explicit(&own(p)->finished, 1, memory_order_release);
        ring_doorbell(p);
    }
    endpoint_unlock(&e->sending);
    endpoint_unlock(&e->receiving);
}

static uint32_t events_now(const struct path *p) {
    uint32_t events = 0;
    if (p->connecting) return 0;
    bool reset = atomic_load_explicit(&peer(p)->reset, memory_order_acquire);
    bool finished = atomic_load_explicit(&peer(p)->finished, memory_order_acquire);
    bool own_finished = atomic_load_explicit(&own(p)->finished, memory_order_relaxed);
    if (filled(incoming(p)) || p->reading_shut) events |= READABLE;
    if (finished) events |= READABLE | POLLRDHUP;
    if (finished && own_finished) events |= POLLHUP;
    if (reset) events |= READABLE | WRITABLE | POLLRDHUP | POLLHUP | POLLERR;
    if (RING_BYTES - filled(outgoing(p)) >= RING_BYTES / WRITABLE_PARTS || own_finished
        || atomic_load_explicit(&peer(p)->closed, memory_order_relaxed))
        events |= WRITABLE;
    return events;
}

static uint64_t moved_so_far(const struct path *p) {
    return atomic_load_explicit(&incoming(p)->written, memory_order_acquire) * 8
           + atomic_load_explicit(&outgoing(p)->read, memory_order_acquire);
}

/* mark: what an edge is measured by; it changes with everything that arrives or makes room. */
uint32_t path_events(struct endpoint *e, uint64_t *mark) {
    if (!path_usable(e)) return 0;
    endpoint_lock(&e->receiving);
    struct path *p = e->path;
    /* Before the events: what arrives between the two is told twice, and not never. */
    uint64_t moved = p ? moved_so_far(p) : 0;
    uint32_t events = p ? events_now(p) : 0;
    if (mark) *mark = moved + (((uint64_t)events & (POLLRDHUP | POLLHUP | POLLERR)) << 32);
    endpoint_unlock(&e->receiving);
    return events;
}

int path_sleep_begin(struct endpoint *e, uint32_t events) {
    int control = -1;
    endpoint_lock(&e->receiving);
    struct path *p = e->path;
    if (p) {
        atomic_fetch_add(&own(p)->sleeping, 1);
        atomic_thread_fence(memory_order_seq_cst);
        if (!(events_now(p) & events)) control = p->control;
    }
    endpoint_unlock(&e->receiving);
    return control;
}

void path_sleep_end(struct endpoint *e) {
    char rings[64];
    endpoint_lock(&e->receiving);
    struct path *p = e->path;
    if (p) {
        atomic_fetch_sub(&own(p)->sleeping, 1);
        while (real()->recv(p->control, rings, sizeof rings, MSG_DONTWAIT) > 0) {
        }
    }
    endpoint_unlock(&e->receiving);
}

int path_queued(struct endpoint *e, bool out) {
    endpoint_lock(&e->receiving); /* another thread may close it meanwhile */
    struct path *p = e->path;
    int bytes = p ? (int)filled(out ? outgoing(p) : incoming(p)) : 0;
    endpoint_unlock(&e->receiving);
    return bytes;
}
