"""Goal: a stream over TLS needs TLS 1.3 and a certificate on both sides, and is otherwise the same.

Method: real certificates made by openssl, both ends over loopback, and clients that lack what is
asked for.
"""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.doubles.certificates import make_authority, make_certificate
from tests.unit.messaging.tcp_ends import MS, Seen, offer_all, until

from ironcore.messaging.tcp_publication import TcpPublication
from ironcore.messaging.tcp_subscription import TcpSubscription
from ironpit.config import Endpoint
from ironpit.errors import UserError
from ironpit.messaging.tcp import listen
from ironpit.messaging.tls import Certificates, TlsDialler, TlsServer, context

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

    def __init__(self, pki: Path) -> None:
        self.said: list[str] = []
        self.listener = listen(Endpoint("127.0.0.1", 0), "test")
        self.address = Endpoint("127.0.0.1", int(self.listener.getsockname()[1]))
        self.publication = TcpPublication(-1, "VENUE", window_bytes=1 << 20, queue_bytes=1 << 20)
        self.tls = TlsServer(self.publication, self.listener, files(pki, "venue"), self.said.append)
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
