/* Whether and how long a thread spins before it sleeps in the kernel. */
#include "double.h"

#include <errno.h>

enum { ALL_TYPES = ((1u << SPIN_TYPES_MAX) - 1) & ~1u };

/* What EF_POLL_USEC turns on: receive and send, select, poll, epoll, packet wait, locks. */
static const struct {
    int type;
    const char *variable;
    bool by_poll_usec;
} types[] = {
    {1, "EF_UDP_RECV_SPIN", true},   {2, "EF_UDP_SEND_SPIN", true},
    {3, "EF_TCP_RECV_SPIN", true},   {4, "EF_TCP_SEND_SPIN", true},
    {5, "EF_TCP_ACCEPT_SPIN", false}, {6, "EF_PIPE_RECV_SPIN", false},
    {7, "EF_PIPE_SEND_SPIN", false}, {8, "EF_SELECT_SPIN", true},
    {9, "EF_POLL_SPIN", true},       {10, "EF_PKT_WAIT_SPIN", true},
    {11, "EF_EPOLL_SPIN", true},     {12, "EF_STACK_LOCK_BUZZ", true},
    {13, "EF_SOCK_LOCK_BUZZ", true}, {14, "EF_SO_BUSY_POLL_SPIN", false},
    {15, "EF_TCP_CONNECT_SPIN", false},
};

static unsigned initial_mask;
static int64_t spin_usec;
static __thread unsigned mask_of_thread;
static __thread bool mask_set;

__attribute__((constructor(103))) static void spin_open(void) {
    int64_t poll_usec = environment_number("EF_POLL_USEC", 0);
    spin_usec = environment_number("EF_SPIN_USEC", poll_usec);
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++) {
        bool on = poll_usec != 0 && types[i].by_poll_usec;
        if (environment_number(types[i].variable, on)) initial_mask |= 1u << types[i].type;
    }
}

static unsigned mask_now(void) { return mask_set ? mask_of_thread : initial_mask; }

EXPORTED int onload_thread_set_spin(int type, int on) {
    FAULT_NEGATIVE("onload_thread_set_spin");
    if (type < 0 || type >= SPIN_TYPES_MAX) return -EINVAL;
    unsigned bits = type == 0 ? ALL_TYPES : 1u << type;
    mask_of_thread = on ? mask_now() | bits : mask_now() & ~bits;
    mask_set = true;
    return 0;
}

EXPORTED int onload_thread_get_spin(unsigned *mask) {
    FAULT_NEGATIVE("onload_thread_get_spin");
    *mask = mask_now();
    return 0;
}

uint64_t spin_ns(enum spin type) {
    if (!(mask_now() & 1u << type)) return 0;
    return spin_usec < 0 ? UINT64_MAX : (uint64_t)spin_usec * 1000;
}

uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
