from collections.abc import Callable

from ironcore.simulation.judgement import SimulationError as SimulationError
from ironcore.simulation.judgement import SimulationReport

PLANTS: dict[str, int]

def simulate(
    seed: int,
    *,
    plant: str = ...,
    policy: str = ...,
    gateways: int = ...,
    trace: Callable[[str], None] | None = ...,
    began_ns: int = ...,
) -> SimulationReport: ...
