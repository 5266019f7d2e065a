"""What a feed has said, taken apart again."""

Orders = dict[int, tuple[int, int]]  # shares and price by order_ref


def messages_of(blocks: bytes) -> list[bytes]:
    """The messages behind their u16 lengths."""
    found = []
    while blocks:
        size = int.from_bytes(blocks[:2], "big")
        found.append(blocks[2 : 2 + size])
        blocks = blocks[2 + size :]
    return found


def feed_orders(messages: list[bytes]) -> dict[tuple[int, str], Orders]:
    """The orders that a feed's messages leave, by locate and side."""
    found: dict[tuple[int, str], Orders] = {}
    where: dict[int, Orders] = {}
    for message in messages:
        kind = message[:1]
        ref = int.from_bytes(message[11:19], "big")
        if kind == b"A":
            where[ref] = found.setdefault(
                (int.from_bytes(message[1:3], "big"), message[19:20].decode()), {}
            )
            where[ref][ref] = (
                int.from_bytes(message[20:24], "big"),
                int.from_bytes(message[32:36], "big"),
            )
        elif kind == b"U":
            orders = where.pop(ref)
            del orders[ref]
            ref = int.from_bytes(message[19:27], "big")
            where[ref] = orders
            orders[ref] = (
                int.from_bytes(message[27:31], "big"),
                int.from_bytes(message[31:35], "big"),
            )
        elif kind in (b"E", b"C", b"X", b"D"):
            shares, price = where[ref][ref]
            left = shares - int.from_bytes(message[19:23], "big") if kind != b"D" else 0
            where[ref][ref] = (left, price)
            if left == 0:
                del where.pop(ref)[ref]
    return found
