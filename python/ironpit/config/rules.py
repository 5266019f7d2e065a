"""Rules that concern several keys of a configuration at once."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from ironpit.config import gateways, protocol_kinds, scalars, stage_kinds, transport_kinds
from ironpit.config.gateways import Gateway
from ironpit.config.scalars import Endpoint
from ironpit.config.schema import BridgedStream, CarriedStream, Config, Instrument
from ironpit.onload import options

TICK_BANDS_MAX = 23  # and tick_size below the first one
READERS_MAX = 16
SECOND_NS = 1_000_000_000
SLOTS_MAX = (1 << 32) - 1  # a slot is 32 bits, and the highest one means "none"

# The path of the key, what was found, what was expected.
Violation = tuple[str, str, str]


def violations(config: Config) -> Iterator[Violation]:
    """Everything that is wrong although each value on its own is right."""
    if wrong := [*_form(config)]:
        yield from wrong
        return
    yield from _limits(config)
    yield from _calendar(config)
    yield from _unique("instruments", "symbol", (i.symbol for i in config.instruments))
    yield from _unique("sessions", "username", (s.username for s in config.sessions))
    for index, instrument in enumerate(config.instruments):
        yield from _instrument(f"instruments[{index}]", instrument)
    for gateway in config.gateways:
        yield from _gateway(gateway)
    yield from _gateways_of_sessions(config)
    yield from _streams(config)
    yield from _readers(config)
    yield from _placement(config)
    for name, found, expected in options.violations(config.onload.options):
        yield f"onload.options.{name}", found, expected


def _limits(config: Config) -> Iterator[Violation]:
    limits = config.limits
    for key, count, count_max in (
        ("instruments", len(config.instruments), limits.instruments_max),
        ("sessions", len(config.sessions), limits.sessions_max),
    ):
        if count > count_max:
            yield key, f"{count} entries", f"at most limits.{key}_max = {count_max}"
    # Session ids start at 1, so the highest slot is in the row after the last but one.
    if (limits.sessions_max + 1) * limits.user_refs_max > SLOTS_MAX:
        yield (
            "limits.user_refs_max",
            str(limits.user_refs_max),
            f"(sessions_max + 1) * user_refs_max of at most {SLOTS_MAX}",
        )


def _calendar(config: Config) -> Iterator[Violation]:
    calendar = config.venue.calendar
    if calendar is None:
        return
    for name, days in (
        ("trading_days", calendar.trading_days),
        ("holidays", [day.isoformat() for day in calendar.holidays]),
    ):
        yield from _once(f"venue.calendar.{name}", days)


def _once(key: str, entries: Iterable[str]) -> Iterator[Violation]:
    first: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if entry in first:
            yield f"{key}[{index}]", entry, f"it once (see {key}[{first[entry]}])"
        first.setdefault(entry, index)


def _unique(key: str, field: str, names: Iterable[str]) -> Iterator[Violation]:
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if name in first:
            yield f"{key}[{index}].{field}", repr(name), f"it once (see {key}[{first[name]}])"
        first.setdefault(name, index)


def tick_size_at(instrument: Instrument, price: int) -> int:
    """The tick size that holds at a price."""
    bands = [band for band in instrument.tick_table if band.from_price <= price]
    return bands[-1].tick_size if bands else instrument.tick_size


def _instrument(key: str, instrument: Instrument) -> Iterator[Violation]:
    show = instrument.decimals.show_price
    yield from _tick_table(key, instrument)
    for name, price_value in (
        ("price_min", instrument.price_min),
        ("price_max", instrument.price_max),
        ("reference_price", instrument.reference_price or 0),
    ):
        tick_step = tick_size_at(instrument, price_value)
        if price_value % tick_step:
            expected = f"a multiple of tick_size = {show(tick_step)}"
            yield f"{key}.{name}", show(price_value), expected
    low = show(instrument.price_min)
    high = show(instrument.price_max)
    if instrument.price_min > instrument.price_max:
        yield f"{key}.price_max", high, f"at least price_min = {low}"
    reference_price = instrument.reference_price
    if reference_price is not None and not (
        instrument.price_min <= reference_price <= instrument.price_max
    ):
        found = show(reference_price)
        yield f"{key}.reference_price", found, f"a price from {low} to {high}"
    if instrument.quantity_max < instrument.lot_size:
        found = instrument.decimals.show_quantity(instrument.quantity_max)
        least = instrument.decimals.show_quantity(instrument.lot_size)
        yield f"{key}.quantity_max", found, f"at least lot_size = {least}"
    if instrument.allocation_min is not None and instrument.allocation != "pro-rata":
        found = instrument.decimals.show_quantity(instrument.allocation_min)
        expected = f"none, as allocation is {instrument.allocation}, not pro-rata"
        yield f"{key}.allocation_min", found, expected
    if instrument.collars.auction_bp and not instrument.auction_extensions_max:
        expected = "at least 1, because collars.auction works only by extensions"
        yield f"{key}.auction_extensions_max", "0", expected
    for name, length_ns in (
        ("pause", instrument.pause_ns),
        ("pause_random", instrument.pause_random_ns),
    ):
        if length_ns % SECOND_NS:
            yield f"{key}.{name}", scalars.show_duration(length_ns), "whole seconds"
    if instrument.pause_random_ns and not instrument.pause_ns:
        found = scalars.show_duration(instrument.pause_random_ns)
        yield f"{key}.pause_random", found, "0s, because without pause no pause ends by itself"


def _tick_table(key: str, instrument: Instrument) -> Iterator[Violation]:
    """Bands rise, and begin on a price of both tick sizes that meet."""
    if len(instrument.tick_table) > TICK_BANDS_MAX:
        found = f"{len(instrument.tick_table)} entries"
        yield f"{key}.tick_table", found, f"at most {TICK_BANDS_MAX}"
    show = instrument.decimals.show_price
    before_price, tick_step = 0, instrument.tick_size
    for index, band in enumerate(instrument.tick_table):
        at = f"{key}.tick_table[{index}].from"
        found, start_price = show(band.from_price), band.from_price
        if start_price <= before_price:
            yield at, found, f"a price above {show(before_price)}"
        for multiple_of_price in (tick_step, band.tick_size):
            if start_price % multiple_of_price:
                yield at, found, f"a multiple of the tick size {show(multiple_of_price)}"
        before_price, tick_step = start_price, band.tick_size


def _form(config: Config) -> Iterator[Violation]:
    """One gateway in the short form, or a mapping of them."""
    entry, orders = config.order_entry_given, config.streams.orders_given
    if config.gateways_given:
        if entry is not None:
            yield "order_entry", "order_entry and gateways", "one of the two"
        if orders is not None:
            yield "streams.orders", "it together with gateways", "gateways.NAME.orders for each"
        return
    if entry is None:
        yield "order_entry", "nothing", "a mapping here, or gateways"
    if orders is None:
        yield "streams.orders", "nothing", "a mapping"


def _gateways_of_sessions(config: Config) -> Iterator[Violation]:
    names = [gateway.name for gateway in config.gateways]
    for index, session in enumerate(config.sessions):
        if session.gateway is not None and session.gateway not in names:
            yield f"sessions[{index}].gateway", repr(session.gateway), f"one of {', '.join(names)}"
        protocol = protocol_kinds.kind_of(gateways.of_session(config, session).protocol)
        for key, name, length_max in (
            ("username", session.username, protocol.username_length_max),
            ("firm", session.firm, protocol.firm_length_max),
        ):
            if len(name) > length_max:
                expected = f"at most {length_max} characters: {protocol.words} has no room for more"
                yield f"sessions[{index}].{key}", repr(name), expected


def _gateway(gateway: Gateway) -> Iterator[Violation]:
    entry = gateway.settings
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,14}", gateway.name):
        yield gateway.key, repr(gateway.name), "a name of 1 to 15 characters out of a-z 0-9 -"
    if entry.peer_timeout_ns <= entry.heartbeat_ns:
        found = scalars.show_duration(entry.peer_timeout_ns)
        least = scalars.show_duration(entry.heartbeat_ns)
        yield f"{gateway.key}.peer_timeout", found, f"more than heartbeat = {least}"
    of_one, of_all = entry.logins_per_address_max, entry.logins_max
    if of_one is not None and of_all is not None and of_one > of_all:
        found = str(of_one)
        yield f"{gateway.key}.logins_per_address_max", found, f"at most logins_max = {of_all}"


def _streams(config: Config) -> Iterator[Violation]:
    streams = config.streams
    paths = {streams.events.path}
    for gateway in config.gateways:
        orders = gateway.orders
        if orders.path in paths:
            yield f"{gateway.orders_key}.path", repr(str(orders.path)), "a file of its own"
        paths.add(orders.path)
        if streams.events.capacity_bytes < orders.capacity_bytes:
            found = scalars.show_size(streams.events.capacity_bytes)
            least = scalars.show_size(orders.capacity_bytes)
            expected = f"at least {gateway.orders_key}.capacity = {least}"
            yield "streams.events.capacity", found, expected
    yield from _carried("streams.events", streams.events)
    yield from _carried("streams.market_data", streams.market_data)
    if streams.market_data.transport == "shm" and streams.market_data.path in paths:
        found = repr(str(streams.market_data.path))
        yield "streams.market_data.path", found, "a file of its own"
    for name, stream in streams.bridged.items():
        yield from _bridged(f"streams.{name}", name, stream)
    listens: dict[str, str] = {}
    for kind in stage_kinds.KINDS:
        for key, endpoint in kind.listens(config):
            yield from _listens(key, endpoint, listens)


def _carried(key: str, stream: CarriedStream) -> Iterator[Violation]:
    """What a transport cannot do without."""
    transport = getattr(stream, "transport", "shm")
    for kind in transport_kinds.KINDS:
        for name, what in kind.needs:
            if transport == kind.name and getattr(stream, name) is None:
                yield f"{key}.{name}", "nothing", f"{what}, for transport: {transport}"
    if stream.a is not None and stream.b is not None and stream.b.group == stream.a.group:
        yield f"{key}.b.group", f"{str(stream.b.group)!r} again", "another group than a's"
    yield from _past_the_kernel(key, stream)
    if transport == "tcp" and stream.slow_reader.queue_bytes > stream.window_bytes:
        found = scalars.show_size(stream.slow_reader.queue_bytes)
        most = scalars.show_size(stream.window_bytes)
        yield f"{key}.slow_reader.queue", found, f"at most window = {most}"


def _past_the_kernel(key: str, stream: CarriedStream) -> Iterator[Violation]:
    """AF_XDP sends to the wire alone, and an interface has room for one program that receives."""
    feeds = [(name, feed) for name, feed in (("a", stream.a), ("b", stream.b)) if feed is not None]
    for name, feed in feeds:
        if feed.send == "af_xdp" and (stream.ttl == 0 or stream.loop):
            found = f"af_xdp with ttl: {stream.ttl} and loop: {str(stream.loop).lower()}"
            yield (
                f"{key}.{name}.send",
                found,
                "ttl: 1 or more and loop: false, as its packets only leave this host",
            )
        if feed.af_xdp.busy_poll_ns % 1000:
            found = scalars.show_duration(feed.af_xdp.busy_poll_ns)
            yield f"{key}.{name}.af_xdp.busy_poll", found, "whole microseconds"
    if [f.receive for _, f in feeds] == ["af_xdp"] * 2 and len(
        {f.interface for _, f in feeds}
    ) == 1:
        found = f"af_xdp on {feeds[1][1].interface!r} again"
        yield f"{key}.b.receive", found, "another interface than a's, or receive: auto"


def _bridged(key: str, name: str, stream: BridgedStream) -> Iterator[Violation]:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,14}", name):
        yield key, repr(name), "a name of 1 to 15 characters out of a-z 0-9 _ -"
    if stream.slow_reader.queue_bytes > stream.window_bytes:
        found = scalars.show_size(stream.slow_reader.queue_bytes)
        most = scalars.show_size(stream.window_bytes)
        yield f"{key}.slow_reader.queue", found, f"at most window = {most}"
    if stream.peer_timeout_ns <= stream.heartbeat_ns:
        found = scalars.show_duration(stream.peer_timeout_ns)
        least = scalars.show_duration(stream.heartbeat_ns)
        yield f"{key}.peer_timeout", found, f"more than heartbeat = {least}"


def _listens(key: str, endpoint: Endpoint | None, listens: dict[str, str]) -> Iterator[Violation]:
    """Of two that listen on one address only the first can; `listens`: who does so far."""
    if endpoint is None:
        return
    listen = str(endpoint)
    if listen in listens:
        yield key, listen, f"an address of its own (see {listens[listen]})"
    listens.setdefault(listen, key)


def _readers(config: Config) -> Iterator[Violation]:
    """The journal is waited for without end, stages are always waited for; the ring has so many
    places, and whoever need not be there must not hold the venue up for ever."""
    events = config.streams.events
    places = set(stage_kinds.readers(config))
    stages = stage_kinds.readers(config, ruled=True)
    for name, rule in events.readers.items():
        key, found = f"streams.events.readers.{name}", scalars.reader_rule().show(rule)
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
            yield key, repr(name), "a name of 1 to 31 characters out of a-z 0-9 -"
        if name == "journal" and found != "gating":
            yield key, found, "gating: the ring always waits for the journal"
        elif name in stages and not rule.gating:
            yield key, found, "gating: a stage of the venue must miss nothing"
        elif name not in stages and rule.gating and not (rule.patience_ns or events.patience_ns):
            yield key, found, "a patience: without one, an absent reader would stop the venue"
        if rule.gating and name not in stages and name in places:
            yield key, repr(name), "a name that the venue itself does not use"
        if rule.gating:
            places.add(name)
    if len(places) > READERS_MAX:
        found = f"{len(places)} gating readers"
        yield "streams.events.readers", found, f"at most {READERS_MAX}, with the venue's own"


def _placement(config: Config) -> Iterator[Violation]:
    processes = config.placement.processes
    placed: Counter[str] = Counter()
    cpus: dict[int, str] = {}
    for name, process in processes.items():
        key = f"placement.processes.{name}"
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,14}", name):
            yield key, repr(name), "a name of 1 to 15 characters out of a-z 0-9 -"
        yield from _unique(f"{key}.threads", "name", (t.name for t in process.threads))
        for index, thread in enumerate(process.threads):
            at = f"{key}.threads[{index}]"
            for position, stage in enumerate(thread.stages):
                placed[stage] += 1
                if placed[stage] == 2:
                    yield f"{at}.stages[{position}]", f"{stage!r} again", "each stage once"
                else:
                    yield from _instance(f"{at}.stages[{position}]", stage, config)
            if thread.cpu is None:
                if thread.priority is not None:
                    # A real-time thread on any core may starve what it shares the core with.
                    yield f"{at}.priority", str(thread.priority), "a cpu for the same thread"
                continue
            if thread.cpu in cpus:
                yield f"{at}.cpu", str(thread.cpu), f"a core of its own (see {cpus[thread.cpu]})"
            cpus.setdefault(thread.cpu, at)
    yield from _unplaced(config, placed)


def _instance(key: str, stage: str, config: Config) -> Iterator[Violation]:
    """A stage that is named by its instance has to be one of the configuration's."""
    kind = stage_kinds.kind_of(stage)
    known = kind.of(config)
    if stage != kind.name and stage not in known:
        yield key, repr(stage), f"one of {', '.join(known)}" if known else kind.needs


def _unplaced(config: Config, placed: Counter[str]) -> Iterator[Violation]:
    """Kinds that are placed and have nothing to do, and stages that nobody would run."""
    named = stage_kinds.named(config)
    for kind in stage_kinds.KINDS:
        instances = kind.of(config)
        if placed[kind.name] and not instances:
            yield "placement.processes", f"the stage {kind.name!r}", kind.needs
        if not kind.required or kind.beside:
            continue
        missing = [name for name in instances if name not in named]
        for name in (kind.name,) if missing == list(instances) and missing else missing:
            yield "placement.processes", f"no thread with stage {name!r}", "each stage once"
