"""What pytest-bdd lets pass and a drill must not.

An ``async def`` step is never awaited and passes; of two scenarios with one name only one runs, in silence; an empty
feature is no test at all; a drill without an objective cannot fail. Each is an error with its place in the file.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from drillbook.errors import LocatedError, UsageError
from drillbook.feature_file import parsed

_STRIKES = "the fault "
_OBJECTIVES = ("the measured RTO is", "the measured RPO is", "no acknowledged write is lost")


def refuse_async(step_func: Callable[..., object]) -> None:
    """Raises UsageError if a step is a coroutine or async generator function."""
    if inspect.iscoroutinefunction(step_func) or inspect.isasyncgenfunction(step_func):
        code = step_func.__code__
        raise UsageError(
            f"{code.co_filename}:{code.co_firstlineno}: an async step is never awaited, so it would pass unseen",
            do="make it a plain function, and run the coroutine with asyncio.run inside it",
        )


def lint(features: Iterable[Path], root: Path) -> None:
    """Read each feature file and raise LocatedError at the first mistake. Paths are told relative to ``root``."""
    for path in sorted(set(features)):
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        _lint_feature(shown, parsed(path, shown))


def _lint_feature(path: Path, feature: dict[str, Any] | None) -> None:
    if feature is None:
        raise LocatedError(path, 1, 1, "the file holds no feature", do="start it with 'Feature: …', or delete it")
    background, scenarios = _scenarios(feature)
    if not scenarios:
        place = feature["location"]
        raise LocatedError(
            path, place["line"], place["column"], f"the feature {feature['name']!r} has no scenario", do="add one"
        )
    seen: dict[str, int] = {}
    for scenario in scenarios:
        _refuse_duplicate(path, scenario, seen)
        _require_objective(path, scenario, background)


def _scenarios(feature: dict[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """The background's sentences, and every scenario, those inside rules too."""
    background: list[str] = []
    scenarios: list[dict[str, Any]] = []
    for child in feature["children"]:
        if "background" in child:
            background += [step["text"] for step in child["background"]["steps"]]
        elif "rule" in child:
            inner, more = _scenarios(child["rule"])
            background += inner
            scenarios += more
        else:
            scenarios.append(child["scenario"])
    return background, scenarios


def _refuse_duplicate(path: Path, scenario: dict[str, Any], seen: dict[str, int]) -> None:
    name, place = scenario["name"], scenario["location"]
    if name in seen:
        raise LocatedError(
            path,
            place["line"],
            place["column"],
            f"a scenario named {name!r} stands already in line {seen[name]}, and only one of them would run",
            do="give each scenario a name of its own",
        )
    seen[name] = place["line"]


def _require_objective(path: Path, scenario: dict[str, Any], background: list[str]) -> None:
    sentences = background + [step["text"] for step in scenario["steps"]]
    strikes = any(text.startswith(_STRIKES) for text in sentences)
    if strikes and not any(text.startswith(_OBJECTIVES) for text in sentences):
        place = scenario["location"]
        raise LocatedError(
            path,
            place["line"],
            place["column"],
            f"the scenario {scenario['name']!r} strikes but states no objective, so it could not fail",
            do="add for example 'Then the measured RTO is at most 20 minutes'",
        )
