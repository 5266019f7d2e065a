import numpy as np
from numpy.typing import NDArray

from ironcore.book.venue import VenueCore
from ironcore.runtime.bench_match import Took

class SubmitLoop:
    messages: int
    def __init__(self, rows: NDArray[np.void]) -> None: ...
    def run(self, core: VenueCore) -> Took: ...
    def events_digest(self, core: VenueCore) -> str: ...
