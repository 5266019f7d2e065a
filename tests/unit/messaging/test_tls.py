"""Goal: a stream over TLS needs TLS 1.3 and a certificate on both sides, and is otherwise the same.

Method: real certificates made by openssl, both ends over loopback, and clients that lack what is
asked for.
"""

import errno
import gc
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.doubles.certificates import make_authority, make_certificate
from tests.unit.messaging.tcp_ends import MS, Seen, offer_all, until

from ironcore.messaging.tcp.publication import TcpPublication
from ironcore.messaging.tcp.subscription import TcpSubscription
from ironpit.common.errors import UserError
from ironpit.config import Endpoint
from ironpit.transport import tls
from ironpit.transport.tcp import listen
from ironpit.transport.tls import Certificates, TlsDialler, TlsServer, context

pytestmark = pytest.mark.needs_tool("openssl")


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("pki")
    ours, other = make_authority(directory, "ours"), make_authority(directory, "other")
    make_certificate(directory, "venue", ours)
    make_certificate(directory, "cloud", ours)
    make_certificate(directory, "stranger", other)
    return directory


def files(pki: Path, name: str, authority: str = "ours") -> Certificates:
    return Certificates(pki / f"{name}.pem", pki / f"{name}.key", pki / f"{authority}.pem")


class Venue:
    """A publication behind TLS."""

    def __init__(self, pki: Path, name: str = "venue", *, started: bool = True) -> None:
        self.said: list[str] = []
        self.listener = listen(Endpoint("127.0.0.1", 0), "test")
        self.address = Endpoint("127.0.0.1", int(self.listener.getsockname()[1]))
        self.publication = TcpPublication(-1, "VENUE", window_bytes=1 << 20, queue_bytes=1 << 20)
        self.tls = TlsServer(self.publication, self.listener, files(pki, name), self.said.append)
        if started:
            self.tls.start()

    def close(self) -> None:
        self.tls.stop()
        self.publication.close()
        self.listener.close()


@pytest.fixture
def venue(pki: Path) -> Iterator[Venue]:
    venue = Venue(pki)
    yield venue
    venue.close()


def test_a_stream_passes_whole_and_its_reader_is_who_the_certificate_says(
    venue: Venue, pki: Path
) -> None:
    said: list[str] = []
    subscription = TcpSubscription("127.0.0.1", 1, "NOBODY", dialled=True)
    dialler = TlsDialler(subscription, venue.address, files(pki, "cloud"), said.append)
    dialler.start()
    seen = Seen(subscription)
    frames = [bytes([number % 256]) * number for number in range(500)]
    offer_all(venue.publication, frames)
    until(lambda: len(seen.frames) == 500, venue.publication.turn, seen.poll)
    assert seen.frames == list(enumerate(frames, 1))
    assert [reader["name"] for reader in venue.publication.reader_counts()] == ["CLOUD"]
    venue.publication.end()
    until(lambda: seen.last < 0, venue.publication.turn, seen.poll)
    assert venue.tls.counters.snapshot()["handshakes"] == 1
    dialler.stop()
    assert said == venue.said == []


def test_a_cut_connection_is_dialled_again_and_resumed(venue: Venue, pki: Path) -> None:
    subscription = TcpSubscription("127.0.0.1", 1, dialled=True, backoff_min_ns=MS)
    dialler = TlsDialler(subscription, venue.address, files(pki, "cloud"), print)
    dialler.start()
    seen = Seen(subscription)
    for _ in range(3):
        offer_all(venue.publication, [b"x"] * 10)
        until(
            lambda: seen.subscription.sequence_next == venue.publication.sequence_next,
            venue.publication.turn,
            seen.poll,
        )
        subscription.close()
    assert seen.counts["resumes"] == 2
    assert seen.gaps == []
    dialler.stop()


def _knock(venue: Venue, client: ssl.SSLContext) -> None:
    with socket.create_connection(("127.0.0.1", venue.address.port)) as plain:
        plain.settimeout(10)
        try:
            with client.wrap_socket(plain) as secured:
                # With TLS 1.3 the server's verdict comes after the client's handshake.
                secured.sendall(b"x")
                secured.recv(1)
        except OSError:
            return


def _client(pki: Path, name: str = "") -> ssl.SSLContext:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(pki / "ours.pem")
    if name:
        client.load_cert_chain(pki / f"{name}.pem", pki / f"{name}.key")
    return client


def test_who_shows_no_certificate_or_a_wrong_one_or_old_tls_is_refused_and_logged_once(
    venue: Venue, pki: Path
) -> None:
    old = _client(pki, "cloud")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    for client in (_client(pki), _client(pki, "stranger"), old):
        _knock(venue, client)
    with socket.create_connection(("127.0.0.1", venue.address.port)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        until(lambda: venue.tls.counters.snapshot()["refused"] == 4, venue.publication.turn)
    assert len(venue.said) == 1
    assert venue.said[0].startswith("TLS: refused 127.0.0.1: peer did not return a certificate")
    assert venue.publication.counters.snapshot()["connections"] == 0


def test_a_client_does_not_talk_to_a_server_of_another_authority(venue: Venue, pki: Path) -> None:
    said: list[str] = []
    subscription = TcpSubscription("127.0.0.1", 1, dialled=True, backoff_min_ns=MS)
    dialler = TlsDialler(subscription, venue.address, files(pki, "cloud", "other"), said.append)
    dialler.start()
    seen = Seen(subscription)
    until(lambda: seen.counts["unreachable"] >= 2, venue.publication.turn, seen.poll)
    dialler.stop()
    assert seen.counts["connects"] == 0
    assert len(said) == 1
    assert "certificate verify failed" in said[0]


def test_a_client_talks_only_to_the_server_that_the_certificate_names(pki: Path) -> None:
    # A reader's certificate is of the same authority, and must not make it a server.
    ours = pki / "ours.pem"
    make_certificate(pki, "impostor", ours, names="DNS:cloud.example")
    make_certificate(pki, "named", ours, names="DNS:venue.example")
    make_certificate(pki, "late", ours, days=-1)
    for name, server_name, text in (
        ("impostor", "", "IP address mismatch"),
        ("impostor", "venue.example", "Hostname mismatch"),
        ("late", "", "certificate has expired"),
        ("named", "venue.example", ""),
        ("venue", "", ""),
    ):
        venue = Venue(pki, name)
        said: list[str] = []
        subscription = TcpSubscription("127.0.0.1", 1, dialled=True, backoff_min_ns=MS)
        cloud = files(pki, "cloud")
        dialler = TlsDialler(
            subscription, venue.address, cloud, said.append, server_name=server_name
        )
        dialler.start()
        seen = Seen(subscription)
        answered = "unreachable" if text else "connects"
        until(lambda: seen.counts[answered], venue.publication.turn, seen.poll)  # noqa: B023
        dialler.stop()
        venue.close()
        assert len(said) == bool(text)
        assert all(text in line for line in said), (name, said)


def test_a_client_says_why_the_server_does_not_take_it(venue: Venue, pki: Path) -> None:
    said: list[str] = []
    subscription = TcpSubscription("127.0.0.1", 1, dialled=True, backoff_min_ns=MS)
    dialler = TlsDialler(subscription, venue.address, files(pki, "stranger", "ours"), said.append)
    dialler.start()
    seen = Seen(subscription)
    until(lambda: said, venue.publication.turn, seen.poll)
    dialler.stop()
    assert f"TLS: {venue.address}: after the handshake: " in said[0]


def test_handshakes_at_once_are_bounded_and_others_follow_when_they_end(
    venue: Venue, pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "HANDSHAKES_MAX", 3)
    silent = [socket.create_connection(("127.0.0.1", venue.address.port)) for _ in range(3)]
    crowded = socket.create_connection(("127.0.0.1", venue.address.port), 10)
    assert crowded.recv(1) == b""
    assert venue.tls.counters.snapshot()["crowded"] == 1
    assert venue.said == ["TLS: closed 127.0.0.1: 3 handshakes are under way"]
    for sock in (*silent, crowded):
        sock.close()
    until(lambda: venue.tls.counters.snapshot()["refused"] == 3)
    subscription = TcpSubscription("127.0.0.1", 1, dialled=True, backoff_min_ns=MS)
    dialler = TlsDialler(subscription, venue.address, files(pki, "cloud"), print)
    dialler.start()
    seen = Seen(subscription)
    until(lambda: seen.counts["connects"], venue.publication.turn, seen.poll)
    dialler.stop()


def test_a_handshake_that_does_not_end_is_ended(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "HANDSHAKE_TIMEOUT_S", 0.05)
    with socket.create_connection(("127.0.0.1", venue.address.port), 10) as silent:
        assert silent.recv(1) == b""
    until(lambda: venue.tls.counters.snapshot()["refused"] == 1)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ECONNABORTED])
def test_a_host_that_cannot_accept_is_asked_again(
    pki: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(tls, "ACCEPT_PAUSE_S", 0.001)
    venue = Venue(pki, started=False)
    accept, failures = venue.tls.loop.sock_accept, iter([number] * 3)

    async def failing(listener: socket.socket) -> object:
        for failure in failures:
            raise OSError(failure, os.strerror(failure))
        return await accept(listener)

    monkeypatch.setattr(venue.tls.loop, "sock_accept", failing)
    venue.tls.start()
    subscription = TcpSubscription("127.0.0.1", 1, dialled=True, backoff_min_ns=MS)
    dialler = TlsDialler(subscription, venue.address, files(pki, "cloud"), print)
    dialler.start()
    seen = Seen(subscription)
    until(lambda: seen.counts["connects"], venue.publication.turn, seen.poll)
    assert venue.tls.counters.snapshot()["accept_errors"] == 3
    assert venue.said == [f"TLS: cannot accept: {os.strerror(number)}"]
    dialler.stop()
    venue.close()


@pytest.mark.parametrize("started", [False, True])
def test_it_stops_in_the_middle_of_handshakes_without_leaving_anything(
    pki: Path, caplog: pytest.LogCaptureFixture, started: bool
) -> None:
    venue = Venue(pki, started=started)
    silent = [socket.create_connection(("127.0.0.1", venue.address.port)) for _ in range(5)]
    if started:
        until(lambda: venue.tls.handshakes == 5)
    venue.close()
    gc.collect()
    assert caplog.records == []
    assert venue.tls.loop.is_closed()
    assert venue.tls.handshakes == 0
    for sock in silent:
        sock.close()


def test_errors_name_the_key_and_the_file(pki: Path, tmp_path: Path) -> None:
    open_key = tmp_path / "open.key"
    open_key.write_bytes((pki / "cloud.key").read_bytes())
    open_key.chmod(0o640)
    empty = tmp_path / "empty.pem"
    empty.touch()
    empty.chmod(0o600)
    certificate, key, authority = pki / "cloud.pem", pki / "cloud.key", pki / "ours.pem"
    for found, text in (
        ((tmp_path / "none.pem", key, authority), "certificate: .*none.pem: No such file"),
        ((certificate, tmp_path / "none.key", authority), "key: .*none.key: No such file"),
        ((certificate, key, tmp_path / "none.pem"), "client_ca: .*none.pem: No such file"),
        ((certificate, open_key, authority), "key: .*open.key: found mode 0640"),
        ((certificate, pki / "venue.key", authority), "key values mismatch"),
        ((empty, key, authority), "certificate, key: .*empty.pem"),
        ((certificate, key, empty), "client_ca: .*empty.pem"),
    ):
        with pytest.raises(UserError, match=text):
            context(Certificates(*found), server=True)


def test_two_readers_with_one_certificate_are_told_apart_from_a_cut_and_come_back_ever_later(
    venue: Venue, pki: Path
) -> None:
    ends: list[Seen] = []
    diallers = []
    for _ in range(2):
        end = TcpSubscription(
            "127.0.0.1", 1, dialled=True, backoff_min_ns=MS, backoff_max_ns=100 * MS
        )
        diallers.append(TlsDialler(end, venue.address, files(pki, "cloud"), print))
        diallers[-1].start()
        ends.append(Seen(end))
    steps = [venue.publication.turn, *(end.poll for end in ends)]
    offer_all(venue.publication, [b"frame"])
    until(lambda: min(end.counts["displaced"] for end in ends) >= 2, *steps)
    assert [end.counts["cuts"] for end in ends] == [0, 0]
    assert {end.frames[0] for end in ends} == {(1, b"frame")}
    [said] = venue.said
    assert "reader cloud connects while it is connected from 127.0.0.1" in said
    [reader] = venue.publication.reader_counts()
    assert reader["displaced"] == sum(end.counts["displaced"] for end in ends)
    for dialler in diallers:
        dialler.stop()
