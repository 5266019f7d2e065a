"""What is known of the cost of commands: their bound, and those without.

Rule of the house: at the default limits no command takes more than 1 ms of CPU time.
"""

from typing import NamedTuple

STEPS_MAX = 4_096  # rules 10.9 and 14.10
# What a command may take at the limits that a venue has by default.
INSTRUCTIONS_MAX = 3_000_000


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
        "the begin of a day",
        "2.4 and 13.9: the counts of all paused instruments start anew",
        1.9,
        frozenset({"the begin of the day"}),
    ),
    Unbounded(
        "CLOCK",
        "13.9 and 14.8: all instruments that resume or are announced",
        2.0,
        frozenset({"CLOCK", "CLOCK at a late second"}),
        frozenset(
            {
                "orders that wait for an auction",
                "a book crossed before an auction",
                "MinQty orders when trading begins",
                "paused instruments",
            }
        ),
    ),
)


# Rule 18.2 lets a step pass 8,192 blocks of UserRefNums, and rule 20.5 lets a session quote in 256
# instruments, which small books do not reach: what these cost is seen at the default limits alone.
LARGE_ONLY: frozenset[str] = frozenset(
    {"numbers that have left", "protections in many instruments"}
)


def kind_of(book: str, command: str) -> Unbounded | None:
    return next((kind for kind in UNBOUNDED if kind.covers(book, command)), None)
