"""`tune-host --explain ID`: what a setting is, why it matters, how to see, set and undo it."""

import textwrap
from argparse import Namespace
from typing import Any

from host_tuning import __version__
from host_tuning.checking.setting import Setting
from host_tuning.reports.check_json import cost_document
from host_tuning.reports.check_table import cost_words
from host_tuning.reports.run import dump
from host_tuning.settings.registry import find
from host_tuning.target import profile as profiles
from host_tuning.target.site_options import OPTIONS

SCHEMA = "tune-host/explain/1"


def document(setting: Setting) -> dict[str, Any]:
    """The same as data, as schema/explain-1.json publishes it."""
    texts = ("id", "group", "title", "what", "why", "see", "set", "undo")
    rules = {name: profiles.load(name).rule(setting.id) for name in profiles.names()}
    return {
        "schema": SCHEMA,
        "tool": {"name": "tune-host", "version": __version__},
        **{name: getattr(setting, name) for name in texts},
        "when": setting.when.value,
        "cost": cost_document(setting.cost),
        "sources": list(setting.sources),
        "options": dict(OPTIONS.get(setting.id, {})),
        "profiles": [
            {
                "profile": name,
                "severity": rule.severity.value,
                "why": rule.why,
                "source": rule.source,
            }
            for name, rule in rules.items()
        ],
    }


def run(options: Namespace) -> int:
    """Print everything that is known of one setting."""
    setting = find(options.explain, "--explain")
    if options.format == "json":
        dump(document(setting))
        return 0
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
        rule = profiles.load(name).rule(setting.id)
        print(f"{name:12}{rule.severity:12}{rule.why}")
    return 0
