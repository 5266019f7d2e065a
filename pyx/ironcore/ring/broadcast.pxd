# Single-producer many-consumer ring of variable-length frames in a segment file.
#
# Gating readers hold a named slot in the segment; the producer does not overwrite what they have
# not released, up to their patience, then evicts them (never, if patience is PATIENCE_FOREVER).
# Lossy readers hold nothing; they copy, and detect and count what they lost.
#
# A ring may have keepers: gating readers that make the stream safe, as the journal does. What all
# of them have released is kept, and all other readers, lossy ones as well, see only that. A reader
# may follow one more slot ("after").
#
# The protocol between producer and readers is described in broadcast.pyx. What they do on a hot
# path is in broadcast_producer.pxd and broadcast_reader.pxd.

from libc.stdint cimport uint64_t

from ironcore.ring.broadcast_producer cimport BroadcastProducer
from ironcore.ring.broadcast_reader cimport BroadcastReader
from ironcore.ring.mapped_file cimport Segment

cdef class Producer:
    cdef BroadcastProducer ring
    cdef Segment segment

cdef class Reader:
    cdef BroadcastReader ring
    cdef Segment segment
    cdef readonly str name           # "" for a lossy reader
    cdef readonly uint64_t first_sequence  # of the first frame that it sees after it attached
    cdef int _attach(self, Segment segment) except -1
    cdef int _check_gating(self) except -1

cdef class LossyReader(Reader):
    pass
