"""The files beside Allure's results: environment, categories, executor; and what must not stand in the results."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drillbook.events import Json

if TYPE_CHECKING:
    from allure_commons.model2 import TestResult

DRILL = "Drill: healed, judged and recorded when the scenario ends"
"""What Allure calls the ``drill`` fixture under set up and tear down."""

_INTERNAL = ("_pytest_bdd_example", "pytestbdd_")

CATEGORIES = [
    {"name": "Objective missed", "matchedStatuses": ["failed"], "messageRegex": "(?s).*(FAIL|RTO|RPO).*"},
    {
        "name": "Inconclusive: raise the canary's rate",
        "matchedStatuses": ["failed"],
        "messageRegex": "(?s).*INCONCLUSIVE.*",
    },
    {"name": "Not simulated by this target", "matchedStatuses": ["skipped"]},
    {"name": "Drill or instrument broken", "matchedStatuses": ["broken"]},
]
"""How Allure sorts what did not pass. A project's own ``reports/categories.json`` takes its place."""


def write(directory: Path, results: list[Json], root: Path) -> None:
    """Write the files, and tidy the containers (set up and tear down) that pytest-bdd's own fixtures leave behind."""
    (directory / "environment.properties").write_text(environment(results), encoding="utf-8")
    (directory / "categories.json").write_text(_categories(root), encoding="utf-8")
    if executor := executor_of(os.environ):
        (directory / "executor.json").write_text(json.dumps(executor, indent=1), encoding="utf-8")
    for container in directory.glob("*-container.json"):
        _tidy(container)


def _tidy(container: Path) -> None:
    """Keep what people wrote: a fixture with a name, and its tear-down once, under the fixture's name."""
    told = json.loads(container.read_text(encoding="utf-8"))
    befores = [fixture for fixture in told.get("befores", []) if not fixture["name"].startswith(_INTERNAL)]
    if not told.get("children") or not befores:
        container.unlink()
        return
    afters = [fixture for fixture in told.get("afters", []) if fixture.get("status")]
    for fixture in afters:
        fixture["name"] = fixture["name"].partition("::")[0]
    told.update(befores=befores, afters=afters)
    container.write_text(json.dumps(told), encoding="utf-8")


def environment(results: list[Json]) -> str:
    """Java properties. What was drilled, where, and with which Python; nothing of the machine's names."""
    told = {
        "services": ", ".join(dict.fromkeys(str(result.get("service", "")) for result in results)),
        "target": ", ".join(dict.fromkeys(str(result.get("target", "")) for result in results)),
        "basis": ", ".join(dict.fromkeys(str(result.get("basis", "")) for result in results)),
        "python": platform.python_version(),
        "system": platform.system(),
    }
    return "".join(f"{name} = {_escaped(value)}\n" for name, value in told.items() if value)


def executor_of(environment: Mapping[str, str]) -> dict[str, Any]:
    """Who ran it, when that is a CI that says so; empty otherwise.

    Source: docs.github.com, "Variables reference", default environment variables.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        return {}
    repository, run = environment.get("GITHUB_REPOSITORY", ""), environment.get("GITHUB_RUN_ID", "")
    number = environment.get("GITHUB_RUN_NUMBER", "0")
    return {
        "name": "GitHub Actions",
        "type": "github",
        "reportName": "drills",
        "buildName": f"{environment.get('GITHUB_WORKFLOW', 'drills')} #{number}",
        "buildOrder": int(number) if number.isdigit() else 0,
        "buildUrl": f"{environment.get('GITHUB_SERVER_URL', '')}/{repository}/actions/runs/{run}",
    }


def scrub(test: TestResult, root: Path) -> None:
    """Take the paths of this machine out of every message of a test and its steps."""
    for item in [test, *_below(test)]:
        details = item.statusDetails
        if details is not None:
            details.message = _relative(details.message, root)
            details.trace = _relative(details.trace, root)


def _below(item: Any) -> list[Any]:
    return [found for step in item.steps for found in (step, *_below(step))]


def _relative(text: str | None, root: Path) -> str | None:
    if text is None:
        return None
    for path, shown in ((sys.prefix, "python"), (str(root), "."), (str(Path.home()), "~")):
        text = text.replace(path + os.sep, shown + "/") if len(path) > 1 else text
    return text


def _categories(root: Path) -> str:
    own = root / "reports" / "categories.json"
    return own.read_text(encoding="utf-8") if own.is_file() else json.dumps(CATEGORIES, indent=1)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", " ")
