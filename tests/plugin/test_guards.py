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


CALM = 'Feature: F\n  Scenario: S\n    Given the service "x"\n'


@pytest.mark.parametrize(
    ("sentences", "what"),
    [
        ((), "neither strikes nor checks anything, so it could not fail"),
        (('the recovery plan "p" is run',), "neither strikes nor checks anything"),
        (('the check "c" holds', "the measured RTO is at most 1 minute"), "no fault strikes from which"),
        (
            ("at most 1 s of writes acknowledged during the outage are lost", "no acknowledged write is lost"),
            "no fault",
        ),
        (("no write acknowledged between the cut-overs is lost", 'the check "c" holds'), "cut-over, and none is run"),
        (("no acknowledged write is lost", 'the recovery plan "p" is run'), "with which the measuring ends"),
        (("at least 99 % of all requests are answered well", 'the planned cut-over "p" is run'), "measuring ends"),
    ],
)
def test_a_drill_that_could_not_fail_or_not_measure_what_it_states_is_refused(
    tmp_path: Path, sentences: tuple[str, ...], what: str
) -> None:
    assert what in mistake(tmp_path, CALM + "".join(f"    Then {each}\n" for each in sentences))


@pytest.mark.parametrize(
    "sentence",
    [
        'the check "c" holds',
        'the configuration of the "table" is that of its source',
        'the recovery plan "p" took at most 3 minutes',
        "at least 99.9 % of all requests are answered well",
        "no acknowledged write is lost",
        "the P95 latency after recovery is at most 300 ms",
    ],
)
def test_a_drill_without_a_fault_states_what_must_hold(tmp_path: Path, sentence: str) -> None:
    lint([written(tmp_path, f"{CALM}    Then {sentence}\n")], tmp_path)


def test_a_scenario_that_breaks_nothing_needs_no_objective(tmp_path: Path) -> None:
    lint([written(tmp_path, "Feature: F\n  Scenario: S\n    Given a\n")], tmp_path)
