from typing import Final, NamedTuple

from ironcore.ring import broadcast, spsc

FAULTS: Final[dict[str, int]]

class Outcomes(NamedTuple):
    torn: int
    lost: int
    duplicated: int
    reordered: int
    frames: int
    payload_bytes: int
    reported_lost: int
    sequence_first: int
    sequence_next: int
    elapsed_ns: int
    @property
    def forbidden(self) -> int: ...

def produce_spsc(
    producer: spsc.Producer,
    count: int,
    payload_bytes_max: int = 64,
    fault: str = "none",
    timeout_ns: int = ...,
) -> None: ...
def consume_spsc(
    consumer: spsc.Consumer,
    sequence_next: int,
    until_sequence: int,
    payload_bytes_max: int = 64,
    fault: str = "none",
    timeout_ns: int = ...,
    progress: memoryview | None = None,
) -> Outcomes: ...
def produce_broadcast(
    producer: broadcast.Producer,
    count: int,
    payload_bytes_max: int = 64,
    fault: str = "none",
    timeout_ns: int = ...,
) -> None: ...
def consume_broadcast(
    reader: broadcast.Reader,
    sequence_next: int,
    until_sequence: int,
    payload_bytes_max: int = 64,
    fault: str = "none",
    timeout_ns: int = ...,
    progress: memoryview | None = None,
) -> tuple[int, Outcomes]: ...
def visit_broadcast(
    reader: broadcast.Reader, visits: int, payload_bytes_max: int = 64, timeout_ns: int = ...
) -> tuple[int, Outcomes]: ...
