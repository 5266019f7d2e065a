"""The host's files behind the interface of files.pxd: libc calls relative to one open directory."""

import os

from libc.errno cimport EACCES, EINTR, ENAMETOOLONG, EROFS, errno
from libc.stdint cimport intptr_t, uint8_t, uint64_t
from libc.string cimport memcpy, strlen

cdef extern from * nogil:
    """
    #include <dirent.h>
    #include <fcntl.h>
    #include <stdio.h>
    #include <string.h>
    #include <sys/stat.h>
    #include <unistd.h>

    enum { IRON_NAME_BYTES_MAX = 256 };

    static int iron_openat(int directory, const char *name, int create, int read_only) {
        int flags = O_CLOEXEC | O_NOFOLLOW | (read_only ? O_RDONLY : O_RDWR);
        return openat(directory, name, create ? flags | O_CREAT | O_EXCL : flags, 0600);
    }
    static long iron_size(int fd) {
        struct stat status;
        return fstat(fd, &status) ? -1 : (long)status.st_size;
    }
    static int iron_fdatasync(int fd) { return fdatasync(fd); }
    static int iron_fsync(int fd) { return fsync(fd); }
    static int iron_truncate(int fd, uint64_t bytes) { return ftruncate(fd, (off_t)bytes); }
    static int iron_rename(int directory, const char *name, const char *new_name) {
        return renameat(directory, name, directory, new_name);
    }
    static int iron_unlink(int directory, const char *name) { return unlinkat(directory, name, 0); }
    /* A lock of the open file description: the kernel takes it back however the process ends. */
    static int iron_claim(int fd) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        return fcntl(fd, F_OFD_SETLK, &lock);
    }
    static int iron_is_claimed(int fd) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        return fcntl(fd, F_OFD_GETLK, &lock) ? -1 : lock.l_type != F_UNLCK;
    }
    static void iron_close_file(int fd) { close(fd); }
    static long iron_pread(int fd, uint8_t *buffer, size_t bytes, uint64_t offset) {
        return pread(fd, buffer, bytes, (off_t)offset);
    }
    static long iron_pwrite(int fd, const uint8_t *buffer, size_t bytes, uint64_t offset) {
        return pwrite(fd, buffer, bytes, (off_t)offset);
    }
    /* A stream of its own for each call: the caller's descriptor has one shared read position. */
    static DIR *iron_opendir(int directory) {
        int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *stream = fd < 0 ? NULL : fdopendir(fd);
        if (fd >= 0 && !stream) close(fd);
        return stream;
    }
    static const char *iron_readdir(DIR *stream) {
        struct dirent *entry;
        do entry = readdir(stream);
        while (entry && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")));
        return entry ? entry->d_name : NULL;
    }
    """
    ctypedef struct DIR
    enum:
        IRON_NAME_BYTES_MAX
    int iron_openat(int directory, const char* name, int create, int read_only)
    long iron_size(int fd)
    int iron_fdatasync(int fd)
    int iron_fsync(int fd)
    int iron_truncate(int fd, uint64_t bytes)
    int iron_rename(int directory, const char* name, const char* new_name)
    int iron_unlink(int directory, const char* name)
    int iron_claim(int fd)
    int iron_is_claimed(int fd)
    void iron_close_file(int fd)
    long iron_pread(int fd, uint8_t* buffer, size_t bytes, uint64_t offset)
    long iron_pwrite(int fd, const uint8_t* buffer, size_t bytes, uint64_t offset)
    DIR* iron_opendir(int directory)
    const char* iron_readdir(DIR* stream)
    int closedir(DIR* stream)


cdef inline int _directory(void* context) noexcept nogil:
    return <int><intptr_t>context


cdef inline long _result(long n) noexcept nogil:
    return n if n >= 0 else -<long>errno


cdef int _open(void* context, const char* name, bint create) noexcept nogil:
    cdef int fd = iron_openat(_directory(context), name, create, 0)
    if fd < 0 and not create and (errno == EACCES or errno == EROFS):
        # A journal may be read where it may not be written.
        fd = iron_openat(_directory(context), name, 0, 1)
    return <int>_result(fd)


cdef long _read_at(void* context, int fd, uint8_t* buffer, size_t bytes,
                   uint64_t offset) noexcept nogil:
    cdef long n = iron_pread(fd, buffer, bytes, offset)
    while n < 0 and errno == EINTR:
        n = iron_pread(fd, buffer, bytes, offset)
    return _result(n)


cdef long _write_at(void* context, int fd, const uint8_t* buffer, size_t bytes,
                    uint64_t offset) noexcept nogil:
    cdef long n = iron_pwrite(fd, buffer, bytes, offset)
    while n < 0 and errno == EINTR:
        n = iron_pwrite(fd, buffer, bytes, offset)
    return _result(n)


cdef int _sync(void* context, int fd) noexcept nogil:
    cdef int n = iron_fdatasync(fd)
    while n < 0 and errno == EINTR:
        n = iron_fdatasync(fd)
    return <int>_result(n)


cdef int _sync_directory(void* context) noexcept nogil:
    return <int>_result(iron_fsync(_directory(context)))


cdef int _truncate(void* context, int fd, uint64_t bytes) noexcept nogil:
    return <int>_result(iron_truncate(fd, bytes))


cdef long _size(void* context, int fd) noexcept nogil:
    return _result(iron_size(fd))


cdef int _rename(void* context, const char* name, const char* new_name) noexcept nogil:
    return <int>_result(iron_rename(_directory(context), name, new_name))


cdef int _remove(void* context, const char* name) noexcept nogil:
    return <int>_result(iron_unlink(_directory(context), name))


cdef int _claim(void* context, int fd) noexcept nogil:
    return <int>_result(iron_claim(fd))


cdef int _is_claimed(void* context, int fd) noexcept nogil:
    return <int>_result(iron_is_claimed(fd))


cdef void _close(void* context, int fd) noexcept nogil:
    iron_close_file(fd)


cdef int _list(void* context, int index, char* name) noexcept nogil:
    cdef DIR* stream = iron_opendir(_directory(context))
    cdef const char* found = NULL
    cdef int result = 0
    cdef int _
    if stream == NULL:
        return <int>_result(-1)
    for _ in range(index + 1):
        found = iron_readdir(stream)
        if found == NULL:
            break
    if found != NULL:
        result = -ENAMETOOLONG
        if strlen(found) < <size_t>IRON_NAME_BYTES_MAX:
            memcpy(name, found, strlen(found) + 1)
            result = 1
    closedir(stream)
    return result


cdef Files host_files(int directory_fd) noexcept nogil:
    cdef Files files
    files.context = <void*><intptr_t>directory_fd
    files.open = _open
    files.read_at = _read_at
    files.write_at = _write_at
    files.sync = _sync
    files.sync_directory = _sync_directory
    files.truncate = _truncate
    files.size = _size
    files.rename = _rename
    files.remove = _remove
    files.claim = _claim
    files.is_claimed = _is_claimed
    files.close = _close
    files.list = _list
    return files


cdef class FileDirectory:
    """A directory of stored files: the host's, or a simulator's disk."""


cdef class HostDirectory(FileDirectory):
    """A directory of the host, which must exist; kept open until it is collected.

    Raises OSError when it cannot be opened.
    """

    def __cinit__(self, path):
        self.descriptor = -1
        self.path = os.fspath(path)
        self.descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.files = host_files(self.descriptor)

    def __dealloc__(self):
        if self.descriptor >= 0:
            iron_close_file(self.descriptor)
