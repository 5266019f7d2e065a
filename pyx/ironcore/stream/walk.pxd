# One walk over the transactions of the event stream, for everyone who reads it.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.wire.record cimport COMMAND_BYTES_MAX, CommandHeader, Event

cdef struct Walk:                    # zeros: before the first frame
    uint64_t sequence                # of the frame in hand, which is the last one taken
    const Event* events              # of the frame in hand, in the caller's memory
    uint32_t events_count
    bint begins                      # the frame in hand begins a transaction
    bint open                        # its transaction goes on in the next frame
    uint8_t command[COMMAND_BYTES_MAX]   # of the transaction in hand, 8-byte aligned

# Takes the next frame in hand. STATUS_CORRUPT: it is not the frame that follows, or not a frame of
# the stream; the frame before stays in hand. The payload is 8-byte aligned.
cdef int walk_take(Walk* walk, uint64_t sequence, const uint8_t* payload,
                   uint32_t payload_bytes) noexcept nogil


cdef inline const CommandHeader* walk_command(const Walk* walk) noexcept nogil:
    """The command of the transaction in hand."""
    return <const CommandHeader*>walk.command

cdef class Transactions:
    cdef Walk walk
    cdef uint64_t first
    cdef list parts
