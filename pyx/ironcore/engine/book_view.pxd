# The state of the core, for Python to look at.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.engine.engine cimport Engine

cdef struct OrderRow:                # 40 bytes, one of matching_engine.ORDER_DTYPE
    uint64_t order_ref
    uint32_t slot
    uint32_t quantity                # open; of an iceberg displayed
    uint32_t executed
    int32_t price                 # where it rests; otherwise as entered
    uint32_t instrument
    uint8_t side
    uint8_t place                    # QueueKind
    uint8_t reserved[2]
    uint32_t reserve
    int32_t stop_price            # of a dormant stop, as it is now

# The live orders of one side, as OrderRows: kind by kind of queue, in each by priority.
cdef bytes orders_of(Engine* engine, uint32_t instrument, uint32_t sell)
# All that makes what the core will do: equal for equal states, whatever led there.
cdef bytes state_of(Engine* engine)
