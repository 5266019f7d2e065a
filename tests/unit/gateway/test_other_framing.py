"""Goal: the gateway serves protocols of another kind than SoupBinTCP's: frames whose length nobody
knows before their end has come, and names of orders that are longer than OUCH's.

Method: a protocol of lines, compiled from tests/doubles, at a gateway that the test turns by hand.
"""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.doubles.line_protocol_build import line_protocol
from tests.venue import PASSWORD, HandVenue

from ironcore.order_entry.protocol import OrderEntryProtocol

FRAME_BYTES_MAX = 256
ACCEPTED, EXECUTED = 0, 3  # of ReportKind


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> OrderEntryProtocol:
    return line_protocol(tmp_path_factory.mktemp("line_protocol"))


@pytest.fixture
def venue(
    config_file: Path, lines: OrderEntryProtocol, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HandVenue]:
    monkeypatch.setattr("tests.venue.protocol_of", lambda name: lines)
    hand = HandVenue(config_file)
    hand.settle()
    yield hand
    hand.crash()


class LineMember:
    """A member's connection, and the lines that it was told."""

    def __init__(self, venue: HandVenue) -> None:
        self.venue = venue
        listen = venue.config.order_entry.listen
        self.socket = socket.create_connection((listen.address, listen.port))
        self.socket.setblocking(False)
        self.heard = b""
        self.closed = False

    def say(self, text: str) -> list[str]:
        """Send this and let the venue come to rest: all lines so far."""
        self.socket.sendall(text.encode())
        self.venue.settle()
        try:
            while data := self.socket.recv(65536):
                self.heard += data
            self.closed = True
        except BlockingIOError:
            pass
        except ConnectionResetError:
            self.closed = True
        return self.heard.decode().splitlines()


def closed(venue: HandVenue, reason: str) -> int:
    return venue.gateway.counters.snapshot()[f"closed_{reason}"]


def test_a_line_of_the_longest_length_is_read(venue: HandVenue) -> None:
    member = LineMember(venue)
    login = f"L ALFA1 {PASSWORD}"
    heard = member.say(login.ljust(FRAME_BYTES_MAX - 1) + "\n")
    assert heard[0] == "in"
    assert not member.closed


def test_a_line_without_an_end_closes_the_connection_as_soon_as_it_is_too_long(
    venue: HandVenue,
) -> None:
    member = LineMember(venue)
    member.say("L" * FRAME_BYTES_MAX)
    assert not member.closed
    member.say("L")
    assert member.closed
    assert closed(venue, "oversized") == 1
    assert closed(venue, "malformed") == 0


def test_a_line_that_ends_too_late_closes_the_connection(venue: HandVenue) -> None:
    member = LineMember(venue)
    member.say(" " * FRAME_BYTES_MAX + "\n")
    assert member.closed
    assert closed(venue, "oversized") == 1


def test_a_report_has_all_twenty_characters_of_the_members_name(venue: HandVenue) -> None:
    alfa, beta = LineMember(venue), LineMember(venue)
    alfa.say(f"L ALFA1 {PASSWORD}\n")
    beta.say(f"L BETA1 {PASSWORD}\n")
    alfa.say("E 1 B 100 10000 BTCUSD TWENTY-CHARACTERS-20\n")
    beta.say("E 1 S 100 10000 BTCUSD SHORT\n")
    heard = alfa.say("")
    assert f"{ACCEPTED} 1 TWENTY-CHARACTERS-20" in heard
    assert f"{EXECUTED} 1 TWENTY-CHARACTERS-20" in heard
    assert [line for line in beta.say("") if re.match(rf"{EXECUTED} 1 SHORT *$", line)]
