# The orders that stay when a trading day ends. See carried_orders.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.stream.frame_taker cimport FrameTaker
from ironcore.wire.record cimport EnterOrder

cdef struct Name:                    # 32 bytes: what the core does not know of an order
    char client_order_id[20]
    uint32_t account
    uint8_t capacity
    uint8_t iso
    uint8_t reserved[6]

cdef struct Names:
    Name* name                       # by slot
    uint64_t count
    uint32_t user_ref_bits

cdef class OrderNames(FrameTaker):
    cdef Names names
    cdef void _tell(self, EnterOrder* command) noexcept
