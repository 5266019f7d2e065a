"""A subscriber's side: receive a venue's market data and hold its books as numpy arrays."""

from ironpit.market_data.books import LEVEL, Books, digest
from ironpit.market_data.recording import stream_digest
from ironpit.market_data.subscriber import FeedClient, FeedError, open_feed

__all__ = ["LEVEL", "Books", "FeedClient", "FeedError", "digest", "open_feed", "stream_digest"]
