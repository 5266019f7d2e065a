from ironcore.order_entry.protocol import OrderEntryProtocol

PROTOCOL: OrderEntryProtocol
