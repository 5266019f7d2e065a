# Orders entered and replaced. Each function applies one whole and well-formed record of a defined
# session, and returns the status that engine_apply is to return.

from ironcore.engine.engine cimport Engine
from ironcore.wire.record cimport EnterOrder, ReplaceOrder

cdef int enter_order(Engine* engine, EnterOrder* command) noexcept nogil
cdef int replace_order(Engine* engine, ReplaceOrder* command) noexcept nogil
