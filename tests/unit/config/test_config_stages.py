"""Goal: the placement takes kinds of stages and their instances, and the documents know them all.

Method: the laptop's venue with other placements; the tables of the documents against the registry.
"""

import re
from pathlib import Path

import pytest

from ironpit.config import Config, ConfigError, load, stage_kinds
from ironpit.venue.stages import Stage, builder_of

PROJECT = Path(__file__).parents[3]
LAPTOP = (PROJECT / "configs" / "venues" / "laptop.yaml").read_text()
THREADS = "- {name: all, stages: [gateway, matcher, journal, publisher], idle: backoff}"
CARRIED = """
streams:
  east: {transport: tcp, listen: '127.0.0.1:26701'}
  west: {transport: tcp, listen: '127.0.0.1:26702', patience: 3s}
"""
SNAPSHOT = "\\1snapshot: {listen: '127.0.0.1:26799'}\n\\1rerequest:"


def placed(directory: Path, *threads: str, snapshot: bool = False, bridged: bool = False) -> Config:
    """The laptop's venue; a thread for each list of stages."""
    text = LAPTOP
    lines = [f"- {{name: t{n}, stages: [{stages}]}}" for n, stages in enumerate(threads)]
    assert THREADS in text
    text = text.replace(THREADS, "\n        ".join(lines))
    if snapshot:
        text, count = re.subn(r"( +)rerequest:", SNAPSHOT, text)
        assert count == 1
    if bridged:
        text = text.replace("\nstreams:\n", CARRIED)
    file = directory / "venue.yaml"
    file.write_text(text)
    return load(file)


def on_threads(config: Config) -> list[tuple[str, ...]]:
    (process,) = config.placement.processes.values()
    return [stage_kinds.stages_on(config, thread) for thread in process.threads]


def test_a_kind_is_all_of_its_instances_that_are_not_named_themselves(tmp_path: Path) -> None:
    rest = "gateway, matcher, journal, publisher"
    config = placed(tmp_path, f"{rest}, bridge", bridged=True)
    assert on_threads(config) == [
        ("gateway", "matcher", "journal", "publisher", "bridge-east", "bridge-west")
    ]
    config = placed(tmp_path, rest, "bridge-west", "bridge", bridged=True)
    assert on_threads(config)[1:] == [("bridge-west",), ("bridge-east",)]


def test_the_snapshot_server_runs_beside_the_publisher_unless_it_is_placed(tmp_path: Path) -> None:
    rest = "gateway, matcher, journal, publisher"
    config = placed(tmp_path, rest, snapshot=True)
    (process,) = config.placement.processes.values()
    assert stage_kinds.beside(config, process) == ("snapshot",)
    config = placed(tmp_path, rest, "snapshot", snapshot=True)
    (process,) = config.placement.processes.values()
    assert stage_kinds.beside(config, process) == ()
    assert on_threads(config)[1] == ("snapshot",)


@pytest.mark.parametrize(
    ("threads", "bridged", "expected"),
    [
        (["gateway, matcher, journal"], False, "found no thread with stage 'publisher'"),
        (["gateway, matcher, journal, publisher, gateway"], False, "found 'gateway' again"),
        (["gateway, matcher-2, journal, publisher, matcher"], False, "found 'matcher-2', expected"),
        (["gateway, matcher, journal, publisher, snapshot"], False, "found the stage 'snapshot'"),
        (["gateway, matcher, journal, publisher, bridge-east"], False, "found 'bridge-east', exp"),
        (
            ["gateway, matcher, journal, publisher, bridge-east"],
            True,
            "found no thread with stage 'bridge-west'",
        ),
        (
            ["gateway, matcher, journal, publisher, bridge, bridge-north"],
            True,
            r"stages\[5\]: found 'bridge-north', expected one of bridge-east, bridge-west",
        ),
    ],
)
def test_a_placement_that_cannot_be_is_named(
    tmp_path: Path, threads: list[str], bridged: bool, expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        placed(tmp_path, *threads, bridged=bridged)


def test_the_stream_waits_for_each_stage_as_its_kind_says(tmp_path: Path) -> None:
    rest = "gateway, matcher, journal, publisher, bridge"
    config = placed(tmp_path, rest, snapshot=True, bridged=True)
    second = 10**9
    assert stage_kinds.readers(config) == {
        "gateway": 5 * second,
        "journal": 0,
        "publisher": 5 * second,
        "snapshot": 10_000_000,
        "bridge-east": second,
        "bridge-west": 3 * second,
    }
    assert sorted(stage_kinds.readers(config, ruled=True)) == ["gateway", "journal", "publisher"]


@pytest.mark.parametrize("kind", stage_kinds.KINDS, ids=stage_kinds.NAMES)
def test_every_kind_has_its_builder(kind: stage_kinds.StageKind) -> None:
    for name in (kind.name, f"{kind.name}-east"):
        assert issubclass(builder_of(name), Stage)
        assert builder_of(name).__module__ == f"ironpit.venue.stages.{kind.name}"


@pytest.mark.parametrize(
    ("document", "heading"), [("CONFIG.md", "| stage | placed |"), ("ARCHITECTURE.md", "| stage |")]
)
def test_the_documents_have_every_kind_and_no_other(document: str, heading: str) -> None:
    text = (PROJECT / "docs" / document).read_text()
    table = text[text.index(heading) :].partition("\n\n")[0]
    rows = [line.split("|")[1].strip(" `") for line in table.splitlines()[2:]]
    assert rows == list(stage_kinds.NAMES)
