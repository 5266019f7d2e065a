"""The Onload double does what the facts say of Onload: what it accelerates, hands over and refuses.

Method: small programs in processes of their own with the library preloaded, since nothing of it
can be seen after a process has started.
"""

import os
import subprocess
import sys

import pytest
from tests.doubles.onload_build import build
from tests.process.onload.preloaded import run

pytestmark = pytest.mark.needs_tool("cc")


def test_loopback_is_handed_over_unless_the_options_say_otherwise() -> None:
    program = "client, served = pair(); print(stat(client), stat(served), tcp_info(client))"
    assert run(program) == "1 1 0"
    assert run(program, EF_TCP_CLIENT_LOOPBACK=0, EF_TCP_SERVER_LOOPBACK=0) == "0 0 -1"


@pytest.mark.parametrize(
    "setting", ["EF_DONT_ACCELERATE=1", "EF_TCP=0", "MOCK_ONLOAD_DRIVER=missing"]
)
def test_the_library_is_present_even_when_nothing_is_accelerated(setting: str) -> None:
    name, value = setting.split("=")
    program = "client, _ = pair(); print(onload.onload_is_present(), stat(client))"
    assert run(program, **{name: value}) == "1 0"


def test_what_is_no_ip_socket_is_never_accelerated() -> None:
    assert run("print(stat(socket.socket(socket.AF_UNIX)), stat(select.epoll()))") == "0 0"


def test_a_socket_in_an_epoll_set_is_a_passthrough_after_its_handover() -> None:
    program = """
        s = socket.socket()
        poller = select.epoll()
        poller.register(s, select.EPOLLIN)
        s.bind(("127.0.0.1", 0))
        print(stat(s), tcp_info(s), ctypes.get_errno() == errno.EINVAL)
        """
    assert run(program, EF_TCP_SERVER_LOOPBACK=0) == "1 -1 True"


def test_duplicates_share_the_connection_until_the_last_is_closed() -> None:
    program = """
        client, served = pair()
        twin = client.dup()
        client.close()
        twin.sendall(b"by the twin")
        print(stat(twin), served.recv(100))
        number = twin.fileno()
        twin.close()
        print(onload.onload_fd_stat(number, None), served.recv(1))
        """
    assert run(program) == "1 b'by the twin'\n0 b''"


def test_stack_names_carry_their_scope_and_a_null_name_refuses() -> None:
    program = """
        names = []
        for scope in 1, 2, 3, 4:
            assert onload.onload_set_stackname(0, scope, b"hot") == 0
            names.append(stack_name(socket.socket()).split("-")[-1][0])
        print(*names, onload.onload_set_stackname(0, 0, None), stat(socket.socket()))
        print(onload.onload_set_stackname(2, 0, b"x"), ctypes.get_errno() == errno.EINVAL)
        long_name = onload.onload_set_stackname(0, 0, b"x" * 99)
        print(long_name, ctypes.get_errno() == errno.ENAMETOOLONG)
        """
    assert run(program) == "t p u h 0 0\n-1 True\n-1 True"


def test_a_stack_name_is_restored_only_after_it_was_saved() -> None:
    program = """
        print(onload.onload_stackname_restore() == -errno.EINVAL)
        onload.onload_set_stackname(0, 4, b"first")
        print(onload.onload_stackname_save())
        onload.onload_set_stackname(0, 4, b"second")
        print(onload.onload_stackname_restore(), stack_name(socket.socket()))
        """
    assert run(program) == "True\n0\n0 first"


def test_spin_and_options_belong_to_the_thread() -> None:
    program = """
        mask = ctypes.c_uint()
        def read():
            value = ctypes.c_int64()
            onload.onload_thread_get_spin(ctypes.byref(mask))
            onload.onload_stack_opt_get_int(b"EF_RXQ_SIZE", ctypes.byref(value))
            print(mask.value >> 5 & 1, value.value)
        onload.onload_thread_set_spin(5, 1)
        print(onload.onload_stack_opt_set_int(b"EF_RXQ_SIZE", ctypes.c_int64(1024)))
        read()
        other = threading.Thread(target=read); other.start(); other.join()
        print(onload.onload_stack_opt_set_int(b"EF_RXQ_SIZE", ctypes.c_int64(1)) == -errno.EINVAL,
              onload.onload_stack_opt_set_int(b"EF_UL_EPOLL", ctypes.c_int64(1)) == -errno.EINVAL,
              onload.onload_thread_set_spin(17, 1) == -errno.EINVAL)
        """
    assert run(program) == "0\n1 1024\n0 512\nTrue True True"


def test_warm_bytes_stay_here_on_an_accelerated_socket_and_are_sent_on_another() -> None:
    program = """
        client, served = pair()
        print(onload.onload_fd_check_feature(client.fileno(), 0), client.send(b"warm", 0x400))
        client.send(b"real")
        print(served.recv(100))
        """
    assert run(program) == "1 4\nb'real'"
    assert run(program, EF_TCP_CLIENT_LOOPBACK=0) == "0 4\nb'warmreal'"


def test_delegated_headers_are_those_of_the_connection_and_completed_bytes_arrive() -> None:
    program = """
        import struct
        client, served = pair()
        room = ctypes.create_string_buffer(128)
        sending = struct.pack("@Pi52x", ctypes.addressof(room), 128)
        sending = ctypes.create_string_buffer(sending, 64)
        prepare = onload.onload_delegated_send_prepare
        complete = onload.onload_delegated_send_complete
        print(prepare(client.fileno(), 5, 0, sending), prepare(client.fileno(), 5, 0, sending))
        ports = struct.unpack_from(">HH", room, 34)
        print(ports == (client.getsockname()[1], served.getsockname()[1]))
        data = ctypes.create_string_buffer(b"order", 5)
        iov = struct.pack("@PN", ctypes.addressof(data), 5)
        print(complete(client.fileno(), iov, 1, 0), served.recv(9))
        print(complete(client.fileno(), iov, 1, 0), ctypes.get_errno() == errno.EINVAL)
        print(complete(1, iov, 1, 0), ctypes.get_errno() == errno.ENOTTY)
        print(prepare(1, 5, 0, sending))
        """
    assert run(program) == "0 3\nTrue\n5 b'order'\n-1 True\n-1 True\n1"


def test_a_zero_copy_buffer_has_one_owner() -> None:
    program = """
        import struct
        client, served = pair()
        iov = ctypes.create_string_buffer(32)
        local = socket.socket(socket.AF_UNIX)
        print(onload.onload_zc_alloc_buffers(client.fileno(), iov, 1, 2))
        handle = ctypes.create_string_buffer(iov.raw[16:24], 8)
        release = onload.onload_zc_release_buffers
        number = client.fileno()
        print(release(number, handle, 1), release(number, handle, 1) == -errno.EINVAL)
        print(onload.onload_zc_alloc_buffers(1, iov, 1, 2) == -errno.ENOTSOCK,
              onload.onload_zc_alloc_buffers(local.fileno(), iov, 1, 2) == -errno.ESOCKTNOSUPPORT)
        """
    assert run(program) == "0\n0 True\nTrue True"


def test_a_fault_is_injected_by_name_and_number_of_the_call() -> None:
    program = "s = socket.socket(); print(stat(s), stat(s), stat(s))"
    assert run(program, MOCK_ONLOAD_FAULTS="onload_fd_stat=-12@2") == "1 -12 1"
    program = "print(tcp_info(socket.socket()), ctypes.get_errno())"
    assert run(program, MOCK_ONLOAD_FAULTS="onload_get_tcp_info=-12") == "-1 12"


def test_an_extension_library_that_is_too_new_is_not_served() -> None:
    both = f"{build()}/libonload.so:{build()}/libonload_ext.so.1"
    program = "client, _ = pair(); print(stat(client))"
    assert run(program, LD_PRELOAD=both, MOCK_ONLOAD_EXT_VERSION="1.3.0") == "1"
    assert run(program, LD_PRELOAD=both, MOCK_ONLOAD_EXT_VERSION="1.1.0") == "0"


def test_the_stub_alone_says_absent_and_a_late_dlopen_intercepts_nothing() -> None:
    run_plain = [sys.executable, "-c"]
    stub = f"import ctypes; print(ctypes.CDLL('{build()}/libonload_ext.so.1').onload_is_present())"
    late = (
        f"import ctypes, socket; o = ctypes.CDLL('{build()}/libonload.so', ctypes.RTLD_GLOBAL);"
        "s = socket.socket(); print(o.onload_is_present(), o.onload_fd_stat(s.fileno(), None))"
    )
    said = [
        subprocess.run([*run_plain, code], capture_output=True, text=True, check=True).stdout
        for code in (stub, late)
    ]
    assert said == ["0\n", "1 0\n"]


def launch(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [str(build() / "onload"), *arguments]
    return subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True)


def test_the_launcher_reads_profiles_and_leaves_what_is_set_unless_forced() -> None:
    show = ["printenv", "EF_POLL_USEC", "EF_CTPIO_MODE"]
    assert launch("-p", "latency-best", *show).stdout == "100000\nct\n"
    assert launch("-p", "latency-best", *show, EF_POLL_USEC="7").stdout == "7\nct\n"
    forced = launch("--profile=latency-best", "--force-profiles", *show, EF_POLL_USEC="7")
    assert forced.stdout == "100000\nct\n"
    assert launch("-p", "nonsense", "true").returncode == 3


def test_the_launcher_refuses_without_a_driver_unless_told_not_to_look() -> None:
    assert launch("true", MOCK_ONLOAD_DRIVER="missing").returncode == 1
    assert launch("true", MOCK_ONLOAD_DRIVER="missing", ONLOAD_DRIVERCHECK="false").returncode == 0


def test_the_launcher_preloads_the_library_or_another_one() -> None:
    assert launch("printenv", "LD_PRELOAD").stdout.strip() == str(build() / "libonload.so")
    other = launch("printenv", "LD_PRELOAD", ONLOAD_PRELOAD="/nowhere/other.so")
    assert other.stdout.strip() == "/nowhere/other.so"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="an entry point for x86-64 only")
def test_the_library_run_as_a_program_prints_its_version() -> None:
    said = subprocess.run([str(build() / "libonload.so")], capture_output=True, text=True)
    assert said.stdout.splitlines()[1] == "extension library 1.2.0"
