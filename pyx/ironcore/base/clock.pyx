"""Monotonic and real-time clocks in nanoseconds, read without a system call where that works.

clock_gettime reads the clock in user space (the vDSO) if the kernel's clock source allows it: tsc
and kvm-clock do. With hpet and acpi_pm each reading is a system call of a microsecond or so. A TSC
that the kernel has rejected is no way out, because it drifts; that is reported instead.
"""

import errno
from collections import namedtuple

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "<pthread.h>" nogil:
    ctypedef struct pthread_t:
        pass
    int pthread_create(pthread_t* thread, const void* attributes,
                       void* (*run)(void*) noexcept nogil, void* argument)
    int pthread_join(pthread_t thread, void** result)

cdef extern from "<time.h>" nogil:
    ctypedef int clockid_t
    int CLOCK_MONOTONIC
    int CLOCK_REALTIME
    cdef struct timespec:
        long tv_sec
    int clock_gettime(clockid_t clock, timespec* now)

cdef extern from "<sys/prctl.h>" nogil:
    int PR_SET_NO_NEW_PRIVS
    int PR_SET_SECCOMP
    int prctl(int option, unsigned long a, void* b, unsigned long c, unsigned long d)

cdef extern from "<linux/seccomp.h>" nogil:
    unsigned long SECCOMP_MODE_FILTER
    uint32_t SECCOMP_RET_ALLOW
    uint32_t SECCOMP_RET_ERRNO

cdef extern from "<linux/filter.h>" nogil:
    uint16_t BPF_LD, BPF_W, BPF_ABS, BPF_JMP, BPF_JEQ, BPF_K, BPF_RET
    struct sock_filter:
        uint16_t code
        uint8_t jt
        uint8_t jf
        uint32_t k
    struct sock_fprog:
        unsigned short len
        sock_filter* filter

cdef extern from "<sys/syscall.h>" nogil:
    uint32_t SYS_clock_gettime

cdef enum:
    COST_BATCH_CALLS = 1000
    COST_BATCHES = 9
    PROBE_REFUSED = -1               # the kernel refused the filter
    PROBE_USER_SPACE = 0
    PROBE_SYSTEM_CALL = 1

ClockReport = namedtuple(
    "ClockReport",
    ["clock_source", "mono_cost_ns", "real_cost_ns", "mono_system_call", "real_system_call"],
)

cdef struct Probe:
    clockid_t clock
    int result


cdef uint64_t _mono_ns(void* context) noexcept nogil:
    return iron_clock_mono_ns()


cdef uint64_t _real_ns(void* context) noexcept nogil:
    return iron_clock_real_ns()


cdef Clock host_clock() noexcept nogil:
    cdef Clock clock
    clock.mono_ns = _mono_ns
    clock.real_ns = _real_ns
    clock.context = NULL
    return clock


def mono_ns():
    """Nanoseconds on the host's monotonic clock."""
    return iron_clock_mono_ns()


def real_ns():
    """Nanoseconds since the UNIX epoch on the host's real-time clock."""
    return iron_clock_real_ns()


cdef void* _probe(void* argument) noexcept nogil:
    """In a thread of its own, since a filter stays: forbid the system call, then read the clock."""
    cdef Probe* probe = <Probe*>argument
    cdef timespec now
    cdef sock_filter[4] filters
    cdef sock_fprog program
    filters[0] = sock_filter(BPF_LD | BPF_W | BPF_ABS, 0, 0, 0)   # the call's number is at 0
    filters[1] = sock_filter(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_clock_gettime)
    filters[2] = sock_filter(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | 1)
    filters[3] = sock_filter(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW)
    program.len = 4
    program.filter = filters
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, NULL, 0, 0) != 0
            or prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0):
        probe.result = PROBE_REFUSED
    elif clock_gettime(probe.clock, &now) != 0:
        probe.result = PROBE_SYSTEM_CALL
    else:
        probe.result = PROBE_USER_SPACE
    return NULL


def clock_makes_system_call(int clock_id):
    """Whether reading this clock enters the kernel; None if the kernel does not let us find out."""
    cdef Probe probe
    cdef pthread_t thread
    cdef int error
    probe.clock = clock_id
    probe.result = PROBE_REFUSED
    with nogil:
        error = pthread_create(&thread, NULL, _probe, &probe)
        if error == 0:
            error = pthread_join(thread, NULL)
    if error != 0:
        raise OSError(error, f"probing the clock: {errno.errorcode.get(error, error)}")
    return None if probe.result == PROBE_REFUSED else probe.result == PROBE_SYSTEM_CALL


cdef uint64_t _cost_ns(uint64_t (*read_clock)() noexcept nogil) noexcept nogil:
    """Of one reading: the best batch, since anything else that ran only adds."""
    cdef uint64_t started_ns, took_ns
    cdef uint64_t best_ns = <uint64_t>-1
    cdef int _batch, _call
    for _batch in range(COST_BATCHES):
        started_ns = iron_clock_mono_ns()
        for _call in range(COST_BATCH_CALLS):
            read_clock()
        took_ns = iron_clock_mono_ns() - started_ns
        best_ns = min(best_ns, took_ns)
    return best_ns // COST_BATCH_CALLS


def clock_report(sys_root="/sys"):
    """What the clocks of this host are: source, cost of a reading, whether it enters the kernel."""
    path = f"{sys_root}/devices/system/clocksource/clocksource0/current_clocksource"
    try:
        with open(path) as file:
            source = file.read().strip()
    except OSError:
        source = "unknown"
    return ClockReport(
        source,
        _cost_ns(iron_clock_mono_ns),
        _cost_ns(iron_clock_real_ns),
        clock_makes_system_call(CLOCK_MONOTONIC),
        clock_makes_system_call(CLOCK_REALTIME),
    )


def clock_degraded_reason(report):
    """Why the clocks of a `clock_report` are not what the hot path needs; empty if they are."""
    if not report.mono_system_call and not report.real_system_call:
        return ""
    cost_ns = report.mono_cost_ns if report.mono_system_call else report.real_cost_ns
    # Rounded, so that every process of a venue says the same.
    return (f"clock source {report.clock_source}: reading the clock is a system call "
            f"(about {round(cost_ns, -2)} ns)")
