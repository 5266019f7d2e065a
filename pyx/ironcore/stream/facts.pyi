class Facts:
    """What a stream has defined, gathered from its frames; for the control plane."""

    def take(self, command: bytes | memoryview) -> None:
        """Take in a frame, or a command, of the stream. ValueError: a definition that is none."""
    @property
    def start(self) -> bytes | None:
        """STREAM_START, or None before it."""
    @property
    def instruments(self) -> dict[int, bytes]:
        """Id to DEFINE_INSTRUMENT, as changed since."""
    @property
    def retired(self) -> set[int]:
        """Ids of the instruments that are retired."""
    @property
    def sessions(self) -> dict[int, bytes]:
        """Id to DEFINE_SESSION."""
