"""python -m tests.model.explain SEED [COMMANDS]: the least that makes core and model differ.

Runs the seed's commands through both; a difference is shrunk to as few commands as will do, and
printed with the model's books before the last of them.
"""

import argparse

from tests.model import records as r
from tests.model.compare import Difference, first_difference, limits_of, shrink, stream_of
from tests.model.describe import describe_books, describe_command, describe_event
from tests.model.engine_model import EngineModel

OUTCOMES = {r.OK: "OK", r.IGNORED: "ignored", r.MALFORMED: "malformed"}


def explanation(records: list[bytes], difference: Difference, limits: r.Limits) -> str:
    """The commands, the books before the last one, and what each side made of it."""
    model, lines = EngineModel(limits), [f"limits {limits}"]
    for record in records[:-1]:
        status, events = model.apply(record)
        lines.append(f"{describe_command(record)}  -> {OUTCOMES[status]}")
        lines.extend(f"        {describe_event(event)}" for event in events)
    lines += ["", "The model's books before the last command:", *describe_books(model)]
    lines += ["", describe_command(records[-1]), f"  differs in {difference.said}"]
    for name, answer in (("model", difference.model), ("core", difference.core)):
        outcome = OUTCOMES.get(answer.status, str(answer.status))
        lines.append(f"  {name}: {outcome}, instrument {answer.instrument}")
        lines.extend(f"        {describe_event(event)}" for event in answer.events)
    return "\n".join(lines)


def explain(records: list[bytes], limits: r.Limits, check_books: bool = True) -> str:
    """Why these commands make a difference; nothing when they do not."""
    difference = first_difference(records, limits, check_books)
    if difference is None:
        return ""
    least = shrink(
        records[: difference.position + 1], lambda some: first_difference(some, limits, check_books)
    )
    difference = first_difference(least, limits, check_books)
    assert difference is not None
    return explanation(least, difference, limits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("commands", type=int, nargs="?", default=5000)
    parser.add_argument("--answers-only", action="store_true", help="do not look at the books")
    arguments = parser.parse_args()
    limits = limits_of(arguments.seed)
    records = stream_of(arguments.seed, arguments.commands, limits)
    said = explain(records, limits, not arguments.answers_only)
    print(said or f"No difference in {len(records)} commands.")


if __name__ == "__main__":
    main()
