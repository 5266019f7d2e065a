"""Goal: no batch of commands makes the matching core crash, read or write out of bounds, break an
invariant of section 17 of docs/MATCHING_RULES.md, or say something in its events that contradicts
what they said before; and its pools and buffers may run out, but not over.

Method: libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer on an engine with small
limits, briefly and from the kept corpus (`make fuzz` runs longer): `book_records` takes the input
as records, most of them malformed, `book_commands` lets it choose commands that reach deep. That
it would find something is shown with cores that were broken on purpose.
"""

import re
import shutil
from pathlib import Path

import pytest
from tests.fuzz import harness
from tests.model.rules import rule

# A build from nothing takes minutes on a busy machine.
pytestmark = [pytest.mark.needs_tool("clang"), pytest.mark.timeout(1800)]

EXECUTIONS = {"book_records": 50_000, "book_commands": 30_000}
# Reached by the kept corpus alone; a generator that no longer gets anywhere would reach less.
EDGES_MIN = {"book_records": 1300, "book_commands": 1700}


@pytest.fixture(scope="module")
def executable() -> Path:
    reason = harness.unavailable()
    if reason:
        pytest.skip(reason)
    return harness.build()


@rule("17.1", "17.2", "17.3", "17.4", "17.5", "17.6", "17.7")
@pytest.mark.parametrize("target", harness.BOOK)
def test_the_core_stands_up_to_any_commands(executable: Path, target: str, tmp_path: Path) -> None:
    result = harness.run(executable, target, EXECUTIONS[target], seed=1, corpus=tmp_path)
    assert result.executions >= EXECUTIONS[target]
    assert result.coverage > EDGES_MIN[target]


@pytest.mark.parametrize("target", harness.BOOK)
def test_the_kept_corpus_is_there_and_small(target: str) -> None:
    inputs = harness.read_corpus(target)
    assert inputs
    assert len(set(inputs)) == len(inputs)
    assert sum(len(one) for one in inputs) < 150 * 1024
    assert max(len(one) for one in inputs) <= harness.TARGETS[target]


BREAKS = [
    pytest.param(
        "replenish.pyx",
        "    level_at(&engine.arena, order.level).total += <uint64_t>peak - order.quantity\n",
        "",
        # Whichever comes first.
        "invariant broken: (orders share at a price at which none rests"
        "|a level's total is not the sum of its orders)",
        id="a level whose total misses what replenishes",
    ),
    pytest.param(
        "order_exit.pyx",
        "        book_reduce(&engine.arena, order, decrement)\n",
        "        order.quantity -= decrement\n",
        "invariant broken: a level's total is not the sum of its orders",
        id="a level whose total misses what is taken from an order",
    ),
    pytest.param(
        "engine.pyx",
        "(limits.orders_max * ENGINE_EVENTS_AN_ORDER\n"
        "                         + limits.instruments_max * ENGINE_EVENTS_AN_INSTRUMENT\n"
        "                         + ENGINE_EVENTS_EXTRA)",
        "limits.orders_max + 1",
        "invariant broken: events fit",
        id="room for events that a command can exceed",
    ),
    pytest.param(
        "replenish.pyx",
        "    queue_remove(&engine.arena, unit)\n"
        "    queue_append(&engine.arena, order.level, unit)\n",
        "",
        "invariant broken: at one price the first first",
        id="an iceberg that keeps its place when it is replenished",
    ),
    pytest.param(
        "aggressor.pyx",
        "0 if is_hidden else EVENT_VISIBLE",
        "EVENT_VISIBLE",
        "invariant broken: a hidden order is never visible",
        id="an execution that shows a hidden order",
    ),
    pytest.param(
        "cancel_commands.pyx",
        "            work.slot = slot\n",
        "",
        "invariant broken: steps come to an end",
        id="a mass cancel that forgets between two steps where it is",
    ),
]


@pytest.mark.parametrize(("file", "sound", "broken", "report"), BREAKS)
def test_a_broken_core_is_found(
    executable: Path, tmp_path: Path, file: str, sound: str, broken: str, report: str
) -> None:
    target = "book_commands"
    pyx = tmp_path / "pyx"
    shutil.copytree(harness.ROOT / "pyx", pyx, ignore=shutil.ignore_patterns("*.so", "*.c"))
    source = pyx / "ironcore" / "engine" / file
    text = source.read_text()
    assert sound in text
    source.write_text(text.replace(sound, broken))
    out = tmp_path / "build"
    shutil.copytree(executable.parent, out, ignore=shutil.ignore_patterns("corpus", "merged"))
    broken_build = harness.build(pyx, out)
    with pytest.raises(harness.FindingError) as failure:
        harness.run(broken_build, target, 2_000_000, seed=1)
    assert re.search(report, str(failure.value)), failure.value
    # The input that did it was left behind, and does it again; the sound core stands up to it.
    (left,) = out.glob(f"{target}-crash-*")
    with pytest.raises(harness.FindingError):
        harness.run_input(broken_build, target, left)
    harness.run_input(executable, target, left)
