"""Commands that are carried out in steps: which wait, and when a step is over."""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, memset

from ironcore.base.check cimport iron_assert
from ironcore.book.order_pool cimport order_at
from ironcore.wire.record cimport (
    COMMAND_CANCEL_SESSION, COMMAND_MASS_CANCEL, COMMAND_RETIRE_INSTRUMENT, COMMAND_SET_STATE,
    EVENT_EXECUTED, MassCancel,
)


cdef inline bint _empties(const Work* work) noexcept nogil:
    cdef uint8_t type = work.command.header.type
    return type == COMMAND_SET_STATE or type == COMMAND_RETIRE_INSTRUMENT


cdef void step_begin(Engine* engine) noexcept nogil:
    engine.step_actions = 0
    engine.pegs_priced_count = 0
    engine.step_blocks_left = STEP_BLOCKS_MAX if engine.step_actions_max else <uint32_t>0xFFFFFFFF


cdef void step_count(Engine* engine) noexcept nogil:
    cdef uint32_t index
    step_begin(engine)
    for index in range(engine.events_count):
        if engine.events[index].type == EVENT_EXECUTED:
            engine.step_actions += STEP_LEFT


cdef Work* work_prepare(Engine* engine, const CommandHeader* command,
                        uint32_t command_bytes) noexcept nogil:
    cdef Work* work = work_at(engine, engine.works_count)
    iron_assert(not works_are_full(engine), "more commands wait for their steps than there is room")
    iron_assert(command_bytes <= sizeof(MassCancel), "a command that takes steps is a short one")
    memset(work, 0, sizeof(Work))
    memcpy(&work.command, command, command_bytes)
    return work


cdef void work_wait(Engine* engine) noexcept nogil:
    engine.works_count += 1
    engine_classify(engine)


cdef void work_end(Engine* engine) noexcept nogil:
    engine.works_first = (engine.works_first + 1) % WORKS_MAX
    engine.works_count -= 1
    engine_classify(engine)


cdef uint32_t _count_of(Engine* engine, uint32_t session) noexcept nogil:
    cdef uint32_t index
    cdef uint32_t count = 0
    for index in range(engine.works_count):
        count += work_at(engine, index).command.header.session == session
    return count


cdef bint works_are_full_for(Engine* engine, uint32_t session) noexcept nogil:
    return works_are_full(engine) or _count_of(engine, session) >= WORKS_A_SESSION_MAX


cdef bint work_empties(const Engine* engine, uint32_t instrument) noexcept nogil:
    cdef uint32_t index
    cdef const Work* work
    for index in range(engine.works_count):
        work = work_at(<Engine*>engine, index)
        if _empties(work) and work.command.header.instrument == instrument:
            return True
    return False


cdef const char* _work_broken(Engine* engine, const Work* work, bint is_first) noexcept nogil:
    cdef uint8_t type = work.command.header.type
    if _empties(work):
        if work.command.header.instrument >= engine.books_count:
            return b"the orders of an instrument leave that there is not"
    elif type != COMMAND_MASS_CANCEL and type != COMMAND_CANCEL_SESSION:
        return b"a command waits for its next step that has none"
    elif work.session - 1 >= engine.sessions_count or work.session_end > engine.sessions_count + 1:
        return b"a mass cancel has come to a session that there is not"
    elif _count_of(engine, work.command.header.session) > WORKS_A_SESSION_MAX:
        return b"more commands of a session wait than may"
    if work.is_begun and not is_first:
        return b"a command was begun before its turn"
    return NULL


cdef const char* _leaving_broken(Engine* engine) noexcept nogil:
    """Where the walk over an instrument's orders goes on."""
    cdef const Work* work = work_at(engine, 0)
    cdef bint is_leaving = engine.works_count != 0 and _empties(work) and work.is_begun
    cdef uint32_t unit = engine.leaving_next
    if unit == 0:
        return NULL                  # also when those that were left have left by themselves
    if not is_leaving:
        return b"a walk over leaving orders goes on that is over"
    if unit % 2 or unit > 2 * engine.arena.order_pool.fresh:
        return b"a walk over leaving orders goes on with what is no order"
    if engine.arena.slots[order_at(&engine.arena, unit).slot] != unit:
        return b"a walk over leaving orders goes on with one that is gone"
    return NULL


cdef const char* works_broken(Engine* engine) noexcept nogil:
    cdef uint32_t index
    cdef const char* broken = _leaving_broken(engine)
    if engine.works_count + engine.auctions_closing > WORKS_MAX or engine.works_first >= WORKS_MAX:
        return b"the commands that wait are miscounted"
    if engine.works_count and engine.step_actions_max == 0:
        return b"a command waits for a step though every command is one"
    if engine.is_expiring and engine.step_actions_max == 0:
        return b"orders are left to expire though every command is one step"
    if engine.sessions_plain != (0 if engine.works_count or engine.is_expiring
                                 or engine.auctions_first or engine.ends_holding
                                 else engine.sessions_count):
        return b"a command may be plain while others wait, or may not be though none does"
    for index in range(engine.works_count):
        if broken == NULL:
            broken = _work_broken(engine, work_at(engine, index), index == 0)
    return broken
