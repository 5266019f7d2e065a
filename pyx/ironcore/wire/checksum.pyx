"""CRC32C: the processor's instruction where it has one, slicing by eight tables elsewhere."""

from libc.stdint cimport uint8_t, uint32_t

cdef extern from *:
    """
    #if defined(__x86_64__)
    __attribute__((target("sse4.2")))
    static uint32_t iron_crc32c_instruction(uint32_t crc, const uint8_t *p, size_t n) {
        uint64_t wide = crc;
        for (; n >= 8; p += 8, n -= 8) {
            uint64_t word;
            memcpy(&word, p, sizeof word);
            wide = __builtin_ia32_crc32di(wide, word);
        }
        crc = (uint32_t)wide;
        for (; n; p++, n--) crc = __builtin_ia32_crc32qi(crc, *p);
        return crc;
    }
    static int iron_crc32c_instruction_available(void) { return __builtin_cpu_supports("sse4.2"); }
    #else
    static uint32_t iron_crc32c_instruction(uint32_t crc, const uint8_t *p, size_t n) {
        (void)p; (void)n;
        return crc;
    }
    static int iron_crc32c_instruction_available(void) { return 0; }
    #endif
    """
    uint32_t iron_crc32c_instruction(uint32_t crc, const uint8_t* p, size_t n) nogil
    bint iron_crc32c_instruction_available() nogil

# 0x1EDC6F41 with its bits reversed, as the algorithm shifts right (RFC 3720, B.4).
cdef enum:
    _POLYNOMIAL = 0x82F63B78

# _table[k][b]: what byte b does to the checksum when k more bytes follow it. Written at import.
cdef uint32_t[8][256] _table


cdef void _fill_table() noexcept nogil:
    cdef uint32_t crc
    cdef int byte, k, _
    for byte in range(256):
        crc = <uint32_t>byte
        for _ in range(8):
            crc = (crc >> 1) ^ (<uint32_t>_POLYNOMIAL if crc & 1 else 0)
        _table[0][byte] = crc
    for k in range(1, 8):
        for byte in range(256):
            crc = _table[k - 1][byte]
            _table[k][byte] = (crc >> 8) ^ _table[0][crc & 0xFF]


cdef uint32_t _by_table(uint32_t crc, const uint8_t* p, size_t bytes) noexcept nogil:
    while bytes >= 8:
        crc ^= (<uint32_t>p[0] | (<uint32_t>p[1] << 8)
                | (<uint32_t>p[2] << 16) | (<uint32_t>p[3] << 24))
        crc = (_table[7][crc & 0xFF] ^ _table[6][(crc >> 8) & 0xFF]
               ^ _table[5][(crc >> 16) & 0xFF] ^ _table[4][crc >> 24]
               ^ _table[3][p[4]] ^ _table[2][p[5]] ^ _table[1][p[6]] ^ _table[0][p[7]])
        p += 8
        bytes -= 8
    while bytes:
        crc = (crc >> 8) ^ _table[0][(crc ^ p[0]) & 0xFF]
        p += 1
        bytes -= 1
    return crc


cdef uint32_t crc32c(uint32_t crc, const uint8_t* buffer, size_t bytes) noexcept nogil:
    if iron_crc32c_instruction_available():
        return ~iron_crc32c_instruction(~crc, buffer, bytes)
    return ~_by_table(~crc, buffer, bytes)


_fill_table()


def checksum(const uint8_t[::1] data not None, uint32_t crc=0):
    """The CRC32C of data, going on from the checksum of what came before it."""
    cdef const uint8_t* p = &data[0] if data.shape[0] else NULL
    return crc32c(crc, p, <size_t>data.shape[0])


def checksum_by_table(const uint8_t[::1] data not None, uint32_t crc=0):
    """The same without the processor's instruction."""
    cdef const uint8_t* p = &data[0] if data.shape[0] else NULL
    return <uint32_t>~_by_table(~crc, p, <size_t>data.shape[0])


def instruction_available():
    """Whether this processor computes CRC32C by itself."""
    return bool(iron_crc32c_instruction_available())
