# A core's whole state as bytes, and back: what is in use of each table, by index as it stands, so
# that the copy does with every later command what the original does, to the byte.
#
# The bytes are for the same build on the same kind of machine: they hold structs as they are. A
# checksum tells damage apart, and no more: they are not for a source that one does not trust.

from libc.stdint cimport uint8_t, uint64_t

from ironcore.engine.engine cimport Engine, EngineLimits

# Room that is enough for snapshot_save.
cdef uint64_t snapshot_bytes(Engine* engine) noexcept nogil
# The bytes written.
cdef uint64_t snapshot_save(Engine* engine, uint8_t* out) noexcept nogil
# Whether this is a whole snapshot of this layout, and the limits of the core that it is of.
cdef bint snapshot_check(const uint8_t* saved, uint64_t byte_count,
                         EngineLimits* limits) noexcept nogil
# Fills a core that was just made with those limits. False when the tables contradict one another;
# the core is then good for engine_destroy only.
cdef bint snapshot_load(Engine* engine, const uint8_t* saved, uint64_t byte_count) noexcept nogil
