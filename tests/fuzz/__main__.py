"""Fuzz the decoders and the matching core: python -m tests.fuzz --executions 10000000.

Each target starts from its kept corpus. With --keep the inputs that were found are minimised and
become the kept corpus. Exit code 1 and the sanitizer's report when something is found; the input is
then in build/fuzz, and python -m tests.fuzz --target TARGET --input FILE runs it alone (--keep puts
it into the corpus once it passes).
"""

import argparse
import random
import sys
from pathlib import Path

from tests.fuzz import harness


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--executions", type=int, default=1_000_000, help="of each target")
    parser.add_argument(
        "--target", action="append", choices=list(harness.TARGETS), help="default: all"
    )
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--keep", action="store_true", help="minimise and keep what was found")
    parser.add_argument("--input", type=Path, help="run this one input of one --target")
    options = parser.parse_args()
    if options.input and len(options.target or []) != 1:
        parser.error("--input: found no single --target, expected the one that the input is for")
    return options


def run_one(executable: Path, options: argparse.Namespace) -> None:
    target = options.target[0]
    harness.run_input(executable, target, options.input)
    print(f"{target}: {options.input}: nothing found")
    if options.keep:
        one = options.input.read_bytes()
        harness.write_corpus(target, [*{*harness.read_corpus(target), one}])


def main() -> int:
    options = arguments()
    reason = harness.unavailable()
    if reason:
        print(f"fuzz: {reason}", file=sys.stderr)
        return 2
    seed = options.seed or random.randrange(1, 1 << 31)
    print(f"building with {' '.join(harness.SANITIZE)} ...", flush=True)
    total = 0
    try:
        executable = harness.build()
        if options.input:
            run_one(executable, options)
            return 0
        for target in options.target or harness.TARGETS:
            result = harness.run(executable, target, options.executions, seed=seed)
            total += result.executions
            print(
                f"{target:17} {result.executions:>11,} executions in {result.seconds:>4} s, "
                f"{result.coverage:>4} edges, seed {seed}",
                flush=True,
            )
            if options.keep:
                print(f"{target:17} {harness.merge(executable, target):>11,} inputs kept")
    except harness.FuzzError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"total             {total:>11,} executions, nothing found")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
