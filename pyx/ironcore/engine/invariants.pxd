# What must hold of every book between two commands, whatever the commands were.

from ironcore.engine.engine cimport Engine

# NULL, or a sentence that names the first broken invariant. Walks all there is: for tests and for
# the operator's check, not for the hot path.
cdef const char* engine_broken_invariant(Engine* engine) noexcept nogil
# For debug builds, after every command: as above, and aborts; seldom where there is much to walk.
cdef void engine_check_now_and_then(Engine* engine) noexcept nogil
