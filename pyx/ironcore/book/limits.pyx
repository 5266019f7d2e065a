"""What an order must satisfy before it may touch a book."""


cdef bint limits_are_valid(const InstrumentLimits* limits) noexcept nogil:
    if limits.lot_size == 0 or limits.quantity_max < limits.lot_size:
        return False
    return limits.quantity_max <= QUANTITY_MAX
