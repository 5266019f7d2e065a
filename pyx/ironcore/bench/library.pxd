# What a program in C does with records that it has: the loop that `bench library` compares with.

cdef enum:
    # Commands submitted at a time, as docs/examples/embed.c does: their events are written over
    # those of the batch before, which are still cached.
    SUBMIT_COMMANDS = 4096
    SUBMIT_EVENTS = 4 * SUBMIT_COMMANDS
