"""Which options each command takes: one that would change nothing is refused, not passed over."""

import argparse

from host_tuning.common.errors import ToolError

TARGETS = frozenset({"config", "cpus", "housekeeping", "interface", "root"})
JUDGED = TARGETS | {"profile", "only", "skip"}
TAKES = {
    "check": JUDGED | {"strict", "json", "format"},
    "plan": JUDGED | {"json", "format", "cores"},
    "apply": JUDGED | {"json", "format", "dry_run", "state"},
    "verify": JUDGED | {"strict", "json", "format", "state"},
    "rollback": frozenset({"root", "json", "format", "force", "state"}),
    "list": frozenset({"only", "skip", "json", "format"}),
    "explain": frozenset({"json", "format"}),
    "hold": frozenset({"argv"}),
    # A root is refused by these themselves, which say why.
    "jitter": TARGETS - {"interface"} | {"json", "format", "threshold", "compare", "png"},
    "perf": TARGETS - {"interface"} | {"json", "format"},
}
# A placement is proposed from the topology, and not for one profile.
CORES_LEAVES = frozenset({"profile", "only", "skip"})
# What the exit code weighs has latency-audit's shape; the others have none there.
AS_LATENCY_AUDIT = ("check", "verify")
COMMANDS = frozenset({"command", *TAKES})


def refuse_untaken(
    command: str, options: argparse.Namespace, made: argparse.ArgumentParser
) -> None:
    """Errors: ToolError that names the first option which the command does not take."""
    takes = TAKES[command]
    name = f"--{command}"
    if command == "plan" and options.cores:
        takes, name = takes - CORES_LEAVES, "--plan --cores"
    for option, value in vars(options).items():
        if option in COMMANDS | takes or value == made.get_default(option) or value == []:
            continue
        said = " ".join(value) if option == "argv" else f"--{option.replace('_', '-')}"
        raise ToolError(f"{name} does not take {said}")
    if options.format == "latency-audit" and (command not in AS_LATENCY_AUDIT or options.json):
        also = " and --json" if options.json else ""
        raise ToolError(f"{name} does not take --format latency-audit{also}")
