"""Goal: a configuration is read exactly or refused with a line that says where and why.

Method: a small valid file, changed in one place at a time; the shipped files as they are.
"""

from pathlib import Path

import msgspec
import pytest

from ironpit.config import Config, ConfigError, load, read, ring_directory, stage_kinds, stages_of
from ironpit.config.reader import OTHERS
from ironpit.config.schema import Mapping

VENUES = Path(__file__).parents[3] / "configs" / "venues"

VALID = """\
venue: {name: TEST, data_directory: data}
instruments:
  - {symbol: BTCUSD, tick_size: "0.01", price_min: "0.01", price_max: "199999.99"}
sessions:
  - {username: ALFA1, firm: ALFA}
credentials: credentials.yaml
order_entry: {listen: 127.0.0.1:26100}
streams:
  orders: {transport: shm, path: orders.ring}
  events: {path: /dev/shm/events.ring, capacity: 64MiB}
  market_data:
    a: {group: 239.192.0.1:26400, interface: 127.0.0.1}
    rerequest: {listen: 127.0.0.1:26500}
journal: {directory: journal, durability: off}
placement:
  processes:
    venue:
      threads:
        - {name: all, stages: [gateway, matcher, journal, publisher], cpu: null}
"""
BAND = '{from: "5.00", tick_size: "0.01"}'


def load_text(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "venue.yaml"
    file.write_text(text)
    return load(file)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load_text(tmp_path, text)
    return [line.removeprefix(f"{tmp_path}/") for line in str(raised.value).splitlines()]


def test_a_minimal_file_is_read_with_defaults_in_the_projects_units(tmp_path: Path) -> None:
    config = load_text(tmp_path, VALID)
    assert config.venue.name == "TEST"
    assert config.instruments[0].tick_size == 100
    assert config.instruments[0].price_max == 1_999_999_900
    assert config.streams.events.capacity_bytes == 64 << 20
    assert config.streams.events.patience_ns == 5_000_000_000
    assert config.order_entry.peer_timeout_ns == 15_000_000_000
    assert config.order_entry.listen.address == "127.0.0.1"
    assert config.order_entry.listen.port == 26100
    assert config.streams.market_data.a is not None
    assert config.streams.market_data.a.group.port == 26400
    assert config.placement.processes["venue"].threads[0].cpu is None
    assert config.limits.user_refs_max == 1 << 20


def test_a_word_that_yaml_takes_for_a_boolean_stays_a_word(tmp_path: Path) -> None:
    assert load_text(tmp_path, VALID).journal.durability == "off"


def test_a_price_is_read_from_its_text_whether_quoted_or_not(tmp_path: Path) -> None:
    text = VALID.replace('tick_size: "0.01"', "tick_size: 0.0003")
    text = text.replace('"199999.99"', '"3.3333"').replace('price_min: "0.01"', "price_min: 3")
    instrument = load_text(tmp_path, text).instruments[0]
    assert (instrument.tick_size, instrument.price_min) == (3, 30_000)
    assert instrument.price_max == 33_333


def test_what_an_instrument_may_say_is_read_in_the_projects_units(tmp_path: Path) -> None:
    more = (
        '"20.00", tick_table: [{from: "1", tick_size: "0.05"}], reference_price: "2.05", '
        "collars: {static: 1000bp, dynamic: 500bp, auction: 300bp, entry: 2000bp}, "
        "market_protection: 100bp, pause: 2min, post_only: reprice, initial_state: pre-open, "
        "auction_extensions_max: 2"
    )
    text = VALID.replace('"199999.99"', more)
    text = text.replace("firm: ALFA}", "firm: ALFA, stp_group: 7, stp_mode: cancel-both}")
    config = load_text(tmp_path, text)
    instrument = config.instruments[0]
    assert [(b.from_price, b.tick_size) for b in instrument.tick_table] == [(10_000, 500)]
    assert instrument.reference_price == 20_500
    collars = instrument.collars
    assert (collars.static_bp, collars.dynamic_bp) == (1000, 500)
    assert (collars.auction_bp, collars.entry_bp) == (300, 2000)
    assert (instrument.market_protection_bp, instrument.pause_ns) == (100, 120_000_000_000)
    assert (config.sessions[0].stp_group, config.sessions[0].stp_mode) == (7, "cancel-both")


def test_prices_and_quantities_are_read_in_the_instruments_own_decimals(tmp_path: Path) -> None:
    text = VALID.replace(
        'symbol: BTCUSD, tick_size: "0.01", price_min: "0.01", price_max: "199999.99"',
        "symbol: BTCUSD, price_decimals: 2, quantity_decimals: 4, tick_size: 0.01, "
        "price_min: 0.01, price_max: 1000000.00, lot_size: 0.0001, quantity_max: 429496.7295, "
        "reference_price: 250000.00, tick_table: [{from: 500000, tick_size: 0.05}]",
    )
    (instrument, *_) = load_text(tmp_path, text).instruments
    assert (instrument.tick_size, instrument.price_min) == (1, 1)
    assert (instrument.price_max, instrument.reference_price) == (100_000_000, 25_000_000)
    assert (instrument.lot_size, instrument.quantity_max) == (1, 0xFFFFFFFF)
    (band,) = instrument.tick_table
    assert (band.from_price, band.tick_size) == (50_000_000, 5)


def test_what_an_instrument_does_not_say_follows_from_its_decimals(tmp_path: Path) -> None:
    plain = 'symbol: BTCUSD, tick_size: "0.01", price_min: "0.01", price_max: "199999.99"'
    for decimals, tick_size in ((0, 1), (1, 1), (2, 1), (4, 100), (8, 1_000_000)):
        text = VALID.replace(plain, f"symbol: BTCUSD, price_decimals: {decimals}")
        instrument = load_text(tmp_path, text).instruments[0]
        assert (instrument.tick_size, instrument.price_min) == (tick_size, tick_size)
        assert instrument.price_max == 1_999_999_900 - 1_999_999_900 % tick_size
        assert (instrument.lot_size, instrument.quantity_max) == (1, 999_999)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "price_decimals: 2, tick_size: 0.001",
            "instruments[0].tick_size: found '0.001', expected a number with at most 2 decimals",
        ),
        (
            "quantity_decimals: 4, lot_size: 0.00001",
            "instruments[0].lot_size: found '0.00001', expected a number with at most 4 decimals",
        ),
        (
            "price_decimals: 8, price_max: 20",
            "instruments[0].price_max: found '20', expected a number with at most 8 decimals, "
            "from 0.00000001 to 19.999999, the prices that OUCH 5.0 has",
        ),
        (
            "quantity_max: 4294967296",
            "found '4294967296', expected a whole number, from 1 to 4294967295",
        ),
        (
            "price_decimals: 0, reference_price: 1.5",
            "reference_price: found '1.5', expected a whole number, from 1 to 1999999900",
        ),
        (
            "price_decimals: 1, tick_table: [{from: 5, tick_size: 0.05}]",
            "tick_table[0].tick_size: found '0.05', expected a number with at most 1 decimal,",
        ),
        (
            "quantity_decimals: 2, lot_size: 5, quantity_max: 0.5",
            "instruments[0].quantity_max: found 0.5, expected at least lot_size = 5",
        ),
        ("price_decimals: 10", "price_decimals: found '10', expected an integer from 0 to 9"),
    ],
)
def test_what_has_too_many_decimals_or_is_too_high_is_named(
    tmp_path: Path, said: str, message: str
) -> None:
    plain = 'symbol: BTCUSD, tick_size: "0.01", price_min: "0.01", price_max: "199999.99"'
    (problem,) = problems(tmp_path, VALID.replace(plain, f"symbol: BTCUSD, {said}"))
    assert message in problem


def test_paths_are_relative_to_the_file_and_rings_stand_in_memory(tmp_path: Path) -> None:
    config = load_text(tmp_path, VALID)
    assert config.venue.data_directory == tmp_path / "data"
    assert config.credentials == tmp_path / "credentials.yaml"
    assert config.streams.orders.path == ring_directory(tmp_path / "data") / "orders.ring"
    assert config.streams.events.path == Path("/dev/shm/events.ring")
    assert config.journal.directory == tmp_path / "data" / "journal"
    assert read(tmp_path / "venue.yaml").venue.data_directory == Path("data")


def test_a_configuration_cannot_be_changed(tmp_path: Path) -> None:
    config = load_text(tmp_path, VALID)
    with pytest.raises(AttributeError):
        config.venue.name = "OTHER"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("found", "replacement", "message"),
    [
        ("name: TEST", "name: lower", "1: venue.name: found 'lower', expected 1 to 10"),
        ("name: TEST", "name: ABCDEFGHIJK", "1: venue.name: found 'ABCDEFGHIJK', expected 1 to"),
        ("name: TEST", "name: [A]", "1: venue.name: found a list, expected 1 to 10 characters"),
        ('"0.01", price_min', "0.00001, price_min", "3: instruments[0].tick_size: found '0.00001'"),
        ('"0.01", price_min', "1e-2, price_min", "3: instruments[0].tick_size: found '1e-2'"),
        ('"0.01", price_min', "0, price_min", "3: instruments[0].tick_size: found '0'"),
        (
            '"199999.99"',
            '"200000"',
            "3: instruments[0].price_max: found '200000', expected",
        ),
        ('"199999.99"', '"9.995"', "found 9.995, expected a multiple of tick_size = 0.01"),
        (
            '"199999.99"',
            '"9.99", collars: {auction: 300bp}',
            "3: instruments[0].auction_extensions_max: found 0, expected at least 1, because "
            "collars.auction",
        ),
        (
            '"199999.99"',
            '"9.99", pause: 1500ms',
            "instruments[0].pause: found 1500ms, expected whole",
        ),
        (
            '"199999.99"',
            '"9.99", reference_price: "10.00"',
            "3: instruments[0].reference_price: found 10.00, expected a price from 0.01 to 9.99",
        ),
        (
            '"199999.99"',
            '"9.99", reference_price: "0.005"',
            "reference_price: found 0.005, expected a multiple of tick_size = 0.01",
        ),
        (
            '"199999.99"',
            '"9.99", collars: {static: 500}',
            "3: instruments[0].collars.static: found '500', expected whole basis points",
        ),
        (
            '"199999.99"',
            '"9.99", market_protection: 10001bp',
            "market_protection: found '10001bp', expected whole basis points",
        ),
        (
            '"199999.99"',
            '"9.99", tick_table: [{from: "1.03", tick_size: "0.05"}]',
            "tick_table[0].from: found 1.03, expected a multiple of the tick size 0.05",
        ),
        (
            '"199999.99"',
            '"9.99", tick_table: [{from: "5.00", tick_size: "0.05"}]',
            "price_max: found 9.99, expected a multiple of tick_size = 0.05",
        ),
        (
            '"199999.99"',
            '"9.95", tick_table: [{from: "5", tick_size: "0.05"}, {from: "5", tick_size: "0.05"}]',
            "tick_table[1].from: found 5.00, expected a price above 5.00",
        ),
        (
            '"199999.99"',
            f'"9.99", tick_table: [{", ".join(24 * [BAND])}]',
            "instruments[0].tick_table: found 24 entries, expected at most 23",
        ),
        ('"199999.99"', '"9.99", initial_state: open', "found 'open', expected one of contin"),
        (
            "firm: ALFA}",
            "firm: ALFA, stp_mode: some}",
            "found 'some', expected one of none, ",
        ),
        (
            "username: ALFA1",
            "username: ALFA123",
            "5: sessions[0].username: found 'ALFA123', expected at most 6 characters: OUCH",
        ),
        (
            "username: ALFA1",
            "username: A2345678901234567",
            "5: sessions[0].username: found 'A2345678901234567', expected 1 to 16 characters",
        ),
        (
            "firm: ALFA",
            "firm: ALFA1",
            "5: sessions[0].firm: found 'ALFA1', expected at most 4 characters: OUCH",
        ),
        (
            "firm: ALFA",
            "firm: A23456789",
            "5: sessions[0].firm: found 'A23456789', expected 1 to 8",
        ),
        (
            "firm: ALFA}",
            "firm: ALFA, clearing_firm: A23456789}",
            "5: sessions[0].clearing_firm: found 'A23456789', expected 1 to 8 characters",
        ),
        ("firm: ALFA", "frim: ALFA", "5: sessions[0].frim: found an unknown key, expected firm"),
        ("127.0.0.1:26100", "localhost:26100", "7: order_entry.listen: found 'localhost:26100'"),
        ("127.0.0.1:26100", "127.0.0.1:0", "7: order_entry.listen: found '127.0.0.1:0'"),
        ("127.0.0.1:26100", "127.0.0.1", "7: order_entry.listen: found '127.0.0.1', expected an"),
        ("26100}", "26100, heartbeat: 1}", "7: order_entry.heartbeat: found '1', expected a whole"),
        ("26100}", "26100, heartbeat: 0.5s}", "order_entry.heartbeat: found '0.5s', expected"),
        ("26100}", "26100, peer_timeout: 1s}", "found 1s, expected more than heartbeat = 1s"),
        (
            "26100}",
            "26100, logins_max: 8, logins_per_address_max: 9}",
            "order_entry.logins_per_address_max: found 9, expected at most logins_max = 8",
        ),
        ("64MiB", "64MB", "10: streams.events.capacity: found '64MB', expected a size"),
        ("64MiB", "1MiB", "found 1MiB, expected at least streams.orders.capacity = 4MiB"),
        (
            "transport: shm",
            "transport: tcp",
            "9: streams.orders.transport: found 'tcp'",
        ),
        (
            "239.192.0.1",
            "10.0.0.1",
            "streams.market_data.a.group: found '10.0.0.1:26400'",
        ),
        (
            "  market_data:\n",
            "  market_data:\n    transport: tcp\n",
            "streams.market_data.listen: found nothing, expected an IPv4 address and port, for",
        ),
        (
            "capacity: 64MiB",
            "transport: multicast, capacity: 64MiB",
            "streams.events.rerequest: found nothing, expected a mapping, for transport: multicast",
        ),
        ("durability: off", "durability: never", "found 'never', expected one of off, interval,"),
        ("orders.ring", "/dev/shm/events.ring", "expected a file of its own"),
        ("publisher]", "gateway]", "found 'gateway' again, expected each stage once"),
        (", publisher]", "]", "found no thread with stage 'publisher', expected each stage once"),
        ("publisher]", "printer]", "stages[3]: found 'printer', expected one of gateway, matcher,"),
        (
            "[gateway, matcher, journal, publisher]",
            "[]",
            "stages: found an empty list",
        ),
        ("    venue:\n", "    Venue:\n", "found 'Venue', expected a name of 1 to 15 characters"),
        (
            "cpu: null",
            "priority: 5",
            "threads[0].priority: found 5, expected a cpu for the same thread",
        ),
        ("cpu: null", "cpu: 1, priority: 99", "priority: found '99', expected an integer from 1"),
        ("cpu: null", "cpu: -1", "threads[0].cpu: found '-1', expected an integer from 0 to 8191"),
        ("credentials: credentials.yaml\n", "", "1: credentials: found nothing, expected a path"),
        ("sessions:\n  - {", "sessions: {x: {", "expected"),
        ("venue: {", "venue: {name: TWO, ", "1: venue.name: found the key twice, expected it once"),
        ("journal: {", "journal: [", "14: found "),
    ],
)
def test_a_wrong_value_is_named_with_its_expectation(
    tmp_path: Path, found: str, replacement: str, message: str
) -> None:
    assert found in VALID
    lines = problems(tmp_path, VALID.replace(found, replacement, 1))
    assert any(message in line for line in lines), lines
    assert all(line.startswith("venue.yaml:") for line in lines)


def test_all_wrong_values_are_named_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = VALID.replace("TEST", "no!").replace("ALFA1", "no!").replace("64MiB", "no!")
    assert [line.split(":")[1] for line in problems(tmp_path, text)] == ["1", "5", "10"]


def test_more_entries_than_a_limit_are_refused(tmp_path: Path) -> None:
    second = "sessions:\n  - {username: BETA1, firm: BETA}"
    text = VALID.replace("sessions:", second) + "limits: {sessions_max: 1}\n"
    (line,) = problems(tmp_path, text)
    assert "sessions: found 2 entries, expected at most limits.sessions_max = 1" in line


def test_a_name_that_stands_twice_is_refused_with_both_places(tmp_path: Path) -> None:
    text = VALID.replace("sessions:", "sessions:\n  - {username: ALFA1, firm: ALFA}")
    assert (
        "sessions[1].username: found 'ALFA1', expected it once (see sessions[0])"
        in (problems(tmp_path, text)[0])
    )


def test_a_day_that_stands_twice_in_a_calendar_is_refused(tmp_path: Path) -> None:
    calendar = "calendar: {trading_days: [mon, tue, mon], holidays: [2026-12-25, 2026-12-25]}"
    text = VALID.replace("data_directory: data}", f"data_directory: data, {calendar}}}")
    holidays, days = problems(tmp_path, text)  # both of one line
    assert (
        "venue.calendar.trading_days[2]: found mon, expected it once "
        "(see venue.calendar.trading_days[0])"
    ) in days
    assert "venue.calendar.holidays[1]: found 2026-12-25, expected it once" in holidays


def test_two_threads_on_one_core_are_refused(tmp_path: Path) -> None:
    old = "        - {name: all, stages: [gateway, matcher, journal, publisher], cpu: null}\n"
    new = (
        "        - {name: one, stages: [gateway, matcher], cpu: 3}\n"
        "        - {name: two, stages: [journal, publisher], cpu: 3}\n"
    )
    (line,) = problems(tmp_path, VALID.replace(old, new))
    assert line == (
        "venue.yaml:20: placement.processes.venue.threads[1].cpu: found 3, "
        "expected a core of its own (see placement.processes.venue.threads[0])"
    )


def test_slots_that_do_not_fit_32_bits_are_refused(tmp_path: Path) -> None:
    text = VALID + "limits: {sessions_max: 4094, user_refs_max: 2097152}\n"
    assert "limits.user_refs_max: found 2097152" in problems(tmp_path, text)[0]


def test_a_file_that_is_not_there_or_no_yaml_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: found No such file or directory"):
        load(tmp_path / "none.yaml")
    assert "venue.yaml:1: found an empty file" in problems(tmp_path, "")[0]
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"venue: \xff\n")
    with pytest.raises(ConfigError, match=r"binary\.yaml: found "):
        load(binary)


@pytest.mark.parametrize("name", ["laptop", "cloud", "bare-metal"])
def test_the_shipped_venues_are_valid_and_place_each_stage_once(name: str) -> None:
    config = load(VENUES / f"{name}.yaml")
    placed = [s for process in config.placement.processes.values() for s in stages_of(process)]
    assert sorted(placed) == sorted(stage_kinds.REQUIRED)


def test_the_laptop_is_one_thread_and_bare_metal_spins_on_isolated_cores() -> None:
    laptop = load(VENUES / "laptop.yaml")
    (process,) = laptop.placement.processes.values()
    (thread,) = process.threads
    assert (thread.cpu, thread.idle, laptop.journal.durability) == (None, "backoff", "interval")
    metal = load(VENUES / "bare-metal.yaml")
    threads = [t for p in metal.placement.processes.values() for t in p.threads]
    assert {(t.idle, t.isolation) for t in threads} == {("spin", "require")}
    assert len({t.cpu for t in threads}) == len(threads)
    assert 0 not in {t.cpu for t in threads}


def test_attributes_and_keys_of_the_schema_differ_by_the_unit_only() -> None:
    for struct in Mapping.__subclasses__():
        for field in msgspec.structs.fields(struct):
            # What a file gives in one of two forms, of which a property makes one, is `_given`.
            units = ("ns", "price", "bytes", "bp", "given")
            words = [w for w in field.name.split("_") if w not in units]
            assert field.encode_name in (field.name, "_".join(words), OTHERS)


@pytest.mark.parametrize(
    ("readers", "expected"),
    [
        ("{journal: lossy}", "readers.journal: found lossy, expected gating: the ring"),
        ("{journal: gating 2s}", "readers.journal: found gating 2s, expected gating: the ring"),
        ("{publisher: lossy}", "readers.publisher: found lossy, expected gating: a stage of"),
        ("{console: lossy 2s}", "readers.console: found 'lossy 2s', expected gating, gating with"),
        ("{console: often}", "readers.console: found 'often', expected gating, gating with a"),
        ("{Console: lossy}", "readers.Console: found 'Console', expected a name of 1 to 31"),
        ("{console: gating}, patience: 0s", "readers.console: found gating, expected a patience"),
        (
            "{" + ", ".join(f"r{n}: gating" for n in range(14)) + "}",
            "readers: found 17 gating readers, expected at most 16, with the venue's own",
        ),
    ],
)
def test_readers_that_cannot_be_are_named(tmp_path: Path, readers: str, expected: str) -> None:
    file = tmp_path / "venue.yaml"
    file.write_text(VALID.replace("capacity: 64MiB}", f"capacity: 64MiB, readers: {readers}}}"))
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert expected in str(caught.value)


def test_readers_are_gating_with_a_patience_or_lossy(tmp_path: Path) -> None:
    readers = "{journal: gating, publisher: gating 2s, console: lossy, copy: gating}"
    file = tmp_path / "venue.yaml"
    file.write_text(VALID.replace("capacity: 64MiB}", f"capacity: 63MiB, readers: {readers}}}"))
    events = load(file).streams.events
    assert events.capacity_bytes == 63 << 20
    assert {name: (r.gating, r.patience_ns) for name, r in events.readers.items()} == {
        "journal": (True, None),
        "publisher": (True, 2 * 10**9),
        "console": (False, None),
        "copy": (True, None),
    }


def bridged(tmp_path: Path, stream: str, placed: str = "bridge") -> Path:
    """The laptop's venue with one more stream, and its stage."""
    text = (VENUES / "laptop.yaml").read_text()
    text = text.replace("\nstreams:\n", f"\nstreams:\n  {stream}\n")
    first = text.index("stages: [")
    text = f"{text[:first]}stages: [{placed}, {text[first + len('stages: [') :]}"
    file = tmp_path / "venue.yaml"
    file.write_text(text)
    return file


def test_a_stream_by_any_other_name_is_bridged(tmp_path: Path) -> None:
    stream = "to_cloud: {transport: tcp, listen: '127.0.0.1:26700', slow_reader: {queue: 1MiB}}"
    [(name, found)] = load(bridged(tmp_path, stream)).streams.bridged.items()
    assert name == "to_cloud"
    assert (found.source, found.slow_reader.queue_bytes, found.tls) == ("events", 1 << 20, None)


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        (
            "to_cloud: {transport: udp, listen: '127.0.0.1:26700'}",
            "streams.to_cloud.transport: found 'udp', expected tcp",
        ),
        ("to_cloud: {transport: tcp}", "streams.to_cloud.listen: found nothing"),
        ("to_cloud: {listen: '127.0.0.1:26700'}", "streams.to_cloud: found an unknown key"),
        (
            "to_cloud: {transport: tcp, listen: '127.0.0.1:26100'}",
            "streams.to_cloud.listen: found 127.0.0.1:26100, expected an address of its own",
        ),
        (
            "Cloud: {transport: tcp, listen: '127.0.0.1:26700'}",
            "streams.Cloud: found 'Cloud', expected a name of",
        ),
        (
            "cloud: {transport: tcp, listen: '127.0.0.1:1', slow_reader: {queue: 128MiB}}",
            "streams.cloud.slow_reader.queue: found 128MiB, expected at most window = 64MiB",
        ),
        (
            "cloud: {transport: tcp, listen: '127.0.0.1:1', patience: 0s}",
            "streams.cloud.patience: found '0s'",
        ),
        (
            "cloud: {transport: tcp, listen: '127.0.0.1:1', tls: {key: k, certificate: c}}",
            "streams.cloud.tls.client_ca: found nothing, expected a path",
        ),
    ],
)
def test_what_is_wrong_with_a_bridged_stream_is_named(
    tmp_path: Path, stream: str, text: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(bridged(tmp_path, stream))
    assert text in str(caught.value)


def test_a_bridge_and_its_streams_need_one_another(tmp_path: Path) -> None:
    stream = "cloud: {transport: tcp, listen: '127.0.0.1:26700'}"
    file = bridged(tmp_path, stream)
    file.write_text(file.read_text().replace("stages: [bridge, ", "stages: ["))
    with pytest.raises(ConfigError, match="found no thread with stage 'bridge'"):
        load(file)
    file = bridged(tmp_path, "")
    with pytest.raises(ConfigError, match="found the stage 'bridge', expected a stream for it"):
        load(file)
