"""What stands between the ends of a stream and does harm."""

from abc import ABC, abstractmethod


class Relay(ABC):
    """Turned by the test, between the turns of the ends."""

    @property
    @abstractmethod
    def harmed(self) -> int:
        """How often it did harm."""

    @abstractmethod
    def turn(self) -> int:
        """Pass on what is there; how much it was."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the sockets."""
