"""What the judge is told about a drill besides the canary's history and the final state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from drillbook.errors import EvidenceError
from drillbook.events import Json
from drillbook.objective import Basis, Interval, Objective, ObjectiveKind

_TIMED = (ObjectiveKind.RTO, ObjectiveKind.RPO, ObjectiveKind.LOSS_DURING, ObjectiveKind.INTERRUPTION)
"""Objectives whose interval an unpunctual canary widens and never falsifies: it knows when it really looked."""
_ERROR = 0.01
"""The share of what was promised that measuring may add to it."""
_AT_MOST = 0.5
"""Seconds that it may add, however much was promised."""


@dataclass(frozen=True)
class Check:
    """An integrity or configuration check. ``ok`` is None when it could not tell."""

    name: str
    ok: bool | None
    detail: str = ""


@dataclass(frozen=True)
class Run:
    """Instants are monotonic seconds of the machine's one clock, durations are seconds."""

    fault: Interval | None
    """The first fault as an interval of instants: [its injection began, its effect was confirmed]; None if none was."""
    end: float
    """Until when the drill looked. Taken before the canary is stopped."""
    hold: float
    """W: for how long the service must stay good before it counts as recovered."""
    slow: float
    """An answer later than this after it was due is a bad one."""
    rate: float
    """Of the canary, operations a second."""
    timeout: float
    basis: Basis
    objectives: tuple[Objective, ...] = ()
    checks: tuple[Check, ...] = ()
    detect: float | None = None
    declare: float | None = None
    exec0: float | None = None
    exec1: float | None = None
    lifted: float | None = None
    """When the last fault that was lifted in the drill was over."""
    cut0: float | None = None
    """When the planned cut-over began."""
    cut1: float | None = None
    """When its plan had ended."""
    plan_failure: str = ""
    """Why the recovery plan failed, or nothing."""

    @property
    def reference(self) -> Interval:
        """What the age of lost data is told from: the fault, or the end where none struck."""
        return self.fault or Interval(self.end, self.end)

    @property
    def tolerance(self) -> float:
        """Seconds by which an operation may be late, or the canary silent, without doubt on the verdict: a hundredth of
        the tightest time that was promised, and never more than half a second. None after a fault whose outage nobody
        limited: any number may be what it is measured for."""
        limits = [each.limit for each in self.objectives if each.kind in _TIMED]
        if self.fault and not limits:
            return 0.0
        return min([_AT_MOST, *(_ERROR * limit for limit in limits)])

    @property
    def punctual(self) -> float:
        """An operation that left within so many seconds after it was due was on time."""
        return max(1 / self.rate, 0.02)

    @property
    def max_late(self) -> float:
        """An operation that the canary delayed for longer is a late one, whatever came of it."""
        return max(self.punctual, self.tolerance)

    @property
    def max_gap(self) -> float:
        """A longer silence of the canary proves nothing about what happened in it."""
        return max(3 / self.rate, self.tolerance)

    @property
    def enough(self) -> int:
        """Operations that a hold must at least show: half of those that were due."""
        return max(2, math.floor(self.rate * self.hold / 2))

    @property
    def revisit(self) -> float:
        """Seconds within which the canary comes back to a record it keeps an eye on (see ``ledger``), and some."""
        return max(3.0, 30 / self.rate)

    def objective(self, kind: ObjectiveKind) -> Objective | None:
        """The strictest objective of this kind."""
        return min((each for each in self.objectives if each.kind is kind), key=lambda each: each.limit, default=None)

    def as_json(self) -> dict[str, Json]:
        return {
            **asdict(self),
            "fault": interval_json(self.fault),
            "objectives": [objective.as_json() for objective in self.objectives],
            "checks": [asdict(check) for check in self.checks],
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Json]) -> Run:
        """Raises EvidenceError when ``given`` is no run."""
        try:
            return cls(
                **{
                    **given,
                    "fault": _interval(given["fault"]),
                    "basis": Basis(given["basis"]),
                    "objectives": tuple(
                        Objective(ObjectiveKind(each["kind"]), float(each["limit"]), str(each["source"]))
                        for each in given["objectives"]
                    ),
                    "checks": tuple(Check(**check) for check in given["checks"]),
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EvidenceError(
                f"the drill's inputs are malformed ({error!r})", do="use them as the drill wrote them"
            ) from None


def _interval(given: Mapping[str, Json] | None) -> Interval | None:
    return None if given is None else Interval(float(given["lo"]), float(given["hi"]))


def interval_json(interval: Interval | None) -> dict[str, Json] | None:
    """``{"lo": seconds, "hi": seconds}``; an infinite bound is null, since JSON knows no infinity."""
    if interval is None:
        return None
    return {"lo": _finite(interval.lo), "hi": _finite(interval.hi)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
