"""What pytest-bdd would let pass, and the plugin does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from drillbook.errors import LocatedError
from drillbook_steps.guards import lint

STRIKE = """
  Scenario: {name}
    When the fault "x" strikes
    Then the measured RTO is at most 1 minute
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "features" / "a.feature"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def mistake(folder: Path, text: str) -> str:
    with pytest.raises(LocatedError) as raised:
        lint([written(folder, text)], folder)
    return str(raised.value)


def test_two_scenarios_of_one_name_are_refused_with_both_lines(tmp_path: Path) -> None:
    told = mistake(tmp_path, "Feature: F\n" + STRIKE.format(name="Same") * 2)
    assert told.startswith("features/a.feature:7:3: a scenario named 'Same' stands already in line 3")


def test_two_scenarios_of_one_name_in_different_rules_are_refused(tmp_path: Path) -> None:
    rules = "".join(f"\n Rule: R{number}\n{STRIKE.format(name='Same')}" for number in (1, 2))
    assert "stands already in line" in mistake(tmp_path, "Feature: F\n" + rules)


def test_a_feature_without_a_scenario_is_refused(tmp_path: Path) -> None:
    assert mistake(tmp_path, "Feature: Nothing\n").startswith("features/a.feature:1:1: the feature 'Nothing' has no")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "holds no feature" in mistake(tmp_path, "")


def test_text_that_is_no_gherkin_is_refused_at_its_line(tmp_path: Path) -> None:
    assert mistake(tmp_path, "Feature: F\n\n  Scenario: S\n    Given a\n    nonsense\n").startswith(
        "features/a.feature:5:5: "
    )


def test_a_scenario_that_strikes_without_an_objective_is_refused(tmp_path: Path) -> None:
    told = mistake(tmp_path, 'Feature: F\n  Scenario: S\n    When the fault "x" strikes\n')
    assert told.startswith("features/a.feature:2:3: the scenario 'S' strikes but states no objective")


def test_an_objective_in_each_scenario_is_enough_when_the_background_strikes(tmp_path: Path) -> None:
    text = 'Feature: F\n  Background:\n    When the fault "x" strikes\n'
    written_ = written(tmp_path, text + "  Scenario: S\n    Then no acknowledged write is lost\n")
    lint([written_], tmp_path)


def test_a_scenario_that_breaks_nothing_needs_no_objective(tmp_path: Path) -> None:
    lint([written(tmp_path, "Feature: F\n  Scenario: S\n    Given a\n")], tmp_path)
