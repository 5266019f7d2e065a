"""ITCH 5.0 messages as dicts.

A message is a dict of its `kind` and its fields under the names of docs/WIRE.md. Text comes
without the padding spaces; a single character is a string of one; prices are integers with
the instrument's decimals (MWCBDeclineLevel: with 8), timestamp in ns since midnight. To encode,
every field has to be given, but stock_locate and tracking_number (0) and reserved (a space).

Every message has stock_locate tracking_number timestamp, and

    SystemEvent                 event_code
    StockDirectory              stock market_category financial_status round_lot_size
                                round_lots_only issue_classification issue_subtype authenticity
                                short_sale_threshold ipo_flag luld_tier etp_flag
                                etp_leverage_factor inverse_indicator
    StockTradingAction          stock trading_state reserved reason
    RegSHORestriction           stock reg_sho_action
    MarketParticipantPosition   mpid stock primary_market_maker market_maker_mode participant_state
    MWCBDeclineLevel            level1 level2 level3
    MWCBStatus                  breached_level
    IPOQuotingPeriodUpdate      stock release_time (seconds) release_qualifier ipo_price
    LULDAuctionCollar           stock reference_price upper_price lower_price extension
    OperationalHalt             stock market_code halt_action
    AddOrder                    order_ref side shares stock price
    AddOrderMPID                order_ref side shares stock price attribution
    OrderExecuted               order_ref executed_shares match_number
    OrderExecutedWithPrice      order_ref executed_shares match_number printable execution_price
    OrderCancel                 order_ref cancelled_shares
    OrderDelete                 order_ref
    OrderReplace                original_order_ref new_order_ref shares price
    Trade                       order_ref side shares stock price match_number
    CrossTrade                  shares stock cross_price match_number cross_type
    BrokenTrade                 match_number
    NOII                        paired_shares imbalance_shares imbalance_direction stock far_price
                                near_price reference_price cross_type price_variation
    RPII                        stock interest_flag
    DLCRPriceDiscovery          stock open_eligibility min_allowable_price max_allowable_price
                                near_execution_price near_execution_time lower_collar upper_collar

ValueError names the message, the field, what was found and what was expected.
"""

from typing import Any

from typing_extensions import Buffer

def decode(data: Buffer) -> dict[str, Any]:
    """The one whole message in data."""

def encode(kind: str, **fields: int | str) -> bytes:
    """The message of this kind with these fields."""

def message_bytes() -> dict[str, int]:
    """The length of each kind of message."""
