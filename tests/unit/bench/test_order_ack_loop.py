"""The loop that times orders one after another tells an answer that is late from none at all."""

import socket

import pytest

from ironcore.bench.order_ack import round_trips

ORDER = b"an order that is echoed"


@pytest.fixture
def ends() -> tuple[socket.socket, socket.socket]:
    """The loop's socket, and the other side, which has answered one order already."""
    near, far = socket.socketpair()
    near.setblocking(False)
    far.sendall(ORDER)
    return near, far


Ends = tuple[socket.socket, socket.socket]


def test_an_answer_that_is_there_counts_however_late_it_is_read(ends: Ends) -> None:
    near, _ = ends
    assert len(round_trips(near.fileno(), ORDER, 1, echo=True, timeout_ns=0)) == 1


def test_silence_is_called_so(ends: Ends) -> None:
    near, _ = ends
    with pytest.raises(ConnectionError, match="no answer to order 2 of 2: nothing came in time"):
        round_trips(near.fileno(), ORDER, 2, echo=True, timeout_ns=1)


def test_a_closed_connection_is_called_so(ends: Ends) -> None:
    near, far = ends
    far.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionError, match="order 2 of 2: the connection was closed"):
        round_trips(near.fileno(), ORDER, 2, echo=True)


def test_an_order_that_nobody_takes_is_called_so(ends: Ends) -> None:
    near, far = ends
    far.close()
    with pytest.raises(ConnectionError, match="order 1 of 2: the socket did not take it"):
        round_trips(near.fileno(), ORDER, 2, echo=True)
