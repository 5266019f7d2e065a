"""The options that a site can set for a setting, under `overrides` of a host file.

Setting id -> option -> its meaning and default, in one line. What is not named here is refused.
"""

from host_tuning.common.errors import ToolError
from host_tuning.target.target import Target

OPTIONS: dict[str, dict[str, str]] = {
    "turbo": {"want": "on or off: judge turbo instead of reporting it"},
    "c-states": {"latency_us": "longest exit latency of an enabled idle state, in µs (2)"},
    "isolation": {"method": "boot (isolcpus) or cgroup (a partition at once) (boot)"},
    "rt-throttle": {"want": "on or off: judge real-time throttling instead of reporting it"},
    "vmstat": {"seconds": "shortest interval of the statistics worker, in s (10)"},
    "nic-coalescing": {
        "rx_usecs_max": "longest wait of the card for more packets, in µs (0)",
        "rx_frames_max": "most packets that the card waits for (1)",
    },
    "nic-rings": {
        "rx": "descriptors of the receive ring to set (0: leave)",
        "tx": "descriptors of the transmit ring to set (0: leave)",
    },
    "nic-queues": {
        "combined": "combined channels to set (0: leave)",
        "rx": "receive channels to set (0: leave)",
        "tx": "transmit channels to set (0: leave)",
        "xps": "own (each hot CPU its own transmit queue) or leave (leave)",
    },
    "nic-offloads": {"gro": "on or off: judge GRO instead of reporting it"},
    "napi": {
        "mode": "interrupt or busy-poll (interrupt)",
        "defer_hard_irqs": "with busy-poll: empty polls before interrupts come back (2)",
        "gro_flush_timeout_ns": "with busy-poll: longest time without interrupts, in ns (200000)",
    },
    "onload": {"use": "if-present, or yes: fail where it is not loaded (if-present)"},
    "steal": {"ppm": "highest share of stolen time that passes, in millionths (100)"},
    "pressure": {"hundredths": "highest pressure (some, avg60) that passes, in 0.01 % (100)"},
    "limits": {"nofile": "open files that a process must be allowed (4096)"},
    "busy-poll": {
        "us": "time that sockets poll, in µs (50)",
        "mode": "host (sysctl) or socket (the application sets SO_BUSY_POLL) (host)",
    },
    "tcp": {
        "rmem_max_bytes": "receive buffer that a socket may ask for, in bytes (4194304)",
        "wmem_max_bytes": "send buffer that a socket may ask for, in bytes (4194304)",
    },
    "swap": {
        "swappiness_max": "highest swappiness where swap is allowed (10)",
        "areas": "none, or allowed: the site keeps its swap (none)",
    },
    "writeback": {
        "dirty_ratio_max": "highest share of memory before writers wait, in % (10)",
        "dirty_background_ratio_max": "highest share before flushers start, in % (3)",
    },
}


def refuse_unknown(target: Target) -> None:
    """Errors: ToolError that names file and key of an option that no setting has."""
    for setting, options in target.overrides.items():
        known = OPTIONS.get(setting, {})
        for name in options:
            if name not in known:
                expected = f"one of {', '.join(known)}" if known else "none: it has no options"
                key = f"overrides.{setting}.{name}"
                raise ToolError(f"{target.source}: {key}: unknown, expected {expected}")
