"""Goal: the core and the reference model both do what the scenarios say, event by event.

Method: each scenario of the files here is a case of its own, run against both; then the parser and
the comparison are shown to complain about a wrong file and a wrong event.
"""

import re
from pathlib import Path

import pytest
from tests.scenarios import __main__ as command_line
from tests.scenarios import runner, scenario
from tests.scenarios.definitions import ATTRIBUTES

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "MATCHING_RULES.md"
SCENARIOS = [each for path in sorted(HERE.glob("*.txt")) for each in scenario.read(path)]
SCENARIOS_MIN = 250
RULE = re.compile(r"^ *- \*\*(\d+(?:\.\d+)+)\*\*", re.MULTILINE)


@pytest.mark.parametrize("subject", runner.SUBJECTS)
@pytest.mark.parametrize("each", SCENARIOS, ids=lambda each: each.name)
def test_it_happens_as_the_scenario_says(each: scenario.Scenario, subject: str) -> None:
    runner.check(each, subject)


def test_there_are_many_scenarios_and_each_has_a_title_of_its_own() -> None:
    titles = [each.title.text for each in SCENARIOS]
    assert len(titles) >= SCENARIOS_MIN
    assert sorted({title for title in titles if titles.count(title) > 1}) == []


def test_scenarios_cite_rules_that_exist() -> None:
    rules = set(RULE.findall(PAGE.read_text()))
    cited = {rule for each in SCENARIOS for rule in each.rules}
    assert len(rules) > 100
    assert sorted(cited - rules) == []


def test_the_page_on_the_notation_names_every_word_of_an_instrument() -> None:
    text = (HERE / "README.md").read_text()
    words = text[text.index("An instrument has") : text.index("## Commands")]
    named = {word for quoted in re.findall(r"`([^`]+)`", words) for word in quoted.split()}
    assert sorted({*ATTRIBUTES, "state", "post-only", "allocation", "table"} - named) == []


WRONG_FILES = [
    ("scenario: x\n> A1 buy 1 @ 1.00\n= ok\n", 1, "without a line 'rule:'"),
    ("scenario: x\nrule: 9.3\n", 1, "without a command"),
    ("scenario: x\nrule: nine\n", 2, "found 'nine'"),
    ("scenario: x\nrule: 9.3\n< accepted\n", 3, "before any command"),
    ("scenario: x\nrule: 9.3\n> query A\n= fine\n", 4, "found 'fine'"),
    ("scenario: x\nrule: 9.3\n> query A\n", 3, "without events"),
    ("scenario: x\nrule: 9.3\n> query A\n= ok\n< next A 1\n", 5, "a second outcome"),
    ("scenario: x\nrule: 9.3\n> query A\n= ok\nquery A\n", 5, "a line with > < or ="),
    ("scenario: x\nrule: 9.3\n>\n", 3, "found nothing after '>'"),
]


@pytest.mark.parametrize(("text", "line", "what"), WRONG_FILES)
def test_a_wrong_file_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, what: str
) -> None:
    path = tmp_path / "wrong.txt"
    path.write_text(text)
    with pytest.raises(scenario.ScenarioError) as error:
        scenario.read(path)
    assert str(error.value).startswith(f"{path}:{line}: ")
    assert what in str(error.value)


WRONG_COMMANDS = [
    ("A1 buy 1 @ 1.00001", "at most 4 decimals"),
    ("A1 buy 1 @", "a price"),
    ("A1 buy ten @ 1.00", "a quantity"),
    ("A1 buys 1 @ 1.00", "expected a side"),
    ("A1 buy 1 @ 1.00 soon", "an option of an order"),
    ("a1 buy 1 @ 1.00", "a session"),
    ("cancel A1 now", "the end of the line"),
    ("modify A1 to 1", "'as'"),
    ("clock noon", "a time"),
    ("change NONE tick 0.01", "one of XYZ"),
    ("A2 replaces B1 1 @ 1.00", "two sessions"),
    ("A1 buy 4294967296 @ 1.00", "values that fit"),
    ("A1 buy 1 @ 1.00 stop -1.00", "values that fit"),
    ("A1 buy 1 @ 1.00 option 5", "values that fit"),
    ("bytes xyz", "values that fit"),
]


@pytest.mark.parametrize(("command", "what"), WRONG_COMMANDS)
def test_a_wrong_command_is_refused_with_its_line(tmp_path: Path, command: str, what: str) -> None:
    path = tmp_path / "wrong.txt"
    path.write_text(f"scenario: x\nrule: 1.2\n> {command}\n= ok\n")
    (each,) = scenario.read(path)
    with pytest.raises(scenario.ScenarioError) as error:
        runner.check(each, "model")
    assert str(error.value).startswith(f"{path}:3: ")
    assert what in str(error.value)


@pytest.mark.parametrize("subject", runner.SUBJECTS)
def test_an_event_that_differs_is_told_in_the_scenarios_own_words(
    tmp_path: Path, subject: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "differs.txt"
    path.write_text(
        "scenario: x\nrule: 5.1\n> A1 buy 5 @ 1.00\n"
        "< accepted A1 #1 buy 5 @ 1.00\n< added A1 #1 buy 4 @ 1.00\n"
    )
    (each,) = scenario.read(path)
    with pytest.raises(AssertionError) as error:
        runner.check(each, subject)
    assert str(error.value).splitlines()[:3] == [
        f"{path}:5: after `> A1 buy 5 @ 1.00`",
        "expected < added A1 #1 buy 4 @ 1.00",
        "found    < added A1 #1 buy 5 @ 1.00",
    ]
    assert command_line.main(["--with", subject, str(path)]) == 1
    assert "!! expected < added A1 #1 buy 4 @ 1.00" in capsys.readouterr().out
