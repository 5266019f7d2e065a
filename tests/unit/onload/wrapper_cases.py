"""Goal: every function of the wrapper does its work, and each documented error has its type.

Method: run by test_wrapper.py in an interpreter under the double, with loopback accelerated. Errors
that need a fault are in fault_cases.py.
"""

import ctypes
import errno
import os
import select
import socket
import struct
from collections.abc import Callable, Iterator

import pytest
from tests.unit.onload.ends import connection

from ironpit.onload import (
    delegated_send,
    descriptors,
    layouts,
    library,
    ordered_epoll,
    stacks,
    zero_copy,
)
from ironpit.onload.codes import (
    STATE_TCP_CONN,
    TCP_STATES,
    Buffers,
    Delegated,
    Feature,
    Scope,
    Spin,
    Stamp,
    Taken,
    Template,
    Who,
    state_name,
    state_number,
)
from ironpit.onload.errors import (
    InvalidError,
    LinkDownError,
    NameTooLongError,
    NoMemoryError,
    NotAcceleratedError,
    NotASocketError,
    NothingYetError,
    NotSupportedError,
    OnloadError,
    TooSmallError,
)

Ends = tuple[socket.socket, socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    with connection() as all_:
        yield all_


@pytest.fixture
def kernels() -> Iterator[socket.socket]:
    """A socket of the kernel's own."""
    with socket.socket(fileno=descriptors.socket_nonaccel(socket.AF_INET, socket.SOCK_STREAM)) as s:
        yield s


def test_the_double_is_found_interposed_with_its_version() -> None:
    found = library.find()
    assert found.state == "interposed"
    assert found.version == (1, 2, 0)
    assert str(found.version) == "1.2.0"
    assert not found.minor_missing
    assert found.release.endswith("double")
    assert library.mapped() == found.path


def test_a_descriptor_is_told_with_its_stack(ends: Ends, kernels: socket.socket) -> None:
    listener, near, far = ends
    for sock, state in ((listener, "listen"), (near, "established"), (far, "established")):
        endpoint = descriptors.fd_stat(sock.fileno())
        assert endpoint is not None
        assert state_name(endpoint.state) == state
        assert TCP_STATES[state_number(endpoint.state)] == state
        assert str(endpoint).startswith(f"{endpoint.stack_id}:{endpoint.endpoint_id} {state}")
    assert descriptors.fd_stat(kernels.fileno()) is None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        endpoint = descriptors.fd_stat(datagrams.fileno())
        assert endpoint is not None
        assert state_name(endpoint.state) == "udp"
    poller = select.epoll()
    assert descriptors.fd_stat(poller.fileno()) is None


def test_features_are_asked_for_each_socket(ends: Ends, kernels: socket.socket) -> None:
    listener, near, _ = ends
    assert descriptors.check_feature(near.fileno(), Feature.MSG_WARM)
    assert not descriptors.check_feature(listener.fileno(), Feature.MSG_WARM)
    assert not descriptors.check_feature(kernels.fileno(), Feature.MSG_WARM)
    assert descriptors.check_feature(near.fileno(), Feature.UDP_TX_TS_HDR)
    with pytest.raises(NotSupportedError) as caught:
        descriptors.check_feature(near.fileno(), 9)
    assert caught.value.errno == errno.EOPNOTSUPP
    assert caught.value.function == "onload_fd_check_feature"


def test_tcp_info_is_a_connections_alone(ends: Ends, kernels: socket.socket) -> None:
    listener, near, _ = ends
    info = descriptors.tcp_info(near.fileno())
    assert len(info) == 9
    assert info["so_sndbuf"] > 0
    assert info["snd_mss"] > 0
    for other in (listener, kernels):
        with pytest.raises(InvalidError):
            descriptors.tcp_info(other.fileno())


def test_warming_sends_nothing_and_is_not_done_on_the_kernels_sockets(ends: Ends) -> None:
    _, near, far = ends
    assert descriptors.warm(near.fileno(), b"warm")
    near.sendall(b"real")
    assert far.recv(100) == b"real"
    pair = [socket.socket(fileno=os.dup(s.fileno())) for s in socket.socketpair()]
    assert not descriptors.warm(pair[0].fileno(), b"warm")
    pair[1].setblocking(False)
    with pytest.raises(BlockingIOError):
        pair[1].recv(100)
    for sock in pair:
        sock.close()


def test_time_stamps_are_asked_for(ends: Ends, kernels: socket.socket) -> None:
    _, near, _ = ends
    descriptors.request_timestamps(near.fileno(), Stamp.RX_NIC)
    with pytest.raises(NotSupportedError):  # EF_TX_TIMESTAMPING is 0
        descriptors.request_timestamps(near.fileno(), Stamp.TX_NIC)
    with pytest.raises(InvalidError):
        descriptors.request_timestamps(near.fileno(), Stamp(8))
    with pytest.raises(NotAcceleratedError) as caught:
        descriptors.request_timestamps(kernels.fileno(), Stamp.RX_NIC)
    assert caught.value.errno == errno.ENOTTY


def test_a_stack_gets_its_name_for_what_is_opened_in_it(ends: Ends) -> None:
    with stacks.named("hot", Scope.PROCESS), socket.socket() as inside:
        endpoint = descriptors.fd_stat(inside.fileno())
        assert endpoint is not None
        assert endpoint.stack_name == f"hot-p{os.getpid()}"
    with socket.socket() as outside:
        endpoint = descriptors.fd_stat(outside.fileno())
        assert endpoint is not None
        assert "hot" not in endpoint.stack_name
    with stacks.named(stacks.DONT_ACCELERATE), socket.socket() as refused:
        assert descriptors.fd_stat(refused.fileno()) is None
    with pytest.raises(NameTooLongError):
        stacks.set_name("n" * 100)
    with pytest.raises(InvalidError):
        library.call("onload_set_stackname", 7, 0, b"x")
    stacks.set_name("", Who.ALL_THREADS, Scope.NOCHANGE)


def test_nothing_is_restored_before_it_was_saved() -> None:
    import threading

    caught: list[type[BaseException]] = []

    def restore() -> None:
        try:
            stacks.restore_name()
        except OnloadError as error:
            caught.append(type(error))

    thread = threading.Thread(target=restore)
    thread.start()
    thread.join()
    assert caught == [InvalidError]


def test_options_have_names_ranges_and_a_way_back() -> None:
    before = stacks.option("EF_MAX_PACKETS")
    stacks.set_option("EF_MAX_PACKETS", 4096)
    assert stacks.option("EF_MAX_PACKETS") == 4096
    stacks.set_option("EF_CTPIO_MODE", "ct")
    assert stacks.option_text("EF_CTPIO_MODE") == "ct"
    with pytest.raises(TooSmallError) as caught:
        stacks.option_text("EF_CTPIO_MODE", 1)
    assert caught.value.needed_bytes == 3
    stacks.reset_options()
    assert stacks.option("EF_MAX_PACKETS") == before
    wrong: list[Callable[[], object]] = [
        lambda: stacks.set_option("EF_MAX_PACKETS", 1),
        lambda: stacks.set_option("EF_NONSENSE", 1),
        lambda: stacks.set_option("EF_STACK_PER_THREAD", 1),  # of the process, not of stacks
        lambda: stacks.set_option("EF_CTPIO_MODE", "fast"),
        lambda: stacks.option("EF_NONSENSE"),
        lambda: stacks.option_text("EF_NONSENSE"),
    ]
    for call in wrong:
        with pytest.raises(InvalidError):
            call()


def test_spinning_is_set_for_each_kind_of_call() -> None:
    stacks.set_spin(Spin.ALL, False)
    assert stacks.spins() == set()
    stacks.set_spin(Spin.EPOLL_WAIT, True)
    stacks.set_spin(Spin.TCP_RECV, True)
    assert stacks.spins() == {Spin.EPOLL_WAIT, Spin.TCP_RECV}
    with pytest.raises(InvalidError):
        stacks.set_spin(17, True)


def test_a_socket_moves_into_the_stack_of_the_thread(ends: Ends, kernels: socket.socket) -> None:
    listener, _, far = ends
    with stacks.named("new", Scope.PROCESS):
        descriptors.move_fd(far.fileno())
        endpoint = descriptors.fd_stat(far.fileno())
        assert endpoint is not None
        assert endpoint.stack_name.startswith("new-")
    for other in (listener, kernels):
        with pytest.raises(InvalidError):
            descriptors.move_fd(other.fileno())


def test_ordered_epoll_tells_what_has_arrived(ends: Ends) -> None:
    _, near, far = ends
    poller = select.epoll()
    poller.register(far.fileno(), select.EPOLLIN)
    near.sendall(b"12345")
    [arrival] = ordered_epoll.ordered_epoll_wait(poller.fileno(), 8, 1000)
    assert arrival.data & 0xFFFF_FFFF == far.fileno()
    assert arrival.events & select.EPOLLIN
    assert arrival.bytes == 5
    assert arrival.arrived_ns > 0
    with pytest.raises(InvalidError):
        ordered_epoll.ordered_epoll_wait(near.fileno(), 8, 0)


def test_stamps_are_read_from_control_messages() -> None:
    assert ordered_epoll.stamp_ns(struct.pack("<IIQII", 1, 0, 7, 8, 0x05_800000)) == 7_000_000_008
    stream = struct.pack("<qqqqQ", 1, 2, 3, 4, 99)
    assert ordered_epoll.stream_stamps(stream) == (1_000_000_002, 3_000_000_004, 99)
    with pytest.raises(ValueError, match=r"small|least"):
        ordered_epoll.stamp_ns(bytes(8))


def test_a_delegated_packet_has_real_headers_and_is_completed(ends: Ends) -> None:
    listener, near, far = ends
    packet = delegated_send.DelegatedPacket()
    assert packet.prepare(near.fileno(), 10) == Delegated.OK
    assert packet.prepare(near.fileno(), 10) == Delegated.SENDQ_BUSY
    headers = packet.headers
    assert headers[12:14] == b"\x08\x00"
    assert struct.unpack_from(">H", headers, 36) == listener.getsockname()[1:]
    (sequence,) = struct.unpack_from(">I", headers, packet.state.tcp_seq_offset)
    packet.update(4, push=True)
    (length,) = struct.unpack_from(">H", packet.headers, packet.state.ip_len_offset)
    assert length == 4 + packet.state.ip_tcp_hdr_len
    assert packet.headers[47] == 0x18  # ACK and PSH
    windows = (packet.state.send_wnd, packet.state.cong_wnd, packet.state.user_size)
    packet.advance(4)
    assert windows == (
        packet.state.send_wnd + 4,
        packet.state.cong_wnd + 4,
        packet.state.user_size + 4,
    )
    after = struct.unpack_from(">I", packet.headers, packet.state.tcp_seq_offset)[0]
    assert after == (sequence + 4) & 0xFFFF_FFFF
    packet.update(6, push=False)
    assert packet.headers[47] == 0x10
    assert delegated_send.complete(near.fileno(), b"0123456789") in (0, 10)
    assert far.recv(100) == b"0123456789"


def test_a_sequence_number_wraps_around() -> None:
    packet = delegated_send.DelegatedPacket()
    packet.state.tcp_seq_offset, packet.state.headers_len = 38, 54
    struct.pack_into(">I", packet._memory, 38, 0xFFFF_FFFE)
    packet.advance(4)
    assert struct.unpack_from(">I", packet.headers, 38) == (2,)


def test_headers_may_begin_behind_the_start_of_the_memory() -> None:
    packet = delegated_send.DelegatedPacket()
    packet.state.headers = ctypes.addressof(packet._memory) + 8
    packet.state.headers_len, packet.state.tcp_seq_offset = 54, 38
    packet.state.ip_len_offset, packet.state.ip_tcp_hdr_len = 16, 40
    packet.update(2, push=True)
    assert struct.unpack_from(">H", packet._memory, 24) == (42,)
    assert packet.headers == packet._memory.raw[8:62]


def test_what_delegated_send_refuses_is_told(ends: Ends, kernels: socket.socket) -> None:
    _, near, _ = ends
    assert delegated_send.DelegatedPacket().prepare(kernels.fileno(), 10) == Delegated.BAD_SOCKET
    small = delegated_send.DelegatedPacket(16)
    assert small.prepare(near.fileno(), 10) == Delegated.SMALL_HEADER
    assert small.state.headers_len > 16
    assert delegated_send.DelegatedPacket().prepare(near.fileno(), 0) == Delegated.NOWIN
    delegated_send.cancel(near.fileno())
    assert delegated_send.DelegatedPacket().prepare(near.fileno(), 10) == Delegated.OK
    delegated_send.cancel(near.fileno())
    with pytest.raises(InvalidError):
        delegated_send.complete(near.fileno(), b"never prepared")
    for call in (lambda fd: delegated_send.complete(fd, b"x"), delegated_send.cancel):
        with pytest.raises(NotAcceleratedError) as caught:
            call(kernels.fileno())
        assert caught.value.errno == errno.ENOTTY


def test_buffers_are_lent_given_back_and_owned(ends: Ends, kernels: socket.socket) -> None:
    _, near, _ = ends
    buffers = zero_copy.alloc_buffers(near.fileno(), 2, Buffers.TCP)
    handles = [buffer.handle for buffer in buffers]
    assert all(handles)
    zero_copy.release_buffers(near.fileno(), handles)
    with pytest.raises(InvalidError):  # they are not ours any more
        zero_copy.release_buffers(near.fileno(), handles)
    with pytest.raises(NoMemoryError):
        zero_copy.alloc_buffers(near.fileno(), 100_000)
    with pytest.raises(NotAcceleratedError) as caught:
        zero_copy.alloc_buffers(kernels.fileno(), 1)
    assert caught.value.errno == errno.ESOCKTNOSUPPORT
    with open(os.devnull) as file, pytest.raises(NotASocketError):
        zero_copy.alloc_buffers(file.fileno(), 1)
    zero_copy.await_stack_sync(near.fileno())
    with pytest.raises(NotAcceleratedError):
        zero_copy.await_stack_sync(kernels.fileno())


def test_messages_go_and_come_in_place(ends: Ends, kernels: socket.socket) -> None:
    _, near, far = ends
    buffers = zero_copy.alloc_buffers(near.fileno(), 1)
    ctypes.memmove(buffers[0].base, b"in place", 8)
    buffers[0].bytes = 8
    assert zero_copy.send(near.fileno(), buffers) == 8
    taken: list[bytes] = []
    kept: list[int] = []

    def take(parts: list[zero_copy.Part]) -> Taken:
        taken.extend(bytes(part.data) for part in parts)
        kept.extend(part.handle for part in parts)
        return Taken.KEEP | Taken.TERMINATE

    zero_copy.receive(far.fileno(), take, socket.MSG_DONTWAIT)
    assert taken == [b"in place"]
    zero_copy.release_buffers(far.fileno(), kept)
    with pytest.raises(NothingYetError):
        zero_copy.receive(far.fileno(), take, socket.MSG_DONTWAIT)
    with pytest.raises(NotAcceleratedError):
        zero_copy.receive(kernels.fileno(), take)
    with pytest.raises(InvalidError):  # sent already: no longer ours
        zero_copy.send(near.fileno(), buffers)
    with pytest.raises(NotAcceleratedError):
        zero_copy.send(kernels.fileno(), buffers)


def test_what_a_callback_raises_comes_out_of_the_call(ends: Ends) -> None:
    _, near, far = ends
    near.sendall(b"x")

    def take(parts: list[zero_copy.Part]) -> Taken:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        zero_copy.receive(far.fileno(), take, socket.MSG_DONTWAIT)


def test_a_filter_sees_datagrams_and_lets_them_through(ends: Ends) -> None:
    _, near, _ = ends
    seen: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        look = seen.extend
        zero_copy.set_receive_filter(
            datagrams.fileno(), lambda parts: look(bytes(part.data) for part in parts)
        )
        message = layouts.ZeroCopyMessage()
        data = ctypes.create_string_buffer(b"seen", 4)
        piece = layouts.ZeroCopyIovec(base=ctypes.addressof(data), bytes=4)
        message.iov = ctypes.pointer(piece)
        message.header.iov_count = 1
        # The double keeps a filter and does not call it.
        callback = zero_copy._filters[datagrams.fileno()]
        assert callback(ctypes.pointer(message), None, 0) == Taken.CONTINUE
    assert seen == [b"seen"]
    with pytest.raises(NotAcceleratedError):
        zero_copy.set_receive_filter(near.fileno(), lambda parts: None)


def test_a_templated_send_is_changed_and_sent(ends: Ends, kernels: socket.socket) -> None:
    _, near, far = ends
    template = zero_copy.TemplatedSend(near.fileno(), b"price 100")
    template.update(6, b"200")
    with pytest.raises(InvalidError):
        template.update(8, b"300")
    template.update(0, b"", Template.SEND_NOW)
    assert far.recv(100) == b"price 200"
    zero_copy.TemplatedSend(near.fileno(), b"never").abort()
    with pytest.raises(NotAcceleratedError):
        zero_copy.TemplatedSend(kernels.fileno(), b"x")


def test_data_of_the_kernels_path_is_read(ends: Ends) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        buffer = bytearray(16)
        with pytest.raises(NothingYetError):
            descriptors.recvmsg_kernel(one.fileno(), buffer, socket.MSG_DONTWAIT)
        one.sendto(b"kernel", one.getsockname())
        assert descriptors.recvmsg_kernel(one.fileno(), buffer) == 6
        assert buffer[:6] == b"kernel"


def test_sockets_are_opened_for_the_kernel_on_purpose() -> None:
    opened = descriptors.socket_nonaccel(socket.AF_INET, socket.SOCK_STREAM)
    assert descriptors.fd_stat(opened) is None
    os.close(opened)
    for call in (descriptors.socket_unicast_nonaccel, descriptors.socket_rx_nonaccel):
        os.close(call(socket.AF_INET, socket.SOCK_DGRAM))
    with pytest.raises(OnloadError) as caught:
        descriptors.socket_nonaccel(9999, socket.SOCK_STREAM)
    assert caught.value.errno == errno.EAFNOSUPPORT


def test_a_raw_frame_needs_a_port_that_is_up(ends: Ends, kernels: socket.socket) -> None:
    _, near, _ = ends
    with pytest.raises(LinkDownError):
        descriptors.raw_send(near.fileno(), 0, bytes(64))
    with pytest.raises(NotAcceleratedError):
        descriptors.raw_send(kernels.fileno(), 0, bytes(64))


def test_the_name_of_a_stack_is_freed(ends: Ends) -> None:
    _, near, _ = ends
    libc = ctypes.CDLL(None)

    class Mallinfo(ctypes.Structure):
        _fields_ = (
            *((name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks")),
            *((name, ctypes.c_size_t) for name in ("hblkhd", "usmblks", "fsmblks", "uordblks")),
            *((name, ctypes.c_size_t) for name in ("fordblks", "keepcost")),
        )

    libc.mallinfo2.restype = Mallinfo
    calls = 20_000

    def grown() -> int:
        before = libc.mallinfo2().uordblks
        for _ in range(calls):
            descriptors.fd_stat(near.fileno())
        return int(libc.mallinfo2().uordblks - before)

    grown()
    # A name takes at least 24 bytes of the heap; what Python itself leaves is far less than one a
    # call.
    assert grown() < calls


def test_the_states_of_an_endpoint_have_names() -> None:
    assert state_name(0xC000) == "pipe"
    assert state_name(0x9000 | STATE_TCP_CONN) == "time-wait"
    assert state_name(0xE000).startswith("state")
