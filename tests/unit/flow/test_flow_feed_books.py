"""Goal: what is not an order of the book is counted and not mixed into it: trades of hidden orders,
auctions, broken trades, states. Method: single ITCH messages into the books of a subscriber.
"""

from typing import Any

from ironcore.wire import itch50
from ironpit.market_data.books import Books


def message(kind: str, **fields: Any) -> bytes:
    return itch50.encode(
        kind, **{"tracking_number": 0, "timestamp": 1, "stock_locate": 1, **fields}
    )


DIRECTORY = {
    "stock": "AAA",
    "market_category": "Q",
    "financial_status": "N",
    "round_lot_size": 1,
    "round_lots_only": "N",
    "issue_classification": "C",
    "issue_subtype": "Z",
    "authenticity": "P",
    "short_sale_threshold": " ",
    "ipo_flag": " ",
    "luld_tier": " ",
    "etp_flag": " ",
    "etp_leverage_factor": 0,
    "inverse_indicator": "N",
}


def books_with_an_order() -> Books:
    books = Books()
    books.apply(message("StockDirectory", **DIRECTORY))
    books.apply(
        message("AddOrder", order_ref=7, side="B", shares=100, stock="AAA", price=1_000_000)
    )
    return books


def test_a_trade_of_a_hidden_order_counts_and_leaves_the_book() -> None:
    books = books_with_an_order()
    trade = {"order_ref": 0, "side": "B", "shares": 30, "stock": "AAA", "price": 1_000_100}
    books.apply(message("Trade", match_number=1, **trade))
    counts = books.counts()
    assert (counts["executions"], counts["executed_quantity"], counts["unknown"]) == (1, 30, 0)
    assert books.orders("AAA")["quantity"].tolist() == [100]


def test_an_auction_is_counted_by_its_cross_and_not_once_more_by_its_executions() -> None:
    books = books_with_an_order()
    cross = {"shares": 40, "stock": "AAA", "cross_price": 1_000_000, "cross_type": "O"}
    books.apply(message("CrossTrade", match_number=1, **cross))
    executed = {"order_ref": 7, "executed_shares": 40, "execution_price": 1_000_000}
    books.apply(message("OrderExecutedWithPrice", match_number=2, printable="N", **executed))
    counts = books.counts()
    assert (counts["crosses"], counts["crossed_quantity"], counts["executions"]) == (1, 40, 0)
    assert books.orders("AAA")["quantity"].tolist() == [60]


def test_an_execution_at_another_price_that_is_printed_counts() -> None:
    books = books_with_an_order()
    executed = {"order_ref": 7, "executed_shares": 100, "execution_price": 999_900}
    books.apply(message("OrderExecutedWithPrice", match_number=2, printable="Y", **executed))
    assert books.counts()["executed_quantity"] == 100
    assert len(books.orders("AAA")) == 0


def test_broken_trades_are_counted_and_states_kept_by_symbol() -> None:
    books = books_with_an_order()
    assert books.states() == {}
    action = {"stock": "AAA", "reserved": " ", "reason": "T1"}
    for state in "QTH":
        books.apply(message("StockTradingAction", trading_state=state, **action))
    books.apply(message("BrokenTrade", match_number=1))
    assert books.states() == {"AAA": "H"}
    assert books.counts()["broken"] == 1
