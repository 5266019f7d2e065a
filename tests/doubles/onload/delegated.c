/* Delegated send: the program gets the headers of its next segment, puts the segment on the wire
 * itself, and hands the bytes over afterwards. There is no wire here: the bytes that are completed
 * go to the peer by the socket. Idle -> prepare -> (complete ... until all is said | cancel). */
#include "double.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>

struct onload_delegated_send {
    void *headers;
    int headers_len, mss, send_wnd, cong_wnd, user_size, tcp_seq_offset, ip_len_offset,
        ip_tcp_hdr_len;
    int reserved[5];
};
_Static_assert(sizeof(struct onload_delegated_send) == 64, "onload_delegated_send");
_Static_assert(offsetof(struct onload_delegated_send, reserved) == 40, "onload_delegated_send");

enum { OK, BAD_SOCKET, SMALL_HEADER, SENDQ_BUSY, NOWIN, NOARP, NOCWIN };
enum {
    ETHERNET_BYTES = 14, IP_BYTES = 20, TCP_BYTES = 20,
    HEADER_BYTES = ETHERNET_BYTES + IP_BYTES + TCP_BYTES,
    WINDOW_BYTES = 65535, TCP_FLAG_ACK = 0x10, IP_DONT_FRAGMENT = 0x4000, TTL = 64,
};

static void put_u16(uint8_t *at, unsigned value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put_u32(uint8_t *at, uint32_t value) {
    put_u16(at, value >> 16);
    put_u16(at + 2, value & 0xffff);
}

/* Checksums are the hardware's. The Ethernet addresses are locally administered ones. */
static void write_headers(uint8_t *at, int fd, const struct endpoint *e, int size) {
    static const uint8_t addresses[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
    struct sockaddr_in from = {0}, to = {0};
    socklen_t bytes = sizeof from;
    real()->getsockname(fd, (void *)&from, &bytes);
    bytes = sizeof to;
    real()->getpeername(fd, (void *)&to, &bytes);
    memset(at, 0, HEADER_BYTES);
    memcpy(at, addresses, sizeof addresses);
    put_u16(at + 12, 0x0800);
    uint8_t *ip = at + ETHERNET_BYTES;
    ip[0] = 0x45;
    put_u16(ip + 2, (unsigned)(IP_BYTES + TCP_BYTES + size));
    put_u16(ip + 6, IP_DONT_FRAGMENT);
    ip[8] = TTL;
    ip[9] = IPPROTO_TCP;
    memcpy(ip + 12, &from.sin_addr, 4);
    memcpy(ip + 16, &to.sin_addr, 4);
    uint8_t *tcp = ip + IP_BYTES;
    memcpy(tcp, &from.sin_port, 2);
    memcpy(tcp + 2, &to.sin_port, 2);
    put_u32(tcp + 4, e->tcp_sequence);
    tcp[12] = TCP_BYTES / 4 << 4;
    tcp[13] = TCP_FLAG_ACK;
    put_u16(tcp + 14, WINDOW_BYTES);
}

EXPORTED int onload_delegated_send_prepare(int fd, int size, unsigned flags,
                                           struct onload_delegated_send *out) {
    FAULT_NEGATIVE("onload_delegated_send_prepare");
    struct endpoint *e = accelerated(fd);
    struct tcp_info info;
    socklen_t bytes = sizeof info;
    (void)flags; /* the double always knows the neighbour */
    if (!e || e->kind != KIND_TCP || !e->connected) return BAD_SOCKET;
    if (out->headers_len < HEADER_BYTES) {
        out->headers_len = HEADER_BYTES;
        return SMALL_HEADER;
    }
    if (e->delegated_bytes) return SENDQ_BUSY;
    if (real()->getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0) return BAD_SOCKET;
    out->headers_len = HEADER_BYTES;
    out->mss = (int)info.tcpi_snd_mss;
    out->send_wnd = WINDOW_BYTES;
    out->cong_wnd = (int)(info.tcpi_snd_cwnd * info.tcpi_snd_mss);
    out->user_size = size;
    out->tcp_seq_offset = ETHERNET_BYTES + IP_BYTES + 4;
    out->ip_len_offset = ETHERNET_BYTES + 2;
    out->ip_tcp_hdr_len = IP_BYTES + TCP_BYTES;
    write_headers(out->headers, fd, e, size);
    e->delegated_bytes = size;
    return size ? OK : NOWIN;
}

/* By errno. */
EXPORTED int onload_delegated_send_complete(int fd, const struct iovec *iov, int count,
                                            int flags) {
    FAULT_ERRNO("onload_delegated_send_complete");
    struct endpoint *e = accelerated(fd);
    if (!e || e->kind != KIND_TCP) {
        errno = ENOTTY;
        return -1;
    }
    size_t bytes = 0;
    for (int i = 0; i < count; i++) bytes += iov[i].iov_len;
    if (bytes > (size_t)e->delegated_bytes) {
        errno = EINVAL;
        return -1;
    }
    struct msghdr message = {0};
    message.msg_iov = (struct iovec *)iov;
    message.msg_iovlen = (size_t)count;
    ssize_t sent = sendmsg(fd, &message, flags);
    if (sent < 0) return -1;
    e->delegated_bytes -= (int)sent;
    e->tcp_sequence += (uint32_t)sent;
    return (int)sent;
}

/* By errno. */
EXPORTED int onload_delegated_send_cancel(int fd) {
    FAULT_ERRNO("onload_delegated_send_cancel");
    struct endpoint *e = accelerated(fd);
    if (!e || e->kind != KIND_TCP) {
        errno = ENOTTY;
        return -1;
    }
    e->delegated_bytes = 0;
    return 0;
}
