from typing import Any, Final

from ironcore.runtime.match_workloads import Workload

PERCENTILES: Final[dict[str, float]]

def measure(workload: Workload, repeats: int = 5) -> dict[str, Any]:
    """Messages per second, percentiles and what the workload causes, beside this host's floor."""
