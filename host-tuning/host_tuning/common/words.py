"""Numbers with what they count, as people write them."""


def counted(number: int, what: str) -> str:
    """`1 check`, `2 checks`. what: the singular, whose plural takes an s."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
