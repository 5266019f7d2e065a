"""Counters in a memory-mapped file, readable by another process and after a crash.

Layout, little-endian, version 2:

    0     header, 256 bytes               CountersHeader in counters.pxd
    256   metadata, 256 bytes a counter   CounterMetadata in counters.pxd
    ...   value blocks, 128 bytes each    sixteen 64-bit values, all of one writer

Version 1 knew no units: every counter that a part declared was a count. Its header is the same one,
so that a reader can tell whose file it is, and whether that process lives.

Values are grouped by writer: what one thread counts lies close together, and no two threads share a
pair of cache lines. A counter's metadata is complete before `allocated` covers it, and neither
moves afterwards. The file is made under a temporary name and renamed when complete: a reader never
meets half a file. A restarted process replaces its file and leaves old readers their old mapping.

Put the file on tmpfs: on a disk-backed file system the kernel write-protects a page each time it
writes it back, and the next increment takes a page fault.
"""

import contextlib
import mmap
import os
import re

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from ironcore.base.atomics cimport load_acquire_u64, load_relaxed_u64, store_release_u64
from ironcore.base.check cimport iron_static_assert
from ironcore.base.clock cimport iron_clock_real_ns

from ironcore.base.counter_declaration import UNITS, Declaration, Description

cdef extern from *:
    """
    #define IRON_COUNTERS_MAGIC 0x31544E434E4F5249ull  /* "IRONCNT1" */
    """
    const uint64_t IRON_COUNTERS_MAGIC

KINDS = {"count": COUNTER_COUNT, "gauge": COUNTER_GAUGE, "maximum": COUNTER_MAXIMUM}
_KIND_NAMES = {number: name for name, number in KINDS.items()}
_NAME = re.compile(r"[A-Za-z0-9_:-]+")


class CountersError(ValueError):
    """A counters file that cannot be made, extended or read; the message says which and why."""


class CountersVersionError(CountersError):
    """A counters file of another release; `process_id` of its writer, and whether it is `alive`."""

    def __init__(self, message, process_id, alive):
        super().__init__(message)
        self.process_id = process_id
        self.alive = alive


def process_start_ticks(process_id):
    """Clock ticks after boot at which a process started, 0 if there is none or only its zombie.

    With the process id it names one process for good: ids are reused.
    """
    try:
        with open(f"/proc/{process_id}/stat", "rb") as file:
            # The command name, in parentheses, may hold anything, ')' and spaces included.
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0 if fields[0] in (b"Z", b"X") else int(fields[19])


cdef void _check_layout() noexcept nogil:
    iron_static_assert(sizeof(CountersHeader) == COUNTERS_HEADER_BYTES)
    iron_static_assert(sizeof(CounterMetadata) == COUNTER_METADATA_BYTES)
    iron_static_assert(COUNTER_BLOCK_VALUES * sizeof(uint64_t) == COUNTER_BLOCK_BYTES)


cdef uint64_t _file_bytes(uint64_t capacity) noexcept:
    # At worst each counter has a writer, and so a block, of its own.
    return COUNTERS_HEADER_BYTES + capacity * (COUNTER_METADATA_BYTES + COUNTER_BLOCK_BYTES)


cdef inline CounterMetadata* _metadata(uint8_t* start, uint64_t index) noexcept nogil:
    return <CounterMetadata*>(start + COUNTERS_HEADER_BYTES + index * COUNTER_METADATA_BYTES)


cdef uint8_t* _address(object mapping) except NULL:
    # The mapping outlives the view: both it and its owner live in the same object.
    cdef const uint8_t[::1] view = mapping
    return <uint8_t*>&view[0]


cdef bytes _text(str what, str text, int bytes_max):
    encoded = text.encode()
    if len(encoded) > bytes_max:
        raise CountersError(f"{what} {text!r}: found {len(encoded)} bytes, expected at most "
                            f"{bytes_max}")
    return encoded


cdef str _checked_name(str what, str name):
    if _NAME.fullmatch(name) is None:
        raise CountersError(f"{what}: found {name!r}, expected letters, digits, '_', '-' and ':'")
    return name


cdef class CountersFile:
    """The counters of this process. Allocate them all at start, from one thread."""

    def __cinit__(self):
        self.indices = {}
        self.blocks = {}

    @staticmethod
    def create(path, capacity, *, process=""):
        """Make the file for `capacity` counters, in place of one of the same name if there is one.

        Mode 0600. `process` is the name readers show. OSError if it cannot be made.
        """
        return _create(os.fspath(path), capacity, process)

    @staticmethod
    def anonymous(capacity):
        """Counters in memory only, for a process that nobody watches."""
        return _create("", capacity, "")

    def allocate(self, writer, declared):
        """Allocate counter `<writer>.<declared.name>` and return its index.

        `writer` is the one thread or agent that will write it. CountersError when it exists or
        there is no room, TypeError when it is no Counter, Gauge or Maximum.
        """
        return _allocate(self, writer, declared)

    def add(self, index, n=1):
        """Add to a count from Python; only its one writer may. CountersError: it is none."""
        counter_add(_of_kind(self, index, COUNTER_COUNT), n)

    def set(self, index, value):
        """Set a gauge from Python; only its one writer may. CountersError: it is none."""
        counter_set(_of_kind(self, index, COUNTER_GAUGE), value)

    def value(self, index):
        """Present value of a counter."""
        return load_acquire_u64(counters_at(self, index))

    def pointer(self, index):
        """Address of a counter's value, for tests that look at the layout."""
        return <size_t>counters_at(self, index)

    def snapshot(self):
        """Present values by full name."""
        return {name: self.value(index) for name, index in self.indices.items()}

    def __len__(self):
        return len(self.indices)


cdef CountersFile _create(str path, int capacity, str process):
    cdef CountersFile file = CountersFile.__new__(CountersFile)
    cdef CountersHeader* header
    if not 1 <= capacity <= COUNTERS_CAPACITY_MAX:
        raise CountersError(f"capacity: found {capacity}, expected 1 to {COUNTERS_CAPACITY_MAX}")
    process_bytes = _text("process", process, COUNTERS_PROCESS_BYTES_MAX)
    file_bytes = _file_bytes(capacity)
    file.path = path
    temporary = f"{path}.{os.getpid()}.tmp"
    if path:
        file.mapping = _map_new(temporary, file_bytes)
    else:
        file.mapping = mmap.mmap(-1, file_bytes)
    try:
        file.start = _address(file.mapping)
        header = <CountersHeader*>file.start
        header.version = COUNTERS_VERSION
        header.header_bytes = COUNTERS_HEADER_BYTES
        header.metadata_bytes = COUNTER_METADATA_BYTES
        header.capacity = capacity
        header.values_offset = COUNTERS_HEADER_BYTES + <uint64_t>capacity * COUNTER_METADATA_BYTES
        header.file_bytes = file_bytes
        header.process_id = os.getpid()
        header.process_start_ticks = process_start_ticks(os.getpid())
        header.created_real_ns = iron_clock_real_ns()
        memcpy(header.process, <const char*>process_bytes, len(process_bytes))
        header.magic = IRON_COUNTERS_MAGIC
        if path:
            os.rename(temporary, path)
    except BaseException:
        if path:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise
    return file


def _map_new(temporary, file_bytes):
    # What a killed process of the same id left behind is not ours to trust.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, file_bytes)
        return mmap.mmap(descriptor, file_bytes, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
    except BaseException:
        os.unlink(temporary)
        raise
    finally:
        os.close(descriptor)


cdef uint64_t* _of_kind(CountersFile file, int index, int kind) except NULL:
    cdef uint64_t* value = counters_at(file, index)
    found = _metadata(file.start, index).kind
    if found != kind:
        raise CountersError(f"counter {list(file.indices)[index]!r}: found a {_KIND_NAMES[found]}, "
                            f"expected a {_KIND_NAMES[kind]}")
    return value


cdef int _allocate(CountersFile file, str writer, object declared) except -1:
    cdef CountersHeader* header = <CountersHeader*>file.start
    cdef CounterMetadata* metadata
    cdef uint64_t index = load_relaxed_u64(&header.allocated)
    if not isinstance(declared, Declaration):
        raise TypeError(f"counter of {writer}: found {declared!r}, expected a Counter, Gauge or "
                        "Maximum")
    full_name = f"{_checked_name('writer', writer)}.{_checked_name('name', declared.name)}"
    name_bytes = _text("name", full_name, COUNTER_NAME_BYTES_MAX)
    help_bytes = _text("help", declared.help, COUNTER_HELP_BYTES_MAX)
    if full_name in file.indices:
        raise CountersError(f"counter {full_name!r}: found it in the file, expected a new name")
    if index == header.capacity:
        raise CountersError(f"counter {full_name!r}: found all {header.capacity} counters of the "
                            "file in use, expected room for one more")

    block = file.blocks.get(writer)
    if block is None or block[1] == COUNTER_BLOCK_VALUES:
        block = [header.values_offset + <uint64_t>file.blocks_used * COUNTER_BLOCK_BYTES, 0]
        file.blocks[writer] = block
        file.blocks_used += 1
    metadata = _metadata(file.start, index)
    metadata.value_offset = block[0] + block[1] * sizeof(uint64_t)
    metadata.kind = KINDS[declared.kind]
    metadata.unit = UNITS.index(declared.unit)
    metadata.name_bytes = len(name_bytes)
    metadata.help_bytes = len(help_bytes)
    memcpy(metadata.name, <const char*>name_bytes, len(name_bytes))
    memcpy(metadata.help, <const char*>help_bytes, len(help_bytes))
    block[1] += 1
    file.indices[full_name] = index
    store_release_u64(&header.allocated, index + 1)
    return index


cdef uint64_t* counters_at(CountersFile file, int index) except NULL:
    cdef CountersHeader* header = <CountersHeader*>file.start
    if not 0 <= index < <int>load_relaxed_u64(&header.allocated):
        raise IndexError(f"counter: found index {index}, expected one below {header.allocated}")
    return <uint64_t*>(file.start + _metadata(file.start, index).value_offset)


cdef uint64_t* counters_new(CountersFile file, str writer, object declared) except NULL:
    return counters_at(file, _allocate(file, writer, declared))


cdef class CountersReader:
    """The counters of another process, alive or dead, mapped read-only."""

    def __init__(self, path):
        """Map `path`. OSError if it cannot be opened, CountersError if it is another file."""
        self.path = os.fspath(path)
        with open(self.path, "rb") as file:
            stat = os.fstat(file.fileno())
            if stat.st_size < COUNTERS_HEADER_BYTES:
                raise CountersError(f"{self.path}: found {stat.st_size} bytes, expected a counters "
                                    "file")
            self.mapping = mmap.mmap(file.fileno(), stat.st_size, access=mmap.ACCESS_READ)
        self.file_id = (stat.st_dev, stat.st_ino)
        self.file_bytes = stat.st_size
        self.start = _address(self.mapping)
        self._check_header()

    cdef int _check_header(self) except -1:
        cdef CountersHeader* header = <CountersHeader*>self.start
        if header.magic != IRON_COUNTERS_MAGIC:
            raise CountersError(f"{self.path}: found another file, expected a counters file")
        if header.version != COUNTERS_VERSION:
            raise CountersVersionError(
                f"{self.path}: found counters of layout version {header.version}, expected "
                f"{COUNTERS_VERSION}: process {header.process_id} wrote them with another release "
                "of ironpit", header.process_id, self.alive)
        if (header.capacity > COUNTERS_CAPACITY_MAX
                or header.file_bytes != _file_bytes(header.capacity)
                or header.file_bytes != self.file_bytes):
            raise CountersError(f"{self.path}: found {self.file_bytes} bytes, expected the "
                                f"header's {header.file_bytes} for {header.capacity} counters")
        return 0

    cdef CounterMetadata* _checked_metadata(self, uint64_t index) except NULL:
        cdef CounterMetadata* metadata = _metadata(self.start, index)
        if (metadata.value_offset > self.file_bytes - sizeof(uint64_t)
                or metadata.value_offset % sizeof(uint64_t) != 0
                or metadata.name_bytes > COUNTER_NAME_BYTES_MAX
                or metadata.help_bytes > COUNTER_HELP_BYTES_MAX
                or metadata.kind not in _KIND_NAMES
                or metadata.unit >= <uint64_t>len(UNITS)):
            raise CountersError(f"{self.path}: counter {index} is damaged")
        return metadata

    cdef uint64_t _allocated(self) except? 0:
        cdef CountersHeader* header = <CountersHeader*>self.start
        cdef uint64_t count = load_acquire_u64(&header.allocated)
        if count > header.capacity:
            raise CountersError(f"{self.path}: found {count} counters in use, expected at most "
                                f"{header.capacity}")
        return count

    def snapshot(self):
        """Present values by full name. Each is exact; together they are not of one instant."""
        cdef uint64_t index
        cdef CounterMetadata* metadata
        values = {}
        for index in range(self._allocated()):
            metadata = self._checked_metadata(index)
            name = metadata.name[:metadata.name_bytes].decode(errors="replace")
            values[name] = load_acquire_u64(<uint64_t*>(self.start + metadata.value_offset))
        return values

    def describe(self):
        """Kind, unit and help by full name, as they were declared."""
        cdef uint64_t index
        cdef CounterMetadata* metadata
        described = {}
        for index in range(self._allocated()):
            metadata = self._checked_metadata(index)
            name = metadata.name[:metadata.name_bytes].decode(errors="replace")
            help = metadata.help[:metadata.help_bytes].decode(errors="replace")
            described[name] = Description(_KIND_NAMES[metadata.kind], UNITS[metadata.unit], help)
        return described

    @property
    def process(self):
        """Name that the writer gave itself."""
        cdef CountersHeader* header = <CountersHeader*>self.start
        raw = header.process[:COUNTERS_PROCESS_BYTES_MAX]
        return raw.rstrip(b"\0").decode(errors="replace")

    @property
    def process_id(self):
        """Process id of the writer."""
        return (<CountersHeader*>self.start).process_id

    @property
    def created_real_ns(self):
        """When the file was made, in nanoseconds since the UNIX epoch."""
        return (<CountersHeader*>self.start).created_real_ns

    @property
    def alive(self):
        """Whether the writer still runs, as seen from this process's /proc."""
        cdef CountersHeader* header = <CountersHeader*>self.start
        return 0 != process_start_ticks(header.process_id) == header.process_start_ticks

    @property
    def replaced(self):
        """Whether the path now holds another file: open it anew to see the restarted writer."""
        try:
            stat = os.stat(self.path)
        except FileNotFoundError:
            return True
        return (stat.st_dev, stat.st_ino) != self.file_id
