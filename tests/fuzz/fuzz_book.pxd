# The matching core as the fuzzer drives it.

from libc.stdint cimport uint8_t

# The input is a batch of records as they are, most of them malformed.
cdef void fuzz_book_records(const uint8_t* data, size_t bytes) noexcept nogil
# The input chooses commands (fuzz_commands) that reach deep.
cdef void fuzz_book_commands(const uint8_t* data, size_t bytes) noexcept nogil
