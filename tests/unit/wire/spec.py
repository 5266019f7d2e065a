"""The message tables of docs/WIRE.md, and a slow codec made from nothing else.

Tests compare `ironcore.wire` with it: the two share no line of code.
"""

import re
from dataclasses import dataclass
from pathlib import Path

WIRE_MD = Path(__file__).resolve().parents[3] / "docs" / "WIRE.md"
ITCH_HEADER = "`1:2 stock_locate u` `3:2 tracking_number u` `5:6 timestamp t`"
Value = int | str


@dataclass(frozen=True)
class Field:
    offset: int
    width: int
    name: str
    kind: str

    def pack(self, value: Value) -> bytes:
        if isinstance(value, int):
            return value.to_bytes(self.width, "big")
        return value.encode("latin-1").ljust(self.width, b" ")

    def unpack(self, data: bytes) -> Value:
        raw = data[self.offset : self.offset + self.width]
        if self.kind in "ac":
            text = raw.decode("latin-1")
            return text.rstrip(" ") if self.kind == "a" else text
        return int.from_bytes(raw, "big")


@dataclass(frozen=True)
class Message:
    type: str
    kind: str
    size: int
    tail: str
    fields: tuple[Field, ...]

    def pack(self, values: dict[str, Value], appendage: bytes = b"") -> bytes:
        """The message byte by byte; what no field covers stays 0xEE, to be seen."""
        out = bytearray(b"\xee" * self.size)
        out[0] = ord(self.type)
        for field in self.fields:
            out[field.offset : field.offset + field.width] = field.pack(values[field.name])
        if self.tail == "+":
            out[self.size - 2 :] = len(appendage).to_bytes(2, "big") + appendage
        elif appendage:
            out += len(appendage).to_bytes(2, "big") + appendage
        return bytes(out)

    def unpack(self, data: bytes) -> dict[str, Value]:
        return {field.name: field.unpack(data) for field in self.fields}


def section(title: str) -> str:
    text = WIRE_MD.read_text()
    start = text.index(f"\n## {title}")
    end = text.find("\n## ", start + 1)
    return text[start : end if end >= 0 else len(text)]


def rows(text: str, columns: str) -> list[list[str]]:
    """The cells of the tables whose heading starts with these columns."""
    found = []
    for table in re.findall(rf"\| {columns} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text):
        found += [
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in table.splitlines()
        ]
    return found


def messages(text: str, header: str = "") -> list[Message]:
    found = []
    for type_, kind, size, fields in rows(text, r"t \| message \| bytes \| fields"):
        parsed = [
            Field(int(offset), int(width), name, letter)
            for offset, width, name, letter in re.findall(
                r"`(\d+):(\d+) (\w+) (\w)`", f"{header} {fields}"
            )
        ]
        found.append(
            Message(type_, kind, int(size.rstrip("+?")), size.lstrip("0123456789"), tuple(parsed))
        )
    return found


def options() -> dict[str, tuple[int, int, str]]:
    """Name of each option of an appendage: tag, bytes of the value, kind."""
    found = rows(section("OUCH 5.0"), r"tag \| option \| value bytes \| kind")
    return {name: (int(tag), int(width), kind) for tag, name, width, kind in found}


_OUCH_INBOUND, _OUCH_OUTBOUND = section("OUCH 5.0").split("Venue to client:")
ITCH = messages(section("ITCH 5.0"), ITCH_HEADER)
OUCH_INBOUND = messages(_OUCH_INBOUND)
OUCH_OUTBOUND = messages(_OUCH_OUTBOUND)
OPTIONS = options()
