# The sending end of a stream over TCP. See publication.pyx.

from libc.stdint cimport uint8_t

from ironcore.messaging.publication cimport PublicationEnd
from ironcore.messaging.tcp.reader cimport TcpServer
from ironcore.net.sockets cimport Network

cdef class TcpPublication(PublicationEnd):
    cdef TcpServer server
    cdef Network network
    cdef uint8_t* out                # of all readers
    cdef readonly tuple readers      # ironcore.base.counter_set.CounterSet of each
