"""Prints what happens: python -m tests.scenarios [--with model|core] FILE...

Commands and what came of them, in the notation of the files; where that is not what the file
expects, both. Exits with 1 then, and with 2 when a file cannot be read.
"""

import argparse
import sys
from pathlib import Path

from tests.scenarios import runner, scenario


def show(path: Path, subject: str) -> int:
    """The number of commands that did otherwise."""
    differences = 0
    for each in scenario.read(path):
        print(f"\nscenario: {each.title.text}\nrule: {' '.join(each.rules)}")
        run = runner.Run(each, subject)
        for step in each.steps:
            found = run.step(step)
            print(f"> {step.command.text}")
            print("\n".join(found.found))
            if (complaint := found.complaint()) is not None:
                differences += 1
                print("!! " + "\n!! ".join(complaint.splitlines()[:3]))
    return differences


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.scenarios")
    parser.add_argument("--with", dest="subject", choices=runner.SUBJECTS, default="core")
    parser.add_argument("file", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    try:
        differences = sum(show(path, options.subject) for path in options.file)
    except (scenario.ScenarioError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if differences:
        print(f"\n{differences} commands did otherwise", file=sys.stderr)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
