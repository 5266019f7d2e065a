"""What must hold in a simulated venue, and the end of a simulation, when everything is compared.

What members were told and what the feed said is held against the journal after each crash. In the
end the journal has to replay to the matcher's books, and feed and members have to believe the same.
"""

from typing import NamedTuple

from libc.stdint cimport uint32_t, uint64_t

from ironcore.base.status cimport STATUS_OK
from ironcore.order_entry.protocol cimport OrderEntryProtocol
from ironcore.order_entry.reply_log cimport ReplyLog
from ironcore.order_entry.session_state cimport Sessions, sessions_close, sessions_open
from ironcore.order_entry.sessions cimport sessions_apply
from ironcore.simulation.member cimport Member, member_forget, member_recognizes
from ironcore.simulation.subscriber cimport subscriber_forget
from ironcore.simulation.venue cimport (
    INSTRUMENTS_MAX, REPLIES_BYTES_MAX, SESSIONS_MAX, USER_REF_BITS,
)
from ironcore.simulation.world cimport Odds, world_midnight_ns
from ironcore.stream.day_end cimport DAY_END_NS
from ironcore.wire.record cimport STATE_CLOSED

from ironcore.market_data.itch_feed import Feed
from ironcore.order_entry.ouch.protocol import PROTOCOL as OUCH
from ironcore.runtime.replay import Replay
from ironcore.simulation.feed_orders import feed_orders, messages_of
from ironcore.simulation.order_sources import SourceCheck
from ironcore.stream.journal_reader import JournalReader
from ironcore.wire.record import decode_frame

PLACE_DISPLAYED = 0                  # of a row of MatchingEngine.orders
LATE_KINDS = {"Accepted", "Executed", "Crossed", "Cross", "Clock"}

cdef enum:
    EVERY_GATEWAY = -1


class SimulationError(AssertionError):
    """Something that must never happen has happened. The seed brings it about again."""

    def __init__(self, seed, text):
        super().__init__(f"simulation seed {seed}: {text}")
        self.seed = seed
        self.text = text


class SimulationReport(NamedTuple):
    """What a simulation without a failure did."""

    seed: int
    policy: str
    gateways: int
    steps: int
    frames: int
    replies: int
    messages: int  # of the feed
    crashes: int
    stream_digest: str
    happened: dict[str, int]  # the stages' counters, summed over their lives, and more


cdef class Judgement(Loop):
    """A loop whose findings are held against one another."""

    def _say(self, text):
        if self.trace is not None:
            self.trace(f"{self.steps:8} {self.world.mono_ns / 1e6:12.3f} ms  {text}")

    def _fail(self, text):
        raise SimulationError(self.seed, f"step {self.steps}: {text}")

    def _set_odds_aside(self):
        """Nobody starts a venue on a disk that refuses: the odds as they were."""
        cdef Odds odds = self.world.odds
        self.world.odds.disk_error = 0
        self.world.disk_full = False
        return odds

    def _compare_with_journal(self):
        """Hold what members and subscriber know against the stream in the journal: its messages.

        Where it lost something, as it may, they forget what it does not know any more.
        """
        cdef OrderEntryProtocol ouch = OUCH
        cdef Sessions sessions
        feed = Feed()
        sources = SourceCheck(self.venue.settings.gateways,
                              lambda session: self.venue.home(session) + 1)
        messages = []
        if sessions_open(&sessions, &ouch.face.framing, SESSIONS_MAX, INSTRUMENTS_MAX,
                         USER_REF_BITS, REPLIES_BYTES_MAX) != STATUS_OK:
            raise MemoryError
        try:
            for sequence, payload in JournalReader(self.venue.disk):
                fault = sources.fault(payload)
                if fault:
                    self._fail(f"frame {sequence}: {fault}")
                messages += messages_of(feed.apply(sequence, payload))
                if sessions_apply(&sessions, &ouch.face, sequence, payload,
                                  <uint32_t>len(payload)) != STATUS_OK:
                    self._fail(f"frame {sequence} of the journal is none")
            if self.lossy:
                self.venue.network.net.feed.count = 0
                subscriber_forget(self.subscriber, len(messages))
                for i in range(self.sessions):
                    member_forget(&self.members[i], sessions.session[i + 1].log.count)
            self._compare_replies(&sessions, EVERY_GATEWAY)
        finally:
            sessions_close(&sessions)
        self.lossy = False
        had = self._subscribers_messages()
        if had != messages[:len(had)]:
            self._fail(f"the feed said {len(had)} messages, and they do not begin the "
                       f"{len(messages)} of the journal")
        return messages

    cdef int _compare_replies(self, const Sessions* sessions, int gateway) except -1:
        """Hold what this gateway's members were told against these replies."""
        cdef const ReplyLog* log
        cdef uint32_t i
        for i in range(self.sessions):
            if gateway != EVERY_GATEWAY and self.members[i].gateway != gateway:
                continue
            log = &sessions.session[i + 1].log
            known = member_recognizes(&self.members[i], log.data, log.bytes)
            if known != self.members[i].replies_count:
                self._fail(f"member {i + 1} was told {self.members[i].replies_count} replies, and "
                           f"of the {log.count} that there are only {known} are the same")
        return 0

    def _subscribers_messages(self):
        cdef uint64_t i
        return [
            self.subscriber.messages[i].data[:self.subscriber.messages[i].bytes]
            for i in range(self.subscriber.next - 1)
        ]

    def _check_end(self):
        """What everybody knows has to be the same: the report."""
        self.venue.journal_stage.finish()
        found = self._replay()
        if found.books_digest != self.venue.engine.digest():
            self._fail("the journal replays to other books than the matcher's")
        self.venue.engine.check_invariants()
        self._check_day()
        messages = self._subscribers_messages()
        if messages != self._compare_with_journal():
            self._fail("the feed is not the journal's")
        self.venue.happened.update(f"feed.{chr(message[0])}" for message in messages)
        self._check_books(feed_orders(messages))
        for i in range(self.venue.settings.gateways):
            self._compare_replies(&self.venue.gateway[i].sessions, i)
        self._check_members()
        # A journal that was finished is durable, whatever the policy.
        self.venue.lose_power()
        self._set_odds_aside()
        if not self.venue.without_newest_segment():
            self._fail("a journal without its newest segment is accepted, or was changed")
        self.venue.prepare()
        if self._replay() != found:
            self._fail("the journal, finished, replays to something else after a loss of power")
        replies = sum(self.members[i].replies_count for i in range(self.sessions))
        return SimulationReport(self.seed, self.venue.policy, self.venue.settings.gateways,
                                self.steps, found.sequence, replies, len(messages), self.crashes,
                                found.stream_digest, dict(self.venue.happened))

    def _check_day(self):
        """Behind the end of the day nothing is taken or traded, and in the end all is closed."""
        cdef uint64_t end_ns = world_midnight_ns() + DAY_END_NS
        cdef uint32_t i
        over = late = closed = goes_on = False
        for sequence, payload in JournalReader(self.venue.disk):
            records = decode_frame(payload)
            if "time_ns" in records[0]:
                late = records[0]["time_ns"] >= end_ns
                over = over or late
                goes_on = records[0]["kind"] == "Continue"
                closed = closed or (late and records[0].get("event_code") == "M")
            # Orders that were under way are carried out first.
            if not late or (goes_on and not closed):
                continue
            for kind in {record["kind"] for record in records} & LATE_KINDS:
                self._fail(f"frame {sequence}: {kind} after the end of the day")
        self.venue.happened["days_over"] += over
        for i in range(self.venue.engine.engine.books_count if over else 0):
            if self.venue.engine.engine.books[i].state != STATE_CLOSED:
                self._fail(f"instrument {i} is not closed after the end of the day")

    def _replay(self):
        found = Replay(self.venue.disk).run()
        if found.fault:
            self._fail(f"the journal does not replay: {found.fault}")
        return found

    def _check_books(self, in_feed):
        for instrument in range(self.venue.settings.instruments):
            for side in "BS":
                rows = self.venue.engine.orders(instrument, side)
                books = {int(row["order_ref"]): (int(row["quantity"]), int(row["price"]))
                         for row in rows if row["place"] == PLACE_DISPLAYED}
                if books != in_feed.get((instrument + 1, side), {}):
                    self._fail(f"instrument {instrument}, side {side}: the feed's orders are not "
                               "the matcher's")

    def _check_members(self):
        cdef Member* member
        cdef uint32_t i
        open_orders = {}
        for instrument in range(self.venue.settings.instruments):
            for side in "BS":
                for row in self.venue.engine.orders(instrument, side):
                    open_orders[int(row["slot"])] = int(row["quantity"]) + int(row["reserve"])
        for i in range(self.sessions):
            member = &self.members[i]
            for ref in range(member.user_ref_next):
                slot = (i + 1) << USER_REF_BITS | ref
                if open_orders.get(slot, 0) != member.open[ref]:
                    self._fail(f"member {i + 1} believes that {member.open[ref]} of order {ref} "
                               f"are open, and it is {open_orders.get(slot, 0)}")
