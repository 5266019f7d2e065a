from typing import NamedTuple

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
