# The gateway: members' connections on one side, the order ring and the event stream on the other.

from ironcore.base.counter_set cimport CounterSet
from ironcore.net.sockets cimport Network
from ironcore.order_entry.connection cimport Gateway
from ironcore.order_entry.protocol cimport OrderEntryProtocol
from ironcore.order_entry.session_memory cimport SessionMemory
from ironcore.stage.agent cimport Agent, Stage
from ironcore.stream.frame_taker cimport FrameTaker

cdef class GatewayStage(Stage):
    cdef Gateway g
    cdef SessionMemory* memory
    cdef readonly CounterSet counters
    cdef readonly OrderEntryProtocol protocol
    cdef object orders_owner
    cdef object stream_owner
    cdef bytes name
    cdef bytes session_names
    cdef Network network
    cdef Agent agent(self)


cdef class GatewayCatchUp(FrameTaker):
    cdef GatewayStage stage
