class OrderEntryProtocol:
    """A protocol: the object PROTOCOL of its room, ironcore.order_entry.NAME.protocol."""

    @property
    def name(self) -> str:
        """As the configuration calls it."""
