# The matcher's CLOCK, and what it comes before. Once a second the matcher sequences one, which the
# engine takes only when something depends on it: orders that expire, pauses that end, auctions that
# are announced. No command of a later second comes before it, so that nothing executes whose time
# is over (rule 5.9), and none that brings a time of its own is judged by an older one (4.9.8).
#
# It is in line, so that what each command asks is compiled in one piece with the matcher.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.book.limits cimport TIME_IN_FORCE_GTT
from ironcore.engine.engine cimport Engine
from ironcore.stream.day_end cimport DayEnd
from ironcore.wire.record cimport (
    COMMAND_CLOCK, COMMAND_ENTER_ORDER, COMMAND_REPLACE_ORDER, INSTRUMENT_NONE, ClockCommand,
    CommandHeader, EnterOrder, ReplaceOrder,
)

cdef enum:
    SECOND_NS = 1000000000
    SECONDS_A_DAY = 86400

cdef extern from *:
    """
    #define SECOND_NEVER UINT64_MAX
    """
    const uint64_t SECOND_NEVER

cdef struct MatcherClock:
    uint64_t second_last             # of the day, that CLOCK was tried for
    uint64_t second_end_ns           # its end; 0: none was tried yet; SECOND_NEVER: none will be
    bint is_asked                    # a CLOCK is wanted though nothing is due with it


cdef inline void matcher_clock_init(MatcherClock* clock) noexcept nogil:
    memset(clock, 0, sizeof(MatcherClock))
    clock.second_end_ns = SECOND_NEVER


cdef inline void matcher_clock_begin_day(MatcherClock* clock, const DayEnd* day) noexcept nogil:
    """Behind STREAM_START."""
    clock.second_end_ns = 0 if day.midnight_ns else SECOND_NEVER


cdef inline bint matcher_clock_is_due(const MatcherClock* clock, const DayEnd* day,
                                      uint64_t now) noexcept nogil:
    """Whether a second has begun that CLOCK has not been tried for."""
    return now >= clock.second_end_ns and now < day.end_ns


cdef inline bint matcher_clock_is_asked(const MatcherClock* clock, const Engine* engine,
                                        const CommandHeader* header) noexcept nogil:
    """Whether it is an order that is good till a time: that is judged by the last CLOCK that was
    taken, which may be old."""
    cdef uint8_t time_in_force = 0
    if header.type == COMMAND_ENTER_ORDER:
        time_in_force = (<const EnterOrder*>header).time_in_force
    elif header.type == COMMAND_REPLACE_ORDER:
        time_in_force = (<const ReplaceOrder*>header).time_in_force
    return (time_in_force == TIME_IN_FORCE_GTT and engine.second_next <= clock.second_last
            and clock.second_end_ns != SECOND_NEVER)


cdef inline uint32_t matcher_clock_next(MatcherClock* clock, const DayEnd* day, uint64_t now,
                                        uint8_t* command) noexcept nogil:
    """Writes the CLOCK that the engine is to be offered now: its bytes, or 0."""
    cdef ClockCommand* tick = <ClockCommand*>command
    cdef uint64_t second
    if day.midnight_ns == 0 or not (clock.is_asked or matcher_clock_is_due(clock, day, now)):
        return 0
    second = (now - day.midnight_ns) // SECOND_NS
    if second >= SECONDS_A_DAY:
        clock.second_end_ns = SECOND_NEVER
        return 0
    clock.second_last = second
    clock.second_end_ns = day.midnight_ns + (second + 1) * SECOND_NS
    memset(tick, 0, sizeof(ClockCommand))
    tick.header.type = COMMAND_CLOCK
    tick.header.record_bytes = sizeof(ClockCommand)
    tick.header.instrument = INSTRUMENT_NONE
    tick.second = <uint32_t>second
    tick.force = clock.is_asked
    clock.is_asked = False
    return sizeof(ClockCommand)
