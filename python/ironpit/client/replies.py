"""What the venue says to a member: one type for each OUCH 5.0 message. Prices and
quantities are integers with the instrument's decimals."""

from typing import Any

import msgspec


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A sequenced message. `sequence` counts from 1 in the member's session; times are ns since
    midnight."""

    sequence: int
    timestamp: int
    user_ref_num: int = 0
    appendage: dict[str, Any] = msgspec.field(default_factory=dict)


class _Order(Reply, frozen=True, kw_only=True):
    side: str
    quantity: int
    symbol: str
    price: int
    time_in_force: str
    display: str
    order_ref: int
    capacity: str
    iso: str
    cross_type: str
    order_state: str
    cl_ord_id: str


class OrderAccepted(_Order, frozen=True, kw_only=True):
    """The order is in; order_state D says that it is already dead."""


class OrderReplaced(_Order, frozen=True, kw_only=True):
    """A new order took the place of orig_user_ref_num; quantity is what is open."""

    orig_user_ref_num: int


class OrderCanceled(Reply, frozen=True, kw_only=True):
    """quantity was taken out of the order."""

    quantity: int
    reason: str


class AIQCanceled(Reply, frozen=True, kw_only=True):
    """Self-trade prevention took decrement_shares out of the order.

    aiq_strategy: N newest, O oldest, B both, D decrement, of the order that came in."""

    decrement_shares: int
    reason: str
    quantity_prevented: int
    execution_price: int
    liquidity_flag: str
    aiq_strategy: str


class OrderExecuted(Reply, frozen=True, kw_only=True):
    """A fill. liquidity_flag: A added, J added and hidden, R removed, O C H an auction."""

    quantity: int
    price: int
    liquidity_flag: str
    match_number: int


class BrokenTrade(Reply, frozen=True, kw_only=True):
    """A fill that does not count after all."""

    match_number: int
    reason: str
    cl_ord_id: str


class Rejected(Reply, frozen=True, kw_only=True):
    """The order is not taken; its user reference is used up.

    reason: as OUCH 5.0 has it, and from 0x80 on the venue's own (docs/WIRE.md): 0x80, no room."""

    reason: int
    cl_ord_id: str


class CancelPending(Reply, frozen=True, kw_only=True):
    """The cancellation waits."""


class CancelReject(Reply, frozen=True, kw_only=True):
    """The order cannot be cancelled now."""


class OrderPriorityUpdate(Reply, frozen=True, kw_only=True):
    """The order has another reference on the book."""

    price: int
    display: str
    order_ref: int


class OrderModified(Reply, frozen=True, kw_only=True):
    """quantity is what is open now."""

    side: str
    quantity: int


class OrderRestated(Reply, frozen=True, kw_only=True):
    """The venue changed the order; reason R: an iceberg displays its next peak."""

    reason: str

    @property
    def order_ref(self) -> int | None:
        """The reference that the order has in the market data from now on."""
        return self.appendage.get("SecondaryOrdRefNum")

    @property
    def display_quantity(self) -> int | None:
        """What it displays now."""
        return self.appendage.get("DisplayQuantity")


class MassCancelResponse(Reply, frozen=True, kw_only=True):
    """The mass cancellation was done."""

    firm: str
    symbol: str


class DisableOrderEntryResponse(Reply, frozen=True, kw_only=True):
    """No more orders of the firm are taken."""

    firm: str


class EnableOrderEntryResponse(Reply, frozen=True, kw_only=True):
    """Orders of the firm are taken again."""

    firm: str


class SystemEvent(Reply, frozen=True, kw_only=True):
    """The day starts (S) or ends (E)."""

    event_code: str


class AccountQueryResponse(Reply, frozen=True, kw_only=True):
    """The next user reference that the venue will take."""

    next_user_ref_num: int


KINDS: dict[str, type[Reply]] = {
    kind.__name__: kind
    for kind in (
        OrderAccepted,
        OrderReplaced,
        OrderCanceled,
        AIQCanceled,
        OrderExecuted,
        BrokenTrade,
        Rejected,
        CancelPending,
        CancelReject,
        OrderPriorityUpdate,
        OrderModified,
        OrderRestated,
        MassCancelResponse,
        DisableOrderEntryResponse,
        EnableOrderEntryResponse,
        SystemEvent,
        AccountQueryResponse,
    )
}


def reply_of(sequence: int, message: dict[str, Any]) -> Reply:
    """The typed form of a decoded message."""
    fields = dict(message)
    return KINDS[fields.pop("kind")](sequence=sequence, **fields)
