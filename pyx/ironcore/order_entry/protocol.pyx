"""An order-entry protocol as Python hands it to a gateway: a table of C functions, and a name."""


cdef class OrderEntryProtocol:
    """A protocol: the object PROTOCOL of its room, ironcore.order_entry.NAME.protocol."""

    @property
    def name(self):
        """As the configuration calls it."""
        return self.face.name.decode()
