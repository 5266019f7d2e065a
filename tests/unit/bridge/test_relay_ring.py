"""Goal: at every moment there is a ring where a bridge writes: the old one until the new one is.

Method: the place looked at while the new ring is made, and a host that refuses to make it.
"""

from pathlib import Path

import pytest

from ironcore.ring import broadcast
from ironcore.runtime import pipeline


@pytest.mark.parametrize("refused", [False, True])
def test_a_ring_is_there_until_the_new_one_takes_its_place(
    refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "far.ring"
    pipeline.create_relay_ring(path, 1 << 16, readers=["end"], patience_ns=1)
    before = path.stat()
    create = broadcast.create

    def look_and_create(*arguments: object, **options: object) -> object:
        assert path.stat() == before
        if refused:
            raise OSError(28, "No space left on device")
        return create(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(broadcast, "create", look_and_create)
    if refused:
        with pytest.raises(OSError, match="No space left"):
            pipeline.renew_relay_ring(path, "NEXT")
        assert path.stat() == before
        return
    pipeline.renew_relay_ring(path, "NEXT")
    assert path.stat().st_ino != before.st_ino
    assert broadcast.positions(path).session == "NEXT"
    assert [state.name for state in broadcast.reader_states(path)] == ["end"]
    assert list(tmp_path.iterdir()) == [path]
