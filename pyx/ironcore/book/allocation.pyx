"""How an aggressor's quantity is shared out among orders that are displayed at one price."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.check cimport iron_assert, iron_static_assert
from ironcore.book.order_pool cimport order_at
from ironcore.wire.record cimport ALLOCATION_PRO_RATA


cdef void round_begin(Round* round) noexcept nogil:
    round.count = 0
    round.open = 0


cdef void round_add(Arena* arena, Round* round, uint32_t unit) noexcept nogil:
    iron_static_assert(sizeof(Round) == 16 + ALLOCATION_ORDERS_MAX * sizeof(Share))
    iron_assert(round.count < ALLOCATION_ORDERS_MAX, "more orders share than there is room for")
    cdef Share* share = &round.shares[round.count]
    share.unit = unit
    share.place = round.count
    share.open = order_at(arena, unit).quantity
    share.given = 0
    round.count += 1
    round.open += share.open


cdef uint32_t _share_pro_rata(Round* round, uint32_t wanted, uint32_t lot_size,
                              uint32_t share_min) noexcept nogil:
    """Rule 19.4: what rounding leaves."""
    cdef uint32_t left = wanted
    cdef uint32_t index, part
    cdef Share* share
    for index in range(round.count):
        share = &round.shares[index]
        part = <uint32_t>(<uint64_t>wanted * share.open // round.open)
        part -= part % lot_size
        if part >= share_min:
            share.given = part
            left -= part
    return left


cdef inline bint _goes_first(const Share* one, const Share* other) noexcept nogil:
    """Rule 19.5."""
    if one.open != other.open:
        return one.open > other.open
    return one.place < other.place


cdef void _sink(Share* shares, uint32_t at, uint32_t count) noexcept nogil:
    cdef Share moved = shares[at]
    cdef uint32_t child = 2 * at + 1
    while child < count:
        if child + 1 < count and _goes_first(&shares[child], &shares[child + 1]):
            child += 1
        if not _goes_first(&moved, &shares[child]):
            break
        shares[at] = shares[child]
        at = child
        child = 2 * at + 1
    shares[at] = moved


cdef void _sort_by_size(Share* shares, uint32_t count) noexcept nogil:
    """Heapsort: in place, and never slow. The heap's first is the one that goes last."""
    cdef Share moved
    cdef uint32_t at = count // 2
    while at:
        at -= 1
        _sink(shares, at, count)
    at = count
    while at > 1:
        at -= 1
        moved = shares[0]
        shares[0] = shares[at]
        shares[at] = moved
        _sink(shares, 0, at)


cdef void round_allocate(Round* round, uint8_t allocation, uint32_t wanted, uint32_t lot_size,
                         uint32_t share_min) noexcept nogil:
    cdef uint32_t left = wanted
    cdef uint32_t index, more
    cdef Share* share
    if allocation != ALLOCATION_PRO_RATA:
        _sort_by_size(round.shares, round.count)
    elif wanted < round.open:
        left = _share_pro_rata(round, wanted, lot_size, share_min)
    # What is left goes to one after the other.
    for index in range(round.count):
        share = &round.shares[index]
        more = min(left, share.open - share.given)
        share.given += more
        left -= more
