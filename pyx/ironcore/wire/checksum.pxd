# CRC32C (Castagnoli), as of iSCSI, ext4 and most storage: by the processor's instruction where
# there is one, otherwise by a table. Both give the same value.

from libc.stdint cimport uint8_t, uint32_t

# Start with crc 0; the checksum of a whole is that of its parts, each started with the one before.
cdef uint32_t crc32c(uint32_t crc, const uint8_t* buffer, size_t bytes) noexcept nogil
