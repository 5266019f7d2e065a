"""What a subscription believes of the numbers in packets, which anybody can send.

No single datagram may make everything that is real look old, or end the stream:

- A number far beyond what is known (`jump_max`) is dropped, and believed when the next packets of
  the session go on from it, as after a long outage.
- A jump within that is asked for, but not given up before a second packet, or the re-request
  server, confirms it. The next packet does, or the next heartbeat.
- Packets that go on below what is known, while none shows it any more, put it back.
- An end of session counts when it is told twice, or when nothing follows it for long.

So one forged datagram with a number ahead costs no frame, nor do several that come together: the
heartbeats of a quiet stream put them back before `give_up_ns` (two of them, 0.5 s after the last
that was forged). Who repeats them more often than that for as long as `give_up_ns` makes a
subscription give up what they show, up to `jump_max` frames. And who forges the very next number
has their message taken for the stream's: MoldUDP64 does not say who has sent a packet. Only the
network can keep such a sender out of a group.
"""

from libc.stdint cimport uint64_t

from ironcore.base.counters cimport counter_add
from ironcore.messaging.multicast.hold cimport hold_trim
from ironcore.messaging.multicast.receiver cimport (
    MULTICAST_ABSURD, MULTICAST_JUMPS, SOURCE_ANSWERS, MulticastReceiver,
)
from ironcore.wire.moldudp64 cimport MOLD_COUNT_END_OF_SESSION, MoldHeader

cdef enum:
    LOWS_CONFIRM = 2                 # packets
    REPEAT_NS = 50000000             # a number shown again after this is no copy of the same packet
    CONTRADICT_NS = 500000000        # no group is behind the other, or overtaken, by so much


cdef bint belief_in(MulticastReceiver* r, uint64_t first, uint64_t end,
                    uint64_t now_ns) noexcept nogil:
    if end <= r.known_end or end - r.known_end <= r.jump_max:
        if r.batch_source != SOURCE_ANSWERS:
            r.absurd_next = 0        # the stream is not there
        return True
    if r.absurd_next and end == r.absurd_next and first == end:
        if now_ns - r.absurd_ns < REPEAT_NS:
            return False             # the other group's copy
    elif not r.absurd_next or first < r.absurd_next or first - r.absurd_next > r.jump_max:
        r.absurd_next = end
        r.absurd_ns = now_ns
        return False
    r.absurd_next = 0
    counter_add(r.counters[MULTICAST_JUMPS], 1)
    return True


cdef void belief_put_back(MulticastReceiver* r, uint64_t end, uint64_t now_ns) noexcept nogil:
    r.known_end = max(end, r.expected)
    hold_trim(&r.held, r.expected, r.known_end)
    r.asked_end = min(r.asked_end, r.known_end)
    r.doubt_end = 0
    r.search_high = 0
    if r.end_told > r.known_end:
        r.end_told = 0
        r.session_end = 0
    r.top_ns = now_ns
    r.lows = 0
    r.low_end = 0
    counter_add(r.counters[MULTICAST_ABSURD], 1)


cdef void belief_weigh(MulticastReceiver* r, uint64_t first, uint64_t end,
                       uint64_t now_ns) noexcept nogil:
    if r.doubt_end and (end > r.doubt_end
                        or (end == r.doubt_end and now_ns - r.doubt_ns >= REPEAT_NS)):
        r.doubt_end = 0
    if first > r.known_end:
        r.doubt_first = first
        r.doubt_end = end
        r.doubt_ns = now_ns
        r.doubt_asked_ns = now_ns
    if end >= r.known_end:
        r.top_ns = now_ns
        r.lows = 0
        r.low_end = 0
    elif (r.expected < r.known_end and r.batch_source != SOURCE_ANSWERS
            and now_ns - r.top_ns >= CONTRADICT_NS):
        r.low_end = max(r.low_end, end)
        r.lows += 1
        if r.lows >= LOWS_CONFIRM:
            belief_put_back(r, r.low_end, now_ns)


cdef void belief_note_end(MulticastReceiver* r, const MoldHeader* header,
                          uint64_t end) noexcept nogil:
    if header.message_count == MOLD_COUNT_END_OF_SESSION:
        if end == r.known_end:
            if r.end_told == end:
                r.session_end = end
            r.end_told = end
    elif (r.end_told and r.batch_source != SOURCE_ANSWERS
            and (header.message_count == 0 or end > r.end_told)):
        r.end_told = 0
        r.session_end = 0
