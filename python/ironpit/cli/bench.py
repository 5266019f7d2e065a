"""`ironpit bench WHAT`: each of its measurements is a module of ironpit.bench.

Such a module has a frozen dataclass `Plan`, whose fields (ironpit.bench.plans) become options,
`run(plan)`, which returns the report, and `text_of(report)`.
"""

import argparse
import dataclasses
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from ironpit.bench.plans import check, option_of
from ironpit.cli.arguments import add_json_argument
from ironpit.common.errors import Exit, UserError
from ironpit.common.output import write_json

MEASUREMENTS = {
    "ring": "measure the rings, beside a ping-pong of bare cache lines",
    "transport": "measure every transport, beside the same conversation in plain C",
    "af-xdp": "measure multicast by AF_XDP, beside the kernel's path, over veth",
    "match": "measure the matching core, message by message and in batches",
    "instruments": "measure the matching core with 1, 100 and 10,000 instruments",
    "library": "measure the matching core from Python, beside the same core from C",
    "fan-out": "measure what a frame costs its publisher with 1, 8, 32 subscribers",
    "slow-readers": "measure what readers that are stopped, slow or killed cost the publisher",
    "order-ack": "measure order to acknowledgement over TCP, beside a bare echo",
    "bypass": "measure order to acknowledgement with a kernel bypass, beside kernel sockets",
    "stalls": "find the polls of a venue that cost most beyond their work, and why",
    "transitions": "count system calls, context switches and page faults of the hot threads",
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
            _add_option(command, field)
        add_json_argument(command)


def _add_option(command: argparse.ArgumentParser, field: "dataclasses.Field[Any]") -> None:
    option = option_of(field.name)
    text, metavar = field.metadata["help"], field.metadata.get("metavar")
    if "positional" in field.metadata:
        command.add_argument(field.name, nargs="*", metavar=metavar, help=text)
    elif isinstance(field.default, bool):
        command.add_argument(option, action="store_true", help=text)
    elif isinstance(field.default, int):
        text = f"{text} (default {field.default})"
        command.add_argument(option, type=int, default=field.default, metavar=metavar, help=text)
    elif isinstance(field.default, str):
        text = f"{text} (default {field.default})" if field.default else text
        command.add_argument(option, default=field.default, metavar=metavar, help=text)
    else:
        text = f"{text}; again for more"
        command.add_argument(option, action="append", default=[], metavar=metavar, help=text)


def run(arguments: argparse.Namespace) -> int:
    module = _module(arguments.measurement)
    wanted = {
        field.name: getattr(arguments, field.name)
        for field in dataclasses.fields(module.Plan)
        if hasattr(arguments, field.name)
    }
    plan = module.Plan(**wanted)
    check(plan)
    try:
        report = module.run(plan)
    except PermissionError as error:  # a CPU that there is not, or that is not ours
        raise UserError(str(error), Exit.REFUSED) from error
    if arguments.json:
        write_json(report, arguments.json)
    if arguments.json != "-":
        print(module.text_of(report))
    return Exit.OK
