"""Whose turn it is, where some ask much more often than others."""

from collections.abc import Hashable, Sequence

REMEMBERED_MAX = 10_000  # user names, addresses and pairs of them, by when they had their last turn


class FairTurns:
    """Chooses among those that wait, each a pair (user name, address).

    One turn goes round the names, and inside a name round its addresses; the next one goes round
    the addresses, and inside an address round its names. Each round has a memory of its own: a turn
    of a name for another address takes nothing from the address that waits beside it.
    """

    def __init__(self) -> None:
        # Pairs, and by side (0: names, 1: addresses) what had its turn there.
        self._last: dict[Hashable, int] = {}
        self._turn = 0

    @property
    def remembered(self) -> int:
        """Entries in memory."""
        return len(self._last)

    def next(self, waiting: Sequence[tuple[str, int]]) -> int:
        """Place of the one whose turn it is; of equals the first. `waiting` is not empty."""
        self._turn += 1
        side = self._turn % 2
        last = self._last
        chosen = min(
            range(len(waiting)),
            key=lambda place: (
                last.get((side, waiting[place][side]), 0),
                last.get(waiting[place], 0),
                place,
            ),
        )
        for key in (waiting[chosen], (side, waiting[chosen][side])):
            last.pop(key, None)
            last[key] = self._turn
        while len(last) > REMEMBERED_MAX:
            del last[next(iter(last))]
        return chosen
