/* Epoll sets: connections with a path are looked at in user space, everything else is in the
 * kernel's set, which is asked only when the watcher has heard of something there. A descriptor
 * that no epoll_ctl has added (by io_uring, say) is in neither. */
#include "double.h"

#include <errno.h>
#include <stdlib.h>

enum { SETS_MAX = 1024, MEMBERS_MAX = 4096 };

struct member {
    int fd;
    struct endpoint *endpoint; /* NULL: the kernel's */
    bool in_user_space, spent; /* spent: ONESHOT, until it is set again */
    uint64_t mark;
    struct epoll_event event;
};

struct epoll_set {
    atomic_flag lock;
    atomic_bool kernel_ready;
    atomic_int count, in_user_space;
    int start; /* the next look begins here, so that no member starves the others */
    struct member member[MEMBERS_MAX];
};

static struct endpoint *sets[SETS_MAX];
static int sets_count;
static pthread_mutex_t sets_lock = PTHREAD_MUTEX_INITIALIZER;

void epolls_open(struct endpoint *e) {
    e->set = calloc(1, sizeof *e->set);
    if (!e->set) abort();
    pthread_mutex_lock(&sets_lock);
    if (sets_count == SETS_MAX) abort();
    sets[sets_count++] = e;
    pthread_mutex_unlock(&sets_lock);
    watch_epoll(e);
}

void epolls_close(struct endpoint *e) {
    pthread_mutex_lock(&sets_lock);
    for (int i = 0; i < sets_count; i++)
        if (sets[i] == e) sets[i] = sets[--sets_count];
    free(e->set);
    e->set = NULL;
    pthread_mutex_unlock(&sets_lock);
}

void epolls_kernel_ready(struct endpoint *e, uint16_t generation) {
    pthread_mutex_lock(&sets_lock);
    if ((uint16_t)e->generation == generation && e->set) atomic_store(&e->set->kernel_ready, true);
    pthread_mutex_unlock(&sets_lock);
}

static struct member *member_of(struct epoll_set *set, int fd) {
    for (int i = 0; i < set->count; i++)
        if (set->member[i].fd == fd) return &set->member[i];
    return NULL;
}

static void remove_member(struct epoll_set *set, struct member *m) {
    if (m->in_user_space) set->in_user_space--;
    *m = set->member[--set->count];
}

typedef bool each_member(int epoll_fd, struct epoll_set *set, struct member *m, void *argument);

/* Every member that is this endpoint, in every set; stops at the first true. */
static bool for_each(const struct endpoint *endpoint, each_member *call, void *argument) {
    bool stop = false;
    pthread_mutex_lock(&sets_lock);
    for (int i = 0; i < sets_count && !stop; i++) {
        struct epoll_set *set = sets[i]->set;
        endpoint_lock(&set->lock);
        for (int m = set->count - 1; m >= 0 && !stop; m--)
            if (set->member[m].endpoint == endpoint)
                stop = call(sets[i]->descriptor, set, &set->member[m], argument);
        endpoint_unlock(&set->lock);
    }
    pthread_mutex_unlock(&sets_lock);
    return stop;
}

static bool forget(int epoll_fd, struct epoll_set *set, struct member *m, void *argument) {
    (void)epoll_fd, (void)argument;
    remove_member(set, m);
    return false;
}

static bool is_there(int epoll_fd, struct epoll_set *set, struct member *m, void *argument) {
    (void)epoll_fd, (void)set, (void)m, (void)argument;
    return true;
}

static bool take(int epoll_fd, struct epoll_set *set, struct member *m, void *argument) {
    (void)argument;
    if (!m->in_user_space && real()->epoll_ctl(epoll_fd, EPOLL_CTL_DEL, m->fd, NULL) == 0) {
        m->in_user_space = true;
        set->in_user_space++;
    }
    return false;
}

void epolls_forget(struct endpoint *member) { for_each(member, forget, NULL); }

bool epolls_contain(const struct endpoint *member) {
    return for_each(member, is_there, NULL);
}

void epolls_take(struct endpoint *member) {
    for_each(member, take, NULL);
}

EXPORTED int epoll_create1(int flags) {
    int fd = real()->epoll_create1(flags);
    int64_t mode = environment_number("EF_UL_EPOLL", 1);
    if (fd < 0 || rules_off() || (mode != 1 && mode != 3)) return fd;
    struct endpoint *e = endpoint_add(fd, KIND_EPOLL, NULL, false);
    if (e) epolls_open(e);
    return fd;
}

EXPORTED int epoll_create(int size) {
    if (size > 0) return epoll_create1(0);
    errno = EINVAL;
    return -1;
}

static int refuse(int reason) {
    errno = reason;
    return -1;
}

static int add_member(int epfd, struct epoll_set *set, int fd, struct epoll_event *event) {
    struct endpoint *e = endpoint_of(fd);
    bool in_user_space = e && e->kind == KIND_TCP && !e->passthrough && path_usable(e);
    if (member_of(set, fd)) return refuse(EEXIST);
    if (set->count == MEMBERS_MAX) return refuse(ENOSPC);
    if (!in_user_space && real()->epoll_ctl(epfd, EPOLL_CTL_ADD, fd, event) != 0) return -1;
    set->member[set->count] = (struct member){
        .fd = fd, .endpoint = e, .in_user_space = in_user_space, .mark = UINT64_MAX,
        .event = *event};
    set->count++;
    set->in_user_space += in_user_space;
    return 0;
}

static int change_member(int epfd, struct epoll_set *set, int op, int fd,
                         struct epoll_event *event) {
    struct member *m = member_of(set, fd);
    if (!m) return real()->epoll_ctl(epfd, op, fd, event);
    bool in_user_space = m->in_user_space;
    if (!in_user_space && real()->epoll_ctl(epfd, op, fd, event) != 0) return -1;
    if (op == EPOLL_CTL_DEL) {
        remove_member(set, m);
    } else {
        m->event = *event;
        m->spent = false;
        m->mark = UINT64_MAX;
    }
    return 0;
}

EXPORTED int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event) {
    FAULT_ERRNO("epoll_ctl");
    struct endpoint *e = endpoint_of(epfd);
    if (!e || e->kind != KIND_EPOLL) return real()->epoll_ctl(epfd, op, fd, event);
    endpoint_lock(&e->set->lock);
    int result = op == EPOLL_CTL_ADD ? add_member(epfd, e->set, fd, event)
                                     : change_member(epfd, e->set, op, fd, event);
    endpoint_unlock(&e->set->lock);
    return result;
}

/* A connection that was refused after all is the kernel's to report. */
static void give_back(int epfd, struct epoll_set *set, struct member *m) {
    if (real()->epoll_ctl(epfd, EPOLL_CTL_ADD, m->fd, &m->event) != 0) return;
    m->in_user_space = false;
    set->in_user_space--;
}

static uint32_t holds(const struct member *m, uint64_t *mark) {
    uint32_t found = path_events(m->endpoint, mark) & (m->event.events | EPOLLHUP | EPOLLERR);
    return m->spent || (m->event.events & EPOLLET && m->mark == *mark) ? 0 : found;
}

static uint32_t ready(struct member *m) {
    uint64_t mark;
    uint32_t found = holds(m, &mark);
    if (!found) return 0;
    m->mark = mark;
    m->spent = (m->event.events & EPOLLONESHOT) != 0;
    return found;
}

static int look(int epfd, struct epoll_set *set, struct epoll_event *events, int max) {
    int found = 0;
    if (!set->in_user_space) return 0;
    endpoint_lock(&set->lock);
    int count = set->count;
    for (int i = 0; i < count && found < max; i++) {
        struct member *m = &set->member[(set->start + i) % count];
        if (!m->in_user_space) continue;
        uint32_t now = ready(m);
        if (now) events[found++] = (struct epoll_event){now, m->event.data};
        if (!m->endpoint->path) give_back(epfd, set, m);
    }
    set->start = count ? (set->start + 1) % count : 0;
    endpoint_unlock(&set->lock);
    return found;
}

static int ask_kernel(int epfd, struct endpoint *e, struct epoll_event *events, int max) {
    int found = real()->epoll_pwait(epfd, events, max, 0, NULL);
    atomic_store(&e->set->kernel_ready, false);
    watch_epoll_again(e); /* reports at once what is still, or again, ready */
    return found;
}

static int look_everywhere(int epfd, struct endpoint *e, struct epoll_event *events, int max) {
    int found = look(epfd, e->set, events, max);
    if (found < max && atomic_load_explicit(&e->set->kernel_ready, memory_order_acquire)) {
        int more = ask_kernel(epfd, e, events + found, max - found);
        if (more > 0) found += more;
    }
    return found;
}

static int sleep_in_kernel(int epfd, struct endpoint *e, int timeout_ms, const sigset_t *signals) {
    struct pollfd *fds = malloc((MEMBERS_MAX + 1) * sizeof *fds);
    struct endpoint **sleepers = malloc(MEMBERS_MAX * sizeof(struct endpoint *));
    struct timespec limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    int count = 0;
    bool ready_meanwhile = false;
    if (!fds || !sleepers) abort();
    endpoint_lock(&e->set->lock);
    for (int i = 0; i < e->set->count; i++) {
        struct member *m = &e->set->member[i];
        if (!m->in_user_space || m->spent) continue;
        sleepers[count] = m->endpoint;
        uint64_t mark;
        int doorbell = path_sleep_begin(m->endpoint, 0);
        ready_meanwhile = ready_meanwhile || doorbell < 0 || holds(m, &mark);
        fds[count++] = (struct pollfd){doorbell, POLLIN, 0};
    }
    endpoint_unlock(&e->set->lock);
    fds[count] = (struct pollfd){epfd, POLLIN, 0};
    int result = 0;
    if (!ready_meanwhile) result = real()->ppoll(fds, (nfds_t)count + 1, &limit, signals);
    if (result > 0 && fds[count].revents) atomic_store(&e->set->kernel_ready, true);
    int reason = errno;
    for (int i = 0; i < count; i++) path_sleep_end(sleepers[i]);
    free(fds);
    free(sleepers);
    errno = reason;
    return result < 0 ? -1 : 0;
}

EXPORTED int epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout,
                         const sigset_t *signals) {
    FAULT_ERRNO("epoll_wait");
    struct endpoint *e = endpoint_of(epfd);
    if (!e || e->kind != KIND_EPOLL || max <= 0)
        return real()->epoll_pwait(epfd, events, max, timeout, signals);
    int found = look_everywhere(epfd, e, events, max);
    if (found || timeout == 0) return found;
    uint64_t began = clock_ns(), spin = spin_ns(SPIN_EPOLL_WAIT);
    uint64_t limit = timeout < 0 ? UINT64_MAX : (uint64_t)timeout * 1000000u;
    for (;;) {
        uint64_t spent = clock_ns() - began;
        if (spent >= limit) return 0;
        if (spent >= spin) {
            uint64_t left_ms = (limit - spent + 999999) / 1000000;
            int most = e->set->in_user_space ? SLEEP_MS_MAX : 1000;
            int sleep_ms = left_ms < (uint64_t)most ? (int)left_ms : most;
            if (sleep_in_kernel(epfd, e, sleep_ms, signals) < 0) return -1;
        }
        found = look_everywhere(epfd, e, events, max);
        if (found) return found;
    }
}

EXPORTED int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout) {
    return epoll_pwait(epfd, events, max, timeout, NULL);
}

EXPORTED int epoll_pwait2(int epfd, struct epoll_event *events, int max,
                          const struct timespec *timeout, const sigset_t *signals) {
    int64_t ms = timeout ? timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000 : -1;
    return epoll_pwait(epfd, events, max, ms > INT32_MAX ? INT32_MAX : (int)ms, signals);
}
