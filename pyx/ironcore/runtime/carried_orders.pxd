# The orders that stay when a trading day ends. See carried_orders.pyx.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.wire.record cimport EnterOrder

cdef struct Name:                    # 32 bytes: what the core does not know of an order
    char client_order_id[20]
    uint32_t account
    uint8_t capacity
    uint8_t iso
    uint8_t reserved[6]

cdef class OrderNames:
    cdef Name* names                 # by slot
    cdef uint64_t count
    cdef uint32_t user_ref_bits
    cdef Name* _of(self, uint32_t session, uint32_t user_ref) noexcept
    cdef void _tell(self, EnterOrder* command) noexcept
