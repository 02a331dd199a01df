"""The plans of a drill as they were run, one after another; the same plan may have been run twice."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from drillbook.events import EventKind, Json
from drillbook.report import chronicle
from drillbook.report.record import Record

BEGINNINGS = ("t_exec0", "t_cut0")
"""The instants at which a plan begins; the second is a planned cut-over's."""


@dataclass(frozen=True)
class PlanRun:
    """``at`` is when it began, in seconds from the fault, and ``seconds`` what it took, first step to last."""

    plan: str
    at: float
    seconds: float
    is_cut_over: bool
    steps: list[Json]


def plan_runs(record: Record) -> list[PlanRun]:
    """In the order in which they began."""
    steps = chronicle.steps(record)
    begun = [event for event in record.of_kind(EventKind.INSTANT) if event["name"] in BEGINNINGS]
    runs = [_run(record, event, until, steps) for event, until in pairwise([*begun, None])]
    return [run for run in runs if run.steps]


def _run(record: Record, event: Json, following: Json, steps: list[Json]) -> PlanRun:
    until = following["at"] if following else float("inf")
    mine = [step for step in steps if event["at"] <= step["at"] < until]
    ended = max((step["at"] + float(step.get("seconds") or 0) for step in mine), default=event["at"])
    plan = str(event.get("plan") or (mine[0].get("plan", "") if mine else ""))
    return PlanRun(plan, event["at"] - record.origin, ended - event["at"], event["name"] == "t_cut0", mine)
