"""`tune-host --list`: all settings, a line each."""

from argparse import Namespace

from host_tuning import __version__
from host_tuning.commands.common import settings_of
from host_tuning.reports.run import dump

SCHEMA = "tune-host/list/1"


def run(options: Namespace) -> int:
    """Print the settings, by group, or as schema/list-1.json publishes them."""
    settings = settings_of(options)
    if options.format == "json":
        rows = [
            {"id": one.id, "group": one.group, "title": one.title, "when": one.when.value}
            for one in settings
        ]
        tool = {"name": "tune-host", "version": __version__}
        dump({"schema": SCHEMA, "tool": tool, "settings": rows})
        return 0
    group = ""
    for setting in settings:
        if setting.group != group:
            group = setting.group
            print(f"\n{group}" if setting is not settings[0] else group)
        print(f"  {setting.id:18} {setting.when:10} {setting.title}")
    return 0
