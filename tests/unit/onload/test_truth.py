"""Goal: whether a socket is accelerated is proved, and if not, the reason is the real one.

Method: cases in interpreters under the double, with the settings that make the reason.
"""

import pytest
from tests.unit.onload import truth_cases
from tests.unit.onload.ends import cases, under_double

from ironpit.onload.library import Library
from ironpit.onload.truth import REASONS, Truth

LOOPBACK_OFF: dict[str, str | int] = {"EF_TCP_SERVER_LOOPBACK": 0, "EF_TCP_CLIENT_LOOPBACK": 0}
RUNS: list[tuple[dict[str, str | int], tuple[str, ...]]] = [
    ({}, ("accelerated", "nothing_is_proved_too_early", "unix", "purpose", "interface")),
    ({}, ("stack_name",)),
    (LOOPBACK_OFF, ("loopback", "passthrough", "passthrough_datagrams")),
    ({"EF_DONT_ACCELERATE": 1}, ("dont_accelerate",)),
    ({"EF_TCP": 0}, ("no_tcp",)),
    ({"EF_UDP": 0}, ("no_udp",)),
    ({"MOCK_ONLOAD_DRIVER": "missing"}, ("no_driver",)),
    ({"MOCK_ONLOAD_FAULTS": "onload_fd_stat=-12"}, ("no_memory",)),
    ({"MOCK_ONLOAD_FAULTS": "onload_get_tcp_info=-22"}, ("by_the_other_proof",)),
]

pytestmark = pytest.mark.needs_tool("cc")


@pytest.mark.parametrize(("settings", "names"), RUNS, ids=lambda value: "-".join(value))
def test_the_truth(settings: dict[str, str | int], names: tuple[str, ...]) -> None:
    env = under_double(**settings) | {"TRUTH": " ".join(names)}
    assert f"{len(names) + 1} passed" in cases("truth_cases.py", env)


def test_every_case_is_run() -> None:
    assert {name for _, names in RUNS for name in names} == set(truth_cases.CASES)


@pytest.mark.parametrize("state", sorted(REASONS))
def test_without_interposition_every_socket_is_the_kernels(state: str) -> None:
    import socket

    with socket.socket() as sock:
        verdict = Truth(Library(state), {}).judge(sock.fileno())
    assert (verdict.path, verdict.reason) == ("kernel", REASONS[state])
