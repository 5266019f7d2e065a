# Which of a session's UserRefNums may lead to a live order, so that a mass cancel need not look at
# all that were ever used. Numbers only rise (rule 3.1): a session enters each block of 64 of them
# once, and that is the only time an order's path pays for this. The blocks entered form a list in
# order of number; those that have become empty leave it a few with each block entered, so that it
# stays about as long as there are blocks with live orders, and with each mass cancel.

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

from ironcore.base.builtins cimport iron_unlikely
from ironcore.engine.engine cimport Engine, Session

cdef struct NumberBlocks:            # a walk through the blocks of a session that have live orders
    uint32_t slot_first              # of the block in hand, where no live order is before it
    uint32_t slot_end
    uint32_t before                  # the block that leads to the one in hand; 0: it is the first
    uint32_t block                   # in hand; 0 before the walk
    uint32_t block_next              # 0: the one in hand is the last

# A new session's first block is in use, and always will be.
cdef void session_begin_numbers(Engine* engine, Session* session) noexcept nogil
# A number behind the block in hand is about to be consumed.
cdef void session_enter_block(Engine* engine, Session* session, uint32_t user_ref) noexcept nogil
# Nothing leaves the list between two steps of a walk.
cdef void blocks_begin(Engine* engine, uint32_t session, NumberBlocks* blocks) noexcept nogil
# A walk goes on that had this block in hand, as a part of it is left. What led there is as it was.
cdef void blocks_resume(Engine* engine, uint32_t before, uint32_t block,
                        NumberBlocks* blocks) noexcept nogil
# False at the end, or when the step may look at no further one: block_next then is not 0. What is
# in hand may be emptied meanwhile.
cdef bint blocks_next(Engine* engine, NumberBlocks* blocks) noexcept nogil
# The first broken rule, or NULL: an ascending list from the first block to that of the last number.
cdef const char* session_broken_numbers(Engine* engine, uint32_t session) noexcept nogil


cdef inline uint32_t next_used(const Engine* engine, uint32_t slot,
                               uint32_t slot_end) noexcept nogil:
    """The first slot of a live order from this one on, or one at or behind the end. Eight at a
    time: where numbers lie far apart, a block has one."""
    cdef const uint32_t* slots = engine.arena.slots
    cdef uint64_t[4] pairs
    while slot + 8 <= slot_end:
        memcpy(pairs, slots + slot, sizeof(pairs))
        if pairs[0] | pairs[1] | pairs[2] | pairs[3]:
            break
        slot += 8
    while slot < slot_end and slots[slot] == 0:
        slot += 1
    return slot


cdef inline uint32_t session_block(const Engine* engine, const Session* session,
                                   uint32_t user_ref) noexcept nogil:
    return (<uint32_t>(session - engine.sessions) << engine.limits.user_ref_bits
            | user_ref) >> engine.block_shift


cdef inline void session_consume(Engine* engine, Session* session,
                                 uint32_t user_ref) noexcept nogil:
    """A number above the last one, and small enough (rule 3.3)."""
    if iron_unlikely(user_ref >= session.user_ref_end):
        session_enter_block(engine, session, user_ref)
    session.user_ref_last = user_ref
