"""Checks of what callers give: each error names the argument, what was found and expected."""

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

U32_MAX = 0xFFFFFFFF


def integer(name: str, value: Any, lowest: int = 0, highest: int = U32_MAX) -> int:
    """An integer in this range, of Python or numpy. TypeError for what is none (a float with a
    whole value included), ValueError out of range."""
    try:
        found = operator.index(value)
    except TypeError:
        found = None
    if found is None or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: found {value!r}, expected an integer")
    if not lowest <= found <= highest:
        raise ValueError(f"{name}: found {found}, expected {lowest} to {highest}")
    return found


def text(name: str, value: Any, longest: int, shortest: int = 0) -> str:
    """A text of so many printable ASCII characters. TypeError for what is no text."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: found {value!r}, expected a str")
    if not (shortest <= len(value) <= longest and value.isascii() and value.isprintable()):
        raise ValueError(
            f"{name}: found {value!r}, expected {shortest} to {longest} printable ASCII characters"
        )
    return value


def flag(name: str, value: Any) -> bool:
    """True or False, of Python or numpy. TypeError for what merely counts as true."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: found {value!r}, expected True or False")
    return bool(value)


def character(name: str, value: Any, known: str) -> str:
    """One of these characters."""
    if not isinstance(value, str) or len(value) != 1 or value not in known:
        raise ValueError(f"{name}: found {value!r}, expected one of {', '.join(map(repr, known))}")
    return value


def array(name: str, value: Any) -> npt.NDArray[Any]:
    """One value or a sequence of them as an array. TypeError for one whose mask would be lost,
    ValueError for a sequence of sequences of different lengths."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name}: found a masked array, expected one without a mask")
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: found {value!r}, expected one value or a sequence") from error


def integers(name: str, found: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array, when it holds integers or nothing. TypeError for any other, of bools too."""
    if found.size and found.dtype.kind not in "iu":
        raise TypeError(f"{name}: found values of type {found.dtype}, expected integers")
    return found


def codes(name: str, value: Any) -> npt.NDArray[Any]:
    """Characters as the numbers that a field of one byte holds: of a str of length 1, of a sequence
    or an array of such; integers stay what they are. ValueError for anything longer or shorter."""
    given = array(name, value)
    if given.dtype.kind not in "SU":
        return given
    if given.dtype == np.dtype("S1"):
        return given.view(np.uint8)
    given = given.astype(given.dtype.newbyteorder("="), copy=False)
    # The characters of each text, padded with zeros, in a last axis of their own.
    unit = np.uint32 if given.dtype.kind == "U" else np.uint8
    length = given.dtype.itemsize // np.dtype(unit).itemsize
    points: npt.NDArray[Any] = np.ascontiguousarray(given).view(unit).reshape(*given.shape, length)
    wrong = (points[..., 0] == 0) | (points[..., 0] > 127) | points[..., 1:].any(axis=-1)
    if wrong.any():
        found = given[wrong].flat[0]
        raise ValueError(f"{name}: found {found.item()!r}, expected one character")
    return points[..., 0].astype(np.uint8)


def texts(name: str, value: Any, longest: int) -> npt.NDArray[np.bytes_]:
    """Texts for a field of so many bytes. ValueError for a longer one, which would be cut."""
    given = array(name, value)
    if given.dtype.kind not in "SU":
        raise TypeError(f"{name}: found {value!r}, expected texts")
    for word in set(given.flat):
        text(name, word.decode("latin-1") if isinstance(word, bytes) else str(word), longest)
    return given.astype(f"S{longest}")
