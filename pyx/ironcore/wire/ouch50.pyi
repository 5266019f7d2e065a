"""OUCH 5.0 messages as dicts.

A message is a dict of its `kind`, its fields and, where it can have one, its `appendage`; kinds,
fields and options have the names of docs/WIRE.md. Text comes without the padding spaces; a single
character is a string of one; integers are integers: prices and quantities with the instrument's
decimals, times in ns since midnight. `encode_x(**decode_x(data))` gives the same message again.

From client to venue:

    EnterOrder          user_ref_num side quantity symbol price time_in_force display capacity iso
                        cross_type cl_ord_id
    ReplaceOrder        orig_user_ref_num user_ref_num quantity price time_in_force display iso
                        cl_ord_id
    CancelOrder         user_ref_num quantity
    ModifyOrder         user_ref_num side quantity
    MassCancel          user_ref_num firm symbol
    DisableOrderEntry   user_ref_num firm
    EnableOrderEntry    user_ref_num firm
    AccountQuery

From venue to client, each but SystemEvent with an appendage (every one begins with timestamp):

    SystemEvent         event_code
    OrderAccepted       user_ref_num side quantity symbol price time_in_force display order_ref
                        capacity iso cross_type order_state cl_ord_id
    OrderReplaced       orig_user_ref_num and the fields of OrderAccepted
    OrderCanceled       user_ref_num quantity reason
    AIQCanceled         user_ref_num decrement_shares reason quantity_prevented execution_price
                        liquidity_flag aiq_strategy
    OrderExecuted       user_ref_num quantity price liquidity_flag match_number
    BrokenTrade         user_ref_num match_number reason cl_ord_id
    Rejected            user_ref_num reason (an integer) cl_ord_id
    CancelPending       user_ref_num
    CancelReject        user_ref_num
    OrderPriorityUpdate user_ref_num price display order_ref
    OrderModified       user_ref_num side quantity
    OrderRestated       user_ref_num reason
    MassCancelResponse  user_ref_num firm symbol
    DisableOrderEntryResponse, EnableOrderEntryResponse    user_ref_num firm
    AccountQueryResponse    next_user_ref_num

The appendage is a dict of options, {} when there is none: integers SecondaryOrdRefNum MinQty
MaxFloor PegOffset DiscretionPrice DiscretionPegOffset RandomReserves ExpireTime DisplayQuantity
DisplayPrice GroupID UserRefIdx; text Firm Route LocateBroker; one character CustomerType PriceType
DiscretionPriceType PostOnly TradeNow HandleInst BBOWeightIndicator SharesLocated Side. A tag that
OUCH 5.0 does not have is decoded as Tag<number> with its bytes, and cannot be encoded.

ValueError names the message, the field, what was found and what was expected.
"""

from typing import Any

from typing_extensions import Buffer

def decode_inbound(data: Buffer) -> dict[str, Any]:
    """The one whole message from client to venue in data."""

def decode_outbound(data: Buffer) -> dict[str, Any]:
    """The one whole message from venue to client in data."""

def encode_inbound(
    kind: str, *, appendage: dict[str, int | str] | None = None, **fields: int | str
) -> bytes:
    """A message from client to venue; every field has to be given."""

def encode_outbound(
    kind: str, *, appendage: dict[str, int | str] | None = None, **fields: int | str
) -> bytes:
    """A message from venue to client; every field has to be given."""
