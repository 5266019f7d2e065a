"""Shared memory: a ring that its readers map. It is there from the start, made if it is not."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ironcore.messaging import shm
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.shm import ShmPublication, ShmSubscription, positions
from ironcore.runtime import pipeline
from ironpit.common.errors import Exit, UserError
from ironpit.config import scalars
from ironpit.config.scalars import show_size
from ironpit.transport.ends import (
    Counting,
    News,
    Offer,
    Option,
    Say,
    Source,
    Transport,
    Where,
    Without,
    WrongError,
    reason_of,
)
from ironpit.transport.multicast import Opened
from ironpit.transport.notices import RingNews

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
RING_BYTES = 64 * MIB
PATIENCE_NS = 5_000_000_000
WISHES = ("huge_pages", "lock", "numa_node")
WISH = scalars.pattern("off|auto|require", "one of off, auto, require")
READER = scalars.pattern(r"[A-Za-z0-9_-]{1,31}", "1 to 31 letters, digits, _ and -")
NAMES = scalars.pattern(r"[A-Za-z0-9_-]{1,15}(,[A-Za-z0-9_-]{1,15})*", "names with commas between")
TIME = scalars.duration(10_000_000, 3_600_000_000_000)


class RingSource(Source):
    """A reader of a ring."""

    end: ShmSubscription

    @property
    def session(self) -> str | None:
        reader = self.end.reader
        empty = reader.oldest_sequence() == reader.tail_sequence()
        return self.end.session or (None if empty else "")

    @property
    def identity(self) -> str:
        return self.end.reader.identity

    @property
    def session_next(self) -> str:
        return self.end.session_next

    def news(self, say: Say) -> News | None:
        return RingNews(self.end, say)


class OpenRing(Offer):
    """A ring that somebody else has made."""

    def _open(self, session: str, **more: Any) -> Opened[Any]:
        end = ShmPublication(self.where.path, self.counting(shm.PUBLICATION_COUNTERS))
        return Opened(end, [])


class KeptRing(OpenRing):
    """A ring that is made if it is not there, and made anew for another session."""

    keeps = True

    def __init__(self, where: Where, counting: Counting, say: Say) -> None:
        super().__init__(where, counting, say)
        self._file: os.stat_result | None = None
        options = where.options
        try:
            if where.path.exists():
                self._note_capacity()
            else:
                created = pipeline.create_relay_ring(
                    where.path,
                    options.get("capacity_bytes", RING_BYTES),
                    readers=options["readers"].split(",") if "readers" in options else [],
                    patience_ns=options.get("patience_ns", PATIENCE_NS),
                    **self._wishes(),
                )
                self._note_made(created)
            self._produce()
        except (OSError, ValueError) as error:
            raise UserError(f"{where.said}: {reason_of(error)}", Exit.REFUSED) from error

    def _wishes(self) -> dict[str, Any]:
        return {name: self.where.options[name] for name in WISHES if name in self.where.options}

    def _produce(self) -> None:
        """The one producer of the ring that is there."""
        self.publish("")
        self._file = self.where.path.stat()

    @property
    def _ring(self) -> ShmPublication:
        end = self.end
        assert isinstance(end, ShmPublication)
        return end

    @property
    def taken_away(self) -> bool:
        """Whether the path leads no longer to the ring that is written: nobody new will find it."""
        if self._file is None:
            return False
        try:
            return not os.path.samestat(self.where.path.stat(), self._file)
        except FileNotFoundError:
            return True

    @property
    def session(self) -> str:
        return self._ring.producer.session

    @property
    def identity(self) -> str:
        return self._ring.producer.identity

    def begin(self, session: str, identity: str) -> PublicationEnd:
        self._ring.producer.name_session(session, identity)
        return self._ring

    def begin_anew(self, session: str) -> None:
        """Tell the ring's readers that its stream is over, and put a new ring in its place, of the
        same size and for the same readers."""
        self._ring.end()
        try:
            created = pipeline.renew_relay_ring(self.where.path, session, **self._wishes())
            self._produce()
        except (OSError, ValueError) as error:
            raise UserError(f"{self.where.said}: {reason_of(error)}", Exit.REFUSED) from error
        self._note_made(created)

    def _note_made(self, created: pipeline.Created) -> None:
        """What came of wishes that the host or the ring's layout could not meet to the letter."""
        what = f"--to shm:{self.where.path}"
        if created.capacity_bytes != created.capacity_bytes_asked:
            text = scalars.rounding(created.capacity_bytes_asked, created.capacity_bytes)
            self.say(f"{what}: capacity: {text}")
        for name, found in (("numa_node", created.numa), ("lock", created.locked)):
            if found.startswith("not"):
                self.say(f"{what}: {name}: {found}")

    def _note_capacity(self) -> None:
        """A ring that is there stays as it is, whatever size was asked for."""
        asked = self.where.options.get("capacity_bytes")
        there = positions(self.where.path).capacity_bytes
        if asked is not None and pipeline.ring_capacity(self.where.path, asked) != there:
            self.say(
                f"--to shm:{self.where.path}: capacity={show_size(asked)} is not used: the ring is "
                f"there, with {show_size(there)}"
            )


class Shm(Transport):
    """Rings."""

    name = "shm"
    usage = "shm:PATH"
    rings = True
    from_options: ClassVar[Mapping[str, Option]] = {
        "reader": Option(READER, "reader"),
        "from": Option(scalars.pattern("oldest|now", "one of oldest, now"), "from_"),
    }
    to_options: ClassVar[Mapping[str, Option]] = {
        "capacity": Option(scalars.size(64 * KIB, 4 * GIB, power_of_two=False), "capacity_bytes"),
        "readers": Option(NAMES, "readers"),
        "patience": Option(TIME, "patience_ns"),
        "huge_pages": Option(WISH, "huge_pages"),
        "lock": Option(WISH, "lock"),
        "numa_node": Option(scalars.integer(0, 1023), "numa_node"),
    }

    def place(self, text: str) -> Mapping[str, Any]:
        if not text:
            raise WrongError("no path", self.usage)
        return {"path": Path(text)}

    def same(self, read: Where, written: Where) -> bool:
        return read.path.resolve() == written.path.resolve()

    def configured(
        self, stream: Any, key: str, *, publishes: bool, refuse: bool
    ) -> Mapping[str, Any]:
        return {"path": stream.path}

    def offer(
        self, where: Where, counting: Counting, say: Say, without: Without | None = None
    ) -> Offer:
        # The rings of a venue are made before its stages start.
        ring = OpenRing if where.parted else KeptRing
        return ring(where, counting, say)

    def subscribe(
        self, where: Where, counting: Counting, say: Say, *, sequence: int = 1, session: str = ""
    ) -> Source:
        options = where.options
        end = ShmSubscription(
            where.path,
            options.get("reader", ""),
            from_=options.get("from_", "oldest"),
            counters=counting(shm.SUBSCRIPTION_COUNTERS),
            session=where.session,
        )
        return RingSource(where, Opened(end, []))


TRANSPORT = Shm()
