"""What pytest-bdd lets pass and a drill must not.

An ``async def`` step is never awaited and passes; of two scenarios with one name only one runs, in silence; an empty
feature is no test at all; a drill without an objective cannot fail. Each is an error with its place in the file.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from drillbook.errors import LocatedError, UsageError
from drillbook.feature_file import parsed

_SERVICE = 'the service "'
_STRIKES = re.compile(r'the fault ".*" strikes( with)?$')
_CUT_OVER = re.compile(r'the planned cut-over ".*" is run$')
_RTO_OR_RPO = re.compile("the measured R[TP]O is ")
_FROM_THE_FAULT = re.compile(r"the measured R[TP]O is |at most .* of writes acknowledged during the outage are lost$")
_OF_THE_CUT_OVER = re.compile(r"the cut-over interrupted |.* acknowledged between the cut-overs (is|are) lost$")
_NO_LOSS = re.compile(r"no acknowledged write is lost$")
_MEASURED = re.compile(r"at least .* of all requests are answered well$|the P95 latency after recovery is ")
_CHECKED = re.compile(
    r'the check ".*" holds$|the configuration of the ".*" is that |the recovery plan ".*" took |nobody had to act$'
)
_DISRUPTS = re.compile(r'the (fault|recovery plan|planned cut-over) ".*" (strikes( with)?|is over|is run)$')


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
    """It can fail, and what it states can be measured in it."""
    told = _Told(background + [step["text"] for step in scenario["steps"]])
    name = f"the scenario {scenario['name']!r}"
    if told.says(_STRIKES) and not told.says(_RTO_OR_RPO, _NO_LOSS):
        what = f"{name} strikes but states no objective, so it could not fail"
        raise _mistake(path, scenario, what, "add for example 'Then the measured RTO is at most 20 minutes'")
    if told.drills and not told.says(_STRIKES, _CUT_OVER, _CHECKED, _MEASURED, _NO_LOSS):
        what = f"{name} neither strikes nor checks anything, so it could not fail"
        raise _mistake(
            path, scenario, what, "add a fault and its objective, or for example 'Then the check \"…\" holds'"
        )
    if told.says(_FROM_THE_FAULT) and told.drills and not told.says(_STRIKES):
        what = f"{name} states an RTO or RPO, and no fault strikes from which it could be measured"
        raise _mistake(path, scenario, what, "say 'no acknowledged write is lost', or let a fault strike")
    if told.says(_OF_THE_CUT_OVER) and not told.says(_CUT_OVER):
        what = f"{name} judges a cut-over, and none is run"
        raise _mistake(path, scenario, what, "add 'When the planned cut-over \"…\" is run'")
    for step in scenario["steps"][told.first_measured(scenario["steps"]) :]:
        if _DISRUPTS.match(step["text"]):
            what = f"{step['text']!r} comes after a sentence about a measured number, with which the measuring ends"
            raise _mistake(path, step, what, "put the sentences about measured numbers last")


class _Told:
    """The sentences of a scenario, its background's included."""

    def __init__(self, sentences: list[str]) -> None:
        self._sentences = sentences
        self.drills = any(text.startswith(_SERVICE) for text in sentences)

    def says(self, *wanted: re.Pattern[str]) -> bool:
        return any(pattern.match(text) for pattern in wanted for text in self._sentences)

    def first_measured(self, steps: list[dict[str, Any]]) -> int:
        """Where the first sentence stands that ends the measuring; after all of them, if there is none."""
        judging = (_FROM_THE_FAULT, _OF_THE_CUT_OVER, _NO_LOSS, _MEASURED)
        found = (number for number, step in enumerate(steps) if any(each.match(step["text"]) for each in judging))
        return next(found, len(steps))


def _mistake(path: Path, at: dict[str, Any], what: str, do: str) -> LocatedError:
    place = at["location"]
    return LocatedError(path, place["line"], place["column"], what, do=do)
