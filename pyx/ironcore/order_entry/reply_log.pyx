"""Every sequenced reply of one session, kept as SoupBinTCP packets back to back, ready to be sent.

The log is derived from the stream alone: a gateway that restarts fills it again by reading the
journal, so it needs no file. Its memory is reserved at the start and becomes resident as it is
used.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from ironcore.base.check cimport iron_assert
from ironcore.base.status cimport STATUS_IO, STATUS_LIMIT, STATUS_OK

cdef extern from * nogil:
    """
    #include <stdint.h>
    #include <sys/mman.h>
    static void *iron_reserve(uint64_t bytes) {
        void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return p == MAP_FAILED ? NULL : p;
    }
    static void iron_unreserve(void *p, uint64_t bytes) { if (p) munmap(p, bytes); }
    """
    void* iron_reserve(uint64_t bytes)
    void iron_unreserve(void* p, uint64_t bytes)

cdef enum:
    PACKET_HEADER_BYTES = 3          # u16 length, type
    PACKET_BYTES_MIN = 13            # no OUCH reply is shorter than 10 bytes


cdef inline uint64_t _index_bytes(uint64_t bytes_max) noexcept nogil:
    return (bytes_max // (PACKET_BYTES_MIN * REPLY_INDEX_STRIDE) + 2) * sizeof(uint64_t)


cdef int reply_log_open(ReplyLog* log, uint64_t bytes_max) noexcept nogil:
    log.data = <uint8_t*>iron_reserve(bytes_max)
    log.index = <uint64_t*>iron_reserve(_index_bytes(bytes_max))
    log.bytes_max = bytes_max
    log.bytes = 0
    log.count = 0
    if log.data == NULL or log.index == NULL:
        reply_log_close(log)
        return STATUS_IO
    return STATUS_OK


cdef void reply_log_close(ReplyLog* log) noexcept nogil:
    iron_unreserve(log.data, log.bytes_max)
    iron_unreserve(log.index, _index_bytes(log.bytes_max))
    log.data = NULL
    log.index = NULL


cdef int reply_log_append(ReplyLog* log, const uint8_t* message,
                          uint32_t message_bytes) noexcept nogil:
    cdef uint8_t* packet = log.data + log.bytes
    cdef uint32_t length = message_bytes + 1
    iron_assert(message_bytes + PACKET_HEADER_BYTES >= PACKET_BYTES_MIN, "a reply has its length")
    if log.bytes + message_bytes + PACKET_HEADER_BYTES > log.bytes_max:
        return STATUS_LIMIT
    if log.count % REPLY_INDEX_STRIDE == 0:
        log.index[log.count // REPLY_INDEX_STRIDE] = log.bytes
    packet[0] = <uint8_t>(length >> 8)
    packet[1] = <uint8_t>length
    packet[2] = b'S'
    memcpy(packet + PACKET_HEADER_BYTES, message, message_bytes)
    log.bytes += message_bytes + PACKET_HEADER_BYTES
    log.count += 1
    return STATUS_OK


cdef uint64_t reply_log_offset(const ReplyLog* log, uint64_t sequence) noexcept nogil:
    cdef uint64_t position, offset
    iron_assert(1 <= sequence <= log.count + 1, "a reply that exists, or the next one")
    if sequence == log.count + 1:
        return log.bytes
    position = (sequence - 1) // REPLY_INDEX_STRIDE
    offset = log.index[position]
    for _ in range((sequence - 1) - position * REPLY_INDEX_STRIDE):
        offset += 2 + ((<uint64_t>log.data[offset] << 8) | log.data[offset + 1])
    return offset
