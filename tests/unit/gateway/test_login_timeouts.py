"""Goal: the time after which a silent member is taken for gone is the venue's: what a SoupBinTCP
4.10 login asks for may be shorter, but neither longer nor below twice the venue's own heartbeat.

Method: raw logins at a hand-turned venue with short times. What is waited for is the venue's own
heartbeat, or the end of the connection.
"""

from pathlib import Path

from tests.venue import PASSWORD, HandVenue, Member

ASKED_MS_MAX = 99_999


def logged_in(file: Path, times: str, asked_ms: int) -> Member:
    file.write_text(file.read_text().replace("heartbeat: 1s, peer_timeout: 15s", times))
    venue = HandVenue(file)
    venue.settle()
    member = Member(venue)
    member.send("L", f"{'ALFA1':<6}{PASSWORD:<10}{'':>10}{1:>20}{asked_ms:>5}".encode())
    member.wait(lambda: any(kind == "A" for kind, _ in member.packets))
    return member


def test_it_is_not_longer_than_configured(config_file: Path) -> None:
    member = logged_in(config_file, "heartbeat: 20ms, peer_timeout: 100ms", ASKED_MS_MAX)
    member.wait(lambda: member.closed)
    assert member.venue.gateway.counters.snapshot()["closed_peer_timeout"] == 1
    member.venue.crash()


def test_it_leaves_time_for_a_heartbeat(config_file: Path) -> None:
    member = logged_in(config_file, "heartbeat: 200ms, peer_timeout: 15s", 1)
    member.wait(lambda: any(kind == "H" for kind, _ in member.packets) or member.closed)
    assert any(kind == "H" for kind, _ in member.packets)
    member.venue.crash()


def test_a_shorter_one_is_as_it_is_asked_for(config_file: Path) -> None:
    member = logged_in(config_file, "heartbeat: 20ms, peer_timeout: 10min", 300)
    member.wait(lambda: member.closed)
    assert member.venue.gateway.counters.snapshot()["closed_peer_timeout"] == 1
    member.venue.crash()
