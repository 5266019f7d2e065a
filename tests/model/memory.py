"""Reads and writes the core's own structures, to break them on purpose."""

import ctypes

from ironcore.book.matching_engine import MatchingEngine


class Memory:
    """Offsets are those of engine.pxd, and of book.pxd and order_pool.pxd for what it points to."""

    ORDER_REF_LAST, MATCH_NUMBER_LAST = 40, 48
    ARENA = 72
    ORDER_POOL = ARENA + 40
    LOT_SIZE, TICKS_COUNT = 640, 680

    def __init__(self, core: MatchingEngine) -> None:
        self.engine = core.pointer
        self.units = self.u64(self.engine + self.ARENA).value
        self.slots = self.u64(self.engine + self.ARENA + 16).value
        self.pages = self.u64(self.engine + self.ARENA + 24).value
        self.nodes = self.u64(self.engine + self.ARENA + 32).value
        self.books = self.u64(self.engine + 16).value

    @staticmethod
    def u64(address: int) -> ctypes.c_uint64:
        return ctypes.c_uint64.from_address(address)

    @staticmethod
    def u32(address: int) -> ctypes.c_uint32:
        return ctypes.c_uint32.from_address(address)

    def order(self, slot: int) -> int:
        """Address of the live order of this slot."""
        return self.units + 16 * self.unit(slot)

    def unit(self, slot: int) -> int:
        return self.u32(self.slots + 4 * slot).value

    def level(self, slot: int) -> int:
        """Address of the level at which the slot's order rests."""
        return self.units + 16 * self.level_unit(slot)

    def level_unit(self, slot: int) -> int:
        return self.u32(self.order(slot) + 12).value

    def page(self, slot: int) -> int:
        """Address of the level page of the slot's order."""
        return self.pages + 32 * (self.level_unit(slot) >> 6)

    def node(self, slot: int) -> int:
        """Address of the lowest node above the slot's order."""
        return self.nodes + 272 * self.u32(self.page(slot) + 16).value

    def side(self, sell: int) -> int:
        """Address of one side of book 0."""
        return self.books + 64 * sell
