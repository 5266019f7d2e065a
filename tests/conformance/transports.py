"""All transports by name."""

import json
from typing import Any

from tests.conformance.multicast import Multicast
from tests.conformance.shm import Shm
from tests.conformance.tcp import Tcp, TcpConflated
from tests.conformance.transport import Transport

TRANSPORTS: dict[str, type[Transport]] = {
    kind.name: kind for kind in (Shm, Multicast, Tcp, TcpConflated)
}


def from_json(text: str) -> Transport:
    """The transport that `as_json` wrote."""
    found: dict[str, Any] = json.loads(text)
    return TRANSPORTS[found["name"]](**found["fields"])
