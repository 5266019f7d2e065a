# Streams over UDP multicast: the receiving end. See subscription.pyx.

from ironcore.messaging.multicast.receiver cimport MulticastReceiver
from ironcore.messaging.subscription cimport SubscriptionEnd

cdef class MulticastSubscription(SubscriptionEnd):
    cdef MulticastReceiver receiver
    cdef object sockets_owner
    cdef tuple xdp
