"""Reads /proc/interrupts, which has a column for each online CPU: 1,152 of them on large hosts.

Rows are only split when they are asked for. Format: Documentation/filesystems/proc.rst, 1.2.
"""

from host_tuning.facts.tree import Reading


class InterruptTable:
    """The rows by their name, a number or a few letters."""

    def __init__(self, text: str) -> None:
        header, _, body = text.partition("\n")
        names = header.split()
        self._column = {int(name[3:]): at for at, name in enumerate(names) if name[3:].isdigit()}
        self._columns = len(names)
        self._rows: dict[str, str] = {}
        for line in body.splitlines():
            name, colon, rest = line.partition(":")
            if colon:
                self._rows[name.strip()] = rest

    def rows(self) -> list[str]:
        """The names of all rows in their order."""
        return list(self._rows)

    def cpus(self) -> list[int]:
        """The CPUs that have a column."""
        return list(self._column)

    def count(self, row: str, cpu: int) -> int:
        """How often the interrupt came to the CPU since boot; 0 if it has no such column."""
        at = self._column.get(cpu)
        words = self._rows.get(row, "").split(None, at + 1) if at is not None else []
        return int(words[at]) if at is not None and at < len(words) and words[at].isdigit() else 0

    def device(self, row: str) -> str:
        """What stands behind the counts: chip, number in the chip, devices."""
        words = self._rows.get(row, "").split(None, self._columns)
        return words[self._columns].strip() if len(words) > self._columns else ""


def read_table(reading: Reading) -> InterruptTable:
    """The table of /proc/interrupts; empty where it could not be read."""
    return InterruptTable(reading.text)
