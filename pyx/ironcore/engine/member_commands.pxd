# The commands of members, of any kind. commands.pxd has a short path for most of them.

from ironcore.engine.engine cimport Engine
from ironcore.wire.record cimport CommandHeader

# One whole record, of whatever length, whose type is ENTER_ORDER or above; the status that
# engine_apply is to return.
cdef int apply_member(Engine* engine, CommandHeader* header) noexcept nogil
