import numpy as np
from numpy.typing import NDArray

def order_packet(symbol: str, price: int) -> bytes:
    """The Enter Order packet that is measured: 100 to buy, immediate or cancel, far from the
    market."""

def round_trips(
    fd: int,
    packet: bytes,
    count: int,
    *,
    echo: bool,
    first_user_ref: int = 1,
    cpu: int = -1,
    timeout_ns: int = 60_000_000_000,
) -> NDArray[np.int64]:
    """Latencies in ns of `count` orders sent one after another on a non-blocking socket.

    timeout_ns: how long an answer may take. ConnectionError when the other side is lost."""

class EchoServer:
    """The bare echo on one connected, non-blocking socket, in a thread of its own."""

    def __init__(self, fd: int, cpu: int = -1) -> None: ...
    def stop(self) -> None:
        """Stop answering."""
