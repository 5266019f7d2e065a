from ironcore.base.histogram import LatencyHistogram
from ironcore.messaging.publication import PublicationEnd
from ironcore.messaging.subscription import SubscriptionEnd

def offer_paced(
    end: PublicationEnd,
    count: int,
    *,
    frame_bytes: int = 64,
    burst: int = 64,
    interval_ns: int = ...,
    spin: bool = False,
    histogram: LatencyHistogram | None = None,
    turns: LatencyHistogram | None = None,
) -> dict[str, int]: ...
def take_until(
    end: SubscriptionEnd, sequence_end: int, *, timeout_ns: int = ..., idle_ns: int = ...
) -> dict[str, int]: ...
