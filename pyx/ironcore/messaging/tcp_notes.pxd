# What a server says in a debug packet in front of closing a connection, and a subscription of ours
# understands: this connection ends because another one has logged in by the same name. Other
# clients ignore it, as they do all debug packets. See docs/WIRE.md.

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t
from libc.string cimport memcmp

cdef extern from *:
    """
    #define IRON_TCP_DISPLACED "displaced"
    """
    const char* TCP_DISPLACED_TEXT "IRON_TCP_DISPLACED"

cdef enum:
    TCP_DISPLACED_BYTES = 9


cdef inline bint tells_displacement(const uint8_t* text, size_t bytes) noexcept nogil:
    return bytes == TCP_DISPLACED_BYTES and memcmp(text, TCP_DISPLACED_TEXT, bytes) == 0
