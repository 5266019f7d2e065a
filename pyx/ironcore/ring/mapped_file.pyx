"""Segment files: a header and a ring's data, mapped into the processes that share them.

Layout, little-endian, version 3:

    0            header             SegmentHeader, then what the kind of ring adds
    data_offset  the ring's data    capacity_bytes, a power of two

A segment is made under a temporary name and gets its own when it is complete, so nobody ever opens
half a one. Owners are told apart by a lock on one byte of the file each (an open-file-description
lock, which the kernel drops when the process dies, however it dies); their process id, start time
and heartbeat stand in the header for reports. A forked child that keeps the descriptor keeps the
lock as well; the descriptor is closed on exec.

Put segments on tmpfs or hugetlbfs: on a disk-backed file system the kernel write-protects a page
each time it writes it back, and the next store to it takes a page fault.
"""

import contextlib
import os
import stat
from typing import NamedTuple

from libc.errno cimport EACCES, EAGAIN, EINVAL, errno
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from ironcore.base.atomics cimport load_acquire_u64, store_relaxed_u64, store_release_u64
from ironcore.base.check cimport iron_static_assert
from ironcore.base.clock cimport iron_clock_mono_ns, iron_clock_real_ns
from ironcore.ring.frame cimport FRAME_ALIGNMENT

from ironcore.base.counters import process_start_ticks

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE 1
    #endif
    #include <errno.h>
    #include <fcntl.h>
    #include <sys/mman.h>
    #include <sys/syscall.h>
    #include <sys/vfs.h>
    #include <unistd.h>
    #define IRON_SEGMENT_MAGIC 0x474E49524E4F5249ull  /* "IRONRING" */
    #define IRON_TMPFS_MAGIC 0x01021994
    #define IRON_HUGETLBFS_MAGIC 0x958458F6
    /* Known to newer kernels than the C library's headers may be; an older kernel says EINVAL. */
    #ifndef MADV_POPULATE_READ
    #define MADV_POPULATE_READ 22
    #define MADV_POPULATE_WRITE 23
    #endif
    #ifndef MADV_COLLAPSE
    #define MADV_COLLAPSE 25
    #endif
    /* Open-file-description lock on one byte; F_OFD_GETLK turns *type into what it would meet. */
    static int iron_lock_byte(int descriptor, int command, long byte, short *type) {
        struct flock lock = {.l_type = *type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
        int result = fcntl(descriptor, command, &lock);
        *type = lock.l_type;
        return result;
    }
    /* MPOL_BIND with MPOL_MF_MOVE (linux/mempolicy.h): on this node, what is there moved to it. */
    static int iron_bind_to_node(void *start, size_t bytes, unsigned node) {
        unsigned long nodes[16] = {0};
        if (node >= 8 * sizeof nodes) { errno = EINVAL; return -1; }
        nodes[node / (8 * sizeof(long))] |= 1ul << node % (8 * sizeof(long));
        return (int)syscall(SYS_mbind, start, bytes, 2, nodes, 8 * sizeof nodes + 1, 2);
    }
    """
    const uint64_t IRON_SEGMENT_MAGIC
    const long IRON_TMPFS_MAGIC
    const long IRON_HUGETLBFS_MAGIC
    const int F_OFD_SETLK, F_OFD_GETLK
    const short F_WRLCK, F_UNLCK
    int iron_lock_byte(int descriptor, int command, long byte, short* type) nogil
    const int PROT_NONE, PROT_READ, PROT_WRITE
    const int MAP_SHARED, MAP_PRIVATE, MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_POPULATE
    const int MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_HUGEPAGE, MADV_COLLAPSE
    void* mmap(void* address, size_t bytes, int protection, int flags, int descriptor,
               long offset) nogil
    int munmap(void* address, size_t bytes) nogil
    int madvise(void* address, size_t bytes, int advice) nogil
    int mlock(const void* address, size_t bytes) nogil
    int iron_bind_to_node(void* start, size_t bytes, unsigned node) nogil
    struct statfs:
        long f_type
        long f_bsize
    int c_fstatfs "fstatfs"(int descriptor, statfs* result) nogil

CAPACITY_BYTES_MAX = 1 << 32
HUGE_PAGES = ("off", "auto", "require")
LOCKS = {"off": LOCK_OFF, "auto": LOCK_AUTO, "require": LOCK_REQUIRE}
_KIND_NAMES = {SEGMENT_SPSC: "spsc", SEGMENT_BROADCAST: "broadcast"}


class SegmentError(ValueError):
    """A segment file that cannot be used: `path`, and what was `found` and `expected` there."""

    def __init__(self, path, what, found, expected):
        super().__init__(f"{path}: {what}: found {found}, expected {expected}")
        self.path = path
        self.found = found
        self.expected = expected


class SegmentHeldError(SegmentError):
    """Another living owner has this place in the ring; `process_id` is who it says it is."""

    def __init__(self, path, role, process_id):
        super().__init__(path, role, f"held by process {process_id}", "no living owner")
        self.process_id = process_id


class OwnerState(NamedTuple):
    """Who has a place in a ring, as far as a report can say; `alive` is the kernel's word."""

    alive: bool
    process_id: int                  # of the present or the last owner, 0: there was none
    attached_count: int
    attached_real_ns: int
    heartbeat_mono_ns: int


class Created(NamedTuple):
    """What came of a request for a segment."""

    path: str
    capacity_bytes: int              # rounded up to a power of two
    capacity_bytes_asked: int
    huge_pages: str                  # how many bytes lie in huge pages, or why none do
    locked: str = "off"              # or "locked in memory", or why it is not
    numa: str = "off"                # or the node that holds the data, or why it does not


cdef enum:
    HEADER_BYTES = 8192              # room for any kind of ring's header
    HUGE_PAGE_BYTES = 2097152        # a transparent huge page where pages have 4 KiB


cdef void _check_layout() noexcept nogil:
    iron_static_assert(sizeof(SegmentOwner) == 48)
    iron_static_assert(sizeof(SegmentHeader) == SEGMENT_HEADER_BYTES)
    iron_static_assert(sizeof(SegmentTailPair) == SEGMENT_PAIR_BYTES)


def round_capacity(path, capacity_bytes):
    """The power of two, at least 4096, that holds `capacity_bytes`; SegmentError over 4 GiB."""
    if not 0 < capacity_bytes <= CAPACITY_BYTES_MAX:
        raise SegmentError(path, "capacity", f"{capacity_bytes} bytes",
                           f"1 to {CAPACITY_BYTES_MAX} bytes")
    return max(SEGMENT_CAPACITY_BYTES_MIN, 1 << (capacity_bytes - 1).bit_length())


def check_session(path, session):
    """The bytes of a session's name; SegmentError unless 1 to 10 printable characters of ASCII."""
    if not (0 < len(session) <= SEGMENT_SESSION_BYTES and session.isascii()
            and session.isprintable() and session.strip() == session):
        raise SegmentError(path, "session", repr(session), "1 to 10 characters of ASCII")
    return session.encode()


def check_identity(path, identity):
    """The 16 bytes of a stream's identity, zeros for ""; SegmentError unless 32 hexadecimal
    digits."""
    try:
        found = bytes.fromhex(identity)
    except ValueError:
        found = b"?"
    if len(found) not in (0, SEGMENT_IDENTITY_BYTES):
        raise SegmentError(path, "identity", repr(identity), "32 hexadecimal digits")
    return found.ljust(SEGMENT_IDENTITY_BYTES, b"\0")


def session_of_its_own():
    """A session's name that no other ring has: its time of creation in microseconds, base 36."""
    rest = iron_clock_real_ns() // 1000
    name = ""
    while rest:
        rest, digit = divmod(rest, 36)
        name = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] + name
    return name[-SEGMENT_SESSION_BYTES:]


cdef object _os_error(str path):
    return OSError(errno, os.strerror(errno), path)


cdef uint64_t _round_up(uint64_t value, uint64_t multiple) noexcept:
    return (value + multiple - 1) // multiple * multiple


cdef class Segment:
    """One segment file, mapped. Mapping, descriptor and locks live as long as this object."""

    def __cinit__(self):
        self.descriptor = -1

    def __dealloc__(self):
        if self.area != NULL:
            munmap(self.area, self.area_bytes)
        if self.descriptor >= 0:
            os.close(self.descriptor)
        if self.temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(self.temporary)

    cdef int map(self, bint header_writable, bint data_writable) except -1:
        """Map header and data, in one range of addresses so that huge pages can be aligned."""
        cdef statfs fs
        cdef uint64_t align = os.sysconf("SC_PAGESIZE")
        cdef uint64_t header_bytes, data_bytes, start
        if c_fstatfs(self.descriptor, &fs) != 0:
            raise _os_error(self.path)
        header_bytes = min(self.data_offset, _round_up(HEADER_BYTES, align))
        data_bytes = self.capacity_bytes
        if fs.f_type == IRON_HUGETLBFS_MAGIC:
            align = fs.f_bsize
            header_bytes = self.data_offset
            data_bytes = _round_up(data_bytes, align)
        elif self.data_offset % HUGE_PAGE_BYTES == 0:
            align = HUGE_PAGE_BYTES
        self.area_bytes = self.data_offset + _round_up(data_bytes, align) + align
        self.area = mmap(NULL, self.area_bytes, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        if self.area == <void*>-1:
            self.area = NULL
            raise _os_error(self.path)
        start = _round_up(<uint64_t>self.area, align)
        self.header = <SegmentHeader*>self.map_part(start, header_bytes, header_writable, 0)
        self.data = <uint8_t*>self.map_part(start + self.data_offset, data_bytes, data_writable,
                                            self.data_offset)
        return 0

    cdef void* map_part(self, uint64_t address, uint64_t byte_count, bint writable,
                        uint64_t offset) except NULL:
        cdef void* part = mmap(<void*>address, byte_count,
                               PROT_READ | PROT_WRITE if writable else PROT_READ,
                               MAP_SHARED | MAP_FIXED | MAP_POPULATE, self.descriptor, offset)
        if part == <void*>-1:
            raise _os_error(self.path)
        # MAP_POPULATE only reads; where the first store to a page would fault, let it fault now.
        if (madvise(part, byte_count, MADV_POPULATE_WRITE if writable else MADV_POPULATE_READ) != 0
                and errno != EINVAL):
            raise _os_error(self.path)
        return part

    cdef int note_huge_pages(self) except -1:
        """Look what came of the wish for huge pages."""
        cdef statfs fs
        if c_fstatfs(self.descriptor, &fs) != 0:
            raise _os_error(self.path)
        in_use = _huge_bytes(<size_t>self.data) if self.header.huge_pages else 0
        if not self.header.huge_pages:
            self.huge_pages = "off"
        elif in_use:
            self.huge_pages = f"{in_use} of {self.capacity_bytes} bytes in huge pages"
        else:
            self.huge_pages = f"not in use: {_why_no_huge_pages(fs.f_type, self)}"
        return 0

    cdef int bind(self) except -1:
        """Put the data on the node asked for, for good: the file keeps this policy."""
        cdef unsigned node = self.header.numa_node_next - 1
        self.numa = "off"
        if not self.header.numa_node_next:
            return 0
        nodes = _numa_nodes()
        if len(nodes) < 2:
            self.numa = "not applicable: this host has one node"
        elif node not in nodes:
            self.numa = f"not in use: found no node {node}, expected one of {nodes}"
        elif iron_bind_to_node(self.data, self.capacity_bytes, node) != 0:
            self.numa = f"not in use: the kernel refused node {node}: {os.strerror(errno)}"
        else:
            self.numa = f"on node {node}"
        return 0

    cdef int lock_pages(self) except -1:
        """Keep this process's mapping from being paged out, as asked for when it was made."""
        self.locked = "off"
        if self.header.lock == LOCK_OFF:
            return 0
        if mlock(self.header, HEADER_BYTES) == 0 and mlock(self.data, self.capacity_bytes) == 0:
            self.locked = "locked in memory"
            return 0
        self.locked = (f"not locked: {os.strerror(errno)}; "
                       "RLIMIT_MEMLOCK (ulimit -l) or CAP_IPC_LOCK decides")
        if self.header.lock == LOCK_REQUIRE:
            raise SegmentError(self.path, "lock", self.locked, "locked in memory, as required")
        return 0

    cdef int check_position(self, str what, uint64_t position) except -1:
        """A position that does not lie where frames begin was never stored by a ring."""
        if position % FRAME_ALIGNMENT:
            raise SegmentError(self.path, what, position, f"a multiple of {FRAME_ALIGNMENT}")
        return 0

    cdef int hold(self, int lock_byte, SegmentOwner* owner, str role) except -1:
        """Become the living owner of a place in the ring; SegmentHeldError when there is one."""
        cdef short lock_type = F_WRLCK
        if iron_lock_byte(self.descriptor, F_OFD_SETLK, lock_byte, &lock_type) != 0:
            if errno == EAGAIN or errno == EACCES:
                raise SegmentHeldError(self.path, role, owner.process_id)
            raise _os_error(self.path)
        owner.process_id = os.getpid()
        owner.process_start_ticks = process_start_ticks(os.getpid())
        owner.attached_real_ns = iron_clock_real_ns()
        owner.attached_count += 1
        segment_beat(owner, iron_clock_mono_ns())
        return 0

    cdef object owner_state(self, int lock_byte, SegmentOwner* owner):
        """Who holds a place. A lock of this very object does not count: ask through another one."""
        cdef short lock_type = F_WRLCK
        if iron_lock_byte(self.descriptor, F_OFD_GETLK, lock_byte, &lock_type) != 0:
            raise _os_error(self.path)
        return OwnerState(lock_type != F_UNLCK, owner.process_id, owner.attached_count,
                          owner.attached_real_ns, owner.heartbeat_mono_ns)

    cdef str session(self):
        """The session of the stream that the ring holds, "" while that is not said."""
        cdef uint64_t words[2]
        # The first word is written last; with it the second is there as well.
        words[0] = load_acquire_u64(&self.header.session[0])
        words[1] = self.header.session[1]
        return (<const char*>words)[:16].rstrip(b"\0").decode("ascii", "replace")

    cdef str identity(self):
        """32 hexadecimal digits that no other stream has, whatever its session's name; "" while
        that is not known. Asked for behind the session: what is said with it is seen with it."""
        cdef uint64_t words[2]
        words[0] = load_acquire_u64(&self.header.identity[0])
        words[1] = self.header.identity[1]
        return (<const char*>words)[:16].hex() if words[0] or words[1] else ""

    cdef int name_session(self, str session, str identity) except -1:
        """Say which session the ring holds, and which stream it is of, as far as that is known;
        SegmentError when the text is no session's name or no identity."""
        cdef uint64_t words[2]
        cdef bytes name = check_session(self.path, session).ljust(16, b"\0")
        cdef bytes stream = check_identity(self.path, identity)
        memcpy(words, <const char*>stream, 16)
        store_relaxed_u64(&self.header.identity[1], words[1])
        store_release_u64(&self.header.identity[0], words[0])
        memcpy(words, <const char*>name, 16)
        store_relaxed_u64(&self.header.session[1], words[1])
        store_release_u64(&self.header.session[0], words[0])
        return 0

    cdef int complete(self) except -1:
        """Give a new segment its name, unless another has it by now."""
        self.header.version = SEGMENT_VERSION
        self.header.magic = IRON_SEGMENT_MAGIC
        os.link(self.temporary, self.path)
        os.unlink(self.temporary)
        self.temporary = None
        return 0


cdef Segment segment_create(str path, int kind, uint64_t capacity_bytes, uint64_t sequence_first,
                            str huge_pages, str lock, object numa_node):
    """A new segment under a temporary name, mapped; the ring adds its header, then complete()."""
    cdef Segment segment = Segment.__new__(Segment)
    cdef statfs fs
    cdef uint64_t page_bytes = os.sysconf("SC_PAGESIZE")
    if huge_pages not in HUGE_PAGES:
        raise SegmentError(path, "huge_pages", repr(huge_pages), f"one of {', '.join(HUGE_PAGES)}")
    if lock not in LOCKS:
        raise SegmentError(path, "lock", repr(lock), f"one of {', '.join(LOCKS)}")
    if numa_node is not None and not 0 <= numa_node < 1024:
        raise SegmentError(path, "numa_node", numa_node, "a node's number, 0 to 1023")
    if sequence_first < 1:
        raise SegmentError(path, "sequence_next", sequence_first, "at least 1")
    if os.path.lexists(path):
        raise FileExistsError(f"{path}: exists already: open it, or remove it")
    _remove_abandoned(path)
    segment.path = path
    temporary = f"{path}.{os.getpid()}.tmp"
    segment.descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC,
                                 0o600)
    segment.temporary = temporary
    if c_fstatfs(segment.descriptor, &fs) != 0:
        raise _os_error(path)
    segment.capacity_bytes = capacity_bytes
    segment.data_offset = _round_up(HEADER_BYTES, page_bytes)
    if fs.f_type == IRON_HUGETLBFS_MAGIC:
        segment.data_offset = page_bytes = fs.f_bsize
    elif huge_pages != "off" and capacity_bytes >= HUGE_PAGE_BYTES:
        segment.data_offset = HUGE_PAGE_BYTES
    # Reserved now: a store to a page that cannot be had later would be a SIGBUS.
    os.posix_fallocate(segment.descriptor, 0, _round_up(HEADER_BYTES, page_bytes))
    os.posix_fallocate(segment.descriptor, segment.data_offset,
                       _round_up(capacity_bytes, page_bytes))
    segment.map(True, True)
    segment.header.kind = kind
    segment.header.data_offset = segment.data_offset
    segment.header.capacity_bytes = capacity_bytes
    segment.header.sequence_first = sequence_first
    segment.header.created_real_ns = iron_clock_real_ns()
    segment.header.lock = LOCKS[lock]
    segment.header.numa_node_next = 0 if numa_node is None else numa_node + 1
    segment.bind()
    segment.header.huge_pages = huge_pages != "off" or fs.f_type == IRON_HUGETLBFS_MAGIC
    if fs.f_type == IRON_TMPFS_MAGIC and segment.data_offset == HUGE_PAGE_BYTES:
        # On tmpfs the mount option decides what MADV_HUGEPAGE is worth. MADV_COLLAPSE (Linux 6.1)
        # does not ask it. Either may be refused, which note_huge_pages sees.
        madvise(segment.data, capacity_bytes, MADV_HUGEPAGE)
        madvise(segment.data, capacity_bytes, MADV_COLLAPSE)
    segment.note_huge_pages()
    if huge_pages == "require" and segment.huge_pages.startswith("not"):
        raise SegmentError(path, "huge pages", segment.huge_pages, "huge pages, as required")
    segment.lock_pages()
    return segment


cdef Segment segment_open(str path, int kind, bint header_writable, bint data_writable):
    """An existing segment, checked and mapped; SegmentError when it is not what it should be."""
    cdef Segment segment = Segment.__new__(Segment)
    cdef SegmentHeader header
    segment.path = path
    flags = os.O_RDWR if header_writable else os.O_RDONLY
    segment.descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW)
    status = os.fstat(segment.descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise SegmentError(path, "file type", "something else", "a regular file")
    # Whoever may write to a ring commands the venue, and whoever may cut it short kills its readers
    # (SIGBUS): the owner is trusted with both, so it has to be the reader's own user, root's too.
    if status.st_uid != os.geteuid():
        raise SegmentError(path, "owner", f"user {status.st_uid}", f"user {os.geteuid()}")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SegmentError(path, "mode", f"{stat.S_IMODE(status.st_mode):#o}",
                           "a file that nobody but its owner may write")
    start = os.pread(segment.descriptor, sizeof(SegmentHeader), 0)
    if len(start) < <Py_ssize_t>sizeof(SegmentHeader):
        raise SegmentError(path, "size", f"{len(start)} bytes",
                           f"a header of {sizeof(SegmentHeader)} bytes")
    header = (<SegmentHeader*><const char*>start)[0]
    if header.magic != IRON_SEGMENT_MAGIC:
        raise SegmentError(path, "magic", f"{header.magic:#018x}", f"{IRON_SEGMENT_MAGIC:#018x}")
    if header.kind != <uint32_t>kind:
        raise SegmentError(path, "kind of ring", _KIND_NAMES.get(header.kind, header.kind),
                           _KIND_NAMES[kind])
    # The frames of an older one hold records of another layout: nobody may take them for ours.
    if header.version != SEGMENT_VERSION:
        raise SegmentError(path, "layout version", header.version,
                           f"{SEGMENT_VERSION}: stop the venue with the release that wrote it, "
                           "then remove this file")
    if (header.capacity_bytes & (header.capacity_bytes - 1) or header.capacity_bytes == 0
            or header.capacity_bytes > CAPACITY_BYTES_MAX):
        raise SegmentError(path, "capacity", header.capacity_bytes, "a power of two up to 4 GiB")
    if (header.data_offset < HEADER_BYTES or header.data_offset > CAPACITY_BYTES_MAX
            or header.data_offset % os.sysconf("SC_PAGESIZE")):
        raise SegmentError(path, "data offset", header.data_offset, "whole pages behind the header")
    if status.st_size < header.data_offset + header.capacity_bytes:
        raise SegmentError(path, "size", f"{status.st_size} bytes",
                           f"{header.data_offset + header.capacity_bytes} bytes")
    segment.data_offset = header.data_offset
    segment.capacity_bytes = header.capacity_bytes
    segment.map(header_writable, data_writable)
    segment.note_huge_pages()
    segment.numa = "off"
    segment.locked = "off"
    if header_writable:
        segment.lock_pages()
    return segment


def _remove_abandoned(path):
    """Remove what processes that died while they made this very segment left behind."""
    directory, name = os.path.split(path)
    for entry in os.listdir(directory or "."):
        process_id = entry.removeprefix(f"{name}.").removesuffix(".tmp")
        if (entry == f"{name}.{process_id}.tmp" and process_id.isdecimal()
                and process_start_ticks(int(process_id)) == 0):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(directory, entry))


def _numa_nodes():
    """The numbers of this host's memory nodes."""
    try:
        entries = os.listdir("/sys/devices/system/node")
    except OSError:
        return [0]
    return sorted(int(entry[4:]) for entry in entries
                  if entry.startswith("node") and entry[4:].isdecimal())


def _huge_bytes(address):
    """How many bytes of the mapping at `address` the kernel has in huge pages."""
    huge_bytes = 0
    inside = False
    with open("/proc/self/smaps", encoding="ascii", errors="replace") as smaps:
        for line in smaps:
            field, _, rest = line.partition(" ")
            if not field.endswith(":"):
                low, _, high = field.partition("-")
                inside = int(low, 16) <= address < int(high, 16)
            elif inside and field in ("ShmemPmdMapped:", "Shared_Hugetlb:", "Private_Hugetlb:"):
                huge_bytes += int(rest.split()[0]) << 10
    return huge_bytes


cdef str _why_no_huge_pages(long file_system, Segment segment):
    if segment.capacity_bytes < HUGE_PAGE_BYTES:
        return f"{segment.capacity_bytes} bytes are less than one huge page"
    if file_system != IRON_TMPFS_MAGIC:
        return f"{segment.path} is neither on hugetlbfs nor on tmpfs"
    return ("the kernel gave none on this tmpfs (mount it with huge=advise, or see "
            "/sys/kernel/mm/transparent_hugepage/shmem_enabled)")
