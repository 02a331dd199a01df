"""What a drill found beside its measurements: checks, and whether a plan failed. Without a canary, these judge it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from drillbook.measure.run import Check
from drillbook.objective import Verdict, worst


class Finding(NamedTuple):
    """Something that keeps a drill from passing, and why."""

    verdict: Verdict
    cause: str


def found(checks: Sequence[Check], plan_failure: str) -> list[Finding]:
    """What of this keeps the drill from passing: the plan first, then checks that failed, then those without answer."""
    plan = [Finding(Verdict.FAIL, f"the recovery plan failed: {plan_failure}")] if plan_failure else []
    failed = [Finding(Verdict.FAIL, f"the check “{c.name}” failed: {c.detail}") for c in checks if c.ok is False]
    unknown = [
        Finding(Verdict.INCONCLUSIVE, f"the check “{c.name}” could not tell: {c.detail}")
        for c in checks
        if c.ok is None
    ]
    return plan + failed + unknown


def alone(checks: Sequence[Check], plan_failure: str) -> Verdict:
    """The verdict of a drill without a canary. One that made no check, and whose plan did not fail, has shown nothing:
    it is INVALID."""
    verdicts = [finding.verdict for finding in found(checks, plan_failure)]
    return worst(verdicts or [Verdict.PASS if checks else Verdict.INVALID])
