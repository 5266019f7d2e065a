# Orders cancelled and modified. Each function applies one whole and well-formed record of a defined
# session, and returns the status that engine_apply is to return.

from ironcore.engine.engine cimport Engine
from ironcore.wire.record cimport CancelOrder, CancelSession, MassCancel, ModifyOrder

cdef int cancel_order(Engine* engine, CancelOrder* command) noexcept nogil
cdef int modify_order(Engine* engine, ModifyOrder* command) noexcept nogil
cdef int mass_cancel(Engine* engine, const MassCancel* command) noexcept nogil
cdef int cancel_session(Engine* engine, const CancelSession* command) noexcept nogil
