"""`tune-host --explain ID`: what a setting is, why it matters, how to see, set and undo it."""

import textwrap
from argparse import Namespace

from host_tuning import profile as profiles
from host_tuning.registry import find
from host_tuning.report_table import cost_words
from host_tuning.site_options import OPTIONS


def run(options: Namespace) -> int:
    """Print everything that is known of one setting."""
    setting = find(options.explain, "--explain")
    print(f"{setting.id}: {setting.title} ({setting.group}; takes effect: {setting.when})\n")
    for heading, text in (
        ("what", setting.what),
        ("why", setting.why),
        ("see", setting.see),
        ("set", setting.set),
        ("undo", setting.undo),
        ("cost", cost_words(setting.cost) or "unknown until this host is measured"),
    ):
        wrapped = textwrap.fill(text, 88, break_long_words=False, break_on_hyphens=False)
        print(f"{heading:8}" + textwrap.indent(wrapped, " " * 8).lstrip())
    for number, source in enumerate(setting.sources):
        print(f"{'' if number else 'sources':8}{source}")
    for number, (name, meaning) in enumerate(OPTIONS.get(setting.id, {}).items()):
        print(f"{'' if number else 'options':8}{name}: {meaning}")
    print()
    for name in profiles.names():
        rule = profiles.load(name).rules[setting.id]
        print(f"{name:12}{rule.severity:12}{rule.why}")
    return 0
