"""What the stream has defined so far: the stream itself, its instruments and its sessions."""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, memset

from ironcore.base.memory cimport memory_release, memory_reserve
from ironcore.base.status cimport STATUS_CORRUPT, STATUS_IO, STATUS_OK
from ironcore.stream.directory cimport directory_add, directory_close, directory_open
from ironcore.stream.walk cimport Walk, walk_take
from ironcore.wire.record cimport (
    COMMAND_CHANGE_INSTRUMENT, COMMAND_DEFINE_INSTRUMENT, COMMAND_DEFINE_SESSION,
    COMMAND_RETIRE_INSTRUMENT, COMMAND_STREAM_START, RECORD_VERSION,
)

cdef enum:
    USER_REF_BITS_MAX = 31


cdef int facts_open(StreamFacts* facts, uint32_t instruments_max,
                    uint32_t sessions_max) noexcept nogil:
    memset(facts, 0, sizeof(StreamFacts))
    facts.instruments_max = instruments_max
    facts.sessions_max = sessions_max
    facts.instruments = <InstrumentFacts*>memory_reserve(
        instruments_max * <uint64_t>sizeof(InstrumentFacts))
    facts.sessions = <DefineSession*>memory_reserve(
        (sessions_max + 1) * <uint64_t>sizeof(DefineSession))
    if (facts.instruments == NULL or facts.sessions == NULL
            or directory_open(&facts.directory, instruments_max) != STATUS_OK):
        facts_close(facts)
        return STATUS_IO
    return STATUS_OK


cdef void facts_close(StreamFacts* facts) noexcept nogil:
    memory_release(facts.instruments, facts.instruments_max * <uint64_t>sizeof(InstrumentFacts))
    memory_release(facts.sessions, (facts.sessions_max + 1) * <uint64_t>sizeof(DefineSession))
    directory_close(&facts.directory)
    facts.instruments = NULL
    facts.sessions = NULL


cdef int _take_start(StreamFacts* facts, const StreamStart* command) noexcept nogil:
    if (command.header.record_bytes < sizeof(StreamStart) or command.version != RECORD_VERSION
            or command.user_ref_bits > USER_REF_BITS_MAX):
        return STATUS_CORRUPT
    facts.start = command[0]
    return STATUS_OK


cdef int _take_instrument(StreamFacts* facts, const DefineInstrument* command) noexcept nogil:
    cdef InstrumentFacts* instrument
    cdef char symbol[8]
    cdef uint8_t initial_state
    if (command.header.record_bytes < sizeof(DefineInstrument)
            or command.header.instrument >= facts.instruments_max):
        return STATUS_CORRUPT
    instrument = &facts.instruments[command.header.instrument]
    if command.header.type == COMMAND_CHANGE_INSTRUMENT:
        if instrument.defined.header.type == 0:
            return STATUS_CORRUPT
        # The symbol and the state at the start stay, whatever the command says.
        memcpy(symbol, instrument.defined.symbol, sizeof(symbol))
        initial_state = instrument.defined.initial_state
        instrument.defined = command[0]
        memcpy(instrument.defined.symbol, symbol, sizeof(symbol))
        instrument.defined.initial_state = initial_state
        return STATUS_OK
    facts.instruments_end = max(facts.instruments_end, command.header.instrument + 1)
    instrument.defined = command[0]
    if directory_add(&facts.directory, command.symbol, command.header.instrument) != STATUS_OK:
        return STATUS_CORRUPT
    return STATUS_OK


cdef int _take_session(StreamFacts* facts, const DefineSession* command) noexcept nogil:
    if (command.header.record_bytes < sizeof(DefineSession)
            or command.header.session > facts.sessions_max):
        return STATUS_CORRUPT
    facts.sessions_count += facts.sessions[command.header.session].header.type == 0
    facts.sessions_end = max(facts.sessions_end, command.header.session + 1)
    facts.sessions[command.header.session] = command[0]
    return STATUS_OK


cdef int facts_take(StreamFacts* facts, const CommandHeader* command) noexcept nogil:
    if command.type > COMMAND_RETIRE_INSTRUMENT:
        return STATUS_OK
    if command.type == COMMAND_STREAM_START:
        return _take_start(facts, <const StreamStart*>command)
    if command.type == COMMAND_DEFINE_INSTRUMENT or command.type == COMMAND_CHANGE_INSTRUMENT:
        return _take_instrument(facts, <const DefineInstrument*>command)
    if command.type == COMMAND_DEFINE_SESSION:
        return _take_session(facts, <const DefineSession*>command)
    if command.type == COMMAND_RETIRE_INSTRUMENT:
        if not facts_has_instrument(facts, command.instrument):
            return STATUS_CORRUPT
        facts.instruments[command.instrument].is_retired = True
    return STATUS_OK


cdef class Facts:
    """What a stream has defined, gathered from its frames; for the control plane.

    Definitions are the commands of docs/WIRE.md as they stand now, header included.
    """

    def __cinit__(self):
        if facts_open(&self.facts, FACTS_INSTRUMENTS_MAX, FACTS_SESSIONS_MAX) != STATUS_OK:
            raise MemoryError

    def __dealloc__(self):
        facts_close(&self.facts)

    def take(self, const uint8_t[::1] command):
        """Take in a frame, or a command, of the stream. Frames of events say nothing new.
        ValueError: a definition that is none."""
        cdef Walk walk
        if command.shape[0] and command[0] > COMMAND_RETIRE_INSTRUMENT:
            return
        walk.sequence = 0
        walk.open = False
        if (command.shape[0] == 0
                or walk_take(&walk, 1, &command[0], <uint32_t>command.shape[0]) != STATUS_OK
                or facts_take(&self.facts, <const CommandHeader*>walk.command) != STATUS_OK):
            raise ValueError("found a definition that is malformed, or out of place")

    cdef bytes _start(self):
        return (<const char*>&self.facts.start)[:sizeof(StreamStart)]

    @property
    def start(self):
        """STREAM_START, or None before it."""
        return self._start() if self.facts.start.header.type else None

    @property
    def instruments(self):
        """Id to DEFINE_INSTRUMENT, as changed since."""
        cdef uint32_t i
        return {
            i: (<const char*>&self.facts.instruments[i].defined)[:sizeof(DefineInstrument)]
            for i in range(self.facts.instruments_end) if facts_has_instrument(&self.facts, i)
        }

    @property
    def retired(self):
        """Ids of the instruments that are retired."""
        cdef uint32_t i
        retired = set()
        for i in range(self.facts.instruments_end):
            if self.facts.instruments[i].is_retired:
                retired.add(i)
        return retired

    @property
    def sessions(self):
        """Id to DEFINE_SESSION."""
        cdef uint32_t i
        return {
            i: (<const char*>&self.facts.sessions[i])[:sizeof(DefineSession)]
            for i in range(1, self.facts.sessions_end) if facts_has_session(&self.facts, i)
        }
