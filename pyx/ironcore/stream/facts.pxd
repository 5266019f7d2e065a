# What the stream has defined so far, for everyone who reads it: the stream itself, its instruments
# and its sessions, each as its definition stands now.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.stream.day_end cimport day_ns
from ironcore.stream.directory cimport Directory
from ironcore.wire.record cimport CommandHeader, DefineInstrument, DefineSession, StreamStart

cdef enum:
    FACTS_INSTRUMENTS_MAX = 65535    # every number that ITCH's stock locate can have
    FACTS_SESSIONS_MAX = 65535

cdef struct InstrumentFacts:
    DefineInstrument defined         # as changed since; type 0: there is no such instrument
    bint is_retired

cdef struct StreamFacts:
    StreamStart start                # type 0: the stream has not begun
    uint32_t instruments_max         # that there is room for
    uint32_t sessions_max
    uint32_t instruments_end         # behind the highest id that is defined
    uint32_t sessions_end
    uint32_t sessions_count          # sessions defined
    InstrumentFacts* instruments     # by id
    DefineSession* sessions          # by id, from 1; type 0: there is no such session
    Directory directory              # instruments by symbol

# Reserves the room. STATUS_IO: the host refuses it.
cdef int facts_open(StreamFacts* facts, uint32_t instruments_max,
                    uint32_t sessions_max) noexcept nogil
cdef void facts_close(StreamFacts* facts) noexcept nogil
# Takes in what a command of the stream defines; most define nothing. STATUS_CORRUPT: a definition
# that is too short, or of a number that there is no room for.
cdef int facts_take(StreamFacts* facts, const CommandHeader* command) noexcept nogil


cdef inline bint facts_has_instrument(const StreamFacts* facts, uint32_t instrument) noexcept nogil:
    return (instrument < facts.instruments_max
            and facts.instruments[instrument].defined.header.type != 0)


cdef inline bint facts_has_session(const StreamFacts* facts, uint32_t session) noexcept nogil:
    return session <= facts.sessions_max and facts.sessions[session].header.type != 0


cdef inline uint64_t facts_day_ns(const StreamFacts* facts,
                                  const CommandHeader* command) noexcept nogil:
    """Nanoseconds from the midnight of the stream's day to the command's stamp, as ITCH and OUCH
    tell it."""
    return day_ns(command.time_ns, facts.start.midnight_ns)


cdef inline uint32_t facts_session(const StreamFacts* facts, uint32_t slot) noexcept nogil:
    """The session that owns this slot; it need not exist."""
    return slot >> facts.start.user_ref_bits

cdef class Facts:
    cdef StreamFacts facts
    cdef bytes _start(self)
