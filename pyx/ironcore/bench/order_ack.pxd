# The loops behind `ironpit bench order-ack`. See order_ack.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    BUFFER_BYTES = 65536

cdef struct Inbox:                   # replies that have arrived and are not consumed
    uint32_t start
    uint32_t end
    uint8_t bytes[BUFFER_BYTES]

cdef class EchoServer:
    cdef uint64_t asked_to_stop
    cdef object thread
