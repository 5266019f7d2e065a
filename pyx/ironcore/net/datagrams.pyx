"""Datagrams received many with one call, recvmmsg, with the kernel's time stamps and drop counts.

A socket says when a datagram arrived and how many it dropped only if it was asked to: by
SO_TIMESTAMPNS or SO_TIMESTAMPING, and by SO_RXQ_OVFL (socket(7)).

Whoever spins for a datagram that is alone pays for what recvmsg needs beyond recv, its vector and
its control messages, in every look and in every datagram: there, recv is called, unless the time is
wanted. The count of drops cannot be missed by that. A socket drops what finds a full queue, so that
many are taken at once afterwards; the first one alone after that came into an empty queue, brings
the count of all before it, and is taken with its control messages.
"""

from libc.errno cimport errno
from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport calloc, free, malloc

from ironcore.base.check cimport iron_static_assert
from ironcore.base.status cimport STATUS_LIMIT, STATUS_OK

cdef extern from * nogil:
    """
    #include <string.h>
    #include <sys/socket.h>
    #include <time.h>

    #define IRON_BATCH 64
    #define IRON_PLACE 2048
    enum { IRON_CONTROL = 128 };

    typedef struct {
        struct mmsghdr messages[IRON_BATCH];
        struct iovec vectors[IRON_BATCH];
        _Alignas(8) unsigned char control[IRON_BATCH][IRON_CONTROL];
    } iron_batch_headers;

    static void iron_batch_open(iron_batch_headers *h, unsigned char *places) {
        for (int i = 0; i < IRON_BATCH; i++) {
            h->vectors[i].iov_base = places + (size_t)i * IRON_PLACE;
            h->vectors[i].iov_len = IRON_PLACE;
            h->messages[i].msg_hdr.msg_iov = &h->vectors[i];
            h->messages[i].msg_hdr.msg_iovlen = 1;
            h->messages[i].msg_hdr.msg_control = h->control[i];
            h->messages[i].msg_hdr.msg_controllen = IRON_CONTROL;
        }
    }
    static int iron_batch_receive(int fd, iron_batch_headers *h) {
        return recvmmsg(fd, h->messages, IRON_BATCH, MSG_DONTWAIT, NULL);
    }
    /* With MSG_TRUNC the result is the datagram's length, whatever of it has room. */
    static long iron_receive_plain(int fd, unsigned char *place) {
        return recv(fd, place, IRON_PLACE, MSG_DONTWAIT | MSG_TRUNC);
    }
    static int iron_batch_receive_one(int fd, iron_batch_headers *h) {
        ssize_t n = recvmsg(fd, &h->messages[0].msg_hdr, MSG_DONTWAIT);
        if (n < 0) return -1;
        h->messages[0].msg_len = (unsigned)n;
        return 1;
    }
    static unsigned long long iron_stamp(const struct timespec *at) {
        return (unsigned long long)at->tv_sec * 1000000000ull + (unsigned long long)at->tv_nsec;
    }
    /* What came with one datagram; its header is made ready for the next. */
    static unsigned iron_batch_entry(iron_batch_headers *h, int i, int *truncated,
                                     unsigned long long *stamp_ns, unsigned *dropped, int *told) {
        struct msghdr *header = &h->messages[i].msg_hdr;
        struct timespec at[3];
        *truncated = (header->msg_flags & MSG_TRUNC) != 0;
        *stamp_ns = 0;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
            if (c->cmsg_level != SOL_SOCKET) continue;
            if (c->cmsg_type == SO_RXQ_OVFL) {
                memcpy(dropped, CMSG_DATA(c), sizeof *dropped);
                *told = 1;
            } else if (c->cmsg_type == SO_TIMESTAMPNS) {
                memcpy(at, CMSG_DATA(c), sizeof at[0]);
                *stamp_ns = iron_stamp(&at[0]);
            } else if (c->cmsg_type == SO_TIMESTAMPING) {
                memcpy(at, CMSG_DATA(c), sizeof at);  /* software, unused, hardware */
                *stamp_ns = iron_stamp(at[2].tv_sec ? &at[2] : &at[0]);
            }
        }
        header->msg_controllen = IRON_CONTROL;
        header->msg_flags = 0;
        return h->messages[i].msg_len;
    }
    """
    int IRON_BATCH
    int IRON_PLACE
    ctypedef struct iron_batch_headers:
        pass
    void iron_batch_open(iron_batch_headers* headers, uint8_t* places)
    int iron_batch_receive(int fd, iron_batch_headers* headers)
    int iron_batch_receive_one(int fd, iron_batch_headers* headers)
    long iron_receive_plain(int fd, uint8_t* place)
    uint32_t iron_batch_entry(iron_batch_headers* headers, int i, bint* truncated,
                              unsigned long long* stamp_ns, uint32_t* dropped, bint* told)


cdef int datagrams_open(DatagramBatch* batch) noexcept nogil:
    iron_static_assert(IRON_BATCH == DATAGRAMS_MAX)
    iron_static_assert(IRON_PLACE == DATAGRAM_PLACE_BYTES)
    batch.places = <uint8_t*>malloc(DATAGRAMS_MAX * DATAGRAM_PLACE_BYTES)
    batch.headers = calloc(1, sizeof(iron_batch_headers))
    if batch.places == NULL or batch.headers == NULL:
        datagrams_close(batch)
        return STATUS_LIMIT
    iron_batch_open(<iron_batch_headers*>batch.headers, batch.places)
    return STATUS_OK


cdef void datagrams_close(DatagramBatch* batch) noexcept nogil:
    free(batch.places)
    free(batch.headers)
    batch.places = NULL
    batch.headers = NULL


cdef int _receive_plain(DatagramBatch* batch, int fd) noexcept nogil:
    cdef long n = iron_receive_plain(fd, batch.places)
    if n < 0:
        return -errno
    batch.datagrams[0].data = batch.places
    batch.datagrams[0].bytes = <uint32_t>min(n, <long>DATAGRAM_PLACE_BYTES)
    batch.datagrams[0].truncated = n > DATAGRAM_PLACE_BYTES
    batch.datagrams[0].stamp_ns = 0
    return 1


cdef int _receive_told(DatagramBatch* batch, int fd, bint many) noexcept nogil:
    cdef iron_batch_headers* headers = <iron_batch_headers*>batch.headers
    cdef unsigned long long stamp_ns = 0
    cdef Datagram* datagram
    cdef int i
    cdef int count
    count = iron_batch_receive(fd, headers) if many else iron_batch_receive_one(fd, headers)
    if count < 0:
        return -errno
    for i in range(count):
        datagram = &batch.datagrams[i]
        datagram.data = batch.places + <size_t>i * DATAGRAM_PLACE_BYTES
        datagram.bytes = iron_batch_entry(headers, i, &datagram.truncated, &stamp_ns,
                                          &batch.dropped, &batch.dropped_told)
        datagram.stamp_ns = stamp_ns
    return count


cdef int datagrams_receive(DatagramBatch* batch, int fd, DatagramPace* pace) noexcept nogil:
    # recvmmsg looks for one more than it finds. After an empty call the next datagram is likely to
    # be alone, and whoever spins for it would wait for that look; if it is not, all come next time.
    cdef bint many = not pace.waited
    cdef int count
    batch.dropped_told = False
    if many or pace.stamps or pace.drops_due:
        count = _receive_told(batch, fd, many)
    else:
        count = _receive_plain(batch, fd)
    if count > 1:
        pace.drops_due = True
    elif count == 1 and pace.waited:
        pace.drops_due = False
    pace.waited = count <= 0
    return count
