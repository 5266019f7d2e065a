"""An order goes from the member to the matcher and its answer back without entering the kernel, as
far as that is the venue's to say: nothing but sockets leads into it.

Method: `ironpit bench transitions`, which counts the hot threads' system calls by strace, with the
Onload double preloaded in venue and member, whose data path is memory that both share. The same
count on kernel sockets, and with a getpid planted into each read, shows that it can be other than
zero.
"""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.doubles.onload_build import preloaded

from ironcore import net, stage
from ironpit.bench import bypass, transitions
from ironpit.bench.bypass_ends import HOT_THREADS

ORDERS = 100_000
FEW_ORDERS = 2_000
ORDERS_ON_FEW_CORES = 500
CORES = sorted(os.sched_getaffinity(0))
CPUS = {
    name: CORES[i % len(CORES)]
    for i, name in enumerate(("member_cpu", "gateway_cpu", "matcher_cpu"))
}


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> str:
    """The library; its settings are in the environment."""
    settings = preloaded()
    library = settings.pop("LD_PRELOAD")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return library


def plan(orders: int, preload: str = "") -> transitions.Plan:
    # Threads that spin on fewer cores take turns of milliseconds, one for each order.
    if len(CORES) < bypass.CORES:
        orders = min(orders, ORDERS_ON_FEW_CORES)
    return transitions.Plan(orders, preload, **CPUS)


def expect_no_system_call(counted: dict[str, Any]) -> None:
    for name in HOT_THREADS:
        assert counted[name]["system_calls_by_name"] == {}, name


@pytest.mark.needs_root
@pytest.mark.needs_tool("strace", "cc")
def test_no_hot_thread_makes_a_system_call_under_the_double(
    double: str, capsys: pytest.CaptureFixture[str]
) -> None:
    many, few = plan(ORDERS, double), plan(FEW_ORDERS)
    counted = transitions.count(many, double)
    on_kernel_sockets = transitions.count(few, "")
    with capsys.disabled():
        for counts, orders, sockets in (
            (counted, many.orders, "the double"),
            (on_kernel_sockets, few.orders, "kernel sockets"),
        ):
            for name in HOT_THREADS:
                calls = counts[name]["system_calls_by_name"]
                print(
                    f"\n{orders:,} orders, {sockets}, {name}: {calls or 'no system call'}", end=""
                )
        print()
    expect_no_system_call(counted)
    # Another thread takes the faults of the replies' memory: the gateway had one for 36 orders.
    for name in HOT_THREADS:
        assert counted[name]["page_faults_minor"] <= max(5, many.orders / 1000), name
    calls = on_kernel_sockets["gateway"]["system_calls_by_name"]
    assert calls["recvfrom"] >= few.orders
    assert calls["sendto"] >= few.orders


@pytest.mark.needs_root
@pytest.mark.needs_tool("strace", "cc")
def test_a_getpid_for_each_order_turns_the_same_count_red(
    double: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCK_ONLOAD_GETPID", "1")
    few = plan(FEW_ORDERS, double)
    counted = transitions.count(few, double)
    assert counted["gateway"]["system_calls_by_name"] == {"getpid": few.orders}
    with pytest.raises(AssertionError):
        expect_no_system_call(counted)


@pytest.mark.needs_tool("cc")
def test_the_latencies_of_both_kinds_of_socket_are_reported(double: str) -> None:
    few = bypass.Plan(orders=50, rounds=2, preload=double, **CPUS)
    report = bypass.run(few)
    assert report["order_to_ack_ns"]["preloaded"]["p50"]["median"] > 0
    assert "kernel to preloaded" in bypass.text_of(report)


def undefined(library: str) -> set[str]:
    """The symbols that a compiled module takes from elsewhere."""
    said = subprocess.run(
        ["nm", "-D", "--undefined-only", library], capture_output=True, text=True, check=True
    )
    return {line.split()[-1].split("@")[0] for line in said.stdout.splitlines()}


@pytest.mark.needs_tool("nm")
def test_sockets_are_reached_by_symbols_that_a_preload_can_replace() -> None:
    wanted = {"accept4", "close", "connect", "epoll_create1", "epoll_ctl", "epoll_wait", "recv"}
    wanted |= {"recvfrom", "send", "sendmsg", "sendto", "setsockopt", "socket"}
    (sockets,) = Path(net.__path__[0]).glob("sockets.*.so")
    assert wanted <= undefined(str(sockets))


@pytest.mark.needs_tool("nm")
def test_no_stage_and_no_socket_makes_a_system_call_by_its_number() -> None:
    libraries = [
        library for package in (net, stage) for library in Path(package.__path__[0]).rglob("*.so")
    ]
    assert len(libraries) > 10
    for library in libraries:
        raw = {name for name in undefined(str(library)) if name == "syscall" or "uring" in name}
        # The C library has no bpf(2), which loads a program once, at start.
        assert not raw or library.match("af_xdp/program.*"), library


def test_interrupts_are_those_of_one_cpu() -> None:
    text = "           CPU0       CPU1\n  1:          3          4   IO-APIC\nERR:          9\n"
    assert transitions.interrupts_of(text, 1) == 4


def test_a_summary_of_strace_is_read_by_name() -> None:
    text = """% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000004           0        12         3 recvfrom
 40.00    0.000002           0         7           sendto
------ ----------- ----------- --------- --------- ----------------
100.00    0.000006           0        19         3 total
"""
    assert transitions.calls_in(text) == {"recvfrom": 12, "sendto": 7}
