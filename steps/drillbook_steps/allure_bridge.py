"""From pytest-bdd to plain allure-pytest: Gherkin steps, labels, measured values, and honest statuses.

allure-pytest alone shows no Gherkin step and calls an interrupted drill passed; allure-pytest-bdd cannot be installed
beside it. The plugin registers an ``AllureBridge`` when ``--alluredir`` is given; without it nothing here is imported.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from drillbook.clock import SystemClock
from drillbook.errors import DrillbookError
from drillbook.events import Json
from drillbook_steps import allure_files
from drillbook_steps.allure_evidence import Evidence

if TYPE_CHECKING:
    from allure_commons.model2 import TestResult
    from pytest_bdd.parser import Feature, Scenario, Step

NOT_RUN = "not run: an earlier step ended the scenario"


class AllureBridge:
    """pytest hooks; one instance a session. Does nothing while allure-pytest is not writing results."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self._open: list[str] = []
        self._begun = 0
        self._test: TestResult | None = None
        self._test_id = ""
        self._verdict = ""
        self._results: list[Json] = []

    @property
    def listener(self) -> Any:
        """allure-pytest's own listener, which writes the results; None when it does not write any."""
        return self.config.pluginmanager.get_plugin("allure_listener")

    def attach_result(self, result: dict[str, Json], evidence_dir: Path) -> None:
        """Show a drill's measured values and evidence on its test. Call it when the drill is recorded.

        The values are excluded parameters: they do not enter Allure's history id, so that runs stay comparable. After
        an interrupt the test has been written already; what can still be shown is then shown under tear-down.
        """
        if self.listener is None:
            return
        self._results.append(result)
        self._verdict = str(result["verdict"])
        evidence = Evidence(self.listener.allure_logger, result, evidence_dir)
        evidence.show_healing()
        evidence.attach_files(self._test_id if self._still_open() else None)
        if self._test is not None and self._still_open():
            evidence.show_measured(self._test)
            evidence.show_recovery(self._test)

    def note(self, results: list[Json]) -> None:
        """The results of drills that workers have shown already."""
        self._results = results

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, object, object]:
        """Allure names a fixture by this attribute; its own hook is a wrapper too, and reads it first thing."""
        if fixturedef.argname == "drill":
            fixturedef.func.__allure_display_name__ = allure_files.DRILL
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_bdd_before_scenario(self, request: pytest.FixtureRequest, feature: Feature, scenario: Scenario) -> None:
        self._open, self._begun, self._verdict = [], 0, ""
        if self.listener is None:
            return
        self._test = self.listener.allure_logger.get_test(None)
        if self._test is not None:
            self._test_id = str(self._test.uuid)
            _tell_scenario(self._test, request.node, feature, scenario)

    @pytest.hookimpl(tryfirst=True)
    def pytest_bdd_before_step(self, step: Step) -> None:
        self._start(step)

    @pytest.hookimpl(trylast=True)
    def pytest_bdd_after_step(self) -> None:
        self._stop(None)

    @pytest.hookimpl(trylast=True)
    def pytest_bdd_step_error(self, exception: BaseException) -> None:
        self._stop(exception)

    @pytest.hookimpl(trylast=True)
    def pytest_bdd_step_func_lookup_error(self, step: Step, exception: BaseException) -> None:
        self._start(step)
        self._stop(exception)

    @pytest.hookimpl(trylast=True)
    def pytest_bdd_after_scenario(self, scenario: Scenario) -> None:
        """Runs in a ``finally``: a skip, an interrupt and pytest.exit have no hook of their own."""
        error = sys.exc_info()[1]
        self._interrupted(error)
        while self._open:
            self._stop(error)
        for step in scenario.steps[self._begun :]:
            self._start(step)
            self._stop(pytest.skip.Exception(NOT_RUN))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """After each phase: the status follows the drill's verdict, and no path or name of this machine stays in it."""
        if self._test is not None and report.when == "teardown" and self._verdict:
            _follow_verdict(self._test, self._verdict)
        self._make_anonymous()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """An interrupt skips the reports; allure-pytest's wrapper around this one then writes the test as it is."""
        try:
            return (yield)
        except BaseException as error:
            self._interrupted(error)
            raise
        finally:
            self._make_anonymous()
            self._test = None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        directory = self.config.getoption("--alluredir", default=None)
        if self.listener is None or not directory or not Path(directory).is_dir():
            return
        from drillbook.report import trend

        if not hasattr(self.config, "workerinput"):
            trend.write_allure_metrics(Path(directory), self._results, SystemClock())
            allure_files.write(Path(directory), self._results, self.config.rootpath)

    def _interrupted(self, error: BaseException | None) -> None:
        if self._test is not None and _is_interrupt(error):
            _set_status(self._test, "broken", f"interrupted: {type(error).__name__}")

    def _make_anonymous(self) -> None:
        if self._test is not None:
            allure_files.scrub(self._test, self.config.rootpath)
            self._test.labels[:] = [label for label in self._test.labels if label.name != "host"]

    def _still_open(self) -> bool:
        return self._test is not None and self.listener.allure_logger.get_item(self._test_id) is self._test

    def _start(self, step: Step) -> None:
        self._begun += 1
        if self.listener is None:
            return
        self._open.append(str(uuid4()))
        self.listener.start_step(self._open[-1], f"{step.keyword.strip()} {step.name}", {})
        if step.datatable is not None:
            self._attach(_as_csv(step.datatable.raw()), "data table", "text/csv", "csv")
        if step.docstring is not None:
            self._attach(step.docstring, "doc string", "text/plain", "txt")

    def _stop(self, error: BaseException | None) -> None:
        if self._open:
            known = error is None or isinstance(error, DrillbookError | AssertionError | pytest.skip.Exception)
            trace = None if known or error is None else error.__traceback__
            self.listener.stop_step(self._open.pop(), type(error) if error else None, error, trace)

    def _attach(self, body: str, name: str, mime: str, extension: str) -> None:
        self.listener.allure_logger.attach_data(str(uuid4()), body, name, mime, extension)


def _tell_scenario(test: TestResult, item: pytest.Item, feature: Feature, scenario: Scenario) -> None:
    """Title, description, labels and example values; pytest-bdd's own carry an absolute path and a raw mapping."""
    from allure_commons.model2 import Label, Parameter

    test.name = scenario.name
    test.description = "\n\n".join(part.strip() for part in (feature.description, scenario.description) if part)
    tags = sorted({*feature.tags, *(scenario.rule.tags if scenario.rule else ()), *scenario.tags})
    pairs = [tag.partition(":")[::2] for tag in tags if ":" in tag]
    pairs += [("feature", feature.name), ("suite", feature.name)]
    if scenario.rule is not None:
        pairs += [("subSuite", scenario.rule.name)]
    test.labels.extend(Label(name=name, value=value) for name, value in pairs)
    test.parameters[:] = [parameter for parameter in test.parameters if parameter.name != "_pytest_bdd_example"]
    callspec = getattr(item, "callspec", None)
    example = callspec.params.get("_pytest_bdd_example", {}) if callspec else {}
    test.parameters.extend(Parameter(name=name, value=str(value)) for name, value in example.items())


def _is_interrupt(error: BaseException | None) -> bool:
    return error is not None and not isinstance(error, Exception | pytest.skip.Exception | pytest.fail.Exception)


def _follow_verdict(test: TestResult, verdict: str) -> None:
    """A missed objective is a failure; a broken instrument is not the service's."""
    status = {"FAIL": "failed", "INCONCLUSIVE": "failed", "INVALID": "broken", "NOT SIMULATED": "skipped"}.get(verdict)
    if status and test.status != "broken":
        test.status = status


def _set_status(test: TestResult, status: str, message: str) -> None:
    from allure_commons.model2 import StatusDetails

    test.status, test.statusDetails = status, StatusDetails(message=message)


def _as_csv(rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
