class Transactions:
    """Whole transactions of a stream, for the control plane."""

    def __init__(self, first: int = 1) -> None: ...
    def take(self, sequence: int, payload: bytes) -> tuple[int, bytes] | None:
        """The transaction that this frame ends, as (number of its first frame, command and events),
        or None while it goes on. ValueError: not the frame that follows, or none of a stream."""
