# Orders and replacements of any kind, step by step: sections 4, 5 and 7 of docs/MATCHING_RULES.md.
# Common ones take a shorter path to the same events (order_commands).

from libc.stdint cimport uint32_t

from ironcore.engine.engine cimport Engine
from ironcore.book.options cimport Options
from ironcore.wire.record cimport EnterOrder, ReplaceOrder

# From the checks on; the number is consumed.
cdef void enter_special(Engine* engine, const EnterOrder* command,
                        const Options* options) noexcept nogil
# From the state's check on (rule 7.9); consumes the number where that is to be done.
cdef void replace_special(Engine* engine, const ReplaceOrder* command, uint32_t unit,
                          const Options* options) noexcept nogil
