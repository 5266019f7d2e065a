"""Words of the scenarios for the values of records: prices, sides, states, times, orders."""

from decimal import Decimal, InvalidOperation

PRICES = {"market": 0x7FFFFFFF, "market-cross": 2_000_000_000, "invalid": -(1 << 31)}
SIDES = {"buy": "B", "sell": "S", "short": "T", "exempt": "E"}
TIMES_IN_FORCE = {"day": "0", "gtc": "1", "ioc": "3", "fok": "4", "gtt": "6"}
DISPLAYS = {"displayed": "Y", "attributed": "A", "hidden": "N"}
CROSSES = {"at-open": "O", "at-close": "C", "at-resume": "H"}
PEGS = {
    "market": "P",
    "primary": "R",
    "midpoint": "M",
    "to-limit": "K",
    "imbalance": "I",
    "none": "L",
}
STP_MODES = {"newest": "N", "oldest": "O", "both": "B", "decrement": "D", "none": "-"}
STATES = {
    "closed": "C",
    "pre-open": "B",
    "opening": "O",
    "continuous": "T",
    "halted": "H",
    "paused": "P",
    "quote-only": "Q",
    "closing": "L",
    "at-close": "X",
    "retired": "R",
}
SESSIONS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class NotationError(Exception):
    """What was found and what was expected, without the place."""


def word_of(words: dict[str, str], value: str) -> str:
    """The word for a value, or the value itself when it has none."""
    return {code: word for word, code in words.items()}.get(value, value)


def code_of(words: dict[str, str], word: str, what: str) -> str:
    """The value of a word. One character that is no word stands for itself, as `Z` in `tif Z`."""
    if word in words:
        return words[word]
    if len(word) == 1:
        return word
    raise NotationError(f"found {word!r}, expected {what}: {' '.join(words)} or one character")


def integer(word: str, what: str) -> int:
    if not word.isascii() or not word.isdigit():
        raise NotationError(f"found {word!r}, expected {what}, a whole number")
    return int(word)


def price(word: str, what: str = "a price") -> int:
    """In 1/10,000 of the currency."""
    if word in PRICES:
        return PRICES[word]
    try:
        scaled = Decimal(word) * 10_000
    except InvalidOperation:
        raise NotationError(f"found {word!r}, expected {what}, as 10.25") from None
    if scaled != int(scaled):
        raise NotationError(f"found {word!r}, expected {what} with at most 4 decimals")
    return int(scaled)


def price_text(value: int) -> str:
    """With two decimals, or with three or four where they are not 0."""
    for word, code in PRICES.items():
        if value == code:
            return word
    whole, decimals = divmod(abs(value), 10_000)
    digits = f"{decimals:04}"
    kept = digits[:2] + digits[2:].rstrip("0")
    return f"{'-' if value < 0 else ''}{whole}.{kept}"


def second_text(value: int) -> str:
    """HH:MM:SS of a second of the day."""
    return f"{value // 3600:02}:{value // 60 % 60:02}:{value % 60:02}"


def second(word: str) -> int:
    """Seconds of the day from HH:MM:SS."""
    parts = word.split(":")
    if len(parts) != 3:
        raise NotationError(f"found {word!r}, expected a time, as 09:30:00")
    hours, minutes, seconds = (integer(part, "a part of a time") for part in parts)
    return hours * 3600 + minutes * 60 + seconds


def session(word: str) -> int:
    """1 for A, 2 for B and so on."""
    if len(word) != 1 or word not in SESSIONS:
        raise NotationError(f"found {word!r}, expected a session, a letter from A to Z")
    return SESSIONS.index(word) + 1


def session_text(number: int) -> str:
    return SESSIONS[number - 1] if 1 <= number <= len(SESSIONS) else f"session{number}"


def order(word: str) -> tuple[int, int]:
    """A session and its UserRefNum from an order's name, as B12."""
    if len(word) < 2:
        raise NotationError(f"found {word!r}, expected an order, as A1")
    return session(word[0]), integer(word[1:], "an order's UserRefNum")
