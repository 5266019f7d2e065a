# Quotes: section 20 of docs/MATCHING_RULES.md.

from ironcore.engine.engine cimport Engine
from ironcore.wire.record cimport CommandHeader

# Applies one QUOTE of a defined session, and returns the status that engine_apply is to return.
cdef int quote_apply(Engine* engine, CommandHeader* header) noexcept nogil
