# Commands that are carried out in steps: section 18 of docs/MATCHING_RULES.md. A command that is
# not done when its step is over waits, behind those that wait already, for CONTINUE. What a step
# does is said where the command is; here is what waits, and when a step is over.
#
# The place behind the last that waits is where a command is prepared, whether or not it will wait.

from libc.stdint cimport uint32_t, uint64_t

from ironcore.book.book cimport Book
from ironcore.engine.engine cimport WORKS_MAX, Engine, Work
from ironcore.wire.record cimport CommandHeader

cdef enum:
    STEP_LOOKED = 1                  # rule 18.2: actions of an order looked at,
    STEP_LEFT = 16                   # of one that leaves, executes, trails or comes to its turn
    STEP_COUNTED = 8                 # of each order that one which executes at once may count
    STEP_MET = 4                     # of each order that an auction comes to,
    STEP_PAIRED = 32                 # of each pair that executes in it,
    STEP_CHANGED = 64                # and of the change of state that it is for
    STEP_RANKED = 8                  # of each order of a round that goes by size
    STEP_BLOCKS_MAX = 8192           # of 64 numbers
    WORKS_A_SESSION_MAX = 8          # rule 18.5: of WORKS_MAX, so that one leaves room for others

# A command, to be carried out from its beginning; command_bytes at most a MassCancel's. Only if
# works_are_full says that there is room.
cdef Work* work_prepare(Engine* engine, const CommandHeader* command,
                        uint32_t command_bytes) noexcept nogil
# What was prepared waits.
cdef void work_wait(Engine* engine) noexcept nogil
# The first that waits is done.
cdef void work_end(Engine* engine) noexcept nogil
cdef void step_begin(Engine* engine) noexcept nogil
# As step_begin; what the command in hand has executed so far counts.
cdef void step_count(Engine* engine) noexcept nogil
# Whether a session's command that takes several steps finds no room to wait.
cdef bint works_are_full_for(Engine* engine, uint32_t session) noexcept nogil
# Whether an instrument's orders are leaving, all of them or those of the day.
cdef bint work_empties(const Engine* engine, uint32_t instrument) noexcept nogil
# The first broken rule, or NULL.
cdef const char* works_broken(Engine* engine) noexcept nogil


cdef inline void engine_classify(Engine* engine) noexcept nogil:
    """To be called when a session was defined, and after every change of works_count, is_expiring,
    auctions_first and ends_holding."""
    engine.sessions_plain = 0
    if (engine.works_count == 0 and not engine.is_expiring and engine.auctions_first == 0
            and engine.ends_holding == 0):
        engine.sessions_plain = engine.sessions_count


cdef inline bint works_are_full(const Engine* engine) noexcept nogil:
    """The end of an auction that closes its instrument finds its place."""
    return engine.works_count + engine.auctions_closing == WORKS_MAX


cdef inline Work* work_at(Engine* engine, uint32_t index) noexcept nogil:
    """Of those that wait, in their order from 0."""
    return &engine.works[(engine.works_first + index) % WORKS_MAX]


cdef inline uint32_t* work_last(Engine* engine, const Work* work, uint32_t session) noexcept nogil:
    """The last number of a session that a mass cancel concerns."""
    return &engine.works_lasts[
        <uint64_t>(work - engine.works) * (engine.limits.sessions_max + <uint64_t>1) + session]


cdef inline void step_count_turn(Engine* engine, const Book* book, uint32_t sell) noexcept nogil:
    """An order of a book comes to trade, or moves: it may have to pass by all minimum quantities of
    the other side."""
    engine.step_actions += STEP_LEFT + book.min_quantity_live[sell ^ 1]


cdef inline bint step_is_over(const Engine* engine) noexcept nogil:
    return engine.step_actions_max != 0 and engine.step_actions >= engine.step_actions_max
