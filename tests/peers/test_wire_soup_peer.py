"""Goal: SoupBinTCP packets mean the same to us and to others.

Method: PyPI `nasdaq-protocols`, which shares no code with us, encodes what we decode and the other
way round. It pads session and sequence on the other side than the specification.
"""

import pytest
from nasdaq_protocols import soup

from ironcore.wire import soupbin


def test_we_read_the_login_of_a_peer() -> None:
    _, packet = soup.LoginRequest("user", "secret", "DAY01", "17").to_bytes()
    assert soupbin.decode(packet) == {
        "kind": "LoginRequest",
        "username": "USER",
        "password": "SECRET",
        "requested_session": "DAY01",
        "requested_sequence": 17,
        "heartbeat_timeout_ms": 15000,
    }


def test_a_peer_reads_our_login() -> None:
    packet = soupbin.encode(
        "LoginRequest",
        username="user",
        password="secret",
        requested_session="DAY01",
        requested_sequence=17,
    )
    _, login = soup.SoupMessage.from_bytes(packet)
    assert (login.user, login.password, login.session, login.sequence) == (
        "user",
        "secret",
        "DAY01",
        "17",
    )


def test_logins_are_accepted_and_rejected_in_both_directions() -> None:
    _, packet = soup.LoginAccepted("DAY01", 18).to_bytes()
    accepted = {"kind": "LoginAccepted", "session": "DAY01", "sequence_number": 18}
    assert soupbin.decode(packet) == accepted
    _, peer = soup.SoupMessage.from_bytes(soupbin.encode(**accepted))  # type: ignore[arg-type]
    assert (peer.session_id, peer.sequence) == ("DAY01", 18)
    _, packet = soup.LoginRejected(soup.LoginRejectReason.NOT_AUTHORIZED).to_bytes()
    assert packet == soupbin.encode("LoginRejected", reason="A")


@pytest.mark.parametrize(
    ("peer", "ours"),
    [
        (soup.ClientHeartbeat(), soupbin.encode("ClientHeartbeat")),
        (soup.ServerHeartbeat(), soupbin.encode("ServerHeartbeat")),
        (soup.EndOfSession(), soupbin.encode("EndOfSession")),
        (soup.LogoutRequest(), soupbin.encode("LogoutRequest")),
        (soup.SequencedData(b"abc"), soupbin.encode("SequencedData", message=b"abc")),
        (soup.UnSequencedData(b"abc"), soupbin.encode("UnsequencedData", message=b"abc")),
        (soup.Debug("text"), soupbin.encode("Debug", text="text")),
    ],
    ids=lambda value: value.hex() if isinstance(value, bytes) else type(value).__name__,
)
def test_other_packets_are_the_same_bytes(peer: soup.SoupMessage, ours: bytes) -> None:
    assert peer.to_bytes() == (len(ours), ours)
