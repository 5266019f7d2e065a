# An incoming order, of whatever kind, while it is held against the opposite side.

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

cdef struct Aggressor:
    uint32_t sell                    # 0 or 1
    uint32_t limit_key               # on the opposite side's scale; KEY_WORST: any price
    uint32_t quantity                # open; counts down
    uint32_t executed                # counts up
    uint32_t min_quantity            # 0: none
    uint32_t stp_group               # 0: no prevention
    uint8_t stp_mode
    uint8_t side
    bint is_interrupted              # set when a collar has paused the instrument
    bint may_stop                    # when the step is over, with its minimum executed
    bint has_acted                   # in this step, before it is held against the opposite side
    bint has_unit                    # it is live, or else would need room to wait for the next step
    bint is_stopped                  # set when it has
    uint32_t slot                    # the rest is for the events that name it
    uint64_t reference
    int32_t price                 # as entered
    int32_t activated_price          # not 0: ACTIVATED at this price precedes the first execution
