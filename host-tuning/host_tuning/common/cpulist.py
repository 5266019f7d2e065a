"""CPU lists and masks as Linux writes them.

Source of the formats: Documentation/admin-guide/kernel-parameters.rst ("cpu lists") and
Documentation/core-api/printk-formats.rst (`%*pb` and `%*pbl`).
"""

from collections.abc import Iterable

from host_tuning.common.errors import ToolError

CPU_MAX = 8191  # NR_CPUS of the largest kernels that distributions build


def parse_list(text: str, what: str = "CPU list") -> frozenset[int]:
    """The numbers in `0-3,8,10-14:2`; empty for an empty list.

    Older kernels print an absent mask as `(null)`, padded with blanks or NUL: that is empty, too.
    Errors: ToolError that names `what`, the text and the item that is wrong.
    """
    stripped = text.strip(" \t\r\n\0")
    if stripped in ("", "(null)"):
        return frozenset()
    numbers: set[int] = set()
    for item in stripped.split(","):
        numbers.update(_parse_item(item.strip(), text.strip(), what))
    return frozenset(numbers)


def _parse_item(item: str, whole: str, what: str) -> range:
    span, _, stride = item.partition(":")
    first, dash, last = span.partition("-")
    parts = [first, last if dash else first, stride or "1"]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ToolError(
            f"{what}: found {item!r} in {whole!r}, expected numbers and ranges such as 0-3,8"
        )
    low, high, step = (int(part) for part in parts)
    if high < low or step == 0 or high > CPU_MAX:
        raise ToolError(
            f"{what}: found {item!r} in {whole!r}, expected a rising range up to {CPU_MAX}"
        )
    return range(low, high + 1, step)


def format_list(numbers: Iterable[int]) -> str:
    """The shortest list with ranges: `0-3,8`. Empty for no numbers."""
    ordered = sorted(set(numbers))
    spans: list[list[int]] = []
    for number in ordered:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def parse_mask(text: str, what: str = "CPU mask") -> frozenset[int]:
    """The bits that are set in `ff,00000003`: 32-bit words in hexadecimal, highest first."""
    stripped = text.strip(" \t\r\n\0")
    if stripped in ("", "(null)"):
        return frozenset()
    value = 0
    for word in stripped.split(","):
        try:
            value = value << 32 | int(word, 16)
        except ValueError:
            raise ToolError(f"{what}: found {stripped!r}, expected hexadecimal words") from None
    return frozenset(bit for bit in range(value.bit_length()) if value >> bit & 1)


def format_mask(numbers: Iterable[int]) -> str:
    """The mask that parse_mask() reads, words of eight digits, highest first; `0` for none."""
    value = 0
    for number in numbers:
        value |= 1 << number
    words = []
    while value:
        words.append(value & 0xFFFFFFFF)
        value >>= 32
    if not words:
        return "0"
    return ",".join([f"{words[-1]:x}", *(f"{word:08x}" for word in reversed(words[:-1]))])
