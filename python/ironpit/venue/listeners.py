"""The venue's sockets, opened before the stages start. Errors name the key of the configuration."""

import socket

from ironpit.common.errors import Exit, UserError
from ironpit.config import Config, Endpoint
from ironpit.config.gateways import Gateway

BACKLOG = 128


def order_entry(gateway: Gateway) -> socket.socket:
    """The listening TCP socket of a gateway, non-blocking."""
    return _listener(gateway.settings.listen, f"{gateway.key}.listen")


def snapshot(config: Config) -> socket.socket | None:
    """The listening TCP socket of the snapshot server, if there is to be one."""
    settings = config.streams.market_data.snapshot
    if settings is None:
        return None
    return _listener(settings.listen, "streams.market_data.snapshot.listen")


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
