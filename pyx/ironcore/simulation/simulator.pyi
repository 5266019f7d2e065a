from collections.abc import Callable
from typing import NamedTuple

PLANTS: dict[str, int]

class SimulationError(AssertionError):
    seed: int
    text: str
    def __init__(self, seed: int, text: str) -> None: ...

class SimulationReport(NamedTuple):
    seed: int
    policy: str
    gateways: int
    steps: int
    frames: int
    replies: int
    messages: int
    crashes: int
    stream_digest: str
    happened: dict[str, int]

def simulate(
    seed: int,
    *,
    plant: str = ...,
    policy: str = ...,
    gateways: int = ...,
    trace: Callable[[str], None] | None = ...,
    began_ns: int = ...,
) -> SimulationReport: ...
