"""Numbered datagrams to a group, to see what a wire does to them.

python -m tests.netns.datagrams send COUNT
python -m tests.netns.datagrams receive ADDRESS
"""

import json
import socket
import struct
import sys

GROUP = ("239.77.0.1", 26400)
IDLE_S = 5.0  # longer than a busy machine keeps a sender or the relay waiting
BUFFER_BYTES = 64 << 20
SO_RCVBUFFORCE = 33


def send(count: int) -> None:
    """Numbers from 1 to count."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 4)
        sock.connect(GROUP)
        for number in range(1, count + 1):
            sock.send(str(number).encode())


def receive(address: str) -> None:
    """Say "ready", then, when nothing has come for a while, the numbers as they came."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        sock.bind(GROUP)
        membership = struct.pack("4s4s", *map(socket.inet_aton, (GROUP[0], address)))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        print("ready", flush=True)
        numbers = []
        try:
            numbers.append(int(sock.recv(16)))
            sock.settimeout(IDLE_S)
            while True:
                numbers.append(int(sock.recv(16)))
        except TimeoutError:
            print(json.dumps(numbers))


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(int(sys.argv[2]))
    else:
        receive(sys.argv[2])
