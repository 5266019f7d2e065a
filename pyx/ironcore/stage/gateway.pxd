# The gateway: members' connections on one side, the order ring and the event stream on the other.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.net.sockets cimport Network
from ironcore.stage.agent cimport Agent, Stage
from ironcore.base.counter_set cimport CounterSet
from ironcore.order_entry.connection cimport Gateway, LoginVerdict
from ironcore.order_entry.session_memory cimport SessionMemory

cdef int gateway_poll(void* self, int batch_max) noexcept nogil
cdef int gateway_catch_up(Gateway* g, uint64_t sequence, const uint8_t* payload,
                          uint32_t payload_bytes) noexcept nogil
cdef void gateway_judge(Gateway* g, uint32_t connection, uint64_t generation,
                        LoginVerdict verdict) noexcept nogil

cdef class GatewayStage(Stage):
    cdef Gateway g
    cdef SessionMemory* memory
    cdef readonly CounterSet counters
    cdef object orders_owner
    cdef object stream_owner
    cdef bytes name
    cdef bytes served
    cdef Network network
    cdef Agent agent(self)
