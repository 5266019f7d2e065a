/* poll and select: as epoll, for the descriptors of one call. */
#include "double.h"

#include <errno.h>
#include <stdlib.h>

static struct endpoint *with_path(int fd) {
    struct endpoint *e = accelerated(fd);
    return e && path_usable(e) ? e : NULL;
}

/* How many are ready now; the kernel's are asked if so said. *ours counts those with a path. */
static int look(struct pollfd *fds, nfds_t count, bool ask_kernel, int *ours) {
    int found = 0, kernel = 0;
    *ours = 0;
    struct pollfd *rest = malloc((count + 1) * sizeof *rest);
    if (!rest) abort();
    for (nfds_t i = 0; i < count; i++) {
        struct endpoint *e = with_path(fds[i].fd);
        rest[i] = (struct pollfd){e ? -1 : fds[i].fd, fds[i].events, 0};
        fds[i].revents = 0;
        if (e) {
            uint32_t wanted = (uint16_t)fds[i].events | POLLERR | POLLHUP;
            fds[i].revents = (short)(path_events(e, NULL) & wanted);
            ++*ours;
        }
        kernel += !e && fds[i].fd >= 0;
    }
    if (kernel && ask_kernel && real()->poll(rest, count, 0) > 0)
        for (nfds_t i = 0; i < count; i++)
            if (rest[i].fd >= 0) fds[i].revents = rest[i].revents;
    for (nfds_t i = 0; i < count; i++) found += fds[i].revents != 0;
    free(rest);
    return found;
}

static int sleep_in_kernel(const struct pollfd *fds, nfds_t count, int ms,
                           const sigset_t *signals) {
    struct pollfd *bells = malloc((count + 1) * sizeof *bells);
    struct endpoint **sleepers = calloc(count + 1, sizeof *sleepers);
    struct timespec limit = {ms / 1000, ms % 1000 * 1000000L};
    bool ready = false;
    if (!bells || !sleepers) abort();
    for (nfds_t i = 0; i < count; i++) {
        bells[i] = (struct pollfd){fds[i].fd, fds[i].events, 0};
        sleepers[i] = with_path(fds[i].fd);
        if (!sleepers[i]) continue;
        int bell = path_sleep_begin(sleepers[i], (uint16_t)fds[i].events | POLLERR | POLLHUP);
        bells[i] = (struct pollfd){bell, POLLIN, 0};
        ready = ready || bell < 0;
    }
    int result = ready ? 0 : real()->ppoll(bells, count, &limit, signals);
    int reason = errno;
    for (nfds_t i = 0; i < count; i++)
        if (sleepers[i]) path_sleep_end(sleepers[i]);
    free(bells);
    free(sleepers);
    errno = reason;
    return result < 0 ? -1 : 0;
}

/* timeout_ns: UINT64_MAX for ever. */
static int wait_for(struct pollfd *fds, nfds_t count, uint64_t timeout_ns, enum spin type,
                    const sigset_t *signals) {
    enum { KERNEL_EVERY_NS = 1000000 }; /* while spinning, the kernel's are looked at rarely */
    int ours;
    int found = look(fds, count, true, &ours);
    uint64_t began = clock_ns(), asked = began, spin = spin_ns(type);
    while (!found) {
        uint64_t now = clock_ns(), spent = now - began;
        if (spent >= timeout_ns) return 0;
        bool ask_kernel = now - asked >= KERNEL_EVERY_NS;
        if (spent >= spin) {
            uint64_t left_ms = (timeout_ns - spent + 999999) / 1000000;
            int ms = left_ms < SLEEP_MS_MAX ? (int)left_ms : SLEEP_MS_MAX;
            if (sleep_in_kernel(fds, count, ms, signals) < 0) return -1;
            ask_kernel = true;
        }
        if (ask_kernel) asked = now;
        found = look(fds, count, ask_kernel, &ours);
    }
    return found;
}

static bool any_path(const struct pollfd *fds, nfds_t count) {
    for (nfds_t i = 0; i < count; i++)
        if (with_path(fds[i].fd)) return true;
    return false;
}

EXPORTED int poll(struct pollfd *fds, nfds_t count, int timeout) {
    FAULT_ERRNO("poll");
    if (!any_path(fds, count)) return real()->poll(fds, count, timeout);
    uint64_t ns = timeout < 0 ? UINT64_MAX : (uint64_t)timeout * 1000000u;
    return wait_for(fds, count, ns, SPIN_POLL, NULL);
}

EXPORTED int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t bytes) {
    if (bytes / sizeof *fds < count) abort();
    return poll(fds, count, timeout);
}

static uint64_t ns_of(const struct timespec *limit) {
    if (!limit) return UINT64_MAX;
    return (uint64_t)limit->tv_sec * 1000000000u + (uint64_t)limit->tv_nsec;
}

EXPORTED int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *limit,
                   const sigset_t *signals) {
    if (!any_path(fds, count)) return real()->ppoll(fds, count, limit, signals);
    return wait_for(fds, count, ns_of(limit), SPIN_POLL, signals);
}

static int select_by_poll(int count, fd_set *in, fd_set *out, fd_set *except, uint64_t timeout_ns,
                          const sigset_t *signals) {
    struct pollfd fds[FD_SETSIZE];
    nfds_t n = 0;
    for (int fd = 0; fd < count; fd++) {
        short events = 0;
        if (in && FD_ISSET(fd, in)) events |= POLLIN;
        if (out && FD_ISSET(fd, out)) events |= POLLOUT;
        if (except && FD_ISSET(fd, except)) events |= POLLPRI;
        if (events) fds[n++] = (struct pollfd){fd, events, 0};
    }
    if (wait_for(fds, n, timeout_ns, SPIN_SELECT, signals) < 0) return -1;
    int found = 0;
    for (nfds_t i = 0; i < n; i++) {
        short ready = fds[i].revents;
        bool is_in = fds[i].events & POLLIN && ready & (POLLIN | POLLHUP | POLLERR);
        bool is_out = fds[i].events & POLLOUT && ready & (POLLOUT | POLLERR);
        bool is_except = fds[i].events & POLLPRI && ready & POLLPRI;
        if (in && !is_in) FD_CLR(fds[i].fd, in);
        if (out && !is_out) FD_CLR(fds[i].fd, out);
        if (except && !is_except) FD_CLR(fds[i].fd, except);
        found += is_in + is_out + is_except;
    }
    return found;
}

static bool any_path_in(int count, const fd_set *in, const fd_set *out, const fd_set *except) {
    if (count > FD_SETSIZE) return false;
    for (int fd = 0; fd < count; fd++)
        if (((in && FD_ISSET(fd, in)) || (out && FD_ISSET(fd, out))
             || (except && FD_ISSET(fd, except)))
            && with_path(fd))
            return true;
    return false;
}

EXPORTED int select(int count, fd_set *in, fd_set *out, fd_set *except, struct timeval *limit) {
    if (!any_path_in(count, in, out, except)) return real()->select(count, in, out, except, limit);
    uint64_t ns = UINT64_MAX;
    if (limit) ns = (uint64_t)limit->tv_sec * 1000000000u + (uint64_t)limit->tv_usec * 1000u;
    return select_by_poll(count, in, out, except, ns, NULL);
}

EXPORTED int pselect(int count, fd_set *in, fd_set *out, fd_set *except,
                     const struct timespec *limit, const sigset_t *signals) {
    if (!any_path_in(count, in, out, except))
        return real()->pselect(count, in, out, except, limit, signals);
    return select_by_poll(count, in, out, except, ns_of(limit), signals);
}
