"""The sending end of a stream as Python sees it, whatever the transport."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.clock cimport iron_clock_mono_ns
from ironcore.base.status import Status

STATUSES = tuple(Status)


cdef class PublicationEnd:
    """A publication. Its transports derive from it and fill the table of publication.pxd."""

    def offer(self, frame not None):
        """Offer one frame of bytes: Status.OK when it is in the stream.

        FULL: back-pressure, offer it again or leave it; TOO_LARGE: it can never be taken; CLOSED:
        the stream has ended; IO: the transport is gone. Never waits.
        """
        cdef const uint8_t[::1] view = frame
        cdef uint32_t frame_bytes = <uint32_t>view.shape[0]
        cdef const uint8_t* start = &view[0] if frame_bytes else NULL
        cdef int status = self.publication.offer(self.publication.self, start, frame_bytes,
                                                 iron_clock_mono_ns())
        return STATUSES[status]

    def turn(self):
        """Do what is due besides new frames; the work done, or minus a status that ends it."""
        cdef int work
        with nogil:
            work = self.publication.turn(self.publication.self, iron_clock_mono_ns())
        return work

    def recall(self, frame not None):
        """Keep a frame of before a restart for those who ask for it. Before the first offer."""
        cdef const uint8_t[::1] view = frame
        self.publication.recall(self.publication.self, &view[0] if view.shape[0] else NULL,
                                <uint32_t>view.shape[0])

    def skip(self, uint64_t count):
        """Leave out the next `count` numbers, whose frames are lost: readers are told of the gap.

        ValueError when the transport cannot.
        """
        if self.publication.skip == NULL:
            raise ValueError(f"{type(self).__name__}: its readers cannot be told of numbers "
                             "that are left out")
        return STATUSES[self.publication.skip(self.publication.self, count)]

    def end(self):
        """Tell the readers that no frame comes any more; turns repeat it."""
        self.publication.end(self.publication.self)

    @property
    def sequence_next(self):
        """The number that the next frame will have."""
        return self.publication.sequence_next(self.publication.self)
