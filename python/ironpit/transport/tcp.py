"""Listening sockets of TCP publications."""

import socket

from ironpit.common.errors import Exit, UserError
from ironpit.config import Endpoint

BACKLOG = 128


def listen(address: Endpoint, what: str) -> socket.socket:
    """A listening TCP socket, non-blocking. UserError, which begins with `what`, when the host
    refuses the address."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address.address, address.port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise UserError(
            f"{what}: cannot listen on {address}: {error.strerror}", Exit.REFUSED
        ) from error
    sock.setblocking(False)
    return sock
