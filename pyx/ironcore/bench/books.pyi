from typing import Any

from ironcore.bench.match import Took

class BookLoops:
    file: bytes
    messages: int
    locates: int
    def __init__(self, data: bytes) -> None: ...
    def run(self, way: str, timed: bool = False) -> Took: ...
    def outcome(self) -> dict[str, Any]: ...
