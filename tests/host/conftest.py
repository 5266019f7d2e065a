"""Unpacks each capture once a session: they have thousands of files, and tests only read them."""

import functools
from collections.abc import Callable

import pytest
from tests.host.trees import capture

from host_tuning.tree import HostTree


@pytest.fixture(scope="session")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], HostTree]:
    """The tree of an archive: `captured("pcp-sysfs-numa-001.tgz")`."""

    @functools.cache
    def unpack(archive: str) -> HostTree:
        return capture(tmp_path_factory.mktemp("capture"), archive)

    return unpack
