"""The Allure bridge as Allure sees it: result files of a small project, whose drills are made up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MADE_UP = Path(__file__).parents[1] / "report" / "conftest.py"

FEATURE = """
@epic:recovery @severity:critical
Feature: Notes come back
  What an operator does when notes are gone.

  @owner:platform
  Scenario: Notes are restored
    Given the notes
      | id | text  |
      | 1  | hello |
    When they are told
      \"\"\"
      a doc string
      \"\"\"
    Then all is well

  Scenario: Recovery never ends
    Given a drill in which "back" is 99.0

  Scenario: The canary dies
    Given a drill in which "more" is {"verdict": "INVALID"}

  Scenario: The target cannot do it
    Given a drill in which "more" is {"verdict": "NOT SIMULATED"}

  Scenario: Notes stay away
    Given a drill in which "back" is 8.6
    When they are gone
    Then all is well

  Scenario: A step nobody wrote
    When something undefined happens
    Then all is well

  Rule: Each region on its own
    Scenario Outline: A region is lost
      When the region <region> is lost
      Examples:
        | region |
        | west   |

  Scenario: An operator interrupts healing
    When somebody presses Ctrl-C while it is healed

  Scenario: An operator interrupts
    When somebody presses Ctrl-C
    Then all is well
"""

CONFTEST = """
import importlib.util, json, os, sys
from pathlib import Path
import pytest
from pytest_bdd import given, parsers, then, when

spec = importlib.util.spec_from_file_location("made_up", os.environ["MADE_UP"])
made_up = importlib.util.module_from_spec(spec)
sys.modules["made_up"] = made_up
spec.loader.exec_module(made_up)

@pytest.fixture
def drill(request, tmp_path):
    truth = json.loads(os.environ.get("TRUTH", "{}"))
    yield truth
    result = made_up.MadeUp(**truth).write(tmp_path / "evidence")
    request.config.pluginmanager.get_plugin("drillbook-allure").attach_result(result, tmp_path / "evidence")

@pytest.fixture
def impatient():
    yield
    raise KeyboardInterrupt

@given("the notes")
def _(drill, datatable): pass

@when("somebody presses Ctrl-C while it is healed")
def _(impatient): pass

@given(parsers.parse('a drill in which "{name}" is {value}'))
def _(drill, name, value): drill[name] = json.loads(value)

@when("they are told")
def _(docstring): pass

@when("they are gone")
def _(): raise RuntimeError(f"gone from {Path(__file__).parent}/store")

@when("somebody presses Ctrl-C")
def _(drill): raise KeyboardInterrupt

@when(parsers.parse("the region {region} is lost"))
def _(region): pass

@then("all is well")
def _(): pass
"""


@dataclass
class Told:
    """What one run of the project left for Allure."""

    root: Path

    @property
    def results(self) -> Path:
        return self.root / "results"

    def test(self, name: str) -> dict[str, Any]:
        found = [json.loads(path.read_text()) for path in self.results.glob("*-result.json")]
        (result,) = [result for result in found if result["name"] == name]
        return dict(result)

    def teardown_of(self, name: str) -> dict[str, Any]:
        """The tear-down of a test's drill."""
        uuid = self.test(name)["uuid"]
        found = [json.loads(path.read_text()) for path in self.results.glob("*-container.json")]
        afters = [after for each in found if uuid in each["children"] for after in each["afters"]]
        (healing,) = [after for after in afters if "healed" in after["name"]]
        return dict(healing)

    def attached(self, item: dict[str, Any]) -> dict[str, str]:
        return {each["name"]: (self.results / each["source"]).read_text() for each in item["attachments"]}


def run(root: Path, *options: str, **environment: str) -> Told:
    (root / "drills" / "notes").mkdir(parents=True)
    (root / "drills" / "notes" / "service.yaml").write_text("service: notes\n")
    (root / "notes.feature").write_text(FEATURE)
    (root / "test_notes.py").write_text('from pytest_bdd import scenarios\nscenarios("notes.feature")\n')
    (root / "conftest.py").write_text(CONFTEST)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:hypothesispytest",
        "--tb=short",
        "-q",
    ]
    told = {**os.environ, "MADE_UP": str(MADE_UP), **environment}
    subprocess.run([*command, *options], cwd=root, env=told, check=False, timeout=60, capture_output=True)
    return Told(root)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_RUN_NUMBER": "7"}
    return run(tmp_path_factory.mktemp("told"), "--alluredir=results", "-k", "not interrupts", **actions)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The first drill again, measured otherwise; then the interrupted one."""
    truth = {"TRUTH": '{"back": 9.9}', "GITHUB_ACTIONS": ""}
    return run(
        tmp_path_factory.mktemp("told"),
        "--alluredir=results",
        "-k",
        "restored or (interrupts and not healing)",
        **truth,
    )


def names(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["name"], item["status"]) for item in items]


def labels(result: dict[str, Any]) -> set[tuple[str, str]]:
    return {(label["name"], label["value"]) for label in result["labels"]}


def values(result: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in result["parameters"]}


def test_gherkin_steps_tables_and_doc_strings_are_told(told: Told) -> None:
    steps = told.test("Notes are restored")["steps"]
    assert names(steps) == [
        ("Given the notes", "passed"),
        ("When they are told", "passed"),
        ("Then all is well", "passed"),
    ]
    assert told.attached(steps[0]) == {"data table": "id,text\n1,hello\n"}
    assert told.attached(steps[1]) == {"doc string": "a doc string"}
    assert steps[0]["start"] <= steps[0]["stop"]


def test_title_description_and_labels_come_from_the_feature(told: Told) -> None:
    result = told.test("Notes are restored")
    assert result["description"].startswith("What an operator does when notes are gone.")
    wanted = {("epic", "recovery"), ("severity", "critical"), ("owner", "platform"), ("feature", "Notes come back")}
    assert wanted <= labels(result)


def test_measured_values_are_excluded_from_the_history(told: Told, interrupted: Told) -> None:
    first, second = told.test("Notes are restored"), interrupted.test("Notes are restored")
    assert values(first)["rto measured"] == "3.50–3.70 s"
    assert values(second)["rto measured"] == "4.85–5.09 s"
    assert all(each["excluded"] for each in first["parameters"])
    assert first["historyId"] == second["historyId"]


def test_page_timeline_and_result_are_attached_to_the_test(told: Told) -> None:
    found = told.attached(told.test("Notes are restored"))
    assert found["timeline"].startswith("<svg")
    assert "Product catalogue API" in found["drill report"]
    assert json.loads(found["result"])["verdict"] == "PASS"


def test_healing_is_told_under_tear_down(told: Told) -> None:
    assert names(told.teardown_of("Notes are restored")["steps"]) == [("healed: deploy a broken handler", "passed")]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("Notes are restored", "passed"),
        ("Recovery never ends", "failed"),
        ("The canary dies", "broken"),
        ("The target cannot do it", "skipped"),
    ],
)
def test_the_status_follows_the_drills_verdict(told: Told, name: str, status: str) -> None:
    assert told.test(name)["status"] == status


def test_the_description_tells_basis_and_cause(told: Told) -> None:
    description = told.test("Recovery never ends")["description"]
    assert "it is not an actual RTO" in description
    assert "not recovered" in description


def test_an_interrupted_drill_is_broken_and_still_shows_its_healing(interrupted: Told) -> None:
    result = interrupted.test("An operator interrupts")
    assert (result["status"], result["statusDetails"]["message"]) == ("broken", "interrupted: KeyboardInterrupt")
    assert names(result["steps"]) == [("When somebody presses Ctrl-C", "broken"), ("Then all is well", "skipped")]
    healing = interrupted.teardown_of("An operator interrupts")
    assert names(healing["steps"]) == [("healed: deploy a broken handler", "passed")]
    assert "drill report" in interrupted.attached(healing)


def test_steps_after_a_failed_one_are_skipped(told: Told) -> None:
    assert names(told.test("Notes stay away")["steps"])[1:] == [
        ("When they are gone", "broken"),
        ("Then all is well", "skipped"),
    ]


def test_no_path_and_no_name_of_the_machine_leaks(told: Told) -> None:
    result = told.test("Notes stay away")
    assert "gone from ./store" in result["steps"][1]["statusDetails"]["message"]
    written = "".join(path.read_text() for path in told.results.glob("*-result.json"))
    assert str(told.root) not in written
    assert sys.prefix not in written
    assert "host" not in {name for name, _ in labels(result)}


def test_an_interrupt_while_healing_leaves_no_name_of_the_machine(tmp_path: Path) -> None:
    found = run(tmp_path / "p", "--alluredir=results", "-k", "healing")
    result = found.test("An operator interrupts healing")
    assert "host" not in {name for name, _ in labels(result)}
    assert result["status"] == "broken"


def test_an_undefined_step_is_broken(told: Told) -> None:
    steps = told.test("A step nobody wrote")["steps"]
    assert names(steps) == [("When something undefined happens", "broken"), ("Then all is well", "skipped")]


def test_examples_are_parameters_and_rules_are_suites(told: Told) -> None:
    result = told.test("A region is lost")
    assert values(result) == {"region": "west"}
    assert ("subSuite", "Each region on its own") in labels(result)


def test_environment_categories_and_executor_stand_beside_the_results(told: Told, interrupted: Told) -> None:
    assert "target = embedded\nbasis = emulated\n" in (told.results / "environment.properties").read_text()
    assert json.loads((told.results / "categories.json").read_text())[0]["name"] == "Objective missed"
    assert json.loads((told.results / "executor.json").read_text())["buildOrder"] == 7
    assert not (interrupted.results / "executor.json").exists()


def test_rto_and_rpo_are_allure_metrics(told: Told) -> None:
    (metrics,) = told.results.glob("*-perf.json")
    assert {metric["key"].split(".")[1] for metric in json.loads(metrics.read_text())} == {"rto", "rpo"}


def test_a_projects_own_categories_take_the_place_of_ours(tmp_path: Path) -> None:
    from drillbook_steps import allure_files

    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "categories.json").write_text("[]")
    allure_files.write(tmp_path, [], tmp_path)
    assert (tmp_path / "categories.json").read_text() == "[]"


def test_the_shipped_categories_are_those_of_the_repository() -> None:
    from drillbook_steps import allure_files

    shipped = Path(__file__).parents[2] / "reports" / "categories.json"
    assert json.loads(shipped.read_text()) == allure_files.CATEGORIES


def test_without_alluredir_nothing_of_allure_is_written(tmp_path: Path) -> None:
    found = run(tmp_path / "p", "-k", "undefined or region")
    assert not found.results.exists()
