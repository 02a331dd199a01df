"""The judge: history, final state and the drill's instants in, verdict out. Pure: no clock, no file, no network.

``drillbook verify`` runs it again on the evidence and must come to the same judgement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from drillbook.events import Json
from drillbook.measure.answered import answered
from drillbook.measure.final import Final
from drillbook.measure.health import Health, health
from drillbook.measure.history import History, Op
from drillbook.measure.latency import buckets, latency
from drillbook.measure.loss import INTEGRITY, Losses, losses
from drillbook.measure.phases import phases
from drillbook.measure.rto import Rto, State, rto
from drillbook.measure.run import Check, Run, interval_json
from drillbook.measure.sight import Sighting, sightings
from drillbook.measure.windows import total, windows
from drillbook.objective import Interval, Objective, ObjectiveKind, Verdict, worst
from drillbook.units import duration_text

_EXAMPLES = 20


@dataclass(frozen=True)
class Outcome:
    """One objective, what was measured, and what follows."""

    objective: Objective
    measured: Interval
    verdict: Verdict
    cause: str

    def as_json(self) -> dict[str, Json]:
        return {
            **asdict(self.objective),
            "measured": interval_json(self.measured),
            "verdict": self.verdict,
            "cause": self.cause,
        }


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    outcomes: tuple[Outcome, ...]
    causes: tuple[str, ...]
    """Why the verdict is not PASS, the most important first."""
    rto: Rto
    losses: Losses
    health: Health
    run: Run
    seen: tuple[Sighting, ...]

    def as_json(self) -> dict[str, Json]:
        """What verdict.json stores. Seconds, except under ``instants`` and ``windows``: monotonic instants."""
        return {
            "verdict": self.verdict,
            "causes": list(self.causes),
            "objectives": [outcome.as_json() for outcome in self.outcomes],
            "rto": self._rto_json(),
            "rpo": self._measure_json(self.losses.rpo, ObjectiveKind.RPO),
            "loss_during": self._measure_json(self.losses.during, ObjectiveKind.LOSS_DURING),
            "phases": phases(self.run, self.rto),
            "windows": self._windows_json(),
            "lost": len(self.losses.lost),
            "loss": self._loss_json(),
            "latency": latency(self.seen, self.run, self.rto.restored.hi if self.rto.restored else None),
            "answered": answered(self.seen, self.run, self.rto.restored.hi if self.rto.restored else None),
            "buckets": buckets(self.seen, self.run),
            "health": self.health.as_json(),
        }

    def _rto_json(self) -> dict[str, Json]:
        return {
            **self._measure_json(self.rto.interval, ObjectiveKind.RTO),
            "state": self.rto.state,
            "instants": {
                "impact": self.rto.impact,
                "restored": interval_json(self.rto.restored),
                "verified": self.rto.verified,
            },
        }

    def _measure_json(self, measured: Interval, kind: ObjectiveKind) -> dict[str, Json]:
        outcome = next((each for each in self.outcomes if each.objective.kind is kind), None)
        return {
            **(interval_json(measured) or {}),
            "objective": outcome.objective.seconds if outcome else None,
            "basis": self.run.basis,
        }

    def _windows_json(self) -> dict[str, Json]:
        found = windows(self.seen)
        each = [{"start": interval_json(w.start), "end": interval_json(w.end), "bad": w.bad} for w in found]
        return {"total": interval_json(total(found)), "each": each}

    def _loss_json(self) -> dict[str, Json]:
        found = self.losses
        return {
            "attempted": found.attempted,
            "acknowledged": found.acked,
            "lost_before": len(found.lost) - len(found.lost_during),
            "lost_during": len(found.lost_during),
            "counts": dict(found.counts),
            "masked": found.masked,
            "holes": found.holes,
            "span": found.span,
            "examples": [asdict(finding) for finding in found.findings[:_EXAMPLES]],
        }


def judge(history: History, final: Final, run: Run) -> Judgement:
    """Judge one drill."""
    found = losses(history.ops, final, run.fault)
    seen = tuple(sightings(history.ops, run.slow, found))
    measured, instrument = rto(seen, run, len(found.lost)), health(history, seen, run)
    outcomes = tuple(_outcome(objective, measured, found, instrument) for objective in _objectives(run, found))
    rest = [*_instrument(instrument), *_plan(run), *_integrity(found), *_checks(run.checks)]
    judged = [(each.verdict, each.cause) for each in outcomes if each.verdict is not Verdict.INVALID]
    causes = [cause for _, cause in _by_gravity([*rest, *((v, c) for v, c in judged if v is not Verdict.PASS)])]
    verdict = worst([*(each.verdict for each in outcomes), *(verdict for verdict, _ in rest)])
    return Judgement(verdict, outcomes, tuple(causes), measured, found, instrument, run, seen)


def _objectives(run: Run, found: Losses) -> Sequence[Objective]:
    """The declared ones; and what was acknowledged during the outage must not be lost unless that was declared."""
    if found.lost_during and not run.objective(ObjectiveKind.LOSS_DURING):
        return [*run.objectives, Objective(ObjectiveKind.LOSS_DURING, 0.0, "default: no such loss was declared")]
    return run.objectives


def _outcome(objective: Objective, measured: Rto, found: Losses, instrument: Health) -> Outcome:
    if objective.kind is ObjectiveKind.RTO:
        interval, verdict, cause = measured.interval, _rto_verdict(objective, measured), _rto_cause(measured)
    elif objective.kind is ObjectiveKind.RPO:
        interval, verdict, cause = found.rpo, _rpo_verdict(objective, found), _rpo_cause(found)
    else:
        interval, verdict = found.during, _unless_unreadable(objective.judge(found.during), found)
        cause = _during_cause(found)
    if not instrument.ok:
        verdict = Verdict.INVALID
    sentence = f"{objective.kind} of at most {duration_text(objective.seconds)}: {cause}"
    return Outcome(objective, interval, verdict, sentence)


def _rto_verdict(objective: Objective, measured: Rto) -> Verdict:
    return Verdict.INCONCLUSIVE if measured.state is State.UNOBSERVED else objective.judge(measured.interval)


def _rpo_verdict(objective: Objective, found: Losses) -> Verdict:
    if found.rpo.censored and found.rpo.lo <= objective.seconds:
        return (
            Verdict.INCONCLUSIVE
        )  # the recovery point is older than what the canary wrote; by how much, it cannot say
    if not objective.seconds and found.attempted and not found.lost:
        # "No acknowledged write is lost" speaks of writes: how old a loss could have been at most is no part of it.
        return _unless_unreadable(Verdict.PASS, found)
    return _unless_unreadable(objective.judge(found.rpo), found)


def _unless_unreadable(verdict: Verdict, found: Losses) -> Verdict:
    return Verdict.INCONCLUSIVE if verdict is Verdict.PASS and found.unreadable else verdict


def _rto_cause(measured: Rto) -> str:
    lo, hi = measured.interval.lo, measured.interval.hi
    if measured.state is State.RECOVERED:
        return f"service restored {_span(measured.interval)} after the fault"
    if measured.state is State.NO_IMPACT:
        return f"no impact was seen; an outage, if any, was shorter than {duration_text(hi)}"
    if measured.state is State.UNOBSERVED:
        return f"{measured.why}, so nothing shows when or whether a recovery took effect"
    last = f"; the last bad operation was {_op_text(measured.last_bad)}" if measured.last_bad else ""
    return f"not recovered after {duration_text(lo)}: {measured.why}{last}"


def _op_text(op: Op) -> str:
    what = f"{op.f} of {op.key}" if op.key else str(op.f)
    if op.stale:
        shown = "nothing" if op.seen == 0 else f"version {op.seen}" if op.seen and op.seen > 0 else "a foreign record"
        wanted = f"version {op.ver}" if op.ver else "its deletion"
        return f"{what} → {op.status}, showing {shown} where {wanted} was acknowledged"
    return f"{what} → {op.status or op.res}"


def _rpo_cause(found: Losses) -> str:
    if not found.attempted:
        return "the canary wrote nothing, so data loss was not measured"
    if found.unreadable:
        return f"{found.unreadable} acknowledged writes could not be read after recovery; {_lost_text(found)}"
    if found.rpo.censored and found.lost:
        return f"{_lost_text(found)}; nothing written before it is left, so the recovery point may be older still"
    if found.rpo.censored:
        return "no record written before the fault is there to show how recent the recovery point is"
    holes = f"; {found.holes} later ones survived, so the loss is partial" if found.holes else ""
    return f"{_lost_text(found)}{holes} (recovery point {_span(found.rpo)} before the fault)"


def _lost_text(found: Losses) -> str:
    if not found.lost:
        return f"none of {found.acked} acknowledged writes was lost"
    before = len(found.lost) - len(found.lost_during)
    if not before:
        return f"none of the writes acknowledged before the fault was lost, {len(found.lost)} later ones were"
    oldest = f"the oldest was acknowledged {duration_text(found.rpo.lo)} before the fault"
    return f"lost {before} of {found.acked} acknowledged writes; {oldest}"


def _during_cause(found: Losses) -> str:
    if not found.lost_during:
        return "no write acknowledged during the outage was lost"
    latest = f"the latest was acknowledged {_span(found.during)} after the fault"
    return f"lost {len(found.lost_during)} writes acknowledged during the outage; {latest}"


def _span(interval: Interval) -> str:
    return f"{duration_text(interval.lo)} to {duration_text(interval.hi)}"


_Judged = tuple[Verdict, str]


def _instrument(instrument: Health) -> list[_Judged]:
    return [(Verdict.INVALID, problem) for problem in instrument.problems]


def _plan(run: Run) -> list[_Judged]:
    return [(Verdict.FAIL, f"the recovery plan failed: {run.plan_failure}")] if run.plan_failure else []


def _integrity(found: Losses) -> list[_Judged]:
    counts = found.counts
    return [(Verdict.FAIL, f"integrity: {counts[label]} records are {label}") for label in INTEGRITY if counts[label]]


def _checks(checks: Sequence[Check]) -> list[_Judged]:
    failed = [(Verdict.FAIL, f"the check “{c.name}” failed: {c.detail}") for c in checks if c.ok is False]
    unknown = [
        (Verdict.INCONCLUSIVE, f"the check “{c.name}” could not tell: {c.detail}") for c in checks if c.ok is None
    ]
    return failed + unknown


def _by_gravity(judged: Sequence[_Judged]) -> list[_Judged]:
    return sorted(judged, key=lambda each: each[0] not in (Verdict.INVALID, Verdict.FAIL))
