/* Bare sockets as one would use them in C: one send and one recv a message, no framing beyond its
 * fixed length, with the options of ironcore's transports: non-blocking, TCP_NODELAY, multicast
 * looped back on one interface. Floors that transports are measured against; see iron_floor.h. */
#ifndef IRON_FLOOR_SOCKETS_H
#define IRON_FLOOR_SOCKETS_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define FLOOR_SOCKET_BUFFER_BYTES (4 << 20)

static inline struct sockaddr_in floor_address(uint32_t address, uint16_t port) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(address)};
}

static inline bool floor_set(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* What is sent to `*out` arrives at `*in`: datagrams to a group on the loopback interface, at a
 * port that the kernel chooses. False with errno. */
static inline bool floor_multicast_join(uint32_t group, int *out, int *in) {
    struct sockaddr_in to = floor_address(group, 0);
    socklen_t bytes = sizeof to;
    struct ip_mreq membership = {to.sin_addr, {htonl(INADDR_LOOPBACK)}};
    struct in_addr interface = {htonl(INADDR_LOOPBACK)};
    *in = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *out = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    floor_set(*in, SOL_SOCKET, SO_RCVBUF, FLOOR_SOCKET_BUFFER_BYTES);
    return *in >= 0 && *out >= 0 && bind(*in, (struct sockaddr *)&to, sizeof to) == 0 &&
           getsockname(*in, (struct sockaddr *)&to, &bytes) == 0 &&
           setsockopt(*in, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership) == 0 &&
           floor_set(*in, IPPROTO_IP, IP_MULTICAST_ALL, 0) &&
           setsockopt(*out, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface) == 0 &&
           floor_set(*out, IPPROTO_IP, IP_MULTICAST_TTL, 0) &&
           floor_set(*out, IPPROTO_IP, IP_MULTICAST_LOOP, 1) &&
           connect(*out, (struct sockaddr *)&to, sizeof to) == 0;
}

/* Both ends of a connection over the loopback interface. False with errno. */
static inline bool floor_tcp_join(int *near, int *far) {
    struct sockaddr_in at = floor_address(INADDR_LOOPBACK, 0);
    socklen_t bytes = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool joined = listener >= 0 && *near >= 0 &&
                  bind(listener, (struct sockaddr *)&at, sizeof at) == 0 &&
                  listen(listener, 1) == 0 &&
                  getsockname(listener, (struct sockaddr *)&at, &bytes) == 0 &&
                  connect(*near, (struct sockaddr *)&at, sizeof at) == 0 &&
                  (*far = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0 &&
                  floor_set(*near, IPPROTO_TCP, TCP_NODELAY, 1) &&
                  floor_set(*far, IPPROTO_TCP, TCP_NODELAY, 1);
    int error = errno;
    if (listener >= 0) close(listener);
    errno = error;
    return joined;
}

/* All of a message, however long that takes; MSG_DONTWAIT, so that waiting is spinning. */
static inline bool floor_socket_send(int fd, const uint8_t *message, size_t message_bytes) {
    size_t sent = 0;
    while (sent < message_bytes) {
        ssize_t took = send(fd, message + sent, message_bytes - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (took > 0) sent += (size_t)took;
        else if (errno != EAGAIN && errno != ENOBUFS) return false;
    }
    return true;
}

static inline bool floor_socket_receive(int fd, uint8_t *message, size_t message_bytes) {
    size_t received = 0;
    while (received < message_bytes) {
        ssize_t got = recv(fd, message + received, message_bytes - received, MSG_DONTWAIT);
        if (got > 0) received += (size_t)got;
        else if (got == 0 || errno != EAGAIN) return false;
    }
    return true;
}

#endif
