"""Goal: the lossy network does the harm that it says, to each receiver by itself, and is removed.

Method: numbered datagrams from one namespace to two others, over both kinds of wire.
"""

import json
import subprocess
import sys

import pytest
from tests.conformance.harm import Harm
from tests.netns.network import Network, network, run

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_tool("ip", "nft", "sysctl")]

COUNT = 5_000
DATAGRAMS = [sys.executable, "-m", "tests.netns.datagrams"]


def cross(built: Network) -> list[list[int]]:
    """COUNT datagrams from the first host: what each of the others got."""
    receivers = [
        subprocess.Popen(
            built.inside(built.host(index), *DATAGRAMS, "receive", built.address(index)),
            stdout=subprocess.PIPE,
            text=True,
        )
        for index in range(1, built.hosts)
    ]
    try:
        for receiver in receivers:
            assert receiver.stdout is not None
            assert receiver.stdout.readline() == "ready\n"
        run(*built.inside(built.host(0), *DATAGRAMS, "send", str(COUNT)))
        return [json.loads(receiver.communicate(timeout=60)[0]) for receiver in receivers]
    finally:
        for receiver in receivers:
            receiver.kill()


@pytest.mark.parametrize("in_user_space", [False, True])
def test_a_wire_without_harm_carries_everything_in_order(in_user_space: bool) -> None:
    with network(3, Harm(in_user_space=in_user_space)) as built:
        for numbers in cross(built):
            assert numbers == list(range(1, COUNT + 1))
        assert built.harmed() == 0


@pytest.mark.parametrize(
    "harm",
    [Harm(loss=10), Harm(loss=10, in_user_space=True), Harm(loss=30, burst_packets=20)],
    ids=["kernel", "user space", "bursts"],
)
def test_each_receiver_loses_its_own_share(harm: Harm) -> None:
    with network(3, harm) as built:
        first, second = cross(built)
        lost = [COUNT - len(first), COUNT - len(second)]
        assert built.harmed() >= sum(lost)  # reports of membership cross it as well
    assert set(first) != set(second)
    for numbers, count in zip((first, second), lost, strict=True):
        assert numbers == sorted(set(numbers))
        assert 0.5 * harm.loss < 100 * count / COUNT < 1.5 * harm.loss


def test_packets_are_repeated_and_reordered() -> None:
    with network(3, Harm(duplicated=5, reordered=5)) as built:
        for numbers in cross(built):
            assert set(numbers) == set(range(1, COUNT + 1))
            assert len(numbers) > COUNT
            assert numbers != sorted(numbers)
        assert built.harmed() > COUNT // 20


def test_nothing_is_left_even_after_a_failure() -> None:
    def fail(built: Network) -> None:
        assert built.wire in run("ip", "netns", "list")
        raise ZeroDivisionError

    for harm in (Harm(loss=1), Harm(duplicated=1)):
        with pytest.raises(ZeroDivisionError), network(2, harm) as built:
            fail(built)
        assert built.name not in run("ip", "netns", "list")
        assert built.relay is None or built.relay.returncode is not None
