"""A drill's evidence on its Allure test: measured values, recovery steps, healing, page, timeline and result."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from drillbook.events import EventKind, Json
from drillbook.report import chronicle, junit, page, record, wording

if TYPE_CHECKING:
    from allure_commons.model2 import TestResult, TestStepResult

FILES = (
    (page.DRAWING, "timeline", "image/svg+xml", "svg"),
    (page.NAME, "drill report", "text/html", "html"),
    ("verdict.json", "result", "application/json", "json"),
    ("history.jsonl", "canary history", "text/plain", "jsonl"),
)


class Evidence:
    """Shows one drill. ``logger`` is allure-pytest's reporter."""

    def __init__(self, logger: Any, result: dict[str, Json], directory: Path) -> None:
        self.logger, self.result, self.directory = logger, result, directory
        self.record = record.read(directory)

    def show_measured(self, test: TestResult) -> None:
        """The numbers as excluded parameters, and under which basis they were taken in the description."""
        from allure_commons.model2 import Parameter

        measured = junit.measured(self.result)
        test.parameters.extend(Parameter(name=name, value=value, excluded=True) for name, value in measured.items())
        told = [wording.basis_sentence(str(self.result.get("basis", ""))), *(self.result.get("causes") or [])]
        test.description = "\n\n".join([*filter(None, [test.description]), *map(str, told)])

    def show_recovery(self, test: TestResult) -> None:
        """Each recovery step below the Gherkin step during which it ran."""
        for step in chronicle.steps(self.record):
            shown = self._recovery_step(step)
            holder = max(test.steps, key=lambda gherkin: _overlap(gherkin, shown), default=None)
            if holder is not None and _overlap(holder, shown) > 0:
                holder.steps.append(shown)

    def show_healing(self) -> None:
        """What was undone, below the tear-down that is going on. Nothing outside one."""
        from allure_commons.model2 import TestAfterResult

        teardown = self.logger.get_last_item(TestAfterResult)
        if teardown is not None:
            teardown.steps.extend(self._healing())

    def attach_files(self, test_id: str | None) -> None:
        """Attach to the test with that id, or to what is going on when it is None."""
        for name, title, mime, extension in FILES:
            if (self.directory / name).exists() and (test_id or self.logger.get_last_item() is not None):
                self.logger.attach_file(
                    str(uuid4()), str(self.directory / name), title, mime, extension, parent_uuid=test_id
                )

    def _healing(self) -> Iterator[TestStepResult]:
        for event in self.record.of_kind(EventKind.JOURNAL):
            if event.get("state") == "healed":
                yield _step(f"healed: {event['name']}", _milliseconds(event), 0.0, "passed")

    def _recovery_step(self, step: Json) -> TestStepResult:
        from allure_commons.model2 import StatusDetails

        seconds = float(step.get("seconds") or 0.0)
        status = {"done": "passed", "failed": "failed"}.get(str(step.get("outcome")), "skipped")
        budget = f" (budget {wording.seconds_text(step['budget'])})" if step.get("budget") else ""
        shown = _step(f"{step['name']}{budget}", self._began(step), seconds, status)
        if step.get("error"):
            shown.statusDetails = StatusDetails(message=str(step["error"]))
        return shown

    def _began(self, step: Json) -> int:
        first = self.record.events[0]
        return _milliseconds(first) + round(float(step["at"] - first["at"]) * 1000)


def _step(name: str, start: int, seconds: float, status: str) -> TestStepResult:
    from allure_commons.model2 import TestStepResult

    return TestStepResult(name=name, status=status, stage="finished", start=start, stop=start + round(seconds * 1000))


def _overlap(gherkin: TestStepResult, step: TestStepResult) -> int:
    """How many milliseconds two steps share; one more, so that a step of no length counts where it falls."""
    shared = min(gherkin.stop or 0, step.stop or 0) - max(gherkin.start or 0, step.start or 0)
    return int(shared) + 1


def _milliseconds(event: Json) -> int:
    moment = datetime.fromisoformat(str(event["utc"]))
    return round(moment.timestamp() * 1000)
