"""The matching core for programs that hold their commands in arrays: whole batches of rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ironcore.engine.matching_engine import MatchingEngine, Rows

class VenueCore(MatchingEngine):
    def apply_rows(
        self,
        rows: Rows,
        statuses: NDArray[np.uint8],
        instruments: NDArray[np.uint32],
        offsets: NDArray[np.uint64],
        events: Rows,
        prefetch: bool | None = None,
    ) -> Rows: ...
    def user_ref_last(self, session: int) -> int: ...
    def last_price(self, instrument: int) -> int: ...
    def state(self, instrument: int) -> int: ...
    def terms(self, instrument: int) -> dict[str, Any]: ...
    @property
    def tick_tables(self) -> dict[int, tuple[tuple[int, int], ...]]: ...
    def save(self) -> bytes: ...
    @staticmethod
    def load(saved: bytes) -> VenueCore: ...
