"""Ordered epoll: which sockets have data, in the order in which it arrived at the card."""

from typing import Any, NamedTuple

from ironpit.onload.layouts import (
    EpollEvent,
    OrderedEpollEvent,
    StreamControl,
    TimestampControl,
)
from ironpit.onload.library import call

SECOND_NS = 1_000_000_000


class Arrival(NamedTuple):
    """A socket that is ready; `bytes` of it may be read in order. `arrived_ns` is the card's time,
    0 for what has none."""

    data: int
    events: int
    arrived_ns: int
    bytes: int


def _ns(time: Any) -> int:
    return int(time.seconds) * SECOND_NS + int(time.nanoseconds)


def ordered_epoll_wait(poller: int, events_max: int, timeout_ms: int) -> list[Arrival]:
    """As epoll_wait(2), in the order of the card's time stamps. InvalidError: no epoll set of
    Onload's, or its sockets are edge-triggered, of several stacks or without hardware stamps."""
    events = (EpollEvent * events_max)()
    ordered = (OrderedEpollEvent * events_max)()
    count = call("onload_ordered_epoll_wait", poller, events, ordered, events_max, timeout_ms)
    return [
        Arrival(events[i].data, events[i].events, _ns(ordered[i].arrived), ordered[i].bytes)
        for i in range(count)
    ]


def stamp_ns(control: bytes) -> int:
    """Of a control message SO_TIMESTAMPING_OOEXT: nanoseconds, the fraction cut off. ValueError:
    too short."""
    found = TimestampControl.from_buffer_copy(control).timestamp
    return int(found.seconds) * SECOND_NS + int(found.nanoseconds)


def stream_stamps(control: bytes) -> tuple[int, int, int]:
    """Of a control message of SOF_TIMESTAMPING_STREAM: when its bytes were sent first and last, in
    nanoseconds, and how many they are. ValueError: too short."""
    found = StreamControl.from_buffer_copy(control)
    return _ns(found.first_sent), _ns(found.last_sent), int(found.bytes)
