"""A subscriber's side: receive a venue's market data and hold its books as numpy arrays."""

from ironpit.feed.books import LEVEL, Books, digest
from ironpit.feed.client import FeedClient, FeedError, open_feed
from ironpit.feed.record import stream_digest

__all__ = ["LEVEL", "Books", "FeedClient", "FeedError", "digest", "open_feed", "stream_digest"]
