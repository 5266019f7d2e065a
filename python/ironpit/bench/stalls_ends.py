"""A venue in one process whose stages are watched, and members who come back late.

    python -m ironpit.bench.stalls_ends -c FILE REPORT

is the venue: it runs until it is told to stop, and then writes what it has seen of each stage's
polls to REPORT.
"""

import socket
import sys
from pathlib import Path
from typing import Any

from ironcore.bench.stalls import Watched
from ironcore.wire import soupbin
from ironpit import config as configs
from ironpit.client.soup import connect_blocking
from ironpit.common.errors import UserError
from ironpit.common.lifecycle import Lifecycle
from ironpit.common.output import write_json
from ironpit.venue import recovery
from ironpit.venue.assembly import ProcessStages, say
from ironpit.venue.duty import run_stages

RECEIVE_BYTES = 1 << 16
LONG_NS = 20_000  # no poll is to cost more than that beyond its work


def replay(address: tuple[str, int], username: str, password: str) -> int:
    """Log in from the first message on and read until the venue has nothing more to say, which its
    heartbeat tells: how many messages there were. LoginError, OSError."""
    connection, _, sequence = connect_blocking(address, username, password, sequence=1)
    with connection:
        return _messages(connection) + sequence - 1


def _messages(connection: socket.socket) -> int:
    received, messages = bytearray(), 0
    while part := connection.recv(RECEIVE_BYTES):
        received += part
        while len(received) >= 2:
            packet_bytes = 2 + int.from_bytes(received[:2], "big")
            if len(received) < packet_bytes:
                break
            kind = soupbin.decode(bytes(received[:packet_bytes]))["kind"]
            del received[:packet_bytes]
            if kind == "ServerHeartbeat":
                return messages
            messages += kind == "SequencedData"
    raise ConnectionError("the venue closed the connection")


def seen(stage: str, watched: Watched) -> dict[str, Any]:
    """What a report holds of one stage."""
    return {
        "stage": stage,
        **watched.polls(),
        "counted": watched.counted(),
        "longest": [poll._asdict() for poll in watched.longest()],
    }


def main() -> int:
    _, file, report = sys.argv[1:]
    watched: list[tuple[str, Watched]] = []

    def watch(stage: str, agent: Any) -> Any:
        watched.append((stage, Watched(agent, agent.counters, LONG_NS)))
        return watched[-1][1]

    try:
        with Lifecycle() as lifecycle:
            config = configs.load(Path(file))
            recovery.prepare(config, None, say)
            (process,) = config.placement.processes
            code = run_stages(ProcessStages(config, process, watch), lifecycle)
    except UserError as error:
        say(str(error))
        return error.code
    write_json([seen(*one) for one in watched], report)
    return code


if __name__ == "__main__":
    sys.exit(main())
