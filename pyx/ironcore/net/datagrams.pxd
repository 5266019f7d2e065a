# Datagrams received many with one call, with what the kernel says of them. See datagrams.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    DATAGRAMS_MAX = 64               # taken with one call
    DATAGRAM_PLACE_BYTES = 2048      # more than any Ethernet frame without jumbo holds

cdef struct Datagram:
    const uint8_t* data
    uint32_t bytes
    bint truncated                   # it was longer than its place
    uint64_t stamp_ns                # UNIX time of arrival, by the card or else the kernel; 0: none

cdef struct DatagramBatch:
    uint8_t* places                  # the i-th datagram begins at i * DATAGRAM_PLACE_BYTES
    void* headers
    uint32_t dropped                 # by the kernel, of this socket, ever; told with SO_RXQ_OVFL
    bint dropped_told                # by the last call
    Datagram datagrams[DATAGRAMS_MAX]

# How one socket is received from best; all zero to begin with.
cdef struct DatagramPace:
    bint stamps                      # each datagram's time of arrival is wanted
    bint drops_due                   # many came at once: perhaps some found no room
    bint waited                      # the last call found nothing

# STATUS_LIMIT: no memory.
cdef int datagrams_open(DatagramBatch* batch) noexcept nogil
cdef void datagrams_close(DatagramBatch* batch) noexcept nogil
# What has arrived at a socket, up to DATAGRAMS_MAX: how many, or -errno. Never waits.
cdef int datagrams_receive(DatagramBatch* batch, int fd, DatagramPace* pace) noexcept nogil
