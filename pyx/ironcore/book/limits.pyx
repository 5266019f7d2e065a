"""What an order must satisfy before it may touch a book."""


cdef bint limits_are_valid(const InstrumentLimits* limits) noexcept nogil:
    return limits.lot_size != 0 and limits.quantity_max >= limits.lot_size
