"""The matching core: it applies one command at a time, and says in events what happened."""

from libc.stdint cimport uint8_t, uint32_t

from ironcore.engine.commands cimport command_apply


cdef int engine_apply(Engine* engine, uint8_t* command, uint32_t command_bytes) noexcept nogil:
    return command_apply(engine, command, command_bytes)
