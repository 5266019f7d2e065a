# One session of the load generator: its socket, its buffers, and the OUCH packets that it sends.

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.base.histogram cimport Histogram
from ironcore.client.load_replies cimport Replies

cdef struct Operation:               # 32 bytes: ironpit.flow.operations.OPERATION
    uint64_t time_ns
    uint32_t user_ref
    uint32_t orig_user_ref
    uint32_t quantity
    int32_t price
    uint16_t session
    uint16_t symbol
    uint8_t kind                     # 'O' enter, 'U' replace, 'X' cancel
    uint8_t side
    uint8_t time_in_force
    uint8_t reserved

cdef struct LoadSession:
    int fd
    bint closed                      # by the venue, or unusable
    uint8_t* out
    size_t out_start
    size_t out_end
    uint8_t* received
    size_t received_bytes
    uint64_t sequenced               # sequenced messages received
    uint64_t sent_ns                 # when anything was sent last: heartbeats
    uint64_t queries_sent
    Replies replies

# False: no memory.
cdef bint load_session_open(LoadSession* session, int fd) noexcept nogil
cdef void load_session_close(LoadSession* session) noexcept nogil
# Send what is in the buffer, as far as the venue takes it.
cdef void load_session_flush(LoadSession* session, uint64_t now_ns) noexcept nogil
# Take in what has come: the number of sequenced messages; *heard_ns is when they came.
cdef int load_session_receive(LoadSession* session, Histogram* latency,
                              uint64_t* heard_ns) noexcept nogil
# Put a packet into the buffer; false while there is no room. symbol: 8 characters.
cdef bint load_session_send(LoadSession* session, const Operation* operation, const char* symbol,
                            uint64_t intended_ns) noexcept nogil
cdef bint load_session_query(LoadSession* session, uint64_t now_ns) noexcept nogil
cdef void load_session_heartbeat(LoadSession* session, uint64_t now_ns) noexcept nogil
