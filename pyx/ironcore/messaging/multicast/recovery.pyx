"""How a subscription gets what it misses, or gives it up: the client of the re-request server.

A gap is asked for many packets at a time. What nobody gives in `give_up_ns` is told to the handler
as a gap; before that the first missing frame that the server still has is searched for, so that
only what is gone is given up. A jump that one packet alone has shown is not given up at all before
something confirms it: the server is asked whether it knows the last frame of it.

Without a group, or when none has brought anything for `silence_ns` from the start, the server is
asked for the whole stream, always for what comes next. It is silent about what it has forgotten as
it is about what is not there yet. After `give_up_ns` of silence it is therefore also asked for
frames further and further ahead, in steps that get finer each time: whatever it still has is found,
and the search above says what is gone.
"""

from libc.stdint cimport uint8_t, uint16_t, uint64_t

from ironcore.base.counters cimport counter_add
from ironcore.messaging.multicast.belief cimport belief_put_back
from ironcore.messaging.multicast.hold cimport hold_has, hold_next
from ironcore.messaging.multicast.receiver cimport (
    MULTICAST_CURRENT, MULTICAST_LOSSES, MULTICAST_LOST_FRAMES, MULTICAST_REQUESTS, SOURCE_A,
    SOURCE_ANSWERS, SOURCE_B,
)
from ironcore.wire.moldudp64 cimport MOLD_COUNT_MAX, MOLD_HEADER_BYTES, mold_encode_request

cdef enum:
    ASKED_PACKETS_MAX = 64           # how far ahead is asked for: 90 kB of answers on their way
    PROBES = 2                       # requests for one frame, in a search, until it counts as gone
    CONFIRM_AFTER_NS = 50000000      # the stream itself may confirm a jump before
    AHEAD_MAX = 1 << 30              # frames
    AHEAD_PASSES = 12                # the steps of the last are a 2,048th of what is ahead


cdef bint recovery_alone(const MulticastReceiver* r) noexcept nogil:
    if r.sources[SOURCE_A] < 0 and r.sources[SOURCE_B] < 0:
        return True
    return r.unheard and not (r.heard_from_ns[SOURCE_A] or r.heard_from_ns[SOURCE_B])


cdef void _request(MulticastReceiver* r, uint64_t first, uint64_t count) noexcept nogil:
    cdef uint8_t packet[MOLD_HEADER_BYTES]
    mold_encode_request(packet, r.session, first, <uint16_t>min(count, <uint64_t>MOLD_COUNT_MAX))
    # A request that is not sent is asked again, as one that is lost.
    r.sockets.send_datagram(r.sockets.context, r.sources[SOURCE_ANSWERS], packet,
                            MOLD_HEADER_BYTES)
    counter_add(r.counters[MULTICAST_REQUESTS], 1)


cdef void recovery_answered(MulticastReceiver* r, uint64_t end, uint64_t count) noexcept nogil:
    """An answer shows how much fits one; what it left of what it was asked for is asked again."""
    cdef uint64_t rest_end
    if count >= r.stride:
        r.stride = count
    elif r.expected < end < r.known_end and not hold_has(&r.held, end):
        rest_end = hold_next(&r.held, end, min(r.known_end, end + r.stride - count))
        _request(r, end, rest_end - end)
        r.stride = count


cdef void _ask_ahead(MulticastReceiver* r) noexcept nogil:
    if r.ahead == 0 or r.ahead > AHEAD_MAX:
        r.ahead_finer = (r.ahead_finer + 1) % AHEAD_PASSES
        r.ahead = 1
    else:
        r.ahead += max(<uint64_t>1, r.ahead >> r.ahead_finer)
    _request(r, r.expected + r.ahead, r.stride)


cdef void _ask_next(MulticastReceiver* r, uint64_t now_ns) noexcept nogil:
    """Ask the server for what comes next, and after a long silence for what comes later as well."""
    if r.asked_ns and r.asked_end == r.expected:
        if now_ns - r.asked_ns < r.ask_again_ns:
            return
        counter_add(r.counters[MULTICAST_CURRENT], 1)
    else:
        r.gap_ns = now_ns
        r.ahead = 0
        r.ahead_finer = AHEAD_PASSES - 1
    r.asked_end = r.expected
    r.asked_ns = now_ns
    _request(r, r.expected, MOLD_COUNT_MAX)
    if now_ns - r.gap_ns >= r.give_up_ns:
        _ask_ahead(r)


cdef void _ask(MulticastReceiver* r, uint64_t now_ns) noexcept nogil:
    """Ask for what is missing and was not asked for, as far ahead as answers may be on their way;
    for all of it again when there was no answer."""
    cdef uint64_t end = min(r.known_end, r.expected + r.stride * ASKED_PACKETS_MAX)
    cdef uint64_t start
    cdef uint64_t hole_end
    cdef uint64_t count
    if r.sources[SOURCE_ANSWERS] < 0 or now_ns < r.patient_until_ns:
        return
    if r.asked_ns == 0 or now_ns - max(r.asked_ns, r.gap_ns) >= r.ask_again_ns:
        r.asked_end = r.expected
        r.asked_ns = now_ns
    end = min(end, r.expected + r.held.mask + 1)
    start = max(r.asked_end, r.expected)
    while start < end:
        if hold_has(&r.held, start):
            start += 1
            continue
        hole_end = hold_next(&r.held, start, end)
        count = min(r.stride, hole_end - start)
        if start + count == end:
            # The last one may find more room in its answer than was thought.
            _request(r, start, hold_next(&r.held, start, r.known_end) - start)
        else:
            _request(r, start, count)
        start += count
    r.asked_end = max(r.asked_end, start)


cdef bint _give_up_to(MulticastReceiver* r, const FrameHandler* handler, uint64_t end,
                      uint64_t now_ns) noexcept nogil:
    cdef uint64_t first = r.expected
    if end == first:
        return False
    r.expected = end
    r.gap_ns = now_ns
    r.asked_ns = 0
    r.search_high = 0
    counter_add(r.counters[MULTICAST_LOSSES], 1)
    counter_add(r.counters[MULTICAST_LOST_FRAMES], end - first)
    handler.gap(handler.context, first, end - first)
    return True


cdef bint multicast_give_up(MulticastReceiver* r, const FrameHandler* handler,
                            uint64_t now_ns) noexcept nogil:
    return _give_up_to(r, handler, hold_next(&r.held, r.expected, r.known_end), now_ns)


cdef bint _search(MulticastReceiver* r, const FrameHandler* handler,
                  uint64_t now_ns) noexcept nogil:
    """Nobody gives the next frame: bisect for the first that the server has, and give up what is
    before it. What a server forgets it forgets from the oldest on. Whether it was given up."""
    cdef uint64_t end = hold_next(&r.held, r.expected, r.known_end)
    if r.search_high == 0:
        r.search_low = r.expected
        r.search_high = end
        r.search_at = 0
    r.search_high = min(r.search_high, end)
    if r.search_low >= r.search_high:
        r.search_low = r.expected    # the answer had been on its way for longer than was thought
    elif r.search_low < r.search_at < r.search_high:
        if now_ns - r.search_ns < r.ask_again_ns:
            return False
        if r.search_tries < PROBES:
            r.search_tries += 1
            r.search_ns = now_ns
            _request(r, r.search_at, r.stride)
            return False
        r.search_low = r.search_at
    if r.search_high - r.search_low <= 1:
        return _give_up_to(r, handler, r.search_high, now_ns)
    r.search_at = r.search_low + (r.search_high - r.search_low) // 2
    r.search_tries = 1
    r.search_ns = now_ns
    _request(r, r.search_at, r.stride)
    return False


cdef void _ask_whether(MulticastReceiver* r, uint64_t now_ns) noexcept nogil:
    """Ask for the last frame of a jump that only one packet has shown: an answer confirms it."""
    if (r.sources[SOURCE_ANSWERS] >= 0 and now_ns - r.doubt_ns >= CONFIRM_AFTER_NS
            and now_ns - r.doubt_asked_ns >= r.ask_again_ns):
        r.doubt_asked_ns = now_ns
        _request(r, r.doubt_end - 1, 1)


cdef void _note_silence(MulticastReceiver* r, uint64_t now_ns) noexcept nogil:
    """Whether the groups have been silent for so long from the start that the server is asked."""
    r.unheard = (r.sources[SOURCE_ANSWERS] >= 0 and r.session_known and r.expected != 0
                 and now_ns - r.started_ns >= r.silence_ns)


cdef bint recovery_mind_gap(MulticastReceiver* r, const FrameHandler* handler,
                            uint64_t now_ns) noexcept nogil:
    if r.expected >= r.known_end or hold_has(&r.held, r.expected):
        _note_silence(r, now_ns)
        if recovery_alone(r):
            _ask_next(r, now_ns)
        return False
    if r.replaced:
        return multicast_give_up(r, handler, now_ns)
    if now_ns - r.gap_ns >= r.give_up_ns:
        if not r.doubt_end or hold_next(&r.held, r.expected, r.known_end) < r.doubt_first:
            if r.sources[SOURCE_ANSWERS] < 0:
                return multicast_give_up(r, handler, now_ns)
            return _search(r, handler, now_ns)
        # Silent altogether, the stream has not gone on without the jump either.
        if (now_ns - r.doubt_ns >= r.silence_ns
                and r.heard_ns - r.doubt_ns >= CONFIRM_AFTER_NS):
            belief_put_back(r, r.expected, now_ns)
        else:
            _ask_whether(r, now_ns)
        return False
    _ask(r, now_ns)
    return False
