"""The venue's sockets, opened before the stages start. Errors name the key of the configuration."""

import errno
import socket

from ironpit.config import Config, Endpoint
from ironpit.errors import Exit, UserError
from ironpit.messaging.multicast import Group, datagram_socket, open_sender

BACKLOG = 128


def order_entry(config: Config) -> socket.socket:
    """The listening TCP socket of the gateway, non-blocking."""
    return _listener(config.order_entry.listen, "order_entry.listen")


def snapshot(config: Config) -> socket.socket | None:
    """The listening TCP socket of the snapshot server, if there is to be one."""
    settings = config.streams.market_data.snapshot
    if settings is None:
        return None
    return _listener(settings.listen, "streams.market_data.snapshot.listen")


def rerequest(config: Config) -> socket.socket:
    """The UDP socket on which subscribers ask for what they lost."""
    sock = datagram_socket()
    _bind(sock, config.streams.market_data.rerequest.listen, "streams.market_data.rerequest.listen")
    return sock


def market_data(config: Config, feed: str = "a") -> socket.socket:
    """The UDP socket connected to a multicast group, "a" or "b".

    OSError when there is no route by the interface, or none has its address. UserError when none
    has its name.
    """
    stream = config.streams.market_data
    group = stream.b if feed == "b" and stream.b is not None else stream.a
    try:
        return open_sender(Group(group.group, group.interface), ttl=stream.ttl, loop=stream.loop)
    except OSError as error:
        if error.errno != errno.ENODEV or group.interface[0].isdigit():
            raise
        raise UserError(
            f"streams.market_data.{feed}.interface: found {group.interface!r}, expected an "
            f"interface of this host with an IPv4 address ({error.strerror})",
            Exit.REFUSED,
        ) from error


def _listener(listen: Endpoint, key: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _bind(sock, listen, key)
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock


def _bind(sock: socket.socket, address: Endpoint, key: str) -> None:
    try:
        sock.bind((address.address, address.port))
    except OSError as error:
        sock.close()
        raise UserError(
            f"{key}: cannot listen on {address.address}:{address.port}: {error.strerror}",
            Exit.REFUSED,
        ) from error
