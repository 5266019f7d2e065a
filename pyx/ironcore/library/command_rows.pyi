"""Commands as rows of one fixed layout, and the records that say the same."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# 104 bytes, every field in its own place; docs/LIBRARY.md says which commands look at which.
COMMAND_DTYPE: Final[np.dtype[np.void]]
# Values of the fields `scope` and `named`.
SCOPES: Final[dict[str, int]]
NAMES: Final[dict[str, int]]

def rows_to_records(rows: NDArray[np.void]) -> bytes: ...
