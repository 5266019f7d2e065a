"""Goal: a counter is of the kind that its part declares, in each place that writes it.

Method: the writes of all compiled sources, by the name of the counter's place, against the
declarations; then made-up sources that disagree in each way, so that no rule is asleep.
"""

import importlib
from pathlib import Path

import pytest
from tests.tidy import counters

from ironcore.base.counter_declaration import Counter, Declaration, Gauge, Maximum

ROOT = Path(__file__).resolve().parents[2]
TREE = counters.read(ROOT)
PARTS = counters.declared(TREE)
CONTROL_PLANE = {
    "ironpit.bridge.record": "POSITIONS",
    "ironpit.market_data.snapshot_server": "COUNTERS",
    "ironpit.transport.tls": "COUNTERS",
    "ironpit.venue.authenticator": "COUNTERS",
    "ironpit.venue.sockets": "COUNTERS",
}


def test_every_write_agrees_with_the_declared_kind() -> None:
    assert list(counters.complaints(TREE, PARTS)) == []


def test_every_place_has_its_declaration() -> None:
    """The enums and the tuples are of one length, so that no part is missed by the test above."""
    ends: dict[tuple[str, str], int] = {}
    for members in TREE.members.values():
        for module, which, place in members.values():
            ends[module, which] = max(ends.get((module, which), 0), place + 1)
    # The last place of these is the first one of a group, one counter for each answer.
    ends["ironcore.messaging.multicast.publication", "PUBLICATION_COUNTERS"] += 5
    assert ends == {part: len(declared) for part, declared in PARTS.items()}


def test_every_tuple_of_the_control_plane_is_known() -> None:
    found = {
        counters.module_of(path.relative_to(ROOT))
        for path in (ROOT / "python").rglob("*.py")
        if counters.DECLARED.search(path.read_text())
    }
    assert found | {"ironpit.bridge.record"} == set(CONTROL_PLANE)


def test_names_end_with_their_unit() -> None:
    parts = [*PARTS.values()]
    for module, name in CONTROL_PLANE.items():
        parts.append(getattr(importlib.import_module(module), name))
    assert [why for part in parts for one in part if (why := counters.misnamed(one))] == []
    assert [one.name for part in parts for one in part if not one.help] == []


@pytest.mark.parametrize(
    "lying",
    [
        Counter("sent", unit="bytes"),
        Counter("sent_bytes", unit="frames"),
        Maximum("sync_ns", unit="ns"),
        Gauge("sync_ns_max", unit="ns"),
        Maximum("sync_max", unit="ns"),
        Gauge("lag_ns"),
    ],
)
def test_a_name_that_lies_is_found(lying: Declaration) -> None:
    assert counters.misnamed(lying)


PXD = """
cdef enum:                # counters, in the order of COUNTERS
    A_SENT = 0
    A_OPEN = 1
    A_LAG_NS_MAX = 2

cdef enum:                # something else
    A_OTHER = 0
"""
GOOD = """
    counter_add(s.counters[A_SENT], 1)
    counter_set(s.counters[A_OPEN], f(s.live,
                                      s.waiting))
    counter_raise_to(s.counters[A_LAG_NS_MAX], now - then)
"""


def made_up(code: str, taken: str = "") -> list[str]:
    """The complaints about a module of three counters with this code, some of it in another one."""
    a, b = Path("pyx/ironcore/a.pyx"), Path("pyx/ironcore/b.pyx")
    texts = {a: code, a.with_suffix(".pxd"): PXD, b: taken}
    tree = counters.Tree(texts, {"ironcore.a": counters.enums("ironcore.a", PXD)})
    declared = (Counter("sent"), Gauge("open"), Maximum("lag_ns_max", unit="ns"))
    return list(counters.complaints(tree, {("ironcore.a", "COUNTERS"): declared}))


def test_code_that_agrees_is_left_alone() -> None:
    computed = "    counter_add(s.counters[reason], 1)\n"
    followed = "    counter_follow(s.counters[A_SENT], lost)\n    counter_reset(s.counters[i])\n"
    assert made_up(GOOD + computed + followed) == []
    assert made_up("", f"from ironcore.a cimport A_SENT, A_OPEN, A_LAG_NS_MAX\n{GOOD}") == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("counter_set(s.counters[A_SENT], 3)", "counter_set of A_SENT, which ironcore.a declares"),
        ("counter_add(s.counters[A_OPEN], 1)", "counter_add of A_OPEN, which ironcore.a declares"),
        ("counter_follow(s.counters[A_OPEN], 1)", "counter_follow of A_OPEN, which ironcore.a"),
        ("counter_raise_to(s.counters[A_OPEN], 1)", "counter_raise_to of A_OPEN, which ironcore"),
        ("counter_set(s.counters[A_LAG_NS_MAX], 1)", "counter_set of A_LAG_NS_MAX, which ironcore"),
        ("counter_add(s.counters[A_SENT if x else A_OPEN], 1)", "counter_add of A_OPEN, which"),
        ("counter_set(s.counters[i], 0)", "counter_set of a computed place: name the counter"),
        ("counter_set(s.counters[A_OTHER], 0)", "counter_set of A_OTHER: name the counter"),
    ],
)
def test_code_that_disagrees_is_found(line: str, complaint: str) -> None:
    [found] = made_up(f"{GOOD}    {line}\n")
    assert complaint in found
    assert found.startswith("pyx/ironcore/a.pyx:6:")


def test_a_gauge_that_nobody_sets_is_found() -> None:
    only_added = "    counter_add(s.counters[A_SENT], 1)\n"
    assert made_up(only_added) == [
        "ironcore.a: open is declared a gauge, and nobody writes one",
        "ironcore.a: lag_ns_max is declared a maximum, and nobody writes one",
    ]
    elsewhere = "from ironcore.c cimport A_OPEN\n    counter_set(s.counters[A_OPEN], 1)\n"
    assert any("name the counter" in found for found in made_up(GOOD, elsewhere))
