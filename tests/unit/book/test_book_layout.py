"""Goal: what the tests believe of the core's structures is what the core was built with.

Method: declarations that say something else than the core does of its own sizes, and saved cores
that say so.
"""

from pathlib import Path

import pytest
from tests.model import layout
from tests.model import records as r

from ironcore.library.venue import VenueCore


def test_every_declaration_is_read() -> None:
    found = layout.structs()
    assert set(layout.SAVED) < set(found)
    assert layout.offset("Engine", "arena", "order_pool", "free_count") == (
        layout.offset("Engine", "arena") + layout.offset("Arena", "order_pool") + 8
    )


def test_a_declaration_that_differs_from_the_build_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = Path.read_text

    def changed(path: Path) -> str:
        return read(path).replace("    uint32_t user_ref_end ", "    uint64_t user_ref_end ")

    monkeypatch.setattr(Path, "read_text", changed)
    layout.structs.cache_clear()
    with pytest.raises(AssertionError, match="struct Session: found 40 bytes"):
        layout.structs()
    monkeypatch.undo()
    layout.structs.cache_clear()


@pytest.mark.parametrize("place", range(len(layout.SAVED)))
def test_a_core_saved_with_another_layout_is_refused(place: int) -> None:
    saved = bytearray(VenueCore(*r.Limits()).save())
    saved[layout.SAVED_AT + 4 * place] ^= 8
    with pytest.raises(ValueError, match="damaged, or another version's"):
        VenueCore.load(bytes(saved))
