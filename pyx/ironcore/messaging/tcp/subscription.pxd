# The receiving end of a stream over TCP. See subscription.pyx.

from ironcore.messaging.subscription cimport SubscriptionEnd
from ironcore.messaging.tcp.receiver cimport TcpReceiver
from ironcore.net.sockets cimport Network

cdef class TcpSubscription(SubscriptionEnd):
    cdef TcpReceiver receiver
    cdef Network network
