"""Where a bridge writes: opened from --to, as soon as it is known whose session it will hold."""

from ironpit.bridge.addresses import Address
from ironpit.bridge.source import Counted
from ironpit.transport.ends import Counting, Offer, Say
from ironpit.transport.kinds import transport_of


def open_place(address: Address, say: Say, counters: Counted) -> Offer:
    """Where --to leads. A ring is there from the start. Over a network the stream is offered under
    the session that --to names, at once, or under the source's, from `begin` on. UserError when it
    cannot be opened."""
    where = address.where
    place = transport_of(where.transport).offer(where, Counting("to", counters, counters.file), say)
    try:
        if where.session:
            place.publish(where.session)
    except BaseException:
        place.close()
        raise
    return place
