"""Settings: what firmware and chipset do: power profile, uncore clock, management interrupts."""

from collections.abc import Iterable

from host_tuning.checking.findings import judged, unknown, unread, write_command
from host_tuning.checking.hot_cpus import CPU, none_configured, subject
from host_tuning.checking.setting import Setting, Step, When
from host_tuning.common.change import Change, FirmwareStep
from host_tuning.common.verdict import Conformity, Finding
from host_tuning.facts.tree import Reading
from host_tuning.target.host import Host

GROUP = "cpu"
UNCORE = f"{CPU}/intel_uncore_frequency"
PROFILE = "/sys/firmware/acpi/platform_profile"
MSR_SMI_COUNT = 0x34  # Intel SDM volume 4, table 2-2: MSR_SMI_COUNT, bits 31:0
MSR_BYTES = 8
# Where the profile could not be read, nobody knows that it is wrong, nor that there is no file.
NO_FILE_TAKES_IT = (Conformity.DEVIATES, Conformity.NOT_APPLICABLE)


def inspect_uncore(host: Host) -> Iterable[Finding]:
    """Whether each die's uncore clock is held at its maximum."""
    expected = "min_freq_khz as high as max_freq_khz"
    names = [
        name
        for name in host.tree.names(UNCORE)
        if host.tree.exists(f"{UNCORE}/{name}/min_freq_khz")
    ]
    if not names:
        absent = "no uncore frequency: not this processor, or intel_uncore_frequency is not loaded"
        yield unread(host, host.read(UNCORE), expected, absent)
    for name in names:
        low = host.read(f"{UNCORE}/{name}/min_freq_khz")
        high = host.read(f"{UNCORE}/{name}/max_freq_khz")
        broken = next((one for one in (low, high) if not one.ok), None)
        if broken is not None:
            yield unread(host, broken, expected, "the die shows no limits", name)
            continue
        yield judged(
            low.value == high.value,
            low,
            f"{high.value} (max_freq_khz)",
            subject=name,
            parsed=low.value,
            fix=(write_command(high.value, low.path),),
            undo=(write_command(low.value, low.path),),
        )


def steps_uncore(host: Host) -> Iterable[Step]:
    """Raise the lower limit to the upper."""
    for finding in inspect_uncore(host):
        if finding.conformity is Conformity.DEVIATES:
            new = finding.expected.split()[0]
            yield Change("uncore", "file", finding.paths[0], new, finding.subject)


def inspect_power_profile(host: Host) -> Iterable[Finding]:
    """The platform profile that firmware was asked for."""
    reading = host.read(PROFILE)
    if not reading.ok:
        yield unread(host, reading, "performance", "firmware offers no platform profile")
        return
    offered = host.read(f"{PROFILE}_choices")
    possible = not offered.ok or "performance" in offered.value.split()
    yield judged(
        reading.value == "performance",
        reading,
        "performance",
        reason="" if possible else f"firmware only offers {offered.value}",
        fix=(write_command("performance", PROFILE),) if possible else (),
        undo=(write_command(reading.value, PROFILE),) if possible else (),
    )


def steps_power_profile(host: Host) -> Iterable[Step]:
    """Ask for `performance`, in the firmware's setup where no file takes it."""
    for finding in inspect_power_profile(host):
        if finding.conformity is Conformity.DEVIATES and finding.fix:
            yield Change("power-profile", "file", PROFILE, "performance")
        elif finding.conformity in NO_FILE_TAKES_IT and host.identity.machine != "vm":
            yield FirmwareStep("power-profile", "choose the firmware's maximum-performance profile")


def inspect_smi(host: Host) -> Iterable[Finding]:
    """How many system-management interrupts each hot CPU has taken since it was switched on."""
    expected = "0, and no more while the venue runs (tune-host --jitter shows the difference)"
    if not host.hot:
        yield none_configured(expected)
        return
    cpuinfo = host.read("/proc/cpuinfo")
    if host.identity.machine == "vm":
        reason = "a guest cannot see the management interrupts of its host"
        yield unknown(reason, expected=expected, paths=(cpuinfo.path,))
        return
    if cpuinfo.ok and "GenuineIntel" not in cpuinfo.text:
        reason = "only Intel processors count management interrupts in a register (MSR 0x34)"
        yield unknown(reason, expected=expected, paths=(cpuinfo.path,))
        return
    for cpu in host.hot:
        path = f"/dev/cpu/{cpu}/msr"
        data, problem = host.tree.read_at(path, MSR_SMI_COUNT, MSR_BYTES)
        if problem or len(data) != MSR_BYTES:
            failed = Reading(path, "", problem)
            reason = failed.why_not if problem else f"{path}: gave {len(data)} of {MSR_BYTES} bytes"
            if failed.missing and not host.live:
                reason = f"{path}: not in this capture"
            yield unknown(
                reason, subject(cpu), expected=expected, paths=(path,), fix=("sudo modprobe msr",)
            )
            continue
        count = int.from_bytes(data, "little") & 0xFFFFFFFF
        yield Finding(
            Conformity.REPORT if count else Conformity.CONFORMS,
            subject(cpu),
            str(count),
            count,
            expected,
            "since power-on, those of the firmware's start included" if count else "",
            (path,),
        )


def steps_smi(host: Host) -> Iterable[Step]:
    """Only the firmware's setup stops them."""
    for finding in inspect_smi(host):
        if finding.conformity is Conformity.REPORT:
            text = "switch off what interrupts by SMI: legacy USB, power capping, memory patrol"
            yield FirmwareStep("smi", text)
            return


SETTINGS = (
    Setting(
        id="uncore",
        group=GROUP,
        title="uncore frequency",
        when=When.RUNTIME,
        what="Whether the clock of mesh, last-level cache and memory controller may fall.",
        why="It falls while cores wait for packets; cache misses are slow until it has risen.",
        see=f"grep . {UNCORE}/*/{{min,max}}_freq_khz",
        set=f"write max_freq_khz to {UNCORE}/*/min_freq_khz",
        undo="write the old lower limit to the same file",
        sources=("Documentation/admin-guide/pm/intel_uncore_frequency_scaling.rst",),
        inspect=inspect_uncore,
        steps=steps_uncore,
    ),
    Setting(
        id="power-profile",
        group=GROUP,
        title="platform profile",
        when=When.RUNTIME,
        what="Which balance of power and speed the firmware was asked for.",
        why="Firmware lowers limits below what the kernel's own knobs show.",
        see=f"cat {PROFILE} {PROFILE}_choices",
        set=f"echo performance | sudo tee {PROFILE}",
        undo="write the old profile to the same file",
        sources=("Documentation/ABI/testing/sysfs-platform_profile",),
        inspect=inspect_power_profile,
        steps=steps_power_profile,
    ),
    Setting(
        id="smi",
        group=GROUP,
        title="management interrupts (SMI)",
        when=When.FIRMWARE,
        what="How often the firmware took the CPU away, unseen by the kernel.",
        why="All cores stop until the handler returns, and no counter of the kernel shows it.",
        see="sudo rdmsr -p N 0x34, or sudo turbostat --show SMI",
        set="in the firmware's setup",
        undo="in the firmware's setup",
        sources=(
            "Intel 64 and IA-32 Architectures Software Developer's Manual, volume 4, MSR_SMI_COUNT",
            "Documentation/trace/hwlat_detector.rst",
        ),
        inspect=inspect_smi,
        steps=steps_smi,
    ),
)
