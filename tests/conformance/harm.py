"""What a network may do to packets, from a seed."""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Harm:
    """Parts in a hundred of the packets, each receiver's copy by itself.

    burst_packets: losses come so many in a row; 1 is each by itself. reordered_by: by how many
    others a packet is overtaken at most. in_user_space: not by the kernel, even if it could.
    """

    loss: int = 0
    burst_packets: int = 1
    duplicated: int = 0
    reordered: int = 0
    reordered_by: int = 8
    in_user_space: bool = False
    seed: int = 1


class Channel:
    """What one receiver gets, and what happens to it on the way. send: delivers one packet."""

    def __init__(self, harm: Harm, seed: int, send: Callable[[bytes], object]) -> None:
        self.harm = harm
        self.send = send
        self.random = random.Random(seed)
        self.losing = 0
        self.held: deque[tuple[int, bytes]] = deque()
        self.harmed = 0

    def carry(self, packet: bytes) -> None:
        """Send it on, or not, or twice, or later."""
        harm = self.harm
        if self._lost():
            self.harmed += 1
            return
        if self.random.randrange(100) < harm.reordered:
            self.harmed += 1
            self.held.append((1 + self.random.randrange(harm.reordered_by), packet))
            return
        self.send(packet)
        if self.random.randrange(100) < harm.duplicated:
            self.harmed += 1
            self.send(packet)
        self._age()

    def release(self) -> None:
        """Nothing follows that could overtake what is held."""
        while self.held:
            self.send(self.held.popleft()[1])

    def _lost(self) -> bool:
        """One in so many begins a burst, so that the share is what was asked for."""
        if self.losing:
            self.losing -= 1
            return True
        harm = self.harm
        between = harm.burst_packets * (100 - harm.loss)
        if harm.loss and self.random.randrange(between) < harm.loss:
            self.losing = harm.burst_packets - 1
            return True
        return False

    def _age(self) -> None:
        for _ in range(len(self.held)):
            others, packet = self.held.popleft()
            if others > 1:
                self.held.append((others - 1, packet))
            else:
                self.send(packet)
