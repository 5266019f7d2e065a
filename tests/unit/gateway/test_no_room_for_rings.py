"""Goal: where the host has no room for a ring, a start says which one, and is refused.

Method: a limit on the size of files, which the kernel holds against a ring as it does a file system
that is full.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ironpit import config as configs
from ironpit.common.errors import Exit, UserError
from ironpit.venue import recovery as preparation


@contextmanager
def no_file_above(size_bytes: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_ring_without_room_is_named(config_file: Path) -> None:
    config = configs.load(config_file)
    with no_file_above(200_000), pytest.raises(UserError) as refused:
        preparation.prepare(config, None, lambda text: None)
    assert refused.value.code == Exit.REFUSED
    assert str(refused.value).startswith(f"streams.events: {config.streams.events.path}: found ")
    assert "expected room for 1MiB" in str(refused.value)
    preparation.prepare(config, None, lambda text: None)
