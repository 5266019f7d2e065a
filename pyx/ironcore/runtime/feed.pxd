# A MoldUDP64 receiver: takes packets in sequence, asks for what was lost, builds books, records.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.runtime.feed_books cimport BookBuilder

cdef struct FeedCounts:
    uint64_t packets
    uint64_t messages                # in sequence, each once
    uint64_t current                 # heartbeats, or polls, that found nothing missing
    uint64_t duplicates              # packets that held nothing new
    uint64_t malformed
    uint64_t foreign                 # packets of another session
    uint64_t gaps
    uint64_t requests                # re-requests sent
    uint64_t recovered               # messages that came by re-request
    uint64_t lost                    # messages given up
    uint64_t dropped                 # packets for which there was no room while a gap was open

cdef struct HeldPacket:              # came before its turn
    uint64_t sequence
    uint32_t bytes                   # 0: the place is free

cdef class Feed:
    cdef BookBuilder books
    cdef int multicast
    cdef int rerequest               # connected UDP socket, -1: none
    cdef int record                  # file, -1: none
    cdef char[10] session
    cdef bint session_known
    cdef uint64_t expected           # sequence number of the next message
    cdef uint64_t known_end          # the highest next sequence number that any packet has shown
    cdef uint64_t requested_ns       # when the open gap was asked for last, 0: not yet
    cdef uint64_t progress_ns        # when the open gap last got smaller
    cdef uint64_t heard_ns
    cdef uint64_t stop_asked
    cdef uint64_t session_end        # sequence number after the last message, 0: not known yet
    cdef uint64_t failed             # -errno of recording, or of memory
    cdef uint8_t* datagrams
    cdef uint8_t* held_bytes
    cdef HeldPacket* held
    cdef int held_count
    cdef uint8_t* record_buffer
    cdef size_t record_bytes
    cdef FeedCounts counts_

    cdef void loop(self) noexcept nogil
    cdef bint receive(self, int fd, bint by_request) noexcept nogil
    cdef void packet(self, const uint8_t* data, size_t bytes, bint by_request) noexcept nogil
    cdef void take(self, const uint8_t* data, size_t bytes, bint by_request) noexcept nogil
    cdef void hold(self, uint64_t sequence, const uint8_t* data, size_t bytes) noexcept nogil
    cdef void take_held(self) noexcept nogil
    cdef uint64_t gap_end(self) noexcept nogil
    cdef void ask(self, uint64_t now_ns) noexcept nogil
    cdef void poll(self, uint64_t now_ns) noexcept nogil
    cdef void request(self, uint64_t count, uint64_t now_ns) noexcept nogil
    cdef void give_up(self) noexcept nogil
    cdef void write(self, const uint8_t* message, uint16_t bytes) noexcept nogil
    cdef void flush(self) noexcept nogil
