/* What the double says of a descriptor: onload_is_present, onload_fd_stat and their like. Most
 * errors are negative results; where errno is used, the table of the README says so. */
#include "double.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct onload_stat {
    int32_t stack_id;
    char *stack_name;
    int32_t endpoint_id;
    int32_t endpoint_state;
};
_Static_assert(sizeof(struct onload_stat) == 24, "onload_stat");
_Static_assert(offsetof(struct onload_stat, stack_name) == 8, "onload_stat");

struct onload_tcp_info {
    int so_recvbuf, rcvbuf_used, rcv_window, so_sndbuf, so_sndbuf_pkts, sndbuf_pkts_avail, snd_mss,
        snd_window, cong_window;
};
_Static_assert(sizeof(struct onload_tcp_info) == 36, "onload_tcp_info");

enum {
    STATE_TCP = 0x200, STATE_TCP_CONNECTION = 0x100, STATE_SYNCHRONISED = 1,
    STATE_LISTEN = 0x1000, STATE_SYN_SENT = 0x2000, STATE_ESTABLISHED = 0x3000,
    STATE_CLOSE_WAIT = 0x4000, STATE_FIN_WAIT = 0x6000, STATE_UDP = 0xb000, STATE_PIPE = 0xc000,
};

static int connection_state(struct endpoint *e, int fd) {
    struct tcp_info info;
    socklen_t bytes = sizeof info;
    int synchronised = STATE_TCP | STATE_TCP_CONNECTION | STATE_SYNCHRONISED;
    if (!e->connected || real()->getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0
        || info.tcpi_state == TCP_CLOSE)
        return STATE_TCP;
    if (info.tcpi_state == TCP_SYN_SENT) return STATE_SYN_SENT | STATE_TCP | STATE_TCP_CONNECTION;
    if (info.tcpi_state == TCP_CLOSE_WAIT) return STATE_CLOSE_WAIT | synchronised;
    if (info.tcpi_state == TCP_ESTABLISHED) return STATE_ESTABLISHED | synchronised;
    return STATE_FIN_WAIT | synchronised;
}

static int state_of(struct endpoint *e, int fd) {
    if (e->kind == KIND_UDP) return STATE_UDP;
    if (e->kind == KIND_PIPE) return STATE_PIPE;
    return e->listening ? STATE_LISTEN | STATE_TCP : connection_state(e, fd);
}

static bool connection(struct endpoint *e, int fd) {
    return e && e->kind == KIND_TCP && state_of(e, fd) & STATE_TCP_CONNECTION;
}

EXPORTED int onload_is_present(void) { return 1; }

EXPORTED int onload_fd_stat(int fd, struct onload_stat *stat) {
    FAULT_NEGATIVE("onload_fd_stat");
    struct endpoint *e = endpoint_of(fd);
    if (!e || e->kind == KIND_EPOLL) return 0;
    if (!stat) return 1;
    const struct stack *stack = e->stack;
    if (!stack) return 0; /* closed by another thread meanwhile */
    stat->stack_id = stack->id;
    stat->stack_name = strdup(stack->name);
    stat->endpoint_id = e->id;
    stat->endpoint_state = e->passthrough ? STATE_TCP : state_of(e, fd);
    return stat->stack_name ? 1 : -ENOMEM;
}

EXPORTED int onload_fd_check_feature(int fd, int feature) {
    enum { MSG_WARM_FEATURE, UDP_TX_TS_HDR, TX_SCM_TS_PKTINFO };
    FAULT_NEGATIVE("onload_fd_check_feature");
    if (feature == UDP_TX_TS_HDR || feature == TX_SCM_TS_PKTINFO) return 1;
    if (feature != MSG_WARM_FEATURE) return -EOPNOTSUPP;
    return connection(accelerated(fd), fd);
}

EXPORTED int onload_timestamping_request(int fd, unsigned flags) {
    enum { TX_NIC = 1, RX_NIC = 2, RX_CPACKET = 4 };
    FAULT_NEGATIVE("onload_timestamping_request");
    struct endpoint *e = endpoint_of(fd);
    if (flags & ~(unsigned)(TX_NIC | RX_NIC | RX_CPACKET)) return -EINVAL;
    if (!e || e->kind == KIND_EPOLL || e->kind == KIND_PIPE) return -ENOTTY;
    if (e->passthrough) return -ESOCKTNOSUPPORT;
    const int64_t *options = e->stack->options.number;
    if (flags & (RX_NIC | RX_CPACKET) && !options[OPTION_RX_TIMESTAMPING]) return -EOPNOTSUPP;
    if (flags & TX_NIC && !options[OPTION_TX_TIMESTAMPING]) return -EOPNOTSUPP;
    return 0;
}

/* By errno. */
EXPORTED int onload_get_tcp_info(int fd, struct onload_tcp_info *info, int *bytes) {
    enum { PACKET_BYTES = 2048 };
    FAULT_ERRNO("onload_get_tcp_info");
    struct endpoint *e = accelerated(fd);
    struct tcp_info kernel;
    socklen_t length = sizeof kernel;
    if (!connection(e, fd) || !info || !bytes || *bytes < (int)sizeof *info
        || real()->getsockopt(fd, IPPROTO_TCP, TCP_INFO, &kernel, &length) != 0) {
        errno = EINVAL;
        return -1;
    }
    length = sizeof info->so_recvbuf;
    real()->getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &info->so_recvbuf, &length);
    real()->getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &info->so_sndbuf, &length);
    info->rcvbuf_used = path_queued(e, false);
    info->rcv_window = info->so_recvbuf - info->rcvbuf_used;
    info->so_sndbuf_pkts = info->so_sndbuf / PACKET_BYTES;
    info->sndbuf_pkts_avail = info->so_sndbuf_pkts - path_queued(e, true) / PACKET_BYTES;
    info->snd_mss = (int)kernel.tcpi_snd_mss;
    info->snd_window = info->so_sndbuf - path_queued(e, true);
    info->cong_window = (int)(kernel.tcpi_snd_cwnd * kernel.tcpi_snd_mss);
    *bytes = sizeof *info;
    return 0;
}

struct onload_ordered_epoll_event {
    struct timespec when;
    int bytes;
};
_Static_assert(sizeof(struct onload_ordered_epoll_event) == 24, "ordered epoll event");

/* In the order of the call: there are no hardware time stamps here to order by. */
EXPORTED int onload_ordered_epoll_wait(int epfd, struct epoll_event *events,
                                       struct onload_ordered_epoll_event *ordered, int max,
                                       int timeout) {
    FAULT_NEGATIVE("onload_ordered_epoll_wait");
    struct endpoint *e = endpoint_of(epfd);
    if (!e || e->kind != KIND_EPOLL || !environment_number("EF_RX_TIMESTAMPING", 0))
        return -EINVAL;
    int found = epoll_wait(epfd, events, max, timeout);
    if (found < 0) return -errno;
    for (int i = 0; i < found; i++) {
        struct endpoint *member = accelerated(events[i].data.fd);
        clock_gettime(CLOCK_REALTIME, &ordered[i].when);
        ordered[i].bytes = member ? path_queued(member, false) : 0;
    }
    return found;
}

EXPORTED int onload_set_recv_filter(int fd, int (*filter)(void *, void *, int), void *argument,
                                    int flags) {
    FAULT_NEGATIVE("onload_set_recv_filter");
    struct endpoint *e = accelerated(fd);
    (void)flags;
    if (!e || e->kind != KIND_UDP) return -ESOCKTNOSUPPORT;
    e->filter = filter;
    e->filter_argument = argument;
    return 0;
}

EXPORTED int oo_raw_send(int fd, int port, const struct iovec *iov, int count) {
    FAULT_ERRNO("oo_raw_send");
    (void)port, (void)iov, (void)count;
    errno = accelerated(fd) ? ENETDOWN : ENOTTY;
    return -1;
}
