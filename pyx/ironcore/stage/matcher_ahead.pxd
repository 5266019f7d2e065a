# Looks ahead over the commands that wait in an order ring: the memory of their orders is touched
# before their turn comes, as engine/batch.pxd does over an array. No command waits for it. What is
# looked at has been committed already, and it is no more than two commands with each that is taken.
#
# The three steps of a command lie a distance apart, so that each finds what the one before it has
# brought in. Nothing that was looked at is believed: the command is read anew when its turn comes.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ironcore.base.atomics cimport load_acquire_u64
from ironcore.engine.batch cimport Ahead, ahead_level, ahead_order, ahead_slot
from ironcore.engine.engine cimport Engine, engine_waiting_slot
from ironcore.ring.frame cimport (
    FRAME_HEADER_BYTES, FRAME_PADDING, FrameHeader, frame_next, frame_span, frame_stamp)
from ironcore.ring.spsc cimport SpscConsumer
from ironcore.wire.record cimport COMMAND_HEADER_BYTES, CommandHeader

cdef enum:
    # Commands between two steps. With its frame in the stream each takes about as long as two of a
    # batch, so that half of the distance there does.
    ORDERS_AHEAD_DISTANCE = 4
    ORDERS_AHEAD_STEPS = 2           # of each kind with one command, at most: to catch up

cdef struct OrdersAhead:
    Ahead ahead
    uint64_t at                      # position of the command in hand
    uint64_t position                # of the next one to look at
    uint64_t taken                   # number of the command in hand
    uint64_t found                   # up to which number commands have been found,
    uint64_t ordered                 # their orders touched,
    uint64_t levelled                # and their price levels


# The next command that waits, if it has been committed.
cdef inline bint orders_ahead_find(OrdersAhead* ahead, Engine* engine,
                                   const SpscConsumer* orders) noexcept nogil:
    cdef uint64_t mask = orders.capacity_bytes - 1
    cdef const FrameHeader* header
    cdef const CommandHeader* command
    cdef uint64_t word
    cdef uint32_t length
    while True:
        header = <const FrameHeader*>(orders.data + (ahead.position & mask))
        word = load_acquire_u64(&header.commit)
        if word >> 32 != frame_stamp(ahead.position):
            return False
        if not word & FRAME_PADDING:
            break
        ahead.position = frame_next(ahead.position, word, mask)
    length = <uint32_t>word
    if (ahead.position & mask) + frame_span(length) > orders.capacity_bytes:
        return False                 # which spsc_peek will say, when it comes there
    command = <const CommandHeader*>(<const uint8_t*>header + FRAME_HEADER_BYTES)
    if length >= COMMAND_HEADER_BYTES and command.record_bytes == length:
        ahead_slot(&ahead.ahead, ahead.found,
                   engine_waiting_slot(engine, <const uint8_t*>command))
    else:
        ahead_slot(&ahead.ahead, ahead.found, engine.arena.slots)
    ahead.found += 1
    ahead.position = frame_next(ahead.position, word, mask)
    return True


# What is due with the command that was peeked last; how many commands were found. The last step
# comes first: what it needs was touched with an earlier command.
cdef inline uint32_t orders_ahead_step(OrdersAhead* ahead, Engine* engine,
                                       const SpscConsumer* orders) noexcept nogil:
    cdef uint64_t next
    cdef uint32_t found = 0
    cdef int _i
    if ahead.at != orders.head:
        ahead.at = orders.head
        ahead.taken += 1
    next = ahead.taken + 1
    if ahead.position <= orders.head:
        ahead.position = orders.frame_end
        ahead.found = ahead.ordered = ahead.levelled = next
    for _i in range(ORDERS_AHEAD_STEPS):
        if ahead.levelled < min(ahead.ordered, next + ORDERS_AHEAD_DISTANCE):
            ahead_level(engine, &ahead.ahead, ahead.levelled)
            ahead.levelled += 1
    for _i in range(ORDERS_AHEAD_STEPS):
        if ahead.ordered < min(ahead.found, next + 2 * ORDERS_AHEAD_DISTANCE):
            ahead_order(engine, &ahead.ahead, ahead.ordered)
            ahead.ordered += 1
    for _i in range(ORDERS_AHEAD_STEPS):
        if (ahead.found == next + 3 * ORDERS_AHEAD_DISTANCE
                or not orders_ahead_find(ahead, engine, orders)):
            break
        found += 1
    return found
