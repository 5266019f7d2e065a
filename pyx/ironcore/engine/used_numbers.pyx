"""The blocks of UserRefNums that may lead to live orders."""

from libc.stdint cimport uint32_t


cdef enum:
    SWEEP_BLOCKS = 2                 # looked at for each one entered: more leave than come


cdef bint _is_empty(const Engine* engine, uint32_t block) noexcept nogil:
    cdef uint32_t slot_end = (block + 1) << engine.block_shift
    return next_used(engine, block << engine.block_shift, slot_end) == slot_end


cdef inline uint32_t _end(const Engine* engine, uint32_t user_ref) noexcept nogil:
    return ((user_ref >> engine.block_shift) + 1) << engine.block_shift


cdef void session_begin_numbers(Engine* engine, Session* session) noexcept nogil:
    session.user_ref_end = _end(engine, 0)
    session.sweep = 0
    engine.block_next[session_block(engine, session, 0)] = 0


cdef void _sweep(Engine* engine, Session* session, uint32_t last) noexcept nogil:
    """Take the next block out of the list if it is empty; the first and the last one stay."""
    cdef uint32_t before = session.sweep if session.sweep else session_block(engine, session, 0)
    cdef uint32_t block = engine.block_next[before]
    if block == last:
        session.sweep = 0
    elif _is_empty(engine, block):
        engine.block_next[before] = engine.block_next[block]
        session.sweep = before
    else:
        session.sweep = block


cdef void session_enter_block(Engine* engine, Session* session, uint32_t user_ref) noexcept nogil:
    cdef uint32_t block = session_block(engine, session, user_ref)
    cdef uint32_t _step
    engine.block_next[session_block(engine, session, session.user_ref_last)] = block
    engine.block_next[block] = 0
    session.user_ref_end = _end(engine, user_ref)
    if engine.works_count == 0:      # a mass cancel may be between two steps
        for _step in range(<uint32_t>SWEEP_BLOCKS):
            _sweep(engine, session, block)


cdef void blocks_begin(Engine* engine, uint32_t session, NumberBlocks* blocks) noexcept nogil:
    engine.sessions[session].sweep = 0
    blocks.before = 0
    blocks.block = 0
    blocks.block_next = session_block(engine, &engine.sessions[session], 0)


cdef inline void _take(const Engine* engine, NumberBlocks* blocks) noexcept nogil:
    blocks.slot_first = blocks.block << engine.block_shift
    blocks.slot_end = blocks.slot_first + (<uint32_t>1 << engine.block_shift)


cdef void blocks_resume(Engine* engine, uint32_t before, uint32_t block,
                        NumberBlocks* blocks) noexcept nogil:
    blocks.before = before
    blocks.block = block
    blocks.block_next = engine.block_next[block]
    _take(engine, blocks)


cdef inline bint _was_emptied(const Engine* engine, const NumberBlocks* blocks) noexcept nogil:
    """Whether the block in hand has no live order now. Most are seen at once to have none, or still
    the first one."""
    return blocks.slot_first == blocks.slot_end or (
        engine.arena.slots[blocks.slot_first] == 0 and _is_empty(engine, blocks.block))


cdef bint blocks_next(Engine* engine, NumberBlocks* blocks) noexcept nogil:
    while blocks.block_next and engine.step_blocks_left:
        engine.step_blocks_left -= 1
        if blocks.before and _was_emptied(engine, blocks):
            engine.block_next[blocks.before] = blocks.block_next
        else:
            blocks.before = blocks.block
        blocks.block = blocks.block_next
        blocks.block_next = engine.block_next[blocks.block]
        _take(engine, blocks)
        blocks.slot_first = next_used(engine, blocks.slot_first, blocks.slot_end)
        if blocks.slot_first < blocks.slot_end:
            return True
    return False


cdef const char* session_broken_numbers(Engine* engine, uint32_t session) noexcept nogil:
    cdef const Session* owner = &engine.sessions[session]
    cdef uint32_t block = session_block(engine, owner, 0)
    cdef uint32_t last = session_block(engine, owner, owner.user_ref_last)
    cdef uint32_t following, between
    cdef bint sweep_is_met = owner.sweep == 0
    if owner.user_ref_end != _end(engine, owner.user_ref_last):
        return b"a session does not know the end of its numbers' block"
    while block != last:
        sweep_is_met = sweep_is_met or owner.sweep == block
        following = engine.block_next[block]
        if following <= block or following > last:
            return b"a session's numbers are not in order"
        for between in range(block + 1, following):
            if not _is_empty(engine, between):
                return b"a live order's number is passed over"
        block = following
    if not sweep_is_met:
        return b"a session's numbers are swept where none were used"
    if engine.block_next[last]:
        return b"a session's numbers do not end"
    return NULL
