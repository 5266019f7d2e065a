"""A wire that is a program: `python -m tests.netns.relay PORTS HARM`, in the wire's namespace.

Carries every Ethernet frame from each port p0, p1 … to all others. IPv4 packets suffer the harm;
everything else (ARP) passes. Says "ready", and, when its standard input is closed, how many packets
it harmed.
"""

import json
import selectors
import socket
import sys

from tests.conformance.harm import Channel, Harm

ETH_P_ALL = 3
PACKET_OUTGOING = 4
IPV4 = b"\x08\x00"
ETHERTYPE = slice(12, 14)
BUFFER_BYTES = 64 << 20
SO_RCVBUFFORCE = 33
SO_SNDBUFFORCE = 32
FRAME_BYTES_MAX = 65_536
HELD_S = 0.005


class Cable:
    """What leaves by one port."""

    def __init__(self, port: socket.socket, harm: Harm, seed: int) -> None:
        self.port = port
        self.channel = Channel(harm, seed, port.send)

    def carry(self, frame: bytes) -> None:
        """Only IPv4 suffers: a lost answer of ARP would delay a whole second."""
        if frame[ETHERTYPE] == IPV4:
            self.channel.carry(frame)
        else:
            self.port.send(frame)


def open_port(name: str) -> socket.socket:
    """All that arrives at a port."""
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    port.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    port.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES)
    port.bind((name, ETH_P_ALL))
    port.settimeout(0)
    return port


def main() -> None:
    harm = Harm(**json.loads(sys.argv[2]))
    ports = [open_port(f"p{index}") for index in range(int(sys.argv[1]))]
    cables = [Cable(port, harm, harm.seed + index) for index, port in enumerate(ports)]
    selector = selectors.DefaultSelector()
    for index, port in enumerate(ports):
        selector.register(port, selectors.EVENT_READ, index)
    selector.register(sys.stdin, selectors.EVENT_READ, -1)
    print("ready", flush=True)
    while True:
        events = selector.select(HELD_S)
        if not events:
            for cable in cables:
                cable.channel.release()
        for key, _ in events:
            if key.data < 0:
                print(sum(cable.channel.harmed for cable in cables))
                return
            pass_on(ports[key.data], cables[: key.data] + cables[key.data + 1 :])


def pass_on(port: socket.socket, cables: list[Cable]) -> None:
    """Everything that waits at a port to all others."""
    while True:
        try:
            frame, address = port.recvfrom(FRAME_BYTES_MAX)
        except BlockingIOError:
            return
        if address[2] == PACKET_OUTGOING:
            continue
        for cable in cables:
            cable.carry(frame)


if __name__ == "__main__":
    main()
