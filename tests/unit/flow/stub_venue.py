"""A venue of a few lines: it logs members in and answers each message as the test says."""

import socket
import threading
from collections.abc import Callable
from typing import Any

from ironcore.wire import ouch50, soupbin

Answer = Callable[[dict[str, Any]], list[bytes]]


def accepted(order: dict[str, Any], state: str = "L") -> bytes:
    names = ("side", "quantity", "symbol", "price", "time_in_force", "display", "capacity", "iso")
    fields = {name: order[name] for name in (*names, "cross_type", "cl_ord_id", "user_ref_num")}
    return ouch50.encode_outbound(
        "OrderAccepted",
        timestamp=1,
        order_ref=order["user_ref_num"],
        order_state=state,
        **fields,
    )


def replaced(order: dict[str, Any]) -> bytes:
    return ouch50.encode_outbound(
        "OrderReplaced",
        timestamp=1,
        orig_user_ref_num=order["orig_user_ref_num"],
        user_ref_num=order["user_ref_num"],
        side="B",
        quantity=order["quantity"],
        symbol="BTCUSD",
        price=order["price"],
        time_in_force="0",
        display="Y",
        order_ref=order["user_ref_num"],
        capacity="P",
        iso="N",
        cross_type="N",
        order_state="L",
        cl_ord_id="",
    )


def rejected(order: dict[str, Any]) -> bytes:
    return ouch50.encode_outbound(
        "Rejected", timestamp=1, user_ref_num=order["user_ref_num"], reason=0x11, cl_ord_id=""
    )


def canceled(user_ref: int, quantity: int) -> bytes:
    return ouch50.encode_outbound(
        "OrderCanceled", timestamp=1, user_ref_num=user_ref, quantity=quantity, reason="U"
    )


def executed(user_ref: int, quantity: int) -> bytes:
    return ouch50.encode_outbound(
        "OrderExecuted",
        timestamp=1,
        user_ref_num=user_ref,
        quantity=quantity,
        price=100,
        liquidity_flag="R",
        match_number=1,
    )


def usual(message: dict[str, Any]) -> list[bytes]:
    """Accept orders, replace what is to be replaced, cancel 1 share."""
    answers = {
        "EnterOrder": lambda: [accepted(message)],
        "ReplaceOrder": lambda: [replaced(message)],
        "CancelOrder": lambda: [canceled(message["user_ref_num"], 1)],
    }
    return answers[message["kind"]]()


class StubVenue:
    """Listens on a free port; `with` it. An answer None closes the member's connection."""

    def __init__(
        self,
        answer: Callable[[dict[str, Any]], list[bytes] | None] = usual,
        first_user_ref: int = 1,
    ) -> None:
        self.answer = answer
        self.first_user_ref = first_user_ref
        self.received: list[dict[str, Any]] = []
        self.logins: list[dict[str, Any]] = []
        self.heartbeats = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> "StubVenue":
        self._accepting.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for connection in self._connections:
            connection.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        buffer = bytearray()
        next_user_ref = self.first_user_ref
        try:
            while part := connection.recv(1 << 16):
                buffer += part
                out = b""
                while (found := soupbin.next_packet(buffer)) is not None:
                    kind, payload, end = found
                    packet = bytes(buffer[:end])
                    del buffer[:end]
                    if kind == "L":
                        out += self._login(soupbin.decode(packet))
                    elif kind == "R":
                        self.heartbeats += 1
                    elif kind == "U":
                        message = ouch50.decode_inbound(payload)
                        self.received.append(message)
                        answers: list[bytes] | None
                        if message["kind"] == "AccountQuery":
                            answers = [
                                ouch50.encode_outbound(
                                    "AccountQueryResponse",
                                    timestamp=1,
                                    next_user_ref_num=next_user_ref,
                                )
                            ]
                        else:
                            if message["kind"] != "CancelOrder":
                                next_user_ref = message["user_ref_num"] + 1
                            answers = self.answer(message)
                        if answers is None:
                            connection.sendall(out)
                            connection.close()
                            return
                        for answer in answers:
                            out += soupbin.encode("SequencedData", message=answer)
                connection.sendall(out)
        except OSError:
            return

    def _login(self, login: dict[str, Any]) -> bytes:
        self.logins.append(login)
        if login["password"].strip().upper() != "SECRET":
            return soupbin.encode("LoginRejected", reason="A")
        return soupbin.encode("ServerHeartbeat") + soupbin.encode(
            "LoginAccepted", session="STUB", sequence_number=max(1, login["requested_sequence"])
        )
