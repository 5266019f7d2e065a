"""Goal: over a network that loses, repeats and reorders, every subscriber ends with the stream that
was published, and nobody holds the publisher up.

Method: publisher and subscribers in network namespaces of their own; both ends digest every frame.
"""

import pytest
from tests.conformance.harm import Harm
from tests.netns.crossing import HARMS, cross

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_tool("ip", "nft", "sysctl")]


def check(harm: Harm, count: int) -> None:
    seen = cross(harm, count, subscribers=2)
    counters = seen.publisher["counters"]
    assert counters["offered"] == count
    assert counters["back_pressure"] == 0
    for subscriber in seen.subscribers:
        assert subscriber["gaps"] == []
        assert subscriber["next"] == count + 1
        assert subscriber["digest"] == seen.publisher["digest"]
        if harm.loss:
            assert subscriber["counters"]["recovered"] > 0
    assert bool(seen.harmed) == bool(harm.loss or harm.duplicated or harm.reordered)


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_every_subscriber_has_the_whole_stream(harm: Harm) -> None:
    check(harm, 20_000)


@pytest.mark.slow
@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_every_subscriber_has_the_whole_stream_of_a_million(harm: Harm) -> None:
    check(harm, 1_000_000)
