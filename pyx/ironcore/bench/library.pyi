import numpy as np
from numpy.typing import NDArray

from ironcore.bench.match import Took
from ironcore.library.venue import VenueCore

class SubmitLoop:
    messages: int
    def __init__(self, rows: NDArray[np.void]) -> None: ...
    def run(self, core: VenueCore) -> Took: ...
    def events_digest(self, core: VenueCore) -> str: ...
