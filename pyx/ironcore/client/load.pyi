from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ironcore.base.histogram import LatencyHistogram

ORDER: Final[np.dtype[np.void]]

class Load:
    def __init__(
        self,
        sockets: list[int],
        symbols: list[str],
        operations: npt.NDArray[np.void],
        due_ns: npt.NDArray[np.uint64] | None,
        histogram: LatencyHistogram,
        *,
        first_user_refs: list[int] | None = None,
        window: int = 64,
        spin: bool = False,
    ) -> None: ...
    def run(self, slice_ns: int) -> bool: ...
    @property
    def sent(self) -> int: ...
    @property
    def silent_ns(self) -> int: ...
    @property
    def elapsed_ns(self) -> int: ...
    def counts(self) -> dict[str, int]: ...
    def next_user_refs(self) -> list[int]: ...
    def orders(self, session: int) -> npt.NDArray[Any]: ...
