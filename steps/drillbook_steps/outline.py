"""What a scenario is about, read from its sentences before it runs.

The objectives stand in the scenario's ``Then`` lines, where a reader looks for them. Reading them beforehand lets the
drill judge every objective even when an earlier step failed, and lets ``drillbook plan`` show a drill beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pytest_bdd.parser import Scenario, ScenarioTemplate, Step
from pytest_bdd.parsers import StepParser

from drillbook.objective import Objective, ObjectiveKind
from drillbook_steps import phrases


@dataclass(frozen=True)
class Outline:
    """Names as the scenario writes them; limits in seconds."""

    service: str = ""
    faults: tuple[str, ...] = ()
    detections: tuple[tuple[str, float], ...] = ()
    plans: tuple[str, ...] = ()
    """Recovery plans and planned cut-overs."""
    checks: tuple[str, ...] = ()
    configurations: tuple[str, ...] = ()
    objectives: tuple[Objective, ...] = field(default_factory=tuple)


def outline(scenario: Scenario | ScenarioTemplate, source: str = "") -> Outline:
    """Read ``scenario``. ``source`` (the feature's path) is where its objectives are said to come from."""
    steps = scenario.steps
    services = [*_blanks(steps, phrases.SERVICE, "service"), *_blanks(steps, phrases.SERVICE_IN_REGION, "service")]
    return Outline(
        service=next(iter(services), ""),
        faults=(*_blanks(steps, phrases.FAULT, "fault"), *_blanks(steps, phrases.FAULT_WITH, "fault")),
        detections=tuple((found["probe"], found["limit"]) for found in _matches(steps, phrases.DETECTED)),
        plans=(*_blanks(steps, phrases.PLAN, "plan"), *_blanks(steps, phrases.CUT_OVER, "plan")),
        checks=tuple(_blanks(steps, phrases.CHECK, "check")),
        configurations=tuple(_blanks(steps, phrases.CONFIGURATION, "resource")),
        objectives=tuple(_objectives(steps, source)),
    )


def _objectives(steps: list[Step], source: str) -> list[Objective]:
    kinds = [
        (phrases.RTO, ObjectiveKind.RTO),
        (phrases.RPO, ObjectiveKind.RPO),
        (phrases.LOSS_DURING, ObjectiveKind.LOSS_DURING),
        (phrases.INTERRUPTION, ObjectiveKind.INTERRUPTION),
        (phrases.LATENCY, ObjectiveKind.LATENCY),
        (phrases.NO_LOSS, ObjectiveKind.LOST),
        (phrases.NONE_BETWEEN, ObjectiveKind.LOST_BETWEEN),
        (phrases.LOST_BETWEEN, ObjectiveKind.LOST_BETWEEN),
    ]
    return [Objective(kind, _limit(match), source) for parser, kind in kinds for match in _matches(steps, parser)]


def _limit(match: dict[str, Any]) -> float:
    """In the unit of the objective's kind; a sentence that allows nothing has no blank."""
    return float(match.get("limit", match.get("count", 0)))


def _blanks(steps: list[Step], parser: StepParser, blank: str) -> list[str]:
    return [match[blank] for match in _matches(steps, parser)]


def _matches(steps: list[Step], parser: StepParser) -> list[dict[str, Any]]:
    return [parser.parse_arguments(step.name) or {} for step in steps if parser.is_matching(step.name)]
