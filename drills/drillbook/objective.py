"""Objectives, measurements and verdicts: what is promised, what was measured, and what follows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Basis(StrEnum):
    """Where a number comes from. A number without a basis is not printed."""

    MEASURED_AWS = "measured-aws"
    MEASURED_LOCALSTACK = "measured-localstack"
    MEASURED_LOCAL = "measured-local"
    """A real service that is not a cloud's (a process, a container, somebody's URL), measured for real."""
    EMULATED = "emulated"
    PROJECTED = "projected"


class Verdict(StrEnum):
    """Unknown is not passed: only PASS is."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    """The interval straddles the objective: raise the canary's rate."""
    INVALID = "INVALID"
    """The instrument or the drill is broken; nothing is said about the service."""
    NOT_SIMULATED = "NOT SIMULATED"
    """The target cannot truly do what the drill needs."""


_SEVERITY = (Verdict.PASS, Verdict.NOT_SIMULATED, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.INVALID)


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict of a whole from those of its parts. INVALID outranks FAIL: a broken ruler proves no failure."""
    return max(verdicts, key=_SEVERITY.index, default=Verdict.INVALID)


@dataclass(frozen=True)
class Interval:
    """A measured number as the range that must contain the truth, in seconds. ``hi`` may be infinite (censored)."""

    lo: float
    hi: float

    def __post_init__(self) -> None:
        if not self.lo <= self.hi:
            raise ValueError(f"an interval runs from low to high, not from {self.lo} to {self.hi}")

    def __contains__(self, value: float) -> bool:
        return self.lo <= value <= self.hi

    @property
    def width(self) -> float:
        return self.hi - self.lo

    @property
    def censored(self) -> bool:
        return math.isinf(self.hi)


class ObjectiveKind(StrEnum):
    RTO = "RTO"
    RPO = "RPO"
    LOSS_DURING = "loss during the outage"
    """How far into the outage writes may be acknowledged and then lost; 0 unless the scenario declares it."""
    LOST = "lost writes"
    """How many acknowledged writes may be gone in the end, whenever they were acknowledged."""
    LATENCY = "P95 latency after recovery"
    INTERRUPTION = "interruption by the cut-over"
    """For how long a planned cut-over may keep clients from the service, in all."""
    LOST_BETWEEN = "writes lost between the cut-overs"
    """How many writes may be gone that the service acknowledged after it had failed over."""

    @property
    def unit(self) -> str:
        """What its limit and its measurements are given in: ``s`` or ``writes``."""
        return "writes" if self in (ObjectiveKind.LOST, ObjectiveKind.LOST_BETWEEN) else "s"

    @property
    def needs_fault(self) -> bool:
        """Is it measured from a fault on?"""
        return self in (ObjectiveKind.RTO, ObjectiveKind.RPO, ObjectiveKind.LOSS_DURING)


@dataclass(frozen=True)
class Objective:
    """At most ``limit`` of the kind's unit. ``source`` says who promised it (a feature's line, or the service file)."""

    kind: ObjectiveKind
    limit: float
    source: str = ""

    def judge(self, measured: Interval) -> Verdict:
        """PASS if the whole interval meets the objective, FAIL if none of it does, else INCONCLUSIVE."""
        if measured.hi <= self.limit:
            return Verdict.PASS
        # A censored interval never ends in the objective's favour: the drill stopped looking, the outage did not.
        if measured.lo > self.limit or measured.censored:
            return Verdict.FAIL
        return Verdict.INCONCLUSIVE

    def as_json(self) -> dict[str, str | float]:
        return {"kind": str(self.kind), "limit": self.limit, "unit": self.kind.unit, "source": self.source}
