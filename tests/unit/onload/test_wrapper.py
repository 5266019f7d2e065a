"""Goal: the wrapper of Onload's extension API keeps its contract with Onload, with a stub of it,
and without either.

Method: cases in interpreters of their own: under the double, under the double with faults, with the
stub of the extension library alone, and with nothing.
"""

import ctypes

import pytest
from tests.doubles import onload_build
from tests.unit.onload import fault_cases
from tests.unit.onload.ends import cases, environment, python, under_double

from ironpit.onload import layouts
from ironpit.onload.prototypes import PROTOTYPES

STUB_ANSWERS = """
import os, socket
from ironpit.onload import delegated_send, descriptors, library, ordered_epoll, stacks, zero_copy
from ironpit.onload.errors import OnloadAbsentError
assert library.find().state == {state!r}, library.find()
assert not library.is_present()
assert descriptors.fd_stat(0) is None
assert not descriptors.warm(0, b"x")
with stacks.named("hot"):
    pass
for call in (descriptors.socket_nonaccel, descriptors.socket_unicast_nonaccel,
             descriptors.socket_rx_nonaccel):
    os.close(call(socket.AF_INET, socket.SOCK_DGRAM))
    try:
        call(9999, socket.SOCK_DGRAM)
    except OSError as error:
        assert error.errno == 97, error
    else:
        raise AssertionError("a socket of no family")
absent = [
    lambda: descriptors.check_feature(0, 0), lambda: stacks.set_name("x"), stacks.save_name,
    stacks.restore_name, lambda: stacks.set_option("EF_PIO", 1),
    lambda: stacks.set_option("EF_CTPIO_MODE", "ct"), lambda: stacks.option("EF_PIO"),
    lambda: stacks.option_text("EF_CTPIO_MODE"), stacks.reset_options,
    lambda: stacks.set_spin(0, True), stacks.spins, lambda: descriptors.move_fd(0),
    lambda: ordered_epoll.ordered_epoll_wait(0, 1, 0), lambda: descriptors.request_timestamps(0, 1),
    lambda: descriptors.tcp_info(0), lambda: delegated_send.DelegatedPacket().prepare(0, 1),
    lambda: delegated_send.complete(0, b"x"), lambda: delegated_send.cancel(0),
    lambda: zero_copy.await_stack_sync(0), lambda: zero_copy.alloc_buffers(0, 1),
    lambda: zero_copy.release_buffers(0, [0]), lambda: zero_copy.receive(0, print),
    lambda: descriptors.recvmsg_kernel(0, bytearray(1)),
    lambda: zero_copy.send(0, (zero_copy.ZeroCopyIovec * 1)()),
    lambda: zero_copy.set_receive_filter(0, print), lambda: zero_copy.TemplatedSend(0, b"x"),
    lambda: descriptors.raw_send(0, 0, b"x"),
]
for call in absent:
    try:
        call()
    except OnloadAbsentError as error:
        assert error.errno == 38, error
    else:
        raise AssertionError(call)
print("kept")
"""

pytestmark = pytest.mark.needs_tool("cc")


def test_every_function_works_under_the_double() -> None:
    assert "passed" in cases("wrapper_cases.py", under_double(EF_RX_TIMESTAMPING=1))


def test_every_ordered_error_has_its_type() -> None:
    faults = ",".join(f"{name}={-number}@2" for name, (number, _, _) in fault_cases.FAULTS.items())
    said = cases("fault_cases.py", under_double(MOCK_ONLOAD_FAULTS=faults), "second_call")
    assert f"{len(fault_cases.FAULTS)} passed" in said


@pytest.mark.parametrize("answer", [5, 6])
def test_delegated_send_names_what_it_waits_for(answer: int) -> None:
    fault = f"onload_delegated_send_prepare={answer}@2"
    said = cases("fault_cases.py", under_double(MOCK_ONLOAD_FAULTS=fault), "waits_for")
    assert "1 passed" in said


def test_a_stub_is_never_taken_for_onload() -> None:
    stub = str(onload_build.build() / "libonload_ext.so.1")
    assert "kept" in python(STUB_ANSWERS.format(state="stub"), environment(LD_PRELOAD=stub))


def test_without_any_library_everything_says_so() -> None:
    assert "kept" in python(STUB_ANSWERS.format(state="absent"), environment())


def test_a_handle_on_the_stub_is_not_asked() -> None:
    """A handle is searched on its own, so that the stub answers 0 even under a preloaded Onload."""
    stub = onload_build.build() / "libonload_ext.so.1"
    code = f"""
import ctypes
from ironpit.onload import library
stub = ctypes.CDLL({str(stub)!r})
assert stub.onload_is_present() == 0
assert library.is_present()
assert library.find().state == "interposed"
"""
    python(code, under_double())


def test_a_library_that_is_loaded_late_is_told_from_a_preloaded_one() -> None:
    library = str(onload_build.build() / "libonload.so")
    for mode in ("ctypes.RTLD_GLOBAL", "ctypes.RTLD_LOCAL"):
        code = f"""
import ctypes
from ironpit.onload import library
ctypes.CDLL({library!r}, {mode})
assert library.find().state == "late", library.find()
"""
        python(code, environment())


def test_every_function_of_the_api_has_a_prototype_and_is_in_the_double() -> None:
    double = ctypes.CDLL(str(onload_build.build() / "libonload_ext.so.1"))
    for name in PROTOTYPES:
        assert getattr(double, name, None) is not None, name


@pytest.mark.parametrize(
    ("structure", "size"),
    [
        (layouts.Stat, 24),
        (layouts.TcpInfo, 36),
        (layouts.DelegatedSend, 64),
        (layouts.OrderedEpollEvent, 24),
        (layouts.ZeroCopyIovec, 32),
        (layouts.ZeroCopyMessage, 64),
        (layouts.ZeroCopySend, 72),
        (layouts.ZeroCopyReceive, 88),
        (layouts.TemplateUpdate, 32),
        (layouts.Timestamp, 16),
        (layouts.TimestampControl, 24),
        (layouts.StreamControl, 40),
    ],
)
def test_structures_have_the_sizes_of_the_headers(
    structure: type[ctypes.Structure], size: int
) -> None:
    assert ctypes.sizeof(structure) == size
    assert layouts.LAYOUTS[structure][0] == size


def test_a_layout_that_is_not_onloads_is_refused() -> None:
    wrongs: list[dict[type[ctypes.Structure], tuple[int, dict[str, int]]]] = [
        {layouts.Stat: (32, {})},
        {layouts.Stat: (24, {"endpoint_id": 20})},
    ]
    for wrong in wrongs:
        with pytest.raises(ImportError, match=r"Stat.*expected"):
            layouts.check_layouts(wrong)
