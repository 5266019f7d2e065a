# What a member asks to be done with orders. Each function applies one whole and well-formed record
# of a defined session, and returns the status that engine_apply is to return.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from ironcore.book.book cimport event_write
from ironcore.book.engine cimport Engine
from ironcore.wire.record cimport CancelOrder, EnterOrder, ReplaceOrder

cdef int enter_order(Engine* engine, EnterOrder* command) noexcept nogil
cdef int replace_order(Engine* engine, ReplaceOrder* command) noexcept nogil
cdef int cancel_order(Engine* engine, CancelOrder* command) noexcept nogil
cdef int modify_order(Engine* engine, CancelOrder* command) noexcept nogil
cdef int mass_cancel(Engine* engine, CancelOrder* command) noexcept nogil
cdef int cancel_session(Engine* engine, CancelOrder* command) noexcept nogil


cdef inline void engine_emit(Engine* engine, uint8_t type, uint8_t flags, uint8_t reason,
                             uint8_t side, uint32_t quantity, uint64_t order_ref, uint64_t other,
                             int32_t price_e4, uint32_t slot) noexcept nogil:
    event_write(&engine.events[engine.events_count], type, flags, reason, side, quantity,
                order_ref, other, price_e4, slot)
    engine.events_count += 1
