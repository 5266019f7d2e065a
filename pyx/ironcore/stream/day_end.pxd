# The end of the stream's day: which commands end it, and what is not admitted afterwards.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.engine.engine cimport Engine
from ironcore.wire.record cimport CommandHeader

cdef extern from *:
    """
    #define DAY_END_NS UINT64_C(86400000000000)
    #define DAY_END_NEVER UINT64_MAX
    """
    const uint64_t DAY_END_NS        # a day
    const uint64_t DAY_END_NEVER

cdef struct DayEnd:
    uint64_t midnight_ns             # of STREAM_START; 0: no stream yet, or one without a day
    uint64_t end_ns                  # from here on the day is over; DAY_END_NEVER: no stream yet
    uint32_t instrument_next         # those before it are closed or retired
    bint market_said                 # SYSTEM 'M' is in the stream
    bint system_said                 # SYSTEM 'E' is in the stream
    bint closed                      # nothing is left to do: every instrument is closed or retired

cdef void day_end_init(DayEnd* day) noexcept nogil
# To be told of each command of the stream that the engine has taken.
cdef void day_end_observe(DayEnd* day, const CommandHeader* header) noexcept nogil
# Writes the next command that ends the day, which the engine is to take: its bytes; or 0 when there
# is none left and `closed` is set, or none before the work that waits in the engine is done.
cdef uint32_t day_end_next(DayEnd* day, const Engine* engine, uint8_t* command) noexcept nogil
# Whether an operator's command would open an instrument.
cdef bint day_end_opens(const CommandHeader* header) noexcept nogil


cdef inline uint64_t day_ns(uint64_t time_ns, uint64_t midnight_ns) noexcept nogil:
    """ITCH's and OUCH's time: the last nanosecond of the day for all that comes after it, so that
    no field of 48 bits begins again from 0."""
    cdef uint64_t since_ns = time_ns - midnight_ns
    return since_ns if since_ns < DAY_END_NS else DAY_END_NS - 1
