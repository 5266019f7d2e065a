"""`tune-host --list`: all settings, a line each."""

from argparse import Namespace

from host_tuning.commands.common import settings_of


def run(options: Namespace) -> int:
    """Print the settings, by group."""
    group = ""
    for setting in settings_of(options):
        if setting.group != group:
            group = setting.group
            print(f"\n{group}" if setting is not settings_of(options)[0] else group)
        print(f"  {setting.id:18} {setting.when:10} {setting.title}")
    return 0
