# The gateway's duty cycle, for whoever drives one: its stage, and simulations.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.order_entry.connection cimport Gateway, LoginVerdict

# One turn of the agent (stage/agent.pxd); self is a Gateway.
cdef int gateway_poll(void* self, int batch_max) noexcept nogil
# Parts of a turn: frames of the stream into the sessions' logs, how many, or -Status; and what is
# due to the sockets, how many sessions were served.
cdef int gateway_drain(Gateway* g, int batch_max) noexcept nogil
cdef int gateway_flush(Gateway* g) noexcept nogil
# One frame of a stream that exists already.
cdef int gateway_catch_up(Gateway* g, uint64_t sequence, const uint8_t* payload,
                          uint32_t payload_bytes) noexcept nogil
# The verdict on the login of a connection's generation.
cdef void gateway_judge(Gateway* g, uint32_t connection, uint64_t generation,
                        LoginVerdict verdict) noexcept nogil
