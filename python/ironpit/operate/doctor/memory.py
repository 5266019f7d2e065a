"""Shared memory, huge pages, locked memory, and the disk under the journal."""

import ctypes
import mmap
import os
import resource
from pathlib import Path

from ironpit.common.output import show_bytes
from ironpit.config import Config, ring_directory
from ironpit.operate.doctor.feature import Context, Feature

THP = "sys/kernel/mm/transparent_hugepage/shmem_enabled"
TMPFS = ("tmpfs", "ramfs")
CAP_IPC_LOCK = 14
HUGE_PAGE_BYTES = 2 << 20
MAP_FIXED = 0x10
MADV_COLLAPSE = 25  # linux/mman.h, asm-generic/mman-common.h


def ring_bytes(config: Config) -> int:
    """What the rings take."""
    streams = config.streams
    total = streams.events.capacity_bytes
    for gateway in config.gateways:
        total += gateway.orders.capacity_bytes
    if streams.market_data.transport == "shm":
        total += streams.market_data.capacity_bytes
    return total


def shared_memory(context: Context) -> Feature:
    """Memory that processes share, with room for the rings."""
    config = context.config
    directory = Path("/dev/shm")
    if config is not None:
        directory = ring_directory(config.venue.data_directory).parent
    needed = ring_bytes(config) if config is not None else 0
    try:
        room = os.statvfs(directory)
    except OSError as error:
        return Feature(
            "shared_memory",
            "Shared memory",
            False,
            False if context.running else None,
            True,
            f"{directory}: {error.strerror}",
            "mount a tmpfs on /dev/shm",
        )
    free = room.f_bavail * room.f_frsize
    in_use = None
    if config is not None and context.running:
        in_use = config.streams.events.path.exists()
    enough = free >= needed or in_use is True
    return Feature(
        "shared_memory",
        "Shared memory",
        enough,
        in_use,
        True,
        "" if enough else f"{show_bytes(free)} free, {show_bytes(needed)} needed for the rings",
        "" if enough else f"mount -o remount,size={2 * needed} {directory}",
        {"directory": str(directory), "free_bytes": free, "needed_bytes": needed},
    )


def huge_pages(context: Context) -> Feature:
    """Transparent huge pages of shared memory, or a pool of them."""
    config = context.config
    asked = config is not None and config.streams.events.huge_pages != "off"
    # `auto` takes what there is.
    wanted = asked and config is not None and config.degrade.huge_pages == "refuse"
    setting = context.text(THP)
    chosen = setting.partition("[")[2].partition("]")[0] if setting else ""
    pool = _meminfo(context, "HugePages_Total")
    transparent = chosen in ("always", "within_size", "advise", "force")
    available = None if setting is None and pool is None else transparent or bool(pool)
    if not available and context.root == Path("/"):
        available = _collapses() or available
    reason = context.degraded("huge_pages")
    why_not, to_do = reason or "", ""
    if available is False:
        why_not = why_not or f"shmem_enabled is {chosen or 'unknown'}, and the pool is empty"
        to_do = f"echo advise > /{THP}"
    elif available is None:
        why_not = "the kernel does not say"
    elif reason:
        to_do = "free memory, and start the venue again"
    return Feature(
        "huge_pages",
        "Huge pages",
        available,
        context.used_unless_degraded(asked, "huge_pages"),
        wanted,
        why_not,
        to_do,
        {"shmem_enabled": chosen, "pool_pages": pool},
    )


def _collapses() -> bool:
    """Whether shared memory is put into a huge page when it is asked to be, as rings ask; from
    Linux 6.1 on that may be so whatever shmem_enabled says."""
    libc = ctypes.CDLL(None)
    size, pointer, number = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_int
    libc.madvise.argtypes = (pointer, size, number)
    libc.mmap.argtypes = (pointer, size, number, number, number, ctypes.c_long)
    libc.mmap.restype = pointer
    descriptor = os.memfd_create("ironpit-doctor")
    try:
        os.truncate(descriptor, HUGE_PAGE_BYTES)
        os.pwrite(descriptor, bytes(HUGE_PAGE_BYTES), 0)
        # Room for one aligned page: the file's first byte has to lie where a huge page begins.
        with mmap.mmap(-1, 2 * HUGE_PAGE_BYTES) as room:
            start = ctypes.addressof(ctypes.c_char.from_buffer(room))
            page = -(-start // HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES
            flags = mmap.MAP_SHARED | MAP_FIXED
            both = mmap.PROT_READ | mmap.PROT_WRITE
            if libc.mmap(page, HUGE_PAGE_BYTES, both, flags, descriptor, 0) != page:
                return False
            return bool(libc.madvise(page, HUGE_PAGE_BYTES, MADV_COLLAPSE) == 0)
    finally:
        os.close(descriptor)


def _meminfo(context: Context, name: str) -> int | None:
    for line in (context.text("proc/meminfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    return None


def memory_lock(context: Context) -> Feature:
    """Whether the rings may be kept from being paged out."""
    config = context.config
    locks: set[str] = set()
    if config:
        locks = {config.streams.events.lock, *(g.orders.lock for g in config.gateways)}
    wanted = "require" in locks
    needed = ring_bytes(config) if config is not None else 0
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    free_of_limit = has_capability(context, CAP_IPC_LOCK) or limit == resource.RLIM_INFINITY
    available = free_of_limit or limit >= max(needed, 1)
    reason = context.degraded("lock")
    why_not = reason or ""
    if not available:
        why_not = why_not or f"RLIMIT_MEMLOCK is {show_bytes(limit)}, {show_bytes(needed)} needed"
    return Feature(
        "memory_lock",
        "Locked memory",
        available,
        context.used_unless_degraded(locks - {"off"} != set(), "lock"),
        wanted,
        why_not,
        "" if available else "LimitMEMLOCK=infinity in the unit, or CAP_IPC_LOCK",
        {"limit_bytes": None if free_of_limit else limit, "needed_bytes": needed},
    )


def has_capability(context: Context, number: int) -> bool:
    """Whether this process has a capability now."""
    for line in (context.text("proc/self/status") or "").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return False


def durable_journal(context: Context) -> Feature:
    """The device under the journal: whether what is synced outlives a power cut."""
    config = context.config
    directory = config.journal.directory if config is not None else Path.cwd()
    existing = directory
    while not existing.exists():
        existing = existing.parent
    kind = filesystem_of(context, existing)
    device = os.stat(existing).st_dev
    cache = _write_cache(context, device)
    wanted = config is not None and config.journal.durability != "off"
    available: bool | None = True
    why_not, to_do = "", ""
    if kind in TMPFS:
        available = False
        why_not = f"{existing} is on {kind}, which loses everything in a power cut"
        to_do = "put journal.directory on a disk"
    elif not kind:
        available, why_not = None, "the kernel does not say which file system it is on"
    running = bool(context.running)
    if config is not None and not wanted and not why_not:
        why_not, to_do = "journal.durability is off", "journal.durability: interval"
    return Feature(
        "durable_journal",
        "Durable journal device",
        available,
        (wanted and available is not False) if running else None,
        wanted,
        why_not,
        to_do,
        {"directory": str(directory), "filesystem": kind, "write_cache": cache},
    )


def filesystem_of(context: Context, path: Path) -> str:
    """The type of the file system that a path lies on, from /proc/self/mountinfo, or ""."""
    best, kind = "", ""
    real = str(path.resolve())
    for line in (context.text("proc/self/mountinfo") or "").splitlines():
        before, _, after = line.partition(" - ")
        point = before.split()[4].replace("\\040", " ")
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, after.split()[0]
    return kind


def _write_cache(context: Context, device: int) -> str | None:
    """`write back` caches until it is told to flush, which fdatasync does; `write through` does
    not."""
    where = f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    return context.text(f"{where}/queue/write_cache") or context.text(
        f"{where}/../queue/write_cache"
    )
