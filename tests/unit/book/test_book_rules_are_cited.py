"""Goal: no rule without a test, and no test of a rule that is not written down.

Method: compare the numbers in docs/MATCHING_RULES.md with those that the tests of the books cite.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RULE = re.compile(r"^- \*\*(\d+\.\d+)\*\*", re.MULTILINE)
CITATION = re.compile(r"^@rule\((.*?)\)", re.MULTILINE | re.DOTALL)


def cited(sources: list[str]) -> set[str]:
    citations = [match for source in sources for match in CITATION.findall(source)]
    return {number for citation in citations for number in re.findall(r'"([\d.]+)"', citation)}


def test_every_rule_is_cited_by_a_test_and_every_citation_is_of_a_rule() -> None:
    rules = set(RULE.findall((ROOT / "docs" / "MATCHING_RULES.md").read_text()))
    assert len(rules) > 40
    sources = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    assert cited(sources) == rules


def test_the_comparison_sees_a_citation() -> None:
    assert cited(['@rule("1.1", "20.3")\ndef test_x(): ...', 'rule("7.7")']) == {"1.1", "20.3"}
