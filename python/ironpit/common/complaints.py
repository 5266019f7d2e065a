"""Lines to the operator about what goes wrong again and again."""

import time
from collections.abc import Callable

INTERVAL_S = 60.0

Say = Callable[[str], None]


class Complaints:
    """Says the first complaint of a kind at once, and then one of each kind in INTERVAL_S at most,
    with how many were not said since."""

    def __init__(self, say: Say, now_s: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._now_s = now_s
        self._said_s: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def add(self, kind: str, text: str, count: int = 1) -> bool:
        """Complain `count` times: whether the text was said."""
        now_s = self._now_s()
        unsaid = self._unsaid.get(kind, 0)
        if now_s - self._said_s.get(kind, float("-inf")) < INTERVAL_S:
            self._unsaid[kind] = unsaid + count
            return False
        self._said_s[kind], self._unsaid[kind] = now_s, 0
        unsaid += count - 1
        self._say(text + (f" (and {unsaid} more since the last one)" if unsaid else ""))
        return True
