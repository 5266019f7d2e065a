"""Reads and writes the core's own structures, to break them on purpose."""

import ctypes

from tests.model.layout import offset, size

from ironcore.engine.matching_engine import MatchingEngine


class Memory:
    """Addresses of what a core consists of, by the names of its declarations (layout.py)."""

    def __init__(self, core: MatchingEngine) -> None:
        self.engine = core.pointer
        self.units = self._pointer("arena", "units")
        self.slots = self._pointer("arena", "slots")
        self.pages = self._pointer("arena", "pages")
        self.reserves = self._pointer("arena", "reserves")
        self.specials = self._pointer("arena", "specials")
        self.books = self._pointer("books")
        self.sessions = self._pointer("sessions")
        self.block_next = self._pointer("block_next")

    def _pointer(self, *path: str) -> int:
        return self.u64(self.engine_field(*path)).value

    @staticmethod
    def u64(address: int) -> ctypes.c_uint64:
        return ctypes.c_uint64.from_address(address)

    @staticmethod
    def u8(address: int) -> ctypes.c_uint8:
        return ctypes.c_uint8.from_address(address)

    @staticmethod
    def u32(address: int) -> ctypes.c_uint32:
        return ctypes.c_uint32.from_address(address)

    def engine_field(self, *path: str) -> int:
        return self.engine + offset("Engine", *path)

    def book_field(self, *path: str) -> int:
        """Address of a field of book 0."""
        return self.books + offset("Book", *path)

    def session_field(self, session: int, field: str) -> int:
        return self.sessions + size("Session") * session + offset("Session", field)

    def order(self, slot: int, *path: str) -> int:
        """Address of the live order of this slot, or of a field of it."""
        return self.units + size("Level") * self.unit(slot) + offset("Order", *path)

    def special(self, slot: int, *path: str) -> int:
        """Address of the Special of the slot's order, or of a field of it."""
        number = self.unit(slot) // 2
        return self.specials + size("Special") * number + offset("Special", *path)

    def unit(self, slot: int) -> int:
        return self.u32(self.slots + 4 * slot).value

    def level(self, slot: int, *path: str) -> int:
        """Address of the level at which the slot's order rests, or of a field of it."""
        return self.units + size("Level") * self.level_unit(slot) + offset("Level", *path)

    def level_unit(self, slot: int) -> int:
        return self.u32(self.order(slot, "level")).value

    def page(self, slot: int, *path: str) -> int:
        """Address of the level page of the slot's order, or of a field of it."""
        return (
            self.pages
            + size("LevelPage") * (self.level_unit(slot) >> 6)
            + offset("LevelPage", *path)
        )

    def side(self, sell: int, *path: str) -> int:
        """Address of one side of book 0, or of a field of it."""
        return self.books + size("PriceLevels") * sell + offset("PriceLevels", *path)
