"""Clients of a venue's order entry: a typed asyncio client for OUCH 5.0 over SoupBinTCP."""

from ironpit.client.options import order_options
from ironpit.client.ouch import OuchClient
from ironpit.client.replies import Reply
from ironpit.client.soup import LoginError, connect_blocking
from ironpit.common.decimals import Decimals

__all__ = ["Decimals", "LoginError", "OuchClient", "Reply", "connect_blocking", "order_options"]
