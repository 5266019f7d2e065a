"""Goal: `make profile` says truly of which function of the core each count is, and compares builds.

Method: generated C and callgrind's output as they look, in a few lines, with counts by hand.
"""

import json
from collections import Counter
from pathlib import Path

import pytest
from tools import callgrind, core_profile

C = """\
typedef struct {
    int x;
} Named;
    /* A helper that a declaration brings. */
    static inline void iron_word_store(void *p, uint64_t word) {
        *(volatile uint64_t *)p = word;
    }
    static inline void iron_touch(volatile char *p) { *p = *p; }
static int __pyx_f_8ironcore_6engine_5batch_batch_apply(struct Engine *, int); /*proto*/
static uint32_t __pyx_f_8ironcore_4book_12price_levels_levels_take(struct Arena *__pyx_v_arena) {
  if (x) {
    y = 1;
  }
}
/* "ironcore/engine/batch.pyx":40 */
static int __pyx_f_8ironcore_6engine_5batch_batch_apply(struct Engine *e, int n) {
  return 0;
}
"""

OUT = """\
version: 1
creator: callgrind-3.19.0
positions: line
events: Ir Bc Bcm Bi Bim D1mr D1mw

ob=/tree/batch.so
fl=batch.c
fn=__pyx_f_8ironcore_6engine_5batch_batch_apply
17 100 20 2
12 50 10 0 1 1
6 8 0 0 0 0 0 4
cfi=string.c
cfn=memcpy
calls=3 70
17 900 90 9 9 9 9 9
fi=string.h
40 2
fe=batch.c
17 10
fl=string.c
fn=memcpy
70 30 0 0 3

totals: 200
"""
BATCH = "__pyx_f_8ironcore_6engine_5batch_batch_apply"
TAKE = "__pyx_f_8ironcore_4book_12price_levels_levels_take"


@pytest.fixture
def events(tmp_path: Path) -> dict[str, Counter[str]]:
    (tmp_path / "batch.c").write_text(C)
    return callgrind.by_function(callgrind.read(OUT.splitlines()), tmp_path)


def test_a_line_is_of_the_function_whose_text_it_is() -> None:
    functions = callgrind.Functions(C)
    found = [functions.at(line) for line in range(1, 1 + len(C.splitlines()))]
    assert found[4:7] == ["iron_word_store"] * 3
    assert found[7] == "iron_touch"
    assert found[9:14] == [TAKE] * 5
    assert found[15:18] == [BATCH] * 3
    assert found[:4] + found[8:9] + found[14:15] == [""] * 6


def test_what_callees_cost_is_not_counted_twice(events: dict[str, Counter[str]]) -> None:
    assert {name: found["Ir"] for name, found in events.items()} == {
        BATCH: 100 + 2 + 10,
        TAKE: 50,
        "iron_word_store": 8,
        "memcpy": 30,
    }


def test_a_line_that_is_none_of_callgrinds_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a line of callgrind's output"):
        callgrind.read(["events: Ir", "fnord=1"])


def test_groups_add_up_a_message(events: dict[str, Counter[str]]) -> None:
    report = core_profile.report_of(events, "swing40", messages=10)
    assert {name: group["instructions"] for name, group in report["groups"].items()} == {
        "batch and dispatch": 11.2,
        "price tree": 5.0,
        "events": 3.8,
    }
    assert report["total"] == {
        "instructions": 20.0,
        "conditional branches": 3.0,
        "indirect calls": 0.4,
        "mispredicted": 0.3,
        "D1 misses": 0.4,
    }
    assert report["functions"]["ironcore.book.price_levels.levels_take"]["instructions"] == 5.0


def test_every_group_is_met_by_a_name_that_begins_so() -> None:
    assert core_profile.group_of("ironcore.book.order_pool.order_take") != core_profile.OTHERS
    assert core_profile.group_of("ironcore.engine.pegs.peg_price") == core_profile.OTHERS
    assert core_profile.readable(f"{TAKE}.part.0") == "ironcore.book.price_levels.levels_take"
    assert core_profile.readable("memcpy") == "memcpy"


def test_two_builds_stand_beside_one_another(
    events: dict[str, Counter[str]], tmp_path: Path
) -> None:
    report = core_profile.report_of(events, "swing40", messages=10)
    file = tmp_path / "before.json"
    file.write_text(json.dumps(report))
    less = {name: found for name, found in events.items() if name != "memcpy"}
    now = core_profile.report_of(less, "swing40", messages=10)
    text = core_profile.text_of(now, core_profile.read_report(file, "swing40", 10), functions=1)
    (row,) = [line.split() for line in text.splitlines() if line.startswith("all ")]
    assert row[1:3] == ["20.00", "17.00"]
    with pytest.raises(SystemExit, match="messages: found 10, expected 20"):
        core_profile.read_report(file, "swing40", 20)
