"""The venue's configuration: one YAML file, validated as a whole before anything starts.

`load` returns an immutable `Config` or raises `ConfigError`, whose text has one line for each
problem: file, line, key, what was found and what was expected. Prices and quantities are integers
of their instrument's last decimal, durations nanoseconds, sizes bytes.
"""

import os
import zlib
from pathlib import Path

from msgspec.structs import replace

from ironpit.config.reader import ConfigError, Problem, Reader
from ironpit.config.rules import violations
from ironpit.config.scalars import Endpoint
from ironpit.config.schema import (
    BridgedStream,
    Config,
    Instrument,
    OrdersStream,
    Process,
    Thread,
)

__all__ = [
    "BridgedStream",
    "Config",
    "ConfigError",
    "Endpoint",
    "Instrument",
    "Problem",
    "Process",
    "Thread",
    "load",
    "read",
    "ring_directory",
    "stages_of",
]


def read(file: str | Path) -> Config:
    """The configuration as it stands in the file: checked, its paths not resolved."""
    reader = Reader(Path(file))
    config = reader.read(Config)
    for key, found, expected in violations(config):
        reader.wrong(reader.line_of(key), key, found, expected)
    reader.fail_on_problems()
    return config


def load(file: str | Path) -> Config:
    """A checked configuration with absolute paths.

    `venue.data_directory`, `credentials` and certificates are relative to the directory of the
    file, so that the same file names the same venue wherever it is started from. The journal is
    relative to the data directory, the rings of the streams to `ring_directory`. Raises
    ConfigError.
    """
    file = Path(file)
    config = read(file)
    base = file.resolve().parent
    data = (base / config.venue.data_directory).resolve()
    streams = config.streams
    rings = ring_directory(data)
    return replace(
        config,
        venue=replace(config.venue, data_directory=data),
        credentials=(base / config.credentials).resolve(),
        journal=replace(config.journal, directory=data / config.journal.directory),
        gateways_given={
            name: replace(gateway, orders=_in(rings, gateway.orders))
            for name, gateway in config.gateways_given.items()
        },
        streams=replace(
            streams,
            orders_given=_in(rings, streams.orders_given),
            events=replace(streams.events, path=rings / streams.events.path),
            market_data=replace(streams.market_data, path=rings / streams.market_data.path),
            bridged={name: _located(base, stream) for name, stream in streams.bridged.items()},
        ),
    )


def _in(rings: Path, orders: OrdersStream | None) -> OrdersStream | None:
    return None if orders is None else replace(orders, path=rings / orders.path)


def _located(base: Path, stream: BridgedStream) -> BridgedStream:
    if stream.tls is None:
        return stream
    tls = stream.tls
    return replace(
        stream,
        tls=replace(
            tls,
            certificate=(base / tls.certificate).resolve(),
            key=(base / tls.key).resolve(),
            client_ca=(base / tls.client_ca).resolve(),
        ),
    )


def stages_of(process: Process) -> tuple[str, ...]:
    """All stages of a process as the placement names them, thread by thread."""
    return tuple(stage for thread in process.threads for stage in thread.stages)


def ring_directory(data_directory: Path) -> Path:
    """Where the rings of a venue with this data directory stand unless their paths are absolute.

    In memory: a ring need not outlive the host, for the journal does, and a ring on a disk would
    have its pages written back and write-protected under the hands of the stages.
    """
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir():
        return data_directory
    return shared_memory / f"ironpit-{os.getuid()}-{zlib.crc32(bytes(data_directory)):08x}"
