# The one narrow interface through which a stage touches stored files: the host's, or a simulator's
# disk with delays, short and torn writes. Negative results are -errno.
# Names are relative to the directory that the interface was opened on; no '/' in them.

from libc.stdint cimport uint8_t, uint64_t

cdef struct Files:
    void* context
    # Open for reading and writing; create says whether it must not exist yet (1) or must exist (0).
    int (*open)(void* context, const char* name, bint create) noexcept nogil
    long (*read_at)(void* context, int fd, uint8_t* buffer, size_t bytes,
                    uint64_t offset) noexcept nogil
    long (*write_at)(void* context, int fd, const uint8_t* buffer, size_t bytes,
                     uint64_t offset) noexcept nogil       # perhaps fewer than given
    int (*sync)(void* context, int fd) noexcept nogil       # fdatasync
    int (*sync_directory)(void* context) noexcept nogil
    int (*truncate)(void* context, int fd, uint64_t bytes) noexcept nogil
    long (*size)(void* context, int fd) noexcept nogil
    int (*rename)(void* context, const char* name, const char* new_name) noexcept nogil
    int (*remove)(void* context, const char* name) noexcept nogil
    # Say that this file is being written, until it is closed or the process has ended: 0, or
    # -EAGAIN when another has said so. And whether another has: 1 or 0.
    int (*claim)(void* context, int fd) noexcept nogil
    int (*is_claimed)(void* context, int fd) noexcept nogil
    void (*close)(void* context, int fd) noexcept nogil
    # The index-th name in the directory, in no particular order, into name (256 bytes): 1, or 0
    # at the end.
    int (*list)(void* context, int index, char* name) noexcept nogil

# The files of a directory that the caller has open, and keeps open while the result is used.
cdef Files host_files(int directory_fd) noexcept nogil

# A directory as Python hands it to a stage; a simulator's disk derives from it.
cdef class FileDirectory:
    cdef Files files

cdef class HostDirectory(FileDirectory):
    cdef int descriptor
    cdef readonly str path
