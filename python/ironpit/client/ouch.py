"""A member's OUCH 5.0 session."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

from ironcore.wire import ouch50, soupbin
from ironpit.client.replies import AccountQueryResponse, Reply, reply_of
from ironpit.client.soup import SoupClient

_END = object()


class OuchClient:
    """Orders out, replies in; asyncio.

    async with OuchClient("127.0.0.1", 26100, "ALFA1", password) as client:
        btcusd = Decimals(price=2, quantity=4)
        quantity, price = btcusd.read_quantity("0.01"), btcusd.read_price("250000.00")
        user_ref = client.enter("BTCUSD", "B", quantity, price)
        async for reply in client.replies():
            ...

    Prices and quantities are integers with the instrument's decimals, which OUCH does not say: they
    are the venue's `price_decimals` and `quantity_decimals`.

    The first `connect` hears what happens from then on, or from a sequence number on; after a lost
    connection, `connect` again resumes behind the last reply. Orders that were under way may be
    sent again with their own user reference: the venue ignores what it has.
    """

    def __init__(self, host: str, port: int, username: str, password: str) -> None:
        self.host = host
        self.port = port
        self.username = username
        self._password = password
        self._soup = SoupClient(self._on_message)
        self._replies: asyncio.Queue[Any] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._account = asyncio.Event()
        self._queries = 0
        self._history_end = 0
        self._heard_history = False
        self._resume_at = 0
        self._error: BaseException | None = None
        self.user_ref_next = 1
        self.connected = False

    @property
    def session(self) -> str:
        """The name of the SoupBinTCP session."""
        return self._soup.session

    @property
    def sequence_next(self) -> int:
        """The sequence number of the next reply."""
        return self._soup.sequence_next

    async def connect(self, sequence: int | None = None) -> None:
        """Log in, for all replies from `sequence` on if one is given.

        LoginError when the venue refuses, OSError when it is not there, TimeoutError.
        """
        wanted = sequence if sequence is not None else self._resume_at
        session = self.session
        # A login for sequence 0 says where the session's history ends. Without that, an old answer
        # to an account query could not be told from the answer to ours.
        here = self._soup = SoupClient(self._on_message)
        await self._login(session, 0)
        self._history_end = here.sequence_next
        self._heard_history = bool(wanted)
        if wanted:
            self._soup = SoupClient(self._on_message)
            try:
                # The later login takes the session over from the earlier connection.
                await self._login(session, wanted)
            finally:
                await here.close()
        self._error = None
        self._queries = 0
        # What was not read yet can still be read; the end of the old connection is no end any more.
        unread = [self._replies.get_nowait() for _ in range(self._replies.qsize())]
        for reply in unread:
            if reply is not _END:
                self._replies.put_nowait(reply)
        self.connected = True
        self._tasks = [
            asyncio.create_task(self._receive()),
            asyncio.create_task(self._beat()),
        ]
        await self.query_account()

    async def _login(self, session: str, sequence: int) -> None:
        await self._soup.connect(
            self.host, self.port, self.username, self._password, session, sequence
        )

    async def __aenter__(self) -> "OuchClient":
        await self.connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self, logout: bool = True) -> None:
        """Leave; replies that have arrived can still be read."""
        self.connected = False
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await task
        self._tasks = []
        await self._soup.close(logout)
        self._replies.put_nowait(_END)

    async def replies(self) -> AsyncIterator[Reply]:
        """Replies in order, until the connection ends; ConnectionError when it ended too early."""
        while True:
            reply = await self._replies.get()
            if reply is _END:
                if self._error is not None:
                    raise ConnectionError(str(self._error)) from self._error
                return
            yield reply

    async def reply(self, timeout_s: float = 10.0) -> Reply:
        """The next reply. TimeoutError, ConnectionError."""
        async with asyncio.timeout(timeout_s):
            async for reply in self.replies():
                return reply
        raise ConnectionError("the session has ended")

    def enter(
        self,
        symbol: str,
        side: str,
        quantity: int,
        price: int,
        *,
        time_in_force: str = "0",
        user_ref: int | None = None,
        **fields: Any,
    ) -> int:
        """Send an order; its user reference. `fields`: display, capacity, iso, cross_type,
        cl_ord_id, appendage (see `order_options`), as in OUCH 5.0."""
        reference = self._reference(user_ref)
        defaults = {"display": "Y", "capacity": "P", "iso": "N", "cross_type": "N", "cl_ord_id": ""}
        self.send(
            "EnterOrder",
            user_ref_num=reference,
            side=side,
            quantity=quantity,
            symbol=symbol,
            price=price,
            time_in_force=time_in_force,
            **{**defaults, **fields},
        )
        return reference

    def replace(
        self,
        orig_user_ref: int,
        quantity: int,
        price: int,
        *,
        time_in_force: str = "0",
        user_ref: int | None = None,
        **fields: Any,
    ) -> int:
        """Replace an order; the new user reference. quantity counts what was executed before."""
        reference = self._reference(user_ref)
        self.send(
            "ReplaceOrder",
            orig_user_ref_num=orig_user_ref,
            user_ref_num=reference,
            quantity=quantity,
            price=price,
            time_in_force=time_in_force,
            **{"display": "Y", "iso": "N", "cl_ord_id": "", **fields},
        )
        return reference

    def cancel(self, user_ref: int, quantity: int = 0) -> None:
        """Bring an order down to a total of `quantity`, what was executed included; 0 ends it."""
        self.send("CancelOrder", user_ref_num=user_ref, quantity=quantity)

    def modify(self, user_ref: int, side: str, quantity: int) -> None:
        """A smaller size, or another side out of S, E and T; priority stays."""
        self.send("ModifyOrder", user_ref_num=user_ref, side=side, quantity=quantity)

    def mass_cancel(
        self,
        firm: str = "",
        symbol: str = "",
        *,
        group: int | None = None,
        side: str = "",
        whole_firm: bool = False,
    ) -> int:
        """End all orders of the session; the user reference used.

        Only those of one symbol, of one group, or of one side ("B", "S") if given. whole_firm:
        those of every session of the firm.
        """
        reference = self._reference(None)
        appendage: dict[str, Any] = {}
        if group is not None:
            appendage["GroupID"] = group
        if side:
            appendage["Side"] = side
        if whole_firm:
            appendage["Scope"] = "M"
        self.send(
            "MassCancel", user_ref_num=reference, firm=firm, symbol=symbol, appendage=appendage
        )
        return reference

    async def query_account(self, timeout_s: float = 10.0) -> int:
        """Ask for the next user reference and go on from there. TimeoutError, ConnectionError.

        The answer is not among the replies.
        """
        self._account.clear()
        self._queries += 1
        self.send("AccountQuery")
        async with asyncio.timeout(timeout_s):
            await self._account.wait()
        if self._error is not None:
            raise ConnectionError(str(self._error)) from self._error
        return self.user_ref_next

    def send(self, kind: str, **fields: Any) -> None:
        """Send any OUCH 5.0 message. ConnectionError when there is no connection."""
        message = ouch50.encode_inbound(kind, **fields)
        self._soup.send(soupbin.encode("UnsequencedData", message=message))

    async def drain(self) -> None:
        """Wait until the venue takes more."""
        await self._soup.drain()

    def _reference(self, given: int | None) -> int:
        if given is not None:
            return given
        self.user_ref_next += 1
        return self.user_ref_next - 1

    def _is_new(self, sequence: int) -> bool:
        # History's end is its last message, or 1 when there is none yet: message 1 counts as new.
        return sequence > self._history_end or self._history_end == 1

    def _on_message(self, sequence: int, payload: bytes) -> None:
        self._resume_at = sequence + 1
        reply = reply_of(sequence, ouch50.decode_outbound(payload))
        if isinstance(reply, AccountQueryResponse) and self._queries and self._is_new(sequence):
            self._queries -= 1
            self.user_ref_next = max(self.user_ref_next, reply.next_user_ref_num)
            self._account.set()
        elif sequence != self._history_end or self._heard_history or self._is_new(sequence):
            self._replies.put_nowait(reply)

    async def _beat(self) -> None:
        with contextlib.suppress(OSError):
            await self._soup.beat()

    async def _receive(self) -> None:
        try:
            await self._soup.receive()
        except (OSError, ValueError, TimeoutError) as error:
            self._error = error
        self.connected = False
        self._account.set()
        self._replies.put_nowait(_END)
