# OUCH 5.0 messages of members, turned into the command records of the order ring.

from libc.stdint cimport uint8_t, uint32_t

from ironcore.order_entry.seeds cimport SeedPool
from ironcore.order_entry.session_state cimport Sessions

# As `command` of order_entry/protocol.pxd. An order with random reserves that names no seed takes
# one from the pool.
cdef int ouch_command(const Sessions* sessions, SeedPool* seeds, uint32_t session,
                      const uint8_t* message, uint32_t message_bytes, uint8_t* record,
                      uint32_t* record_bytes) noexcept nogil
