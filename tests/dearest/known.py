"""What is known of the cost of commands: their bound, those that are dearer, and those without.

Rule of the house: at the default limits no command takes more than 1 ms of CPU time.
"""

from typing import NamedTuple

STEPS_MAX = 8_192  # rules 10.9 and 14.10
# What a command may take at the limits that a venue has by default.
INSTRUCTIONS_MAX = 4_000_000


class Dear(NamedTuple):
    """A book in which a command takes more than that, though what it takes has a bound: so many
    instructions."""

    book: str
    instructions: int
    why: str


# Each is to be struck off when it is no longer so. The test says when.
DEAR: tuple[Dear, ...] = (
    Dear(
        "a ladder beside MinQty orders",
        118_000_000,
        "10.8: half of followers_max stops wake one by one, each moves the other half as pegs, and "
        "each of these passes by min_quantity_max orders",
    ),
    Dear("a ladder of stops and pegs", 19_000_000, "10.8: the same without these orders"),
    Dear(
        "a ladder of stops and trailing stops",
        12_500_000,
        "10.6: half of followers_max stops wake one by one, and all trailing stops follow each",
    ),
)


class Unbounded(NamedTuple):
    """A kind of command whose cost grows with the orders, or the instruments, that there are. Empty
    commands or books: any.

    `growth` is how many times as much it was seen to take with twice as many.
    """

    name: str
    why: str
    growth: float
    commands: frozenset[str] = frozenset()
    books: frozenset[str] = frozenset()

    def covers(self, book: str, command: str) -> bool:
        return (not self.commands or command in self.commands) and (
            not self.books or book in self.books
        )


# Each is to be struck off when it is carried out in bounded steps. The test says when.
UNBOUNDED: tuple[Unbounded, ...] = (
    Unbounded(
        "a sweep",
        "5.2: an order executes with all that it reaches, and 10.9 does not limit that",
        2.0,
        frozenset({"a buy of all", "a buy of all by the group"}),
    ),
    Unbounded(
        "prevention that cancels the oldest",
        "12.2: an order of few shares cancels all orders of its group that it meets",
        2.0,
        frozenset({"a buy of two shares, at once"}),
        frozenset({"orders of the group", "icebergs of the group"}),
    ),
    Unbounded(
        "a peg that executes much",
        "11.4: what moves a best price moves a peg, which executes with all that it reaches",
        2.0,
        books=frozenset({"a peg that executes much", "a peg that cancels its own"}),
    ),
    Unbounded(
        "a stop that executes much",
        "10.5: a trade of one share wakes a stop, which executes with all that it reaches",
        2.0,
        books=frozenset({"a stop that executes much"}),
    ),
    Unbounded(
        "a cross",
        "14.1 and 10.10: all that executes, or is cancelled, when trading begins",
        2.0,
        frozenset({"the begin of trading"}),
    ),
    Unbounded(
        "the begin of a day",
        "2.4 and 13.9: the counts of all paused instruments start anew",
        1.9,
        frozenset({"the begin of the day"}),
    ),
    Unbounded(
        "CLOCK",
        "5.9, 13.9 and 14.8: all orders that expire, all instruments that resume or are announced",
        2.0,
        frozenset({"CLOCK", "CLOCK at a late second"}),
    ),
)


def kind_of(book: str, command: str) -> Unbounded | None:
    return next((kind for kind in UNBOUNDED if kind.covers(book, command)), None)
