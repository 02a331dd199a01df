"""The plugin as a consumer meets it: steps that are simply there, and mistakes told in one line."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
Drilled = Callable[..., pytest.RunResult]

LIGHT = """
import sys
import drillbook_steps.plugin
heavy = {"boto3", "botocore", "moto", "rich", "allure", "hypothesis", "pydantic", "yaml", "jinja2", "urllib3"}
print(sorted(heavy & set(sys.modules)))
"""


def test_loading_the_plugin_loads_nothing_heavy() -> None:
    seen = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"


def test_a_drill_runs_with_plain_pytest_and_leaves_its_evidence(consumer: pytest.Pytester, drilled: Drilled) -> None:
    result = drilled("--drillbook-json=out.json")
    assert result.ret == 0, str(result.stdout)
    (drill,) = json.loads((consumer.path / "out.json").read_text())["drills"]
    assert (drill["verdict"], drill["service"], drill["target"]) == ("PASS", "notes-http", "local")
    assert 0 < drill["rto"]["lo"] < drill["rto"]["hi"] < 30
    evidence = consumer.path / "reports" / "latest" / drill["evidence"]
    assert {"history.jsonl", "page.html", "manifest.json"} <= {path.name for path in evidence.iterdir()}


def test_folders_of_features_may_have_test_files_of_one_name(consumer: pytest.Pytester, drilled: Drilled) -> None:
    features = consumer.path / "features"
    for service in ("notes", "more-notes"):
        (features / service).mkdir()
        for file in ("notes.feature", "test_features.py"):
            shutil.copy(features / file, features / service / file)
    for file in ("notes.feature", "test_features.py"):
        (features / file).unlink()
    result = drilled("--collect-only")
    assert result.ret == 0, str(result.stdout)
    result.stdout.fnmatch_lines(["features/notes/test_features.py::test_store_lost"])
    result.stdout.fnmatch_lines(["features/more-notes/test_features.py::test_store_lost"])


def test_a_consumers_own_step_replaces_the_shipped_one(consumer: pytest.Pytester, drilled: Drilled) -> None:
    consumer.makeconftest(
        """
        from pytest_bdd import given
        from drillbook_steps import phrases

        @given(phrases.SERVICE)
        def _(service):
            raise AssertionError(f"mine, for {service}")
        """
    )
    drilled().stdout.fnmatch_lines(["*mine, for notes-http*"])


def test_an_async_step_is_refused(consumer: pytest.Pytester, drilled: Drilled) -> None:
    consumer.makeconftest(
        """
        from pytest_bdd import given
        from drillbook_steps import phrases

        @given(phrases.SERVICE)
        async def _(service):
            raise AssertionError("never seen")
        """
    )
    result = drilled()
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*conftest.py:*: an async step is never awaited, so it would pass unseen*"])


def test_an_unknown_service_is_one_line_with_the_nearest_name(consumer: pytest.Pytester, drilled: Drilled) -> None:
    feature = consumer.path / "features" / "notes.feature"
    feature.write_text(feature.read_text().replace("notes-http", "notes-htp"))
    result = drilled()
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*there is no service 'notes-htp'*did you mean 'notes-http'?"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_mistake_in_a_feature_stops_the_run_before_it_starts(consumer: pytest.Pytester, drilled: Drilled) -> None:
    feature = consumer.path / "features" / "notes.feature"
    feature.write_text(feature.read_text().replace("And the measured RTO is at most 30 seconds", ""))
    result = drilled()
    result.stderr.fnmatch_lines(["ERROR: features/notes.feature:4:3: the scenario 'Store lost' strikes but states no*"])
    assert not (consumer.path / ".drillbook" / "journal.sqlite3").exists()


def test_a_plan_is_shown_and_nothing_is_touched(consumer: pytest.Pytester, drilled: Drilled) -> None:
    result = drilled("--drillbook-plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["notes-http · Store lost", "*objective*RTO at most 30 s", "*1. put the last backup*"])
    assert not (consumer.path / "reports").exists()


def test_a_plugin_run_elsewhere_is_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makefile(".feature", broken="nothing at all")
    pytester.makepyfile("def test_x(): pass")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_missed_objective_is_exit_code_1_and_names_its_cause(consumer: pytest.Pytester, drilled: Drilled) -> None:
    result = drilled("--drillbook-sabotage=never started", "--drillbook-json=out.json")
    assert result.ret == 1
    (drill,) = json.loads((consumer.path / "out.json").read_text())["drills"]
    assert drill["verdict"] == "FAIL"
    assert any("see that notes can be read" in cause for cause in drill["causes"])
    assert drill["leftovers"] == 0


@pytest.mark.slow
def test_an_open_journal_refuses_the_next_drill(consumer: pytest.Pytester, drilled: Drilled) -> None:
    drilled()
    journal = sqlite3.connect(consumer.path / ".drillbook" / "journal.sqlite3")
    journal.execute("update entries set state = 'applied' where id = (select max(id) from entries)")
    journal.commit()
    journal.close()
    result = drilled()
    assert result.ret == 3
    result.stdout.fnmatch_lines(["*refused by the journal rail: 1 change(s) are open*run: drillbook heal"])


@pytest.mark.slow
def test_the_plan_of_an_aws_service_is_shown_without_a_cloud(pytester: pytest.Pytester) -> None:
    result = planned(pytester)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*blast radius arn:aws:dynamodb:af-south-1:111122223333:table/products", "*5. restore to a new table*"]
    )
    assert not (pytester.path / ".drillbook").exists()


def test_each_drill_that_is_named_is_chosen_once(pytester: pytest.Pytester) -> None:
    result = planned(pytester, "function failure", "Table", "FUNCTION")
    assert result.ret == 0
    assert sum(line.startswith("product-lambda · ") for line in result.outlines) == 2


def test_a_name_that_no_drill_has_is_refused_even_beside_one_that_is_known(pytester: pytest.Pytester) -> None:
    result = planned(pytester, "function failure", "tabel corruption")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no drill has 'tabel corruption' in its name*known: *Table corruption*"])


def planned(pytester: pytest.Pytester, *parts: str) -> pytest.RunResult:
    for folder in ("drills", "features"):
        shutil.copytree(REPOSITORY / folder / "product-lambda", pytester.path / folder / "product-lambda")
    named = [f"--drillbook-drill={part}" for part in parts]
    words = ("features", "-p", "no:hypothesispytest", "--drillbook-plan", *named)
    return pytester.runpytest_subprocess(*words, timeout=60)
