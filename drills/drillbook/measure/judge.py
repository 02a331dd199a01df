"""The judge: history, final state and the drill's instants in, verdict out. Pure: no clock, no file, no network.

``drillbook verify`` runs it again on the evidence and must come to the same judgement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from drillbook.events import Json
from drillbook.measure.answered import answered
from drillbook.measure.away import away
from drillbook.measure.cutover import CutOver, before_it, cut_over
from drillbook.measure.final import Final
from drillbook.measure.findings import Finding
from drillbook.measure.findings import found as findings
from drillbook.measure.health import Health, health
from drillbook.measure.history import WRITES, History, Res
from drillbook.measure.latency import buckets, latency
from drillbook.measure.loss import INTEGRITY, Losses, losses
from drillbook.measure.outcome import Measured, Outcome, outcome
from drillbook.measure.phases import phases
from drillbook.measure.rto import Rto, rto
from drillbook.measure.run import Run, interval_json
from drillbook.measure.sight import Sighting, sightings
from drillbook.measure.windows import total, windows
from drillbook.objective import Interval, Objective, ObjectiveKind, Verdict, worst

_EXAMPLES = 20
NO_FAULT = "no-fault"
"""The state of the RTO where no fault struck: there was nothing to recover from."""


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    outcomes: tuple[Outcome, ...]
    causes: tuple[str, ...]
    """Why the verdict is not PASS, the most important first."""
    rto: Rto | None
    """None where no fault struck."""
    losses: Losses
    cut: CutOver | None
    """None where no planned cut-over was made."""
    health: Health
    run: Run
    seen: tuple[Sighting, ...]

    def as_json(self) -> dict[str, Json]:
        """What verdict.json stores. Seconds, except under ``instants`` and ``windows``: monotonic instants."""
        struck = self.rto is not None
        restored = self.rto.restored.hi if self.rto and self.rto.restored else None
        return {
            "verdict": self.verdict,
            "causes": list(self.causes),
            "objectives": [outcome.as_json() for outcome in self.outcomes],
            "rto": self._rto_json(),
            "rpo": self._measure_json(self.losses.rpo if struck else None, ObjectiveKind.RPO),
            "loss_during": self._measure_json(self.losses.during if struck else None, ObjectiveKind.LOSS_DURING),
            "cut_over": self._cut_over_json(),
            "phases": phases(self.run, self.rto),
            "windows": self._windows_json(),
            "lost": len(self.losses.lost),
            "loss": self._loss_json(),
            "latency": latency(self.seen, self.run, restored),
            "answered": answered(self.seen, self.run, restored),
            "buckets": buckets(self.seen, self.run),
            "health": self.health.as_json(),
        }

    def _rto_json(self) -> dict[str, Json]:
        if self.rto is None:
            return {**self._measure_json(None, ObjectiveKind.RTO), "state": NO_FAULT}
        return {
            **self._measure_json(self.rto.interval, ObjectiveKind.RTO),
            "state": self.rto.state,
            "instants": {
                "impact": self.rto.impact,
                "restored": interval_json(self.rto.restored),
                "verified": self.rto.verified,
            },
        }

    def _cut_over_json(self) -> dict[str, Json] | None:
        if self.cut is None:
            return None
        return {
            "interruption": self._measure_json(self.cut.interruption, ObjectiveKind.INTERRUPTION),
            "lost": self._measure_json(self.cut.lost, ObjectiveKind.LOST_BETWEEN),
            "began": self.run.cut0,
            "ended": self.run.cut1,
            **self.cut.as_json(),
        }

    def _measure_json(self, measured: Interval | None, kind: ObjectiveKind) -> dict[str, Json]:
        objective = self.run.objective(kind)
        return {
            **(interval_json(measured) or {}),
            "objective": objective.limit if objective else self._default_limit(kind),
            "basis": self.run.basis,
        }

    def _default_limit(self, kind: ObjectiveKind) -> float | None:
        return next((each.objective.limit for each in self.outcomes if each.objective.kind is kind), None)

    def _windows_json(self) -> dict[str, Json]:
        found = windows(self.seen)
        each = [{"start": interval_json(w.start), "end": interval_json(w.end), "bad": w.bad} for w in found]
        return {"total": interval_json(total(found)), "each": each}

    def _loss_json(self) -> dict[str, Json]:
        found = self.losses
        return {
            "attempted": found.attempted,
            "acknowledged": found.acked,
            "lost_before": found.lost_before,
            "lost_during": len(found.lost_during),
            "lost_striking": found.lost_striking,
            "counts": dict(found.counts),
            "masked": found.masked,
            "holes": found.holes,
            "span": found.span,
            "examples": [asdict(finding) for finding in found.findings[:_EXAMPLES]],
        }


def judge(history: History, final: Final, run: Run) -> Judgement:
    """Judge one drill."""
    found = _measure(history, final, run)
    outcomes = tuple(outcome(objective, found) for objective in _objectives(run, found.losses))
    rest = [*_instrument(found.health), *_integrity(found.losses), *findings(run.checks, run.plan_failure)]
    judged = [Finding(each.verdict, each.cause) for each in outcomes if each.verdict is not Verdict.INVALID]
    causes = [cause for _, cause in _by_gravity([*rest, *(each for each in judged if each[0] is not Verdict.PASS)])]
    verdict = worst([*(each.verdict for each in outcomes), *(each.verdict for each in rest)])
    seen = tuple(found.seen)
    return Judgement(verdict, outcomes, tuple(causes), found.rto, found.losses, found.cut, found.health, run, seen)


def _measure(history: History, final: Final, run: Run) -> Measured:
    lost = losses(history.ops, final, run.reference)
    seen = sightings(history.ops, run.slow, lost, away(history.ops, run))
    measured = rto(*before_it(seen, run), len(lost.lost)) if run.fault else None
    cut = None
    if run.cut0 is not None:
        acks = [op.done for op in history.ops if op.f in WRITES and op.res is Res.OK]
        cut = cut_over(seen, run, lost, acks, measured)
        if run.objective(ObjectiveKind.LOST_BETWEEN):
            lost = lost.during_until(cut.since, run.reference)
    return Measured(run, seen, lost, health(history, seen, run), measured, cut)


def _objectives(run: Run, found: Losses) -> Sequence[Objective]:
    """The declared ones; and what was acknowledged in a drill must not be lost, but for what was declared.

    For what was acknowledged while the fault struck, a declared RPO answers.
    """
    if run.objective(ObjectiveKind.LOST):
        return run.objectives
    if run.fault is None:
        return [*run.objectives, Objective(ObjectiveKind.LOST, 0.0, "default: a drill without a fault loses nothing")]
    answered_for = found.lost_striking if run.objective(ObjectiveKind.RPO) else 0
    if len(found.lost_during) > answered_for and not run.objective(ObjectiveKind.LOSS_DURING):
        return [*run.objectives, Objective(ObjectiveKind.LOSS_DURING, 0.0, "default: no such loss was declared")]
    return run.objectives


def _instrument(instrument: Health) -> list[Finding]:
    return [Finding(Verdict.INVALID, problem) for problem in instrument.problems]


def _integrity(found: Losses) -> list[Finding]:
    counts = found.counts
    wrong = [label for label in INTEGRITY if counts[label]]
    return [Finding(Verdict.FAIL, f"integrity: {counts[label]} records are {label}") for label in wrong]


def _by_gravity(judged: Sequence[Finding]) -> list[Finding]:
    return sorted(judged, key=lambda each: each.verdict not in (Verdict.INVALID, Verdict.FAIL))
