"""Goal: SoupBinTCP packets are framed exactly, and logins are read as real clients send them.

Method: packets written out by hand, from the specifications and from what clients were seen to do.
"""

import pytest

from ironcore.wire import soupbin


def login(
    username: bytes = b"MEMBER",
    password: bytes = b"SECRET    ",
    session: bytes = b" " * 10,
    sequence: bytes = b"1".rjust(20),
    timeout: bytes = b"",
) -> bytes:
    payload = username + password + session + sequence + timeout
    return (1 + len(payload)).to_bytes(2, "big") + b"L" + payload


def test_no_error_shows_a_password() -> None:
    for secret in ["hunter2-is-too-long", "hünter2€"]:
        with pytest.raises(ValueError, match="password: found another value") as failure:
            soupbin.encode("LoginRequest", username="a", password=secret)
        assert secret not in str(failure.value)
    with pytest.raises(ValueError, match="payload: found 46 bytes") as failure:
        soupbin.decode(login(password=b"hunter2   ", sequence=b"x" * 20))
    assert "hunter2" not in str(failure.value)


def test_a_login_as_the_specification_has_it() -> None:
    assert soupbin.decode(login(session=b"     DAY01")) == {
        "kind": "LoginRequest",
        "username": "MEMBER",
        "password": "SECRET",
        "requested_session": "DAY01",
        "requested_sequence": 1,
        "heartbeat_timeout_ms": 15000,
    }


@pytest.mark.parametrize("username", [b"ab    ", b"    ab", b"  aB  ", b"AB\0\0\0\0"])
def test_a_user_padded_on_either_side_and_in_either_case_is_the_same(username: bytes) -> None:
    assert soupbin.decode(login(username=username))["username"] == "AB"


@pytest.mark.parametrize("password", [b"secret    ", b"    SeCrEt", b"SECRET\0\0\0\0"])
def test_a_password_padded_on_either_side_and_in_either_case_is_the_same(password: bytes) -> None:
    assert soupbin.decode(login(password=password))["password"] == "SECRET"


@pytest.mark.parametrize("session", [b"     Day01", b"Day01     ", b"  Day01   "])
def test_a_session_is_read_from_either_side_and_keeps_its_case(session: bytes) -> None:
    assert soupbin.decode(login(session=session))["requested_session"] == "Day01"


@pytest.mark.parametrize(
    ("sequence", "number"),
    [
        (b"7".rjust(20), 7),
        (b"7".ljust(20), 7),
        (b"7".center(20), 7),
        (b"7".rjust(20, b"0"), 7),
        (b" " * 20, 0),
        (b"0".rjust(20), 0),
        (b"18446744073709551615", 2**64 - 1),
    ],
)
def test_a_sequence_is_read_from_either_side(sequence: bytes, number: int) -> None:
    assert soupbin.decode(login(sequence=sequence))["requested_sequence"] == number


@pytest.mark.parametrize(
    ("timeout", "ms"),
    [(b"", 15000), (b" 5000", 5000), (b"5000 ", 5000), (b"     ", 15000), (b"00000", 15000)],
)
def test_an_absent_blank_or_zero_timeout_is_fifteen_seconds(timeout: bytes, ms: int) -> None:
    assert soupbin.decode(login(timeout=timeout))["heartbeat_timeout_ms"] == ms


@pytest.mark.parametrize(
    "packet",
    [
        login(sequence=b"-1".rjust(20)),
        login(sequence=b"1 2".rjust(20)),
        login(sequence=b"18446744073709551616"),
        login(sequence=b"99999999999999999999"),
        login(timeout=b" 1.5 "),
        login(username=b"a\x01b   "),
        login(username="münz".encode("latin-1").ljust(6)),
        login(session=b"DAY\x7f".ljust(10)),
        login(timeout=b"1"),
        login()[:2] + b"L" + b" " * 45,
    ],
)
def test_a_login_that_is_none_is_refused(packet: bytes) -> None:
    whole = (len(packet) - 2).to_bytes(2, "big") + packet[2:]
    with pytest.raises(ValueError, match="SoupBinTCP LoginRequest"):
        soupbin.decode(whole)


def test_packets_go_out_as_the_specification_has_them() -> None:
    assert soupbin.encode("LoginRequest", username="ab", password="pw") == login(
        username=b"ab    ", password=b"pw        ", sequence=b"0".rjust(20)
    )
    assert soupbin.encode(
        "LoginRequest",
        username="ab",
        password="pw",
        requested_session="S1",
        requested_sequence=12,
        heartbeat_timeout_ms=1000,
    ) == login(b"ab    ", b"pw        ", b"        S1", b"12".rjust(20), b" 1000")
    assert soupbin.encode("LoginAccepted", session="S1", sequence_number=2**64 - 1) == (
        b"\x00\x1fA" + b"        S1" + b"18446744073709551615"
    )
    assert soupbin.encode("LoginRejected", reason="A") == b"\x00\x02JA"
    assert soupbin.encode("SequencedData", message=b"xyz") == b"\x00\x04Sxyz"
    assert soupbin.encode("UnsequencedData", message=b"") == b"\x00\x01U"
    assert soupbin.encode("Debug", text="hello") == b"\x00\x06+hello"
    for kind, letter in [
        ("ServerHeartbeat", b"H"),
        ("ClientHeartbeat", b"R"),
        ("EndOfSession", b"Z"),
        ("LogoutRequest", b"O"),
    ]:
        assert soupbin.encode(kind) == b"\x00\x01" + letter
        assert soupbin.decode(b"\x00\x01" + letter) == {"kind": kind}


def test_a_login_accepted_is_read_whatever_side_it_is_padded_on() -> None:
    for session, sequence in [(b"        S1", b"9".rjust(20)), (b"S1        ", b"9".ljust(20))]:
        assert soupbin.decode(b"\x00\x1fA" + session + sequence) == {
            "kind": "LoginAccepted",
            "session": "S1",
            "sequence_number": 9,
        }


def test_the_longest_payload_fits_and_one_byte_more_does_not() -> None:
    packet = soupbin.encode("SequencedData", message=bytes(65534))
    assert soupbin.next_packet(packet) == ("S", bytes(65534), 65537)
    with pytest.raises(ValueError, match="message: found 65535 bytes, expected at most 65534"):
        soupbin.encode("SequencedData", message=bytes(65535))


def test_a_length_of_zero_is_malformed_however_much_follows() -> None:
    for data in [b"\0\0", b"\0\0H", b"\x00\x01H\0\0"]:
        offset = 3 if data[1] else 0
        with pytest.raises(ValueError, match=f"length: found 0 at offset {offset}"):
            soupbin.next_packet(data, offset)


@pytest.mark.parametrize(
    "packet", [b"\x00\x02HH", b"\x00\x01J", b"\x00\x03JAA", b"\x00\x1eA" + bytes(29)]
)
def test_a_packet_of_another_size_than_its_type_is_refused(packet: bytes) -> None:
    with pytest.raises(ValueError, match="payload"):
        soupbin.decode(packet)


def test_an_unknown_type_and_a_packet_that_is_not_whole_are_refused() -> None:
    with pytest.raises(ValueError, match="type: found '!', expected one of"):
        soupbin.decode(b"\x00\x01!")
    for data in [b"", b"\x00", b"\x00\x01", b"\x00\x01HH"]:
        with pytest.raises(ValueError, match="expected one whole packet"):
            soupbin.decode(data)


@pytest.mark.parametrize(
    ("kind", "fields", "complaint"),
    [
        ("Login", {}, "kind: found 'Login', expected one of Debug LoginAccepted"),
        ("LoginRequest", {"username": "abcdefg", "password": "x"}, "username: found 'abcdefg'"),
        ("LoginRequest", {"username": "a"}, "password: found nothing, expected text of at most 10"),
        (
            "LoginRequest",
            {"username": "a", "password": "x", "heartbeat_timeout_ms": 100000},
            "heartbeat_timeout_ms: found 100000, expected an integer from 1 to 99999",
        ),
        ("LoginRejected", {"reason": "AA"}, "reason: found 'AA', expected one character"),
        ("SequencedData", {"text": "x"}, "message: found the fields"),
        ("LogoutRequest", {"reason": "x"}, "reason: found a field of this name"),
    ],
)
def test_what_cannot_be_encoded_is_named(
    kind: str, fields: dict[str, int | str | bytes | None], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        soupbin.encode(kind, **fields)
