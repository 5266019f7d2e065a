# A disk in memory behind the files interface: page cache above, sectors below.

from libc.stdint cimport uint8_t, uint64_t

from ironcore.base.files cimport FileDirectory, Files
from ironcore.simulation.world cimport World

cdef enum:
    DISK_FILES_MAX = 256
    DISK_NAME_BYTES_MAX = 64
    DISK_SECTOR_BYTES = 512

cdef struct DiskFile:
    char name[DISK_NAME_BYTES_MAX]
    bint used
    bint listed                      # the running host sees it
    bint entry_stored                # its directory entry is on the disk
    char stored_name[DISK_NAME_BYTES_MAX]  # under this name, when it was renamed since; else ""
    int replaced                     # 1 + index of the file that its new name was of, 0: none
    uint8_t* cache                   # what the running host reads
    uint64_t cache_bytes
    uint8_t* stored                  # what the disk has
    uint64_t stored_bytes
    uint64_t room_bytes              # of both
    uint8_t* dirty                   # by sector: written since it was stored

cdef struct Disk:
    World* world
    DiskFile files[DISK_FILES_MAX]
    uint64_t writes
    uint64_t syncs

cdef void disk_open(Disk* disk, World* world) noexcept nogil
cdef void disk_close(Disk* disk) noexcept nogil
cdef Files disk_files(Disk* disk) noexcept nogil
# The host lost its power and starts again: the cache is what the disk has.
cdef void disk_lose_power(Disk* disk) noexcept nogil

cdef class SimulatedDirectory(FileDirectory):
    cdef Disk* disk
