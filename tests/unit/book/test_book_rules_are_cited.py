"""Goal: no rule without a test, and no test of a rule that is not written down.

Method: compare the numbers in docs/MATCHING_RULES.md with those that the tests of the books cite:
tests by their decorator `rule`, scenarios by their lines `rule:`.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RULE = re.compile(r"^ *- \*\*(\d+\.\d+(?:\.\d+)?)\*\*", re.MULTILINE)
CITATION = re.compile(r"^@(?:rule|cites)\((.*?)\)", re.MULTILINE | re.DOTALL)
SCENARIO = re.compile(r"^rule: (.*)$", re.MULTILINE)


def cited_by_tests(sources: list[str]) -> set[str]:
    citations = [match for source in sources for match in CITATION.findall(source)]
    return {number for citation in citations for number in re.findall(r'"([\d.]+)"', citation)}


def cited_by_scenarios(sources: list[str]) -> set[str]:
    return {
        number for source in sources for line in SCENARIO.findall(source) for number in line.split()
    }


def read(pattern: str) -> list[str]:
    return [path.read_text() for path in (ROOT / "tests").rglob(pattern)]


def test_every_rule_is_cited_by_a_test_and_every_citation_is_of_a_rule() -> None:
    rules = set(RULE.findall((ROOT / "docs" / "MATCHING_RULES.md").read_text()))
    assert len(rules) > 100
    scenarios = read("scenarios/*.txt")
    assert scenarios
    cited = cited_by_tests(read("test_*.py")) | cited_by_scenarios(scenarios)
    assert rules - cited == set(), "rules that nothing cites"
    assert cited - rules == set(), "citations of no rule"


def test_the_comparison_sees_a_citation() -> None:
    tests = ['@rule("1.1", "20.3")\ndef test_x(): ...', 'rule("7.7")', '@cites("4.9.1")\n']
    assert cited_by_tests(tests) == {"1.1", "20.3", "4.9.1"}
    assert cited_by_scenarios(["scenario: x\nrule: 9.3 4.9.2\n> rule: 1.1"]) == {"9.3", "4.9.2"}


def test_the_comparison_sees_a_rule() -> None:
    assert RULE.findall("- **1.2** Each\n    - **4.9.1** Route\n**3.1** no") == ["1.2", "4.9.1"]
