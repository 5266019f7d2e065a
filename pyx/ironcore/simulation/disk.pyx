"""A disk that fails in the ways of real ones.

A write goes to the page cache, whole or in part, or is refused (disk full, input/output error).
Only a sync brings it to the disk for certain. When power is lost, each sector written since then
may be on the disk or not, in any order; the file may have got its new length without its new
sectors, which are zeros then; a file that was made may be missing until its directory was synced,
and one that was removed may be there again. A sync that fails stores some sectors and forgets about
the others: a later sync, although it succeeds, does not store them (Rebello et al., "Can
Applications Recover from fsync Failures?", 2020). A sector is written whole or not at all.
"""

from libc.errno cimport EEXIST, EIO, ENOENT, ENOSPC
from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memset, strcmp, strlen

from ironcore.base.check cimport iron_assert
from ironcore.base.files cimport FileDirectory, Files
from ironcore.simulation.world cimport World, chance_below, chance_hits, world_crashed

cdef enum:
    ROOM_BYTES_MIN = 16384
    ODDS_EVEN = 500


cdef void disk_open(Disk* disk, World* world) noexcept nogil:
    memset(disk, 0, sizeof(disk[0]))
    disk.world = world


cdef void disk_close(Disk* disk) noexcept nogil:
    cdef int i
    for i in range(DISK_FILES_MAX):
        _forget(&disk.files[i])


cdef void _forget(DiskFile* file) noexcept nogil:
    free(file.cache)
    free(file.stored)
    free(file.dirty)
    memset(file, 0, sizeof(file[0]))


cdef void _make_room(DiskFile* file, uint64_t room_bytes) noexcept nogil:
    cdef uint64_t room = max(file.room_bytes, <uint64_t>ROOM_BYTES_MIN)
    if room_bytes <= file.room_bytes:
        return
    while room < room_bytes:
        room *= 2
    file.cache = <uint8_t*>realloc(file.cache, room)
    file.stored = <uint8_t*>realloc(file.stored, room)
    file.dirty = <uint8_t*>realloc(file.dirty, room // DISK_SECTOR_BYTES)
    iron_assert(file.cache != NULL and file.stored != NULL and file.dirty != NULL,
                "a simulated disk has memory")
    memset(file.cache + file.room_bytes, 0, room - file.room_bytes)
    memset(file.stored + file.room_bytes, 0, room - file.room_bytes)
    memset(file.dirty + file.room_bytes // DISK_SECTOR_BYTES, 0,
           (room - file.room_bytes) // DISK_SECTOR_BYTES)
    file.room_bytes = room


cdef DiskFile* _find(Disk* disk, const char* name) noexcept nogil:
    cdef int i
    for i in range(DISK_FILES_MAX):
        if disk.files[i].listed and strcmp(disk.files[i].name, name) == 0:
            return &disk.files[i]
    return NULL


cdef void _store_sector(DiskFile* file, uint64_t sector) noexcept nogil:
    cdef uint64_t start = sector * DISK_SECTOR_BYTES
    memcpy(file.stored + start, file.cache + start, DISK_SECTOR_BYTES)
    file.stored_bytes = max(file.stored_bytes, min(file.cache_bytes, start + DISK_SECTOR_BYTES))


cdef int _open(void* context, const char* name, bint create) noexcept nogil:
    cdef Disk* disk = <Disk*>context
    cdef DiskFile* file = _find(disk, name)
    cdef int i
    if world_crashed(disk.world):
        return -EIO
    if not create:
        return <int>(file - disk.files) if file != NULL else -ENOENT
    if file != NULL:
        return -EEXIST
    if disk.world.disk_full:
        return -ENOSPC
    for i in range(DISK_FILES_MAX):
        file = &disk.files[i]
        if file.used and strcmp(file.name, name) == 0:
            _forget(file)  # removed a moment ago: its name is taken again
    for i in range(DISK_FILES_MAX):
        file = &disk.files[i]
        if not file.used:
            iron_assert(strlen(name) < DISK_NAME_BYTES_MAX, "a simulated file's name fits")
            memcpy(file.name, name, strlen(name) + 1)
            file.used = True
            file.listed = True
            _make_room(file, 1)
            return i
    return -ENOSPC


cdef long _read_at(void* context, int fd, uint8_t* buffer, size_t bytes,
                   uint64_t offset) noexcept nogil:
    cdef Disk* disk = <Disk*>context
    cdef DiskFile* file = &disk.files[fd]
    cdef uint64_t count
    if world_crashed(disk.world):
        return -EIO
    if offset >= file.cache_bytes:
        return 0
    count = min(<uint64_t>bytes, file.cache_bytes - offset)
    if chance_hits(disk.world, disk.world.odds.short_write):
        count = 1 + chance_below(disk.world, count)
    memcpy(buffer, file.cache + offset, count)
    return <long>count


cdef long _write_at(void* context, int fd, const uint8_t* buffer, size_t bytes,
                    uint64_t offset) noexcept nogil:
    cdef Disk* disk = <Disk*>context
    cdef DiskFile* file = &disk.files[fd]
    cdef uint64_t count = bytes
    cdef uint64_t sector
    cdef bint crashed_before = disk.world.crashed != 0
    cdef bint crashed = world_crashed(disk.world)
    if crashed_before:
        return -EIO
    if disk.world.disk_full or crashed:
        count = chance_below(disk.world, count + 1)
    elif chance_hits(disk.world, disk.world.odds.short_write):
        count = 1 + chance_below(disk.world, count)
    if chance_hits(disk.world, disk.world.odds.disk_error):
        return -EIO
    if count == 0:
        return -ENOSPC
    _make_room(file, offset + count + DISK_SECTOR_BYTES)
    memcpy(file.cache + offset, buffer, count)
    file.cache_bytes = max(file.cache_bytes, offset + count)
    for sector in range(offset // DISK_SECTOR_BYTES, (offset + count - 1) // DISK_SECTOR_BYTES + 1):
        file.dirty[sector] = 1
    disk.writes += 1
    return -EIO if crashed else <long>count


cdef int _sync(void* context, int fd) noexcept nogil:
    cdef Disk* disk = <Disk*>context
    cdef DiskFile* file = &disk.files[fd]
    cdef uint64_t sector
    cdef bint crashed_before = disk.world.crashed != 0
    cdef bint crashed = world_crashed(disk.world)
    cdef bint refused = chance_hits(disk.world, disk.world.odds.disk_error)
    if crashed_before or (crashed and chance_hits(disk.world, ODDS_EVEN)):
        return -EIO
    for sector in range((file.cache_bytes + DISK_SECTOR_BYTES - 1) // DISK_SECTOR_BYTES):
        if file.dirty[sector] and not (refused and chance_hits(disk.world, ODDS_EVEN)):
            _store_sector(file, sector)
        file.dirty[sector] = 0
    if not refused:
        memset(file.stored + file.cache_bytes, 0, file.room_bytes - file.cache_bytes)
        file.stored_bytes = file.cache_bytes
        disk.syncs += 1
    return -EIO if crashed or refused else 0


cdef int _sync_directory(void* context) noexcept nogil:
    cdef Disk* disk = <Disk*>context
    cdef DiskFile* file
    cdef int i
    if world_crashed(disk.world) or chance_hits(disk.world, disk.world.odds.disk_error):
        return -EIO
    for i in range(DISK_FILES_MAX):
        file = &disk.files[i]
        if file.used and not file.listed:
            _forget(file)
        elif file.used:
            file.entry_stored = True
            file.stored_name[0] = 0
            file.replaced = 0
    return 0


cdef int _truncate(void* context, int fd, uint64_t bytes) noexcept nogil:
    cdef Disk* disk = <Disk*>context
    cdef DiskFile* file = &disk.files[fd]
    if world_crashed(disk.world):
        return -EIO
    _make_room(file, bytes + DISK_SECTOR_BYTES)
    if bytes < file.cache_bytes:
        memset(file.cache + bytes, 0, file.cache_bytes - bytes)
    file.cache_bytes = bytes
    return 0


cdef long _size(void* context, int fd) noexcept nogil:
    return <long>(<Disk*>context).files[fd].cache_bytes


cdef int _rename(void* context, const char* name, const char* new_name) noexcept nogil:
    cdef Disk* disk = <Disk*>context
    cdef DiskFile* file = _find(disk, name)
    cdef DiskFile* target = _find(disk, new_name)
    if world_crashed(disk.world):
        return -EIO
    if file == NULL:
        return -ENOENT
    if target != NULL:
        target.listed = False
        file.replaced = <int>(target - disk.files) + 1
        if not target.entry_stored or target.stored_name[0]:
            # Renamed itself a moment ago: what may come back is what it has replaced.
            file.replaced = target.replaced
            _forget(target)
    if file.entry_stored and not file.stored_name[0]:
        memcpy(file.stored_name, name, strlen(name) + 1)
    iron_assert(strlen(new_name) < DISK_NAME_BYTES_MAX, "a simulated file's name fits")
    memcpy(file.name, new_name, strlen(new_name) + 1)
    return 0


cdef int _remove(void* context, const char* name) noexcept nogil:
    cdef Disk* disk = <Disk*>context
    cdef DiskFile* file = _find(disk, name)
    if world_crashed(disk.world):
        return -EIO
    if file == NULL:
        return -ENOENT
    file.listed = False
    return 0


cdef int _claim(void* context, int fd) noexcept nogil:
    return 0                         # who reads this disk sees all that is in it


cdef int _is_claimed(void* context, int fd) noexcept nogil:
    return 0


cdef void _close(void* context, int fd) noexcept nogil:
    pass


cdef int _list(void* context, int index, char* name) noexcept nogil:
    cdef Disk* disk = <Disk*>context
    cdef int i
    for i in range(DISK_FILES_MAX):
        if disk.files[i].listed:
            if index == 0:
                memcpy(name, disk.files[i].name, DISK_NAME_BYTES_MAX)
                return 1
            index -= 1
    return 0


cdef Files disk_files(Disk* disk) noexcept nogil:
    cdef Files files
    files.context = disk
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


cdef void _lose_power_of(World* world, DiskFile* file) noexcept nogil:
    """What of the file's unsynced changes has reached the disk by chance."""
    cdef uint64_t sectors = (file.cache_bytes + DISK_SECTOR_BYTES - 1) // DISK_SECTOR_BYTES
    cdef uint64_t first_kept = 0
    cdef uint64_t last_kept = sectors
    cdef uint64_t sector
    cdef uint64_t manner = chance_below(world, 4)
    if manner == 0:
        last_kept = 0                # none of them
    elif manner == 1:
        last_kept = chance_below(world, sectors + 1)  # in order, up to here
    elif manner == 2:
        first_kept = chance_below(world, sectors + 1)  # the later ones only
    for sector in range(first_kept, last_kept):
        if file.dirty[sector] and (manner != 3 or chance_hits(world, ODDS_EVEN)):
            _store_sector(file, sector)
    if file.stored_bytes < file.cache_bytes and chance_hits(world, ODDS_EVEN):
        file.stored_bytes = file.cache_bytes  # the length came before the sectors
    elif file.stored_bytes > file.cache_bytes and chance_hits(world, ODDS_EVEN):
        file.stored_bytes = file.cache_bytes
        memset(file.stored + file.cache_bytes, 0, file.room_bytes - file.cache_bytes)
    memcpy(file.cache, file.stored, file.room_bytes)
    file.cache_bytes = file.stored_bytes
    memset(file.dirty, 0, file.room_bytes // DISK_SECTOR_BYTES)


cdef void _undo_rename(Disk* disk, DiskFile* file) noexcept nogil:
    """The disk may know nothing of a rename yet: both files are there as before it, or neither."""
    cdef DiskFile* replaced = &disk.files[file.replaced - 1] if file.replaced else NULL
    cdef bint undone = chance_hits(disk.world, ODDS_EVEN)
    if undone and file.stored_name[0] and _find(disk, file.stored_name) == NULL:
        memcpy(file.name, file.stored_name, DISK_NAME_BYTES_MAX)
    elif undone and replaced != NULL:
        file.listed = False          # neither its old name nor its new one has reached the disk
    else:
        undone = False
    if replaced != NULL:
        if undone:
            replaced.listed = True
        else:
            _forget(replaced)
    file.entry_stored = file.entry_stored or not undone
    file.stored_name[0] = 0
    file.replaced = 0


cdef void disk_lose_power(Disk* disk) noexcept nogil:
    cdef DiskFile* file
    cdef int i
    for i in range(DISK_FILES_MAX):
        file = &disk.files[i]
        if file.used and file.listed and (file.stored_name[0] or file.replaced):
            _undo_rename(disk, file)
    for i in range(DISK_FILES_MAX):
        file = &disk.files[i]
        if not file.used:
            continue
        if not file.listed:          # removed: perhaps the disk knows nothing of it yet
            file.listed = file.entry_stored and chance_hits(disk.world, ODDS_EVEN)
        elif not file.entry_stored:
            file.listed = chance_hits(disk.world, ODDS_EVEN)
        if not file.listed:
            _forget(file)
            continue
        file.entry_stored = True
        _lose_power_of(disk.world, file)


cdef class SimulatedDirectory(FileDirectory):
    """A simulated disk's one directory, as the stages and the journal's recovery take it."""

    def __cinit__(self):
        self.disk = <Disk*>calloc(1, sizeof(Disk))
        if self.disk == NULL:
            raise MemoryError
        self.files = disk_files(self.disk)

    def __dealloc__(self):
        if self.disk != NULL:
            disk_close(self.disk)
            free(self.disk)

    def contents(self):
        """What the running host reads: {name: bytes}."""
        cdef int i
        found = {}
        for i in range(DISK_FILES_MAX):
            if self.disk.files[i].listed:
                name = (<bytes>self.disk.files[i].name).decode()
                found[name] = self.disk.files[i].cache[:self.disk.files[i].cache_bytes]
        return found
