"""Goal: a stream over TCP survives its connections: cut anywhere, or half open and silent.

Method: a relay between both ends that cuts after a random number of bytes, in the middle of packets
as often as not, or goes silent without closing anything; frames follow from their numbers.
"""

import random
import time

import pytest
from tests.unit.messaging.cutting_relay import CuttingRelay
from tests.unit.messaging.tcp_ends import MS, Seen, Server, until

from ironcore.messaging.tcp.subscription import TcpSubscription

CUTS = 100


def frame_of(number: int) -> bytes:
    generator = random.Random(number)
    return generator.randbytes(generator.randrange(400))


@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_cuts_leave_no_gap_and_no_duplicate(seed: int) -> None:
    server = Server(window_bytes=1 << 20)
    relay = CuttingRelay(server.port, seed, bytes_max=20_000)
    subscription = TcpSubscription(
        "127.0.0.1",
        relay.listens_on,
        "CUT",
        backoff_min_ns=MS // 10,
        backoff_max_ns=MS,
        seed=seed,
    )
    seen = Seen(subscription)
    offered = 0

    def offer() -> None:
        nonlocal offered
        if offered - len(seen.frames) < 500:
            offered += 1
            server.publication.offer(frame_of(offered))

    until(lambda: relay.cuts >= CUTS, offer, server.publication.turn, relay.turn, seen.poll)
    relay.bytes_max = None
    relay.left.clear()
    until(lambda: len(seen.frames) == offered, server.publication.turn, relay.turn, seen.poll)
    assert seen.frames == [(number, frame_of(number)) for number in range(1, offered + 1)]
    assert seen.gaps == []
    counts = seen.counts
    assert counts["duplicates"] == counts["malformed"] == counts["stale"] == 0
    # A cut before the answer to a login is an attempt that failed; every other one is resumed.
    assert counts["resumes"] == counts["connects"] - 1 >= CUTS // 2
    assert counts["cuts"] == counts["connects"] - subscription.live
    assert counts["attempts"] >= relay.cuts
    [reader] = server.publication.reader_counts()
    assert (reader["name"], reader["logins"]) == ("CUT", server.counts["logins"])
    relay.close()
    server.close()


def test_a_half_open_connection_is_noticed_on_both_sides_within_the_configured_time() -> None:
    silence_ns = 200 * MS
    server = Server(heartbeat_ns=20 * MS, peer_timeout_ns=silence_ns)
    relay = CuttingRelay(server.port, seed=1)
    subscription = TcpSubscription(
        "127.0.0.1", relay.listens_on, "HALF", heartbeat_ns=20 * MS, stale_ns=silence_ns
    )
    seen = Seen(subscription)
    server.publication.offer(b"before")
    until(lambda: seen.frames, server.publication.turn, relay.turn, seen.poll)
    relay.silent = True
    started_ns = time.monotonic_ns()
    server.publication.offer(b"into the void")
    until(
        lambda: seen.counts["stale"] and server.counts["closed_peer_timeout"],
        server.publication.turn,
        relay.turn,
        seen.poll,
    )
    # Not before the time is up; how long after depends on nothing but the turns.
    assert time.monotonic_ns() - started_ns >= silence_ns - 25 * MS
    assert seen.counts["cuts"] == server.counts["closed_error"] == 0
    relay.silent = False
    until(lambda: len(seen.frames) == 2, server.publication.turn, relay.turn, seen.poll)
    assert seen.frames == [(1, b"before"), (2, b"into the void")]
    relay.close()
    server.close()
