"""Order to acknowledgement over loopback, and the floor of this machine beside it: a bare TCP echo.

Both are measured by the same loop on the same cores: write one OUCH Enter Order packet, spin until
the answer to it has been read, from just before the write to just after the read. The echo server
does nothing but recv and send, so what a venue takes above it is the venue's own.
"""

import threading

import numpy as np

from libc.errno cimport EAGAIN
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from ironcore.base.atomics cimport load_acquire_u64, store_release_u64
from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.net.sockets cimport Sockets, host_sockets
from ironcore.wire.ouch50_inbound cimport OuchEnterOrder, ouch50_encode_enter_order
from ironcore.wire.soupbin cimport SOUP_HEADER_BYTES, SOUP_UNSEQUENCED_DATA, soupbin_encode_header

cdef extern from * nogil:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <sched.h>
    static int iron_pin(int cpu) {
        cpu_set_t set;
        if (cpu < 0) return 0;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        return sched_setaffinity(0, sizeof set, &set);
    }
    """
    int iron_pin(int cpu)

cdef enum:
    ACCEPTED_USER_REF_OFFSET = 9     # OUCH 5.0 Order Accepted: type, timestamp, UserRefNum
    LOST_NOT_SENT = 1
    LOST_CLOSED = 2
    LOST_SILENT = 3

LOST = {
    LOST_NOT_SENT: "the socket did not take it",
    LOST_CLOSED: "the connection was closed",
    LOST_SILENT: "nothing came in time",
}


cdef uint64_t _serve_echo(int fd, uint64_t* stop) noexcept nogil:
    """Send back whatever arrives: the number of answers."""
    cdef Sockets sockets = host_sockets()
    cdef uint8_t buffer[BUFFER_BYTES]
    cdef uint64_t answers = 0
    cdef long n
    while load_acquire_u64(stop) == 0:
        n = sockets.recv(sockets.context, fd, buffer, BUFFER_BYTES)
        if n == 0:
            break
        if n > 0:
            sockets.send(sockets.context, fd, buffer, <size_t>n)
            answers += 1
    return answers


cdef bint _acknowledged(Inbox* inbox, uint32_t user_ref) noexcept nogil:
    """Consume whole packets; has the Order Accepted of this UserRefNum been among them?"""
    cdef uint8_t* packet
    cdef uint32_t length, found
    cdef bint yes = False
    while inbox.end - inbox.start >= SOUP_HEADER_BYTES:
        packet = inbox.bytes + inbox.start
        length = (<uint32_t>packet[0] << 8 | packet[1]) + 2
        if inbox.end - inbox.start < length:
            break
        if packet[2] == b'S' and packet[3] == b'A':
            packet += SOUP_HEADER_BYTES + ACCEPTED_USER_REF_OFFSET
            found = (<uint32_t>packet[0] << 24 | <uint32_t>packet[1] << 16
                     | <uint32_t>packet[2] << 8 | packet[3])
            yes = yes or found == user_ref
        inbox.start += length
    if inbox.start == inbox.end:
        inbox.start = 0
        inbox.end = 0
    return yes


cdef int _round_trips(int fd, bint echo, const uint8_t* order, uint32_t order_bytes,
                      uint32_t first_user_ref, uint64_t timeout_ns, int64_t[::1] latency_ns,
                      Py_ssize_t* done) noexcept nogil:
    """One order at a time: 0, or how the other side was lost after *done answers."""
    cdef Sockets sockets = host_sockets()
    cdef Inbox inbox
    cdef uint8_t packet[128]
    cdef uint32_t user_ref = first_user_ref
    cdef uint64_t began
    cdef long n, got
    cdef Py_ssize_t i
    inbox.start = 0
    inbox.end = 0
    memcpy(packet, order, order_bytes)
    for i in range(latency_ns.shape[0]):
        done[0] = i
        packet[SOUP_HEADER_BYTES + 1] = <uint8_t>(user_ref >> 24)
        packet[SOUP_HEADER_BYTES + 2] = <uint8_t>(user_ref >> 16)
        packet[SOUP_HEADER_BYTES + 3] = <uint8_t>(user_ref >> 8)
        packet[SOUP_HEADER_BYTES + 4] = <uint8_t>user_ref
        began = iron_clock_mono_ns()
        if sockets.send(sockets.context, fd, packet, order_bytes) != <long>order_bytes:
            return LOST_NOT_SENT
        got = 0
        while True:
            n = sockets.recv(sockets.context, fd, inbox.bytes + inbox.end,
                             BUFFER_BYTES - inbox.end)
            if n == 0:
                return LOST_CLOSED
            if n < 0:
                if n != -EAGAIN:
                    return LOST_CLOSED
                if iron_clock_mono_ns() - began > timeout_ns:
                    return LOST_SILENT
                continue
            got += n
            if echo:
                if got == <long>order_bytes:
                    break
                continue
            inbox.end += <uint32_t>n
            if _acknowledged(&inbox, user_ref):
                break
        latency_ns[i] = <int64_t>(iron_clock_mono_ns() - began)
        user_ref += 1
    return 0


def order_packet(str symbol, int price):
    """The Enter Order packet that is measured: 100 to buy, immediate or cancel, far from the
    market."""
    cdef OuchEnterOrder order
    cdef uint8_t out[128]
    cdef size_t bytes_
    name = symbol.encode().ljust(8)
    order.user_ref_num = 0
    order.side = b'B'
    order.quantity = 100
    memcpy(order.symbol, <char*>name, 8)
    order.price = <uint64_t>price
    order.time_in_force = b'3'
    order.display = b'Y'
    order.capacity = b'P'
    order.iso = b'N'
    order.cross_type = b'N'
    memcpy(order.cl_ord_id, b"bench         ", 14)
    order.appendage = NULL
    order.appendage_bytes = 0
    bytes_ = ouch50_encode_enter_order(&order, out + SOUP_HEADER_BYTES)
    soupbin_encode_header(out, SOUP_UNSEQUENCED_DATA, bytes_)
    return bytes(out[:SOUP_HEADER_BYTES + bytes_])


def round_trips(int fd, bytes packet, int count, *, bint echo, uint32_t first_user_ref=1,
                int cpu=-1, uint64_t timeout_ns=60000000000):
    """Latencies in ns of `count` orders sent one after another on a non-blocking socket.

    timeout_ns: how long an answer may take; threads that spin on a busy host wait for their cores.
    Returns an int64 array of shape (count,). Raises ConnectionError, which says how, when the other
    side is lost."""
    latencies = np.zeros(count, dtype=np.int64)
    cdef int64_t[::1] view = latencies
    cdef const uint8_t* order = packet
    cdef uint32_t order_bytes = <uint32_t>len(packet)
    failure = []

    def run():
        cdef int lost
        cdef Py_ssize_t done = 0
        if iron_pin(cpu) != 0:
            failure.append(PermissionError(f"cannot pin to CPU {cpu}"))
            return
        with nogil:
            lost = _round_trips(fd, echo, order, order_bytes, first_user_ref, timeout_ns, view,
                                &done)
        if lost:
            failure.append(
                ConnectionError(f"no answer to order {done + 1} of {count}: {LOST[lost]}"))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return latencies


cdef class EchoServer:
    """The bare echo on one connected, non-blocking socket, in a thread of its own."""

    def __init__(self, int fd, int cpu=-1):
        self.asked_to_stop = 0

        def run():
            iron_pin(cpu)
            with nogil:
                _serve_echo(fd, &self.asked_to_stop)

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def stop(self):
        """Stop answering."""
        store_release_u64(&self.asked_to_stop, 1)
        self.thread.join()
