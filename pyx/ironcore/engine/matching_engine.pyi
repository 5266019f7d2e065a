"""The matching core for Python: records in, numpy structured arrays out."""

from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

Side: TypeAlias = Literal["B", "S"]
Rows: TypeAlias = NDArray[np.void]

# One row an event, 32 bytes; what the fields mean by type is in docs/MATCHING_RULES.md, section 15.
EVENT_DTYPE: Final[np.dtype[np.void]]
# order_ref, slot, quantity (open; of an iceberg displayed), executed (by the chain), price,
# instrument, side (OUCH byte), place (see `orders`), reserve, stop_price (of a dormant stop).
ORDER_DTYPE: Final[np.dtype[np.void]]
# price, orders, quantity (sum of what is displayed).
LEVEL_DTYPE: Final[np.dtype[np.void]]

def record_offsets(records: Buffer | NDArray[np.uint8]) -> NDArray[np.uint64]: ...

class MatchingEngine:
    def __init__(
        self, instruments_max: int, sessions_max: int, orders_max: int, user_ref_bits: int
    ) -> None: ...
    def apply(self, command: Buffer) -> tuple[int, Rows]: ...
    def apply_batch(
        self,
        records: Buffer | NDArray[np.uint8],
        prefetch: bool | None = None,
        stamp: bool = False,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint32], Rows]: ...
    def depth(self, instrument: int, side: Side, levels_max: int = 10) -> Rows: ...
    def orders(self, instrument: int, side: Side) -> Rows: ...
    def digest(self) -> str: ...
    def check_invariants(self) -> None: ...
    @property
    def pointer(self) -> int: ...
    @property
    def symbols(self) -> list[str]: ...
    @property
    def limits(self) -> dict[str, int]: ...
    @property
    def dry_run_steps(self) -> int: ...
    @property
    def dry_run_steps_max(self) -> int: ...
    @dry_run_steps_max.setter
    def dry_run_steps_max(self, steps: int) -> None: ...
    @property
    def counters(self) -> dict[str, int]: ...
