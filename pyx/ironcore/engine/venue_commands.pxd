# The venue's own commands. A module of its own, as none of it is hot.

from ironcore.engine.engine cimport Engine
from ironcore.wire.record cimport CommandHeader

# One whole record, of whatever length, whose type is below ENTER_ORDER; the status that
# engine_apply is to return.
cdef int apply_venue(Engine* engine, CommandHeader* header) noexcept nogil
