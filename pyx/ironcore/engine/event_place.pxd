# Where the events of a command go. A batch lets those of plain commands be written where its caller
# wants them, as their number is bounded. All others are written to the engine's own memory, which
# has room for whatever a command can cause, and are copied.

from libc.stdint cimport uint32_t, uint64_t

from ironcore.book.book cimport event_copy
from ironcore.engine.engine cimport ENGINE_EVENTS_HELD, Engine
from ironcore.wire.record cimport Event


cdef inline bint events_are_elsewhere(const Engine* engine) noexcept nogil:
    """Not in the engine's own memory, of which the beginning perhaps holds events of commands
    before."""
    cdef uint64_t distance_bytes = <uint64_t>(<char*>engine.events - <char*>engine.events_base)
    return distance_bytes > ENGINE_EVENTS_HELD * sizeof(Event)


cdef inline void events_withdraw(Engine* engine) noexcept nogil:
    """To the engine's own memory, with the events that the command has so far: there may be more
    than a plain command causes."""
    cdef const Event* so_far = engine.events
    cdef uint32_t index
    if events_are_elsewhere(engine):
        engine.events = engine.events_base
        for index in range(engine.events_count):
            event_copy(engine.events + index, so_far + index)
