"""What every stage derives from, so that a runner can drive it."""


cdef class Stage:
    """A stage of the venue."""

    cdef Agent agent(self):
        raise NotImplementedError(type(self).__name__)
