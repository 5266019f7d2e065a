"""Goal: --jitter finds a disturbance that was put on a core and names it; --hold keeps its promise.

Method: a second process pinned to the core, and an interrupt moved onto it, while the probe
spins; parsers on texts of several hosts. No assert is about how long anything took, only about who
is named and that what was measured adds up.
"""

import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.host.trees import published, tree

from host_tuning.cli import main
from host_tuning.common.errors import ToolError
from host_tuning.facts import kernel_counters
from host_tuning.facts.tree import HostTree
from host_tuning.jitter import comparison as jitter_compare
from host_tuning.jitter import measurement as jitter
from host_tuning.jitter import perf
from host_tuning.jitter import report as jitter_report
from host_tuning.jitter.probe import Probe, bucket_start_ns

THRESHOLD_NS = 1000
LIVE = HostTree()


def last_cpu() -> int:
    """The CPU to disturb: never the first, which is left for the rest."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        pytest.skip("one CPU: none can be left alone")
    return usable[-1]


@contextlib.contextmanager
def rival(cpu: int) -> Iterator[int]:
    """A process that spins on the CPU for as long as the block runs; its process id."""
    code = f"import os\nos.sched_setaffinity(0, {{{cpu}}})\nprint(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process.pid
        finally:
            process.kill()


def test_a_rival_on_the_core_is_found_and_named() -> None:
    cpu = last_cpu()
    with rival(cpu) as process:
        (found,) = jitter.measure(LIVE, [cpu], None, 0.5, THRESHOLD_NS)
        name = Path(f"/proc/{process}/comm").read_text().strip()
    assert found.attribution.preemptions > 0
    assert found.attribution.waited_ns > 10_000_000
    assert found.stolen_ns >= found.attribution.waited_ns // 2
    assert found.attribution.tasks.get(name, 0) > 0
    assert found.gap_ns_max >= found.percentile_ns(99.9) >= found.percentile_ns(50) > 0
    assert sum(found.counts.values()) == found.gaps


def rng_interrupt() -> tuple[str, str]:
    """Number and name of the interrupt of the virtual random number generator.

    Unlike a disk's it is not managed, and unlike a network card's it can be caused by reading.
    """
    device = Path("/sys/class/misc/hw_random/rng_current")
    if not device.exists() or not device.read_text().startswith("virtio_rng"):
        pytest.skip("no virtio random number generator whose interrupt could be moved")
    rngs = [path.name for path in Path("/sys/bus/virtio/drivers/virtio_rng").glob("virtio*")]
    for line in Path("/proc/interrupts").read_text().splitlines():
        match = re.match(r"\s*(\d+):.*?((virtio\d+)-input(\.\d+)?)$", line.rstrip())
        if match and match[3] in rngs:
            return match[1], match[2]
    pytest.skip("the virtio random number generator has no interrupt of its own")


def read_random(stop: threading.Event) -> None:
    """Read the hardware's random numbers, which come with an interrupt each few bytes."""
    with open("/dev/hwrng", "rb", buffering=0) as source:
        while not stop.is_set():
            source.read(64)


def arrived_elsewhere(label: str, cpu: int) -> None:
    """Wait for the first interrupt on another core: an edge moves with the next one that comes."""

    def count() -> int:
        found = kernel_counters.read(LIVE)
        return sum(one.interrupts.get(label, 0) for where, one in found.items() if where != cpu)

    before, deadline = count(), time.monotonic() + 60
    while count() == before:
        assert time.monotonic() < deadline, f"{label} does not come to another core"
        os.sched_yield()


@pytest.mark.host
@pytest.mark.needs_root
def test_an_interrupt_that_was_moved_onto_the_core_is_named_and_gone_when_moved_away() -> None:
    cpu = last_cpu()
    number, name = rng_interrupt()
    label = f"{number} {name}"
    affinity = Path(f"/proc/irq/{number}/smp_affinity_list")
    before = affinity.read_text()
    stop = threading.Event()
    reader = threading.Thread(target=read_random, args=(stop,))
    try:
        reader.start()
        affinity.write_text(str(cpu))
        (on,) = jitter.measure(LIVE, [cpu], None, 0.3, THRESHOLD_NS)
        affinity.write_text("0")
        arrived_elsewhere(label, cpu)
        (off,) = jitter.measure(LIVE, [cpu], None, 0.3, THRESHOLD_NS)
    finally:
        stop.set()
        reader.join()
        affinity.write_text(before)
    assert on.attribution.interrupts.get(label, 0) > 0
    assert off.attribution.interrupts.get(label, 0) == 0


def test_the_command_prints_json_table_and_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cpu, picture = last_cpu(), tmp_path / "jitter.png"
    arguments = ["--jitter", "0.05", "--cpus", str(cpu), "--threshold", "500"]
    assert main([*arguments, "--json", "--png", str(picture)]) == 0
    document = published("jitter", capsys.readouterr().out)
    assert document["cores"][0]["cpu"] == cpu
    assert document["cores"][0]["percentiles_ns"].keys() == {"p50", "p90", "p99", "p99.9"}
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert f"cpu {cpu}" in printed
    assert "interrupts:" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jitter", "0", "--cpus", "1"], "--jitter: found 0, expected seconds"),
        (["--jitter", "1", "--png", "/none/x.png", "--cpus", "999"], "CPU 999 is absent"),
        (["--perf", "-1"], "--perf: found -1"),
        (["--jitter", "1", "--threshold", "0"], "--threshold: found 0, expected 1 ns"),
    ],
)
def test_wrong_durations_and_cpus_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert message in capsys.readouterr().err


def test_a_core_outside_the_cpuset_is_refused() -> None:
    with pytest.raises(ToolError, match="CPU 4000"):
        jitter.measure(LIVE, [4000], None, 0.01, THRESHOLD_NS)


def test_a_probe_stops_when_told_to() -> None:
    probe = Probe()
    thread = threading.Thread(target=probe.spin, args=(3600 * 10**9, THRESHOLD_NS))
    thread.start()
    probe.stop()
    thread.join(30)
    assert not thread.is_alive()


def test_buckets_rise_and_lose_little() -> None:
    starts = [bucket_start_ns(bucket) for bucket in range(58 << 5)]
    assert starts == sorted(set(starts))
    for low, high in itertools.pairwise(starts[64:]):
        assert (high - low) * 32 <= low


INTERRUPTS = """\
           CPU0       CPU2
 24:          5          0  IO-APIC   5-edge      eth0-rx-0
NMI:          1          2   Non-maskable interrupts
TLB:          1          2   TLB shootdowns
ERR:          0
MIS:          7
"""


def test_interrupts_are_read_by_their_columns_names() -> None:
    found = kernel_counters.table(INTERRUPTS)
    assert found[0] == {
        "24 eth0-rx-0": 5,
        "NMI Non-maskable interrupts": 1,
        "TLB shootdowns": 1,
    }
    assert found[2]["NMI Non-maskable interrupts"] == 2
    assert kernel_counters.table("") == {}


def test_counters_of_a_tree_are_read_and_compared(tmp_path: Path) -> None:
    stat = "cpu  1 2 3 4 5 6 7 8 9 10\ncpu2 1 2 3 4 5 6 7 8 9 10\nintr 4\n"
    host = tree(tmp_path, {"/proc/interrupts": INTERRUPTS, "/proc/stat": stat})
    assert kernel_counters.read(host)[2].steal_ns == 80_000_000
    assert kernel_counters.grown({"a": 1, "b": 5}, {"a": 4, "b": 5, "c": 9}) == {"c": 9, "a": 3}


@pytest.mark.parametrize(
    ("ns", "text"),
    [(0, "0 ns"), (999, "999 ns"), (12_300, "12.3 µs"), (4_560_000, "4.56 ms"), (2 * 10**9, "2 s")],
)
def test_durations_are_written_for_people(ns: int, text: str) -> None:
    assert jitter_report.duration(ns) == text


PERF = """\
{"cpu" : "2", "counter-value" : "<not supported>", "unit" : "", "event" : "cycles"}
{"cpu" : "CPU3", "counter-value" : "125.000000", "unit" : "", "event" : "context-switches"}
noise
"""


def test_what_perf_does_not_count_is_no_zero() -> None:
    assert perf.parse(PERF) == [
        perf.Count(2, "cycles", None),
        perf.Count(3, "context-switches", 125),
    ]


@pytest.mark.needs_root
@pytest.mark.needs_tool("perf")
def test_perf_counts_or_says_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--perf", "0.1", "--cpus", str(last_cpu()), "--json"]) == 0
    document = published("perf", capsys.readouterr().out)
    hardware = [one for one in document["counts"] if one["event"] == "cycles"]
    assert hardware
    assert document["pmu"]["exposed"] == (not document["pmu"]["reason"])
    if not document["pmu"]["exposed"]:
        assert document["pmu"]["reason"].startswith("PMU not exposed")
        assert hardware[0]["value"] is None


HOLD = [sys.executable, "-m", "host_tuning", "--hold"]


def latency_us() -> int:
    """What the kernel now promises: reading the device tells the strictest request of all."""
    return int.from_bytes(Path("/dev/cpu_dma_latency").read_bytes()[:4], sys.byteorder)


@pytest.mark.host
@pytest.mark.needs_root
def test_hold_holds_for_as_long_as_its_command_and_gives_back_its_code() -> None:
    if not Path("/dev/cpu_dma_latency").exists():
        pytest.skip("/dev/cpu_dma_latency is not there")
    before = latency_us()
    command = [*HOLD, "--", "sh", "-c", "od -An -td4 -N4 /dev/cpu_dma_latency; exit 7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 7
    assert done.stdout.split() == ["0"]
    assert latency_us() == before


@pytest.mark.host
@pytest.mark.needs_root
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_hold_without_a_command_ends_by_a_signal(number: signal.Signals) -> None:
    if not Path("/dev/cpu_dma_latency").exists():
        pytest.skip("/dev/cpu_dma_latency is not there")
    with subprocess.Popen(HOLD, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "holding" in process.stderr.readline()
        assert latency_us() == 0
        process.send_signal(number)
        assert process.wait(30) == 0


def test_hold_names_a_command_that_is_not_there() -> None:
    done = subprocess.run(
        [*HOLD, "--", "/no/such/command"], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 1
    assert "--hold" in done.stderr


def shares(hot: float, control: float) -> dict[str, Any]:
    cores = [(3, hot, False), (0, control, True)]
    return {
        "schema": "tune-host/jitter/1",
        "cores": [
            {"cpu": cpu, "control": is_control, "elapsed_ns": 10**9, "stolen_ns": int(share * 1e9)}
            for cpu, share, is_control in cores
        ],
    }


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ((0.02, 0.01), (0.005, 0.01), "less"),
        ((0.02, 0.01), (0.019, 0.01), "no gain"),
        ((0.02, 0.01), (0.03, 0.01), "no gain"),
        # The whole machine became quieter by as much: that is not what was changed.
        ((0.02, 0.01), (0.01, 0.005), "no gain"),
        ((0.02, 0.01), (0.005, 0.02), "less"),
    ],
)
def test_a_gain_must_be_more_than_the_controls(
    before: tuple[float, float], after: tuple[float, float], verdict: str
) -> None:
    said = jitter_compare.compare(shares(*before), shares(*after))
    assert said[-1].endswith(f": {verdict}")


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for text, message in (("{", "no JSON"), ("[]", "schema: found None"), ("{}", "schema")):
        path.write_text(text)
        with pytest.raises(ToolError, match=message):
            jitter_compare.load(path)
    with pytest.raises(ToolError, match="No such file"):
        jitter_compare.load(tmp_path / "none")
