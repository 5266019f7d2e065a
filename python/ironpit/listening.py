"""The venue's sockets, opened before the stages start. Errors name the key of the configuration."""

import fcntl
import socket
import struct

from ironpit.config import Config, Endpoint
from ironpit.errors import Exit, UserError

SIOCGIFADDR = 0x8915
BACKLOG = 128


def order_entry(config: Config) -> socket.socket:
    """The listening TCP socket of the gateway, non-blocking."""
    listen = config.order_entry.listen
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _bind(sock, listen, "order_entry.listen")
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock


def rerequest(config: Config) -> socket.socket:
    """The UDP socket on which subscribers ask for what they lost."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    _bind(sock, config.streams.market_data.rerequest.listen, "streams.market_data.rerequest.listen")
    sock.setblocking(False)
    return sock


def market_data(config: Config) -> socket.socket:
    """The UDP socket connected to the multicast group. Raises OSError when there is no route."""
    stream = config.streams.market_data
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, stream.ttl)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        interface = socket.inet_aton(interface_address(stream.a.interface))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        sock.connect((stream.a.group.address, stream.a.group.port))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def interface_address(interface: str) -> str:
    """The IPv4 address of an interface given by name, or the address itself."""
    try:
        socket.inet_aton(interface)
    except OSError:
        request = struct.pack("16s240x", interface.encode()[:15])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            reply = fcntl.ioctl(sock.fileno(), SIOCGIFADDR, request)
        return socket.inet_ntoa(reply[20:24])
    return interface


def _bind(sock: socket.socket, address: Endpoint, key: str) -> None:
    try:
        sock.bind((address.address, address.port))
    except OSError as error:
        sock.close()
        raise UserError(
            f"{key}: cannot listen on {address.address}:{address.port}: {error.strerror}",
            Exit.REFUSED,
        ) from error
