"""`ironpit bench WHAT`: each of its measurements is a module of ironpit.bench.

Such a module has a frozen dataclass `Plan`, whose numbers, texts, switches and lists of commands
become options (a field marked `positional` takes what stands without one), `run(plan)`, which
returns the report, and `text_of(report)`.
"""

import argparse
import dataclasses
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from ironpit.cli.arguments import add_json_argument
from ironpit.cli.output import write_json
from ironpit.errors import Exit

MEASUREMENTS = {
    "ring": "the rings, beside a ping-pong of bare cache lines",
    "transport": "every transport, beside the same conversation in plain C",
    "match": "the matching core, message by message and in batches",
    "library": "the matching core from Python, beside the same core from C",
    "fan-out": "what a frame costs its publisher with 1, 8, 32 subscribers",
    "slow-readers": "what readers that are stopped, slow or killed cost the publisher",
    "order-ack": "order to acknowledgement over TCP, beside a bare echo",
}


def _module(name: str) -> ModuleType:
    return import_module(f"ironpit.bench.{name.replace('-', '_')}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    measurements = parser.add_subparsers(dest="measurement", metavar="WHAT", required=True)
    for name, summary in MEASUREMENTS.items():
        if find_spec(f"ironpit.bench.{name.replace('-', '_')}") is None:
            continue
        command = measurements.add_parser(name, help=summary, description=summary)
        for field in dataclasses.fields(_module(name).Plan):
            option = f"--{field.name.replace('_', '-')}"
            if "positional" in field.metadata:
                metavar = field.metadata["positional"]
                command.add_argument(field.name, nargs="*", metavar=metavar, help="(all)")
            elif isinstance(field.default, bool):
                command.add_argument(option, action="store_true")
            elif isinstance(field.default, int):
                command.add_argument(
                    option, type=int, default=field.default, metavar="N", help=f"({field.default})"
                )
            elif isinstance(field.default, str):
                command.add_argument(option, default=field.default, metavar="FILE")
            else:
                command.add_argument(
                    option, action="append", default=[], metavar="COMMAND", help="(again for more)"
                )
        add_json_argument(command)


def run(arguments: argparse.Namespace) -> int:
    module = _module(arguments.measurement)
    wanted = {
        field.name: getattr(arguments, field.name)
        for field in dataclasses.fields(module.Plan)
        if hasattr(arguments, field.name)
    }
    report = module.run(module.Plan(**wanted))
    if arguments.json:
        write_json(report, arguments.json)
    if arguments.json != "-":
        print(module.text_of(report))
    return Exit.OK
