# OUCH 5.0 messages of members, turned into the command records of the order ring.

from libc.stdint cimport uint8_t, uint32_t

from ironcore.stream.directory cimport Directory
from ironcore.order_entry.seeds cimport SeedPool

# Writes the record for one message of this session; record has room for COMMAND_BYTES_MAX.
# STATUS_OK, STATUS_IGNORED (it concerns another firm), STATUS_MALFORMED, STATUS_TRUNCATED or
# STATUS_UNKNOWN_TYPE. What the message asks for is judged by the engine alone.
# An order with random reserves that names no seed takes one from the pool.
cdef int order_entry_command(const Directory* directory, SeedPool* seeds, uint32_t session,
                             const char* firm, const uint8_t* message, uint32_t message_bytes,
                             uint8_t* record, uint32_t* record_bytes) noexcept nogil
# The command that takes out every live order of a session whose connection is gone.
cdef uint32_t order_entry_cancel_session(uint32_t session, uint8_t* record) noexcept nogil
