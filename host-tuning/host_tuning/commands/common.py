"""What several commands do first: find the host, the target, the profile and the settings."""

import datetime
import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from host_tuning import __version__
from host_tuning.checking import check
from host_tuning.checking.setting import Setting
from host_tuning.common.errors import ToolError
from host_tuning.facts.tree import HostTree
from host_tuning.settings.registry import SETTINGS, find
from host_tuning.target import profile as profiles
from host_tuning.target import target as targets
from host_tuning.target.host import Host
from host_tuning.target.profile import Profile
from host_tuning.target.site_options import refuse_unknown


def _from_file(path: Path) -> targets.Target:
    """The target of a host file or of a venue file's placement. Errors: ToolError by key."""
    from host_tuning.target import host_file  # needs PyYAML, which a bare --check does without

    return host_file.load(path)


def host_of(options: Namespace) -> Host:
    """The host below --root and its target. Errors: ToolError."""
    tree = HostTree(options.root)
    for directory in ("/proc", "/sys"):
        if not tree.names(directory):
            raise ToolError(
                f"--root {options.root}: found no {directory}, expected the tree of a Linux host"
            )
    target = _from_file(options.config) if options.config else targets.Target()
    target = targets.from_options(target, options.cpus, options.housekeeping, options.interface)
    host = Host(tree, target)
    if not host.topology.online:
        raise ToolError(
            f"--root {options.root}: found no /sys/devices/system/cpu/online, "
            "expected the tree of a Linux host"
        )
    host.target = targets.settle(target, host.topology, tree)
    named = [
        *(("overrides", name) for name in target.overrides),
        *(("severities", name) for name in target.severities),
        *(("waivers", one.setting) for one in target.waivers),
    ]
    for key, name in named:
        find(name, f"{target.source}: host.{key}")
    refuse_unknown(target)
    return host


def profile_of(options: Namespace, host: Host) -> Profile:
    """The profile that was named, by option or host file, or that suits the host."""
    if options.profile:
        return profiles.load(options.profile)
    if host.target.profile:
        return profiles.load(host.target.profile, f"{host.target.source}: host.profile")
    return profiles.load(profiles.suited(host.identity))


def settings_of(options: Namespace) -> list[Setting]:
    """The settings that --only and --skip leave. Errors: ToolError for an unknown id."""
    only = {find(name, "--only").id for item in options.only for name in item.split(",")}
    skip = {find(name, "--skip").id for item in options.skip for name in item.split(",")}
    return [one for one in SETTINGS if (not only or one.id in only) and one.id not in skip]


def required_of(options: Namespace, host: Host, settings: Iterable[Setting]) -> frozenset[str]:
    """The settings whose writes must not be refused: required by profile or site, not waived."""
    profile = profile_of(options, host)
    return check.required_ids(host, profile, settings, datetime.date.today())


def about_run(options: Namespace, settings: Iterable[Setting]) -> dict[str, Any]:
    """What the undo log says of a run, so that --verify judges for the same CPUs."""
    return {
        "tool": __version__,
        "argv": sys.argv[1:],
        "settings": [one.id for one in settings],
        "target": {
            "config": str(options.config.resolve()) if options.config else None,
            "cpus": options.cpus,
            "housekeeping": options.housekeeping,
            "interface": list(options.interface),
            "profile": options.profile,
        },
    }
