# The second of the day, as the venue says it: rule 2.10 of docs/MATCHING_RULES.md. What is due with
# it: good-till-time orders (5.9), pauses that end by themselves (13.9), indicative prices (14.8).

from ironcore.engine.engine cimport Engine
from ironcore.wire.record cimport ClockCommand

# One whole record of a stream that has started; the status that engine_apply is to return.
cdef int clock_advance(Engine* engine, ClockCommand* command) noexcept nogil
# Seconds count from 0 again: nothing expires, and pauses count from the next CLOCK on.
cdef void clock_begin_day(Engine* engine) noexcept nogil
# One more step of what a CLOCK has left to expire (18.13).
cdef void expiry_step(Engine* engine) noexcept nogil
