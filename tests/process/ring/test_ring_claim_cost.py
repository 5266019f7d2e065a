"""Goal: the dearest claim of a broadcast ring costs the same few instructions at any capacity.

Method: by counting. A child process fills a ring for two laps and then makes the one offer that
moves the oldest position on, one machine instruction at a time; another one makes the offer before
that, which moves nothing. Which offer it is, is found out on a ring of the same size before.
"""

from pathlib import Path

import pytest
from tests.process.ring import single_step

from ironcore.ring import broadcast
from ironcore.ring.broadcast import Gating, Producer, Reader

# The ring's own part of the dearest offer: the look at three slots, twice where one of them does
# not gate, and what goes with it. One look at each frame of a block would be 8,000 and more.
INSTRUCTIONS_MAX = 500
READERS = {"journal": Gating(), "gateway": Gating(), "publisher": Gating()}

# The readers have seen everything, but for those that are said to have left.
OFFER = """
import sys
from ironcore.ring import broadcast
producer = broadcast.Producer(sys.argv[1])
readers = [broadcast.Reader(sys.argv[1], name) for name in {names}]
for _ in range({before}):
    producer.offer(b"", 1)
    if _ % 64 == 0:
        for reader in readers:
            reader.poll(64)
mark()
producer.offer(b"", 1)
mark()
"""


def fresh(path: Path, capacity: int, left: str) -> None:
    path.unlink(missing_ok=True)
    broadcast.create(path, capacity, READERS)
    if left:
        Reader(path, left).leave()


def offers_before_the_dearest(path: Path, capacity: int) -> int:
    """How many offers of empty frames go before the first one, two laps on, that moves `oldest`."""
    path.unlink(missing_ok=True)
    broadcast.create(path, capacity, {})
    producer = Producer(path)
    offers = 2 * capacity // 16
    for _ in range(offers):
        producer.offer(b"", 1)
    oldest = producer.oldest_sequence()
    while producer.oldest_sequence() == oldest:
        producer.offer(b"", 1)
        offers += 1
    return offers - 1


def cost(path: Path, capacity: int, before: int, left: str) -> int:
    names = [name for name in READERS if name != left]
    fresh(path, capacity, left)
    return single_step.instructions(OFFER.format(names=names, before=before), path)


@pytest.mark.parametrize("left", ["", "publisher"], ids=["all gate", "one has left"])
@pytest.mark.parametrize("capacity", [4096, 65536, 1 << 21])
def test_the_dearest_claim_costs_the_same_at_any_capacity(
    tmp_path: Path, capacity: int, left: str
) -> None:
    path = tmp_path / "x.ring"
    before = offers_before_the_dearest(path, capacity)
    try:
        dearest = cost(path, capacity, before, left)
        # The notes about blocks are made at other offers than this one's neighbour.
        plain = cost(path, capacity, before - 2, left)
    except single_step.NoPtraceError as refusal:
        pytest.skip(f"tracing a child is not permitted here: {refusal}")
    assert 20 < dearest - plain < INSTRUCTIONS_MAX, (dearest, plain)
