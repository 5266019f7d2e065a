"""Unpacks each capture once a session: they have thousands of files, and tests only read them.
Keeps everything else of tune-host away from this host while a test writes its settings.
"""

import fcntl
import functools
import os
from collections.abc import Callable, Iterator

import pytest
from tests.host.trees import capture

from host_tuning.changing import run_lock
from host_tuning.facts.tree import HostTree


@pytest.fixture(autouse=True)
def alone_on_the_host(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hold the lock of tune-host during a test that writes this host's settings.

    Two such tests at a time, of two runs, would each find what the other one has written. Whoever
    is second waits; an operator's tune-host does, too.
    """
    if request.node.get_closest_marker("host") is None:
        yield
        return
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(run_lock.LOCK, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@pytest.fixture(scope="session")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], HostTree]:
    """The tree of an archive: `captured("pcp-sysfs-numa-001.tgz")`."""

    @functools.cache
    def unpack(archive: str) -> HostTree:
        return capture(tmp_path_factory.mktemp("capture"), archive)

    return unpack
